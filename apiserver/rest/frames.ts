/**
 * Watch events as they are sent, each made once and sent to every watcher that wants it in that form. Only the latest are kept: all
 * watchers are told of an event in the same turn, and who replays older ones pays for encoding them again.
 */
import { frameCacheBytesMax } from "../../lib/limits.ts";
import type { CacheEvent } from "../cache/cache.ts";

/** Bytes, or an object for a client of this process. */
export interface Frame {
  readonly length: number;
}

export class FrameCache {
  readonly #frames = new WeakMap<CacheEvent, Map<string, Frame>>();
  /** In the order in which they were made, to forget the oldest first. */
  readonly #kept: { event: CacheEvent; bytes: number }[] = [];
  #first = 0;
  #bytes = 0;

  /** `form` tells apart the encodings of one event, and with them their type: its own type, whether it is a table row, … */
  get<F extends Frame>(event: CacheEvent, form: string, encode: () => F): F {
    let forms = this.#frames.get(event);
    const known = forms?.get(form) as F | undefined;
    if (known !== undefined) return known;
    const frame = encode();
    if (forms === undefined) this.#frames.set(event, forms = new Map());
    forms.set(form, frame);
    this.#keep(event, frame.length);
    return frame;
  }

  #keep(event: CacheEvent, bytes: number): void {
    this.#kept.push({ event, bytes });
    this.#bytes += bytes;
    while (this.#bytes > frameCacheBytesMax && this.#first < this.#kept.length) {
      const oldest = this.#kept[this.#first++]!;
      this.#bytes -= oldest.bytes;
      this.#frames.delete(oldest.event);
    }
    // Moves the rest down once half of the list is empty: constant cost per event.
    if (this.#first > 1024 && this.#first * 2 > this.#kept.length) {
      this.#kept.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
