/** What work queues have done, by the names of their loops (k8s.io/client-go/util/workqueue/metrics.go). */
import { Distribution, exponentialBounds } from "../metrics/distribution.ts";
import type { Instant } from "../seams/clock.ts";

const seconds = exponentialBounds(1e-8, 10, 10);

/** The queues of one loop. */
export class QueueStats {
  adds = 0;
  retries = 0;
  depth = 0;
  /** Seconds from coming to being taken, and from being taken to being done. */
  readonly waited = new Distribution(seconds);
  readonly worked = new Distribution(seconds);
  readonly #came = new Map<string, Instant>();
  readonly #taken = new Map<string, Instant>();

  constructor(readonly name: string) {}

  added(key: string, now: Instant): void {
    this.adds++;
    this.depth++;
    this.#came.set(key, now);
  }

  took(key: string, now: Instant): void {
    this.depth--;
    this.waited.observe(since(this.#came, key, now));
    this.#taken.set(key, now);
  }

  ended(key: string, now: Instant): void {
    this.worked.observe(since(this.#taken, key, now));
  }

  /** The loop ends: what waited, waits no more. */
  closed(): void {
    this.depth = 0;
    this.#came.clear();
    this.#taken.clear();
  }

  /** Seconds that what is in work has been so: all together, and the one for which it has been longest. */
  unfinished(now: Instant): { sum: number; longest: number } {
    const all = [...this.#taken.values()].map((taken) => (now - taken) / 1000);
    return { sum: all.reduce((sum, seconds) => sum + seconds, 0), longest: Math.max(0, ...all) };
  }
}

function since(times: Map<string, Instant>, key: string, now: Instant): number {
  const then = times.get(key) ?? now;
  times.delete(key);
  return Math.max(0, now - then) / 1000;
}

/** Of all loops of a process. */
export class LoopStats {
  readonly #queues = new Map<string, QueueStats>();

  queue(name: string): QueueStats {
    let stats = this.#queues.get(name);
    if (stats === undefined) this.#queues.set(name, stats = new QueueStats(name));
    return stats;
  }

  get queues(): Iterable<QueueStats> {
    return this.#queues.values();
  }
}
