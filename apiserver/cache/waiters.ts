/** Those who wait for the cache to reach a revision. */
import { cacheWaitingMax } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Revision } from "../storage/store.ts";
import { NotReached } from "./errors.ts";

interface Waiter {
  readonly revision: Revision;
  readonly resolve: () => void;
  readonly reject: (error: NotReached) => void;
  readonly cancel: () => void;
}

export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #reached: Revision = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when advance() has come to the revision; throws NotReached after the time, or if too many wait. */
  wait(revision: Revision, timeoutMs: number): Promise<void> {
    if (this.#waiting.size >= cacheWaitingMax) return Promise.reject(new NotReached(revision, this.#reached));
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(waiter);
        reject(new NotReached(revision, this.#reached));
      });
      const waiter: Waiter = { revision, resolve, reject, cancel };
      this.#waiting.add(waiter);
    });
  }

  advance(revision: Revision): void {
    this.#reached = revision;
    for (const waiter of this.#waiting) {
      if (waiter.revision > revision) continue;
      this.#waiting.delete(waiter);
      waiter.cancel();
      waiter.resolve();
    }
  }

  /** Nobody will come any further. */
  close(): void {
    for (const waiter of this.#waiting) {
      waiter.cancel();
      waiter.reject(new NotReached(waiter.revision, this.#reached));
    }
    this.#waiting.clear();
  }
}
