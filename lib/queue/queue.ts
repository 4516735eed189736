/**
 * The work queue of a control loop: keys, each at most once waiting and at most once in work, with delays and backoff.
 * A key that is added while it is in work is handed out again when that work is done, so no change is missed.
 */
import type { Clock, Instant } from "../seams/clock.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import type { QueueStats } from "./stats.ts";

export interface Queue {
  add(key: string): void;
  /** Adds the key at that time; the earliest wish counts. */
  addAt(key: string, at: Instant): void;
  /** The next key; waits for one. `undefined` once the queue is closed. */
  next(): Promise<string | undefined>;
  /** Work on the key has ended well: its failures are forgotten. */
  done(key: string): void;
  /** Work on the key has failed: it comes again after a backoff. Answers the delay in ms. */
  failed(key: string): number;
  /** Keys that wait to be handed out (not the delayed ones). */
  readonly length: number;
  close(): void;
}

/** `stats` is told what the queue does. */
export function createQueue(
  clock: Clock,
  backoff: Backoff = { baseMs: 5, maxMs: 60_000 },
  stats?: QueueStats,
): Queue {
  return new WorkQueue(clock, backoff, stats);
}

class WorkQueue implements Queue {
  readonly #ready = new Set<string>();
  readonly #working = new Set<string>();
  /** Added while in work. */
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, { at: Instant; cancel: () => void }>();
  readonly #waiting: ((key: string | undefined) => void)[] = [];
  #closed = false;

  constructor(readonly clock: Clock, readonly backoff: Backoff, readonly stats?: QueueStats) {}

  get length(): number {
    return this.#ready.size;
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    if (!this.#ready.has(key)) this.stats?.added(key, this.clock.now());
    this.#ready.add(key);
    while (this.#waiting.length > 0 && this.#ready.size > 0) this.#waiting.shift()!(this.#take());
  }

  addAt(key: string, at: Instant): void {
    const earlier = this.#delayed.get(key);
    if (this.#closed || (earlier !== undefined && earlier.at <= at)) return;
    earlier?.cancel();
    const cancel = this.clock.after(at - this.clock.now(), () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, cancel });
  }

  next(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    if (this.#ready.size > 0) return Promise.resolve(this.#take());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  done(key: string): void {
    this.#failures.delete(key);
    this.#working.delete(key);
    this.stats?.ended(key, this.clock.now());
    if (this.#again.delete(key)) this.add(key);
  }

  failed(key: string): number {
    const count = this.#failures.get(key) ?? 0;
    this.#failures.set(key, count + 1);
    const delay = backoffMs(this.backoff, count);
    this.#working.delete(key);
    if (this.stats !== undefined) {
      this.stats.retries++;
      this.stats.ended(key, this.clock.now());
    }
    // What was added meanwhile waits for the backoff too: the failure may be in what the key needs, not in the key.
    this.#again.delete(key);
    this.addAt(key, this.clock.now() + delay);
    return delay;
  }

  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#ready.clear();
    this.stats?.closed();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  #take(): string {
    const [key] = this.#ready;
    this.#ready.delete(key!);
    this.#working.add(key!);
    this.stats?.took(key!, this.clock.now());
    return key!;
  }
}
