/**
 * A watch's events within one process: the server hands over its objects themselves, which nobody need encode and parse for that. They are
 * shared with everybody else who is given them: read-only.
 */
import type { KubeObject } from "../kind.ts";
import { type Status, StatusError } from "../status.ts";
import type { WatchEvent } from "./watch.ts";

/** An event, or the Status with which a watch fails. */
export interface LiveFrame {
  readonly type: WatchEvent["type"] | "ERROR";
  readonly object: KubeObject | Status;
  /** Characters of the object's text: what a slow reader is judged by. */
  readonly length: number;
}

/** What a client offers with a watch. A server that knows it writes here and answers with an empty body; any other sends bytes. */
export class LiveEvents {
  /** The server writes here. */
  taken = false;
  /** Characters that were written and not read. */
  pending = 0;
  #frames: LiveFrame[] = [];
  /** Nothing more is written. */
  #ended = false;
  #wake = () => {};
  #onGone = () => {};
  #onRead: (() => void)[] = [];

  /** `onGone` is called when the reader has gone. */
  take(onGone: () => void): void {
    this.taken = true;
    this.#onGone = onGone;
  }

  write(frame: LiveFrame): void {
    if (this.#ended) return;
    this.#frames.push(frame);
    this.pending += frame.length;
    this.#wake();
  }

  /** The reader ends after what was written. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The reader ends at once: it was too slow, and what it missed can't be told. */
  cut(): void {
    this.#frames = [];
    this.end();
  }

  /** Called when the reader has come to what was written last, or has gone. */
  onRead(callback: () => void): void {
    this.#onRead.push(callback);
  }

  /** Throws the Status with which the watch failed. */
  async *read<T>(): AsyncIterable<WatchEvent<T>> {
    try {
      for (;;) {
        const frames = this.#frames;
        this.#frames = [];
        for (const { type, object, length } of frames) {
          if (type === "ERROR") throw new StatusError(object as Status);
          yield { type, object: object as T };
          this.pending -= length;
        }
        if (this.#frames.length > 0) continue;
        this.#tellRead();
        if (this.#ended) return;
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      this.cut();
      this.#tellRead();
      this.#onGone();
    }
  }

  #tellRead(): void {
    for (const callback of this.#onRead.splice(0)) callback();
  }
}
