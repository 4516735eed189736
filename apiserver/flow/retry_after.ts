/**
 * After how many seconds those who are refused should try again (k8s.io/apiserver/pkg/util/flowcontrol/dropped_requests_tracker.go):
 * longer the more are refused, shorter again when few are.
 */
import type { Instant } from "../../lib/seams/clock.ts";

const secondsMax = 32;

export class RetryAfter {
  #seconds = 1;
  #updated = 0;
  /** Refused in each second of late. */
  #history: { second: number; refused: number }[] = [];

  get seconds(): number {
    return this.#seconds;
  }

  /** One more was refused. */
  refused(now: Instant): void {
    const second = Math.floor(now / 1000);
    const last = this.#history.at(-1);
    if (last?.second === second) {
      last.refused++;
      return;
    }
    this.#update(second);
    this.#history.push({ second, refused: 1 });
    if (this.#history.length > secondsMax) this.#history.shift();
  }

  #update(second: number): void {
    if (second - this.#updated < this.#seconds) return;
    let refused = 0;
    for (const entry of this.#history) if (entry.second >= second - this.#seconds) refused += entry.refused;
    this.#updated = second;
    if (refused >= 3 * this.#seconds) this.#seconds = Math.min(secondsMax, this.#seconds * 2);
    else if (refused < this.#seconds && this.#seconds > 1) this.#seconds--;
  }
}
