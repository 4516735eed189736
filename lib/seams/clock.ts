/** Time as an argument. Nothing outside lib/seams calls Date.now, setTimeout or setInterval (tests/tidy holds that). */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

export interface Clock {
  now(): Instant;
  /** Calls `callback` once, `ms` from now; the answer cancels it. Timers keep no process alive that is told to stop. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    // setTimeout's delay is a signed 32-bit number: a longer one would fire at once.
    const id = setTimeout(callback, Math.min(Math.max(0, ms), 2 ** 31 - 1));
    return () => clearTimeout(id);
  },
};

/** Resolves after `ms`, or at once when the signal aborts (it never rejects: ask the signal). */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** `2026-01-02T03:04:05Z`: metav1.Time has whole seconds. */
export function rfc3339(instant: Instant): string {
  return new Date(instant).toISOString().replace(/\.\d+Z$/, "Z");
}

/** `2026-01-02T03:04:05.678000Z`: metav1.MicroTime. */
export function rfc3339Micro(instant: Instant): string {
  return new Date(instant).toISOString().replace(/Z$/, "000Z");
}

/** A clock that stands still until `advance` moves it; timers run in the order of their time. */
export class FakeClock implements Clock {
  #now: Instant;
  #timers: { at: Instant; callback: () => void }[] = [];

  constructor(start: Instant = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }

  /** When the next timer is due. */
  get next(): Instant | undefined {
    return this.#timers.reduce<Instant | undefined>(
      (least, t) => least === undefined || t.at < least ? t.at : least,
      undefined,
    );
  }

  /** Moves time forward by `ms`, running what falls due and letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((t) => t !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets every promise that can settle without time passing do so. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
