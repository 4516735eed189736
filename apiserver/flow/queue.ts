/** One queue of a priority level: requests that wait, oldest first, and how much work is ahead of the next one. */
import type { Instant } from "../../lib/seams/clock.ts";
import type { Waiting } from "./level.ts";

/**
 * What a request is taken to need until it is known, in seconds: queues are charged with it when a request starts, and with what it
 * really took when it ends (k8s.io/apiserver/pkg/util/flowcontrol: estimatedServiceDuration is 3 ms).
 */
export const estimatedSeconds = 0.003;

export class Queue {
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  /** Seats that its waiting requests want. */
  seatsWaiting = 0;
  seatsInUse = 0;
  executing = 0;
  /** The virtual time at which its next request would start, had all queues the same share. Seat-seconds. */
  nextStart = 0;

  get isActive(): boolean {
    return this.length > 0 || this.executing > 0;
  }

  get length(): number {
    return this.#waiting.size;
  }

  get oldest(): Waiting | undefined {
    return this.#waiting.size === 0 ? undefined : this.#waiting.values().next().value;
  }

  push(waiting: Waiting): void {
    this.#waiting.add(waiting);
    this.seatsWaiting += waiting.seats;
  }

  /** Wherever it stands: it starts, or gives up. */
  remove(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) this.seatsWaiting -= waiting.seats;
  }

  /** No request is started as if it had come earlier than it did: an idle queue saves up nothing. */
  bound(): void {
    const { oldest } = this;
    if (oldest !== undefined && this.nextStart < oldest.arrivedAt) this.nextStart = oldest.arrivedAt;
  }
}

/** Of a clock's times, the time between in seconds. */
export function secondsBetween(from: Instant, to: Instant): number {
  return Math.max(0, to - from) / 1000;
}
