/**
 * Carries changes of Services to the data plane: keys in, view → plan → execute, one at a time, bursts as one. A failure is repaired by
 * loading everything anew, with backoff; so is a difference that a check finds.
 */
import { getLogger } from "log";
import {
  proxyGlanceIntervalMs,
  proxyRetryMaxMs,
  proxyRetryMinMs,
  proxySyncIntervalMs,
  proxyVerifyIntervalMs,
  proxyVerifyShareMax,
} from "../lib/limits.ts";
import { backoffMs } from "../lib/queue/backoff.ts";
import { type Clock, type Instant, sleep } from "../lib/seams/clock.ts";
import type { DataPlane } from "./data_plane.ts";
import type { ServiceEntry } from "./model.ts";

const logger = getLogger(["sauropod", "proxy"]);

export interface SyncerOptions {
  readonly plane: DataPlane;
  readonly clock: Clock;
  /** All keys that there are. */
  keys(): Iterable<string>;
  /** What a Service is now; pure, from caches. `before`: what the data plane has. */
  entry(key: string, before: ServiceEntry | undefined): ServiceEntry | undefined;
  /** The revision up to which entry() follows the API. */
  revision(): number;
  /** Told after every sync: what the data plane has now, and how long it took. */
  synced?(report: SyncReport): void;
}

export interface SyncReport {
  readonly services: ReadonlyMap<string, ServiceEntry>;
  readonly kind: "load" | "change";
  readonly changed: number;
  readonly ms: number;
  /** All changes up to it are in force. */
  readonly revision: number;
}

export class Syncer {
  readonly #services = new Map<string, ServiceEntry>();
  readonly #dirty = new Set<string>();
  #needsLoad = true;
  #wake: () => void = () => {};
  #failures = 0;
  #noted = new Map<string, string>();
  /** Since when something waits to be done; `undefined`: all is done. */
  #dueSince: Instant | undefined;
  repairs = 0;
  failed = 0;
  lastSync: Instant | undefined;

  constructor(readonly options: SyncerOptions) {}

  get dueSince(): Instant | undefined {
    return this.#dueSince;
  }

  mark(key: string): void {
    this.#dirty.add(key);
    this.#due();
  }

  /** Something that all entries depend on changed. */
  markAll(): void {
    this.#needsLoad = true;
    this.#due();
  }

  #due(): void {
    this.#dueSince ??= this.options.clock.now();
    this.#wake();
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    const checking = Promise.all([this.#check(signal), this.#glance(signal)]);
    this.#due();
    while (!signal.aborted) {
      if (!this.#needsLoad && this.#dirty.size === 0) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#wake = () => {};
        continue;
      }
      const worked = await this.#sync();
      const pause = worked
        ? proxySyncIntervalMs
        : backoffMs({ baseMs: proxyRetryMinMs, maxMs: proxyRetryMaxMs }, this.#failures++);
      if (worked) this.#failures = 0;
      await sleep(this.options.clock, pause, signal);
    }
    await checking;
  }

  /** One step: true when the data plane took it. */
  async #sync(): Promise<boolean> {
    const { plane, clock } = this.options;
    const started = clock.now();
    const revision = this.options.revision();
    const load = this.#needsLoad;
    const keys = load ? new Set([...this.options.keys(), ...this.#services.keys()]) : new Set(this.#dirty);
    this.#dirty.clear();
    this.#needsLoad = false;
    const changes = new Map<string, ServiceEntry | undefined>();
    for (const key of keys) {
      const entry = this.options.entry(key, this.#services.get(key));
      if (entry === undefined && !this.#services.has(key)) continue;
      changes.set(key, entry);
      if (entry === undefined) this.#services.delete(key);
      else this.#services.set(key, entry);
      this.#tell(key, entry);
    }
    try {
      if (load) await plane.load(this.#services);
      else if (changes.size > 0) await plane.change(changes);
    } catch (error) {
      this.#needsLoad = true;
      this.failed++;
      logger.error("{what} failed, everything is loaded anew: {error}", {
        what: load ? "a full load" : `a change of ${changes.size} Services`,
        error: String(error),
      });
      return false;
    }
    if (!this.#needsLoad && this.#dirty.size === 0) this.#dueSince = undefined;
    else this.#dueSince = clock.now();
    this.lastSync = clock.now();
    const ms = clock.now() - started;
    const kind = load ? "load" : "change";
    this.options.synced?.({ services: this.#services, kind, changed: changes.size, ms, revision });
    return true;
  }

  /** Says once what of a Service can't be had. */
  #tell(key: string, entry: ServiceEntry | undefined): void {
    const notes = entry?.notes.join("; ") ?? "";
    if (notes !== "" && this.#noted.get(key) !== notes) logger.warn("Service {key}: {notes}", { key, notes });
    if (notes === "") this.#noted.delete(key);
    else this.#noted.set(key, notes);
  }

  /** What is gone altogether is not missed for as long as a check is not due. */
  async #glance(signal: AbortSignal): Promise<void> {
    const { plane, clock } = this.options;
    let pause = proxyGlanceIntervalMs;
    for (;;) {
      await sleep(clock, pause, signal);
      if (signal.aborted) return;
      const started = clock.now();
      try {
        if (!await plane.isThere()) {
          this.repairs++;
          logger.warn("the rules are gone, loading them anew: something flushes rules that are not its own");
          this.markAll();
        }
      } catch (error) {
        logger.debug("the rules could not be looked for: {error}", { error: String(error) });
      }
      pause = Math.max(proxyGlanceIntervalMs, (clock.now() - started) / proxyVerifyShareMax);
    }
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { plane, clock } = this.options;
    let pause = proxyVerifyIntervalMs;
    for (;;) {
      await sleep(clock, pause, signal);
      if (signal.aborted) return;
      const started = clock.now();
      try {
        const differences = await plane.check() ?? [];
        if (differences.length > 0) {
          this.repairs++;
          logger.warn("the rules are not as they should be, loading them anew: {differences}", {
            differences: differences.join("; "),
          });
          this.markAll();
        }
      } catch (error) {
        logger.warn("the rules could not be checked: {error}", { error: String(error) });
      }
      // With very many Services a listing takes a second: it is done less often then.
      pause = Math.max(proxyVerifyIntervalMs, (clock.now() - started) / proxyVerifyShareMax);
    }
  }
}
