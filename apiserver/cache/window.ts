/** The past of one resource, bounded in number, bytes and age: a ring of events in revision order. */
import { watchWindowAgeMs, watchWindowBytesMax, watchWindowEventsMax, watchWindowEventsMin } from "../../lib/limits.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { Revision } from "../storage/store.ts";
import type { CacheEvent } from "./cache.ts";

export interface WindowLimits {
  readonly eventsMax: number;
  /** Of the events' texts, in UTF-16 code units. */
  readonly bytesMax: number;
  /** Older events go, unless fewer than eventsMin would be left. */
  readonly ageMs: number;
  readonly eventsMin: number;
}

export const windowLimits: WindowLimits = {
  eventsMax: watchWindowEventsMax,
  bytesMax: watchWindowBytesMax,
  ageMs: watchWindowAgeMs,
  eventsMin: watchWindowEventsMin,
};

export class Window {
  /** Every event after this revision is known. */
  floor: Revision;
  readonly #limits: WindowLimits;
  readonly #events: (CacheEvent | undefined)[] = [];
  readonly #times: Instant[] = [];
  /** Index of the oldest event; what is before it is gone, and cut off once it is the larger part. */
  #start = 0;
  #bytes = 0;

  constructor(floor: Revision, limits: WindowLimits) {
    this.floor = floor;
    this.#limits = limits;
  }

  get size(): number {
    return this.#events.length - this.#start;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The revision of the last event, or the floor. */
  get last(): Revision {
    return this.#events.at(-1)?.revision ?? this.floor;
  }

  push(event: CacheEvent, now: Instant): void {
    this.#events.push(event);
    this.#times.push(now);
    this.#bytes += event.entry.length;
    while (this.size > this.#limits.eventsMax || (this.#bytes > this.#limits.bytesMax && this.size > 1)) this.#drop();
  }

  /** Lets go of what is too old. */
  sweep(now: Instant): void {
    const oldest = now - this.#limits.ageMs;
    while (this.size > this.#limits.eventsMin && this.#times[this.#start]! < oldest) this.#drop();
  }

  /** Those with a greater revision; all of them only if `after` is not below the floor. */
  since(after: Revision): readonly CacheEvent[] {
    let low = this.#start;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= after) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low) as CacheEvent[];
  }

  #drop(): void {
    const event = this.#events[this.#start]!;
    this.floor = event.revision;
    this.#bytes -= event.entry.length;
    this.#events[this.#start++] = undefined;
    if (this.#start * 2 <= this.#events.length || this.#start < 64) return;
    this.#events.splice(0, this.#start);
    this.#times.splice(0, this.#start);
    this.#start = 0;
  }
}
