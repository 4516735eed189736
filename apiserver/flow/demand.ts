/**
 * How many seats a priority level wanted over time (k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/integrator.go): average, deviation
 * and greatest value since it was last asked. A change costs a handful of additions.
 */
import type { Instant } from "../../lib/seams/clock.ts";

export interface Demand {
  readonly ms: number;
  readonly average: number;
  readonly deviation: number;
  readonly max: number;
}

export class DemandIntegral {
  #value = 0;
  #since: Instant;
  #ms = 0;
  #sum = 0;
  #squares = 0;
  #max = 0;

  constructor(now: Instant) {
    this.#since = now;
  }

  /** The demand is `value` from now on. */
  set(value: number, now: Instant): void {
    this.#integrate(now);
    this.#value = value;
    if (value > this.#max) this.#max = value;
  }

  #integrate(now: Instant): void {
    // A clock that was set back has told nothing.
    const ms = Math.max(0, now - this.#since);
    this.#since = now;
    if (ms === 0) return;
    this.#ms += ms;
    this.#sum += ms * this.#value;
    this.#squares += ms * this.#value * this.#value;
  }

  /** What was since the last call. */
  take(now: Instant): Demand {
    this.#integrate(now);
    const ms = this.#ms;
    const average = ms === 0 ? this.#value : this.#sum / ms;
    const variance = ms === 0 ? 0 : Math.max(0, this.#squares / ms - average * average);
    const demand = { ms, average, deviation: Math.sqrt(variance), max: this.#max };
    this.#ms = this.#sum = this.#squares = 0;
    this.#max = this.#value;
    return demand;
  }
}
