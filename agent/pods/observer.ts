/**
 * What the engine has of this agent's containers, kept current by its events and by looking anew where something was done. A slow relist
 * catches what an event stream may have lost. Pods are told apart by their uid.
 */
import { getLogger } from "log";
import { backoffMs } from "../../lib/queue/backoff.ts";
import { type Clock, sleep } from "../../lib/seams/clock.ts";
import { engineInspectionsMax, engineRelistMs } from "../../lib/limits.ts";
import type { Engine } from "../engine/engine.ts";
import { groupContainers, observe, type Observed, type PodContainers } from "./observed.ts";
import { type Owner, ownerLabels } from "./names.ts";

export interface Observer {
  /** Until the signal aborts; an engine that is away is waited for. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves once the engine has been asked for all. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** Why the engine can't be heard; undefined while it can. */
  readonly trouble: string | undefined;
  ofPod(uid: string): PodContainers;
  /** Pods that have containers. */
  uids(): Iterable<string>;
  /** Looks at one container now. Answers undefined when it is gone. */
  refresh(id: string): Promise<Observed | undefined>;
  /** It was removed. */
  drop(id: string): void;
  /** The containers of this pod have changed. */
  onChange(listener: (uid: string) => void): void;
}

const logger = getLogger(["sauropod", "agent", "observer"]);
const retry = { baseMs: 100, maxMs: 5_000 };

export function createObserver(engine: Engine, owner: Owner, clock: Clock): Observer {
  return new EngineObserver(engine, owner, clock);
}

class EngineObserver implements Observer {
  readonly synced: Promise<void>;
  hasSynced = false;
  trouble: string | undefined = "the engine has not been asked yet";
  readonly #containers = new Map<string, Observed>();
  readonly #byPod = new Map<string, Set<string>>();
  readonly #listeners = new Set<(uid: string) => void>();
  /** Inspections under way, and the one that is to follow. */
  readonly #looking = new Map<
    string,
    { done: Promise<Observed | undefined>; next: Promise<Observed | undefined> | undefined }
  >();
  #resolveSynced!: () => void;

  constructor(readonly engine: Engine, readonly owner: Owner, readonly clock: Clock) {
    this.synced = new Promise((resolve) => this.#resolveSynced = resolve);
  }

  ofPod(uid: string): PodContainers {
    return groupContainers([...this.#byPod.get(uid) ?? []].map((id) => this.#containers.get(id)!));
  }

  uids(): Iterable<string> {
    return this.#byPod.keys();
  }

  onChange(listener: (uid: string) => void): void {
    this.#listeners.add(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    const labels = ownerLabels(this.owner);
    let failures = 0;
    while (!signal.aborted) {
      const round = new AbortController();
      const end = () => round.abort();
      signal.addEventListener("abort", end, { once: true });
      try {
        let open = () => {};
        const opened = new Promise<void>((resolve) => open = resolve);
        const listening = this.#listen(labels, round.signal, open);
        await Promise.race([opened, listening]);
        await this.#relist(labels);
        failures = 0;
        this.#setTrouble(undefined);
        void this.#relistNowAndThen(labels, round);
        await listening;
        if (!signal.aborted) this.#setTrouble("the engine has ended its stream of events");
      } catch (error) {
        if (signal.aborted) return;
        this.#setTrouble(error instanceof Error ? error.message : String(error));
      } finally {
        round.abort();
        signal.removeEventListener("abort", end);
      }
      await sleep(this.clock, backoffMs(retry, failures++), signal);
    }
  }

  #setTrouble(trouble: string | undefined): void {
    if (trouble !== undefined && this.trouble !== trouble) logger.warn("the container engine: {trouble}", { trouble });
    else if (trouble === undefined && this.trouble !== undefined) logger.info("the container engine answers");
    this.trouble = trouble;
  }

  async #listen(labels: Record<string, string>, signal: AbortSignal, onOpen: () => void): Promise<void> {
    for await (const { id, action } of this.engine.events({ labels, signal, onOpen })) {
      if (action === "remove") this.drop(id);
      else void this.refresh(id).catch((error) => logger.debug("{id}: {error}", { id, error: String(error) }));
    }
  }

  async #relistNowAndThen(labels: Record<string, string>, round: AbortController): Promise<void> {
    for (;;) {
      await sleep(this.clock, engineRelistMs, round.signal);
      if (round.signal.aborted) return;
      await this.#relist(labels).catch((error) => {
        logger.warn("relist: {error}", { error: String(error) });
        round.abort();
      });
    }
  }

  async #relist(labels: Record<string, string>): Promise<void> {
    const before = [...this.#containers.keys()];
    const found = await this.engine.list(labels);
    const ids = found.map(({ id }) => id);
    const queue = [...ids];
    await Promise.all(Array.from({ length: Math.min(engineInspectionsMax, queue.length) }, async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) await this.refresh(id);
    }));
    const there = new Set(ids);
    // What was made while we were asking is not in the list, and was not there before.
    for (const id of before) if (!there.has(id)) this.drop(id);
    this.hasSynced = true;
    this.#resolveSynced();
  }

  refresh(id: string): Promise<Observed | undefined> {
    const looking = this.#looking.get(id);
    if (looking === undefined) return this.#look(id);
    // The look that is under way may have been answered before what just happened: one more, for all who come meanwhile.
    const again = () => this.#look(id);
    looking.next ??= looking.done.then(again, again);
    return looking.next;
  }

  #look(id: string): Promise<Observed | undefined> {
    const done = this.engine.inspect(id).then((state) => {
      const seen = state && observe(state);
      if (seen === undefined) this.drop(id);
      else this.#put(seen);
      return seen;
    }).finally(() => {
      if (this.#looking.get(id)?.done === done) this.#looking.delete(id);
    });
    this.#looking.set(id, { done, next: undefined });
    return done;
  }

  #put(seen: Observed): void {
    const old = this.#containers.get(seen.id);
    if (old !== undefined && same(old, seen)) return;
    this.#containers.set(seen.id, seen);
    this.#byPod.set(seen.podUid, (this.#byPod.get(seen.podUid) ?? new Set()).add(seen.id));
    this.#tell(seen.podUid);
  }

  drop(id: string): void {
    const old = this.#containers.get(id);
    if (old === undefined) return;
    this.#containers.delete(id);
    const ids = this.#byPod.get(old.podUid)!;
    ids.delete(id);
    if (ids.size === 0) this.#byPod.delete(old.podUid);
    this.#tell(old.podUid);
  }

  #tell(uid: string): void {
    for (const listener of this.#listeners) listener(uid);
  }
}

function same(a: Observed, b: Observed): boolean {
  return a.state === b.state && a.pid === b.pid && a.exitCode === b.exitCode && a.startedMs === b.startedMs &&
    a.finishedMs === b.finishedMs && a.oomKilled === b.oomKilled && a.lost === b.lost && a.error === b.error;
}
