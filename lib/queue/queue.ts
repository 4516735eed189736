/**
 * The work queue of a control loop: keys, each at most once waiting and at most once in work, with delays and backoff.
 * A key that is added while it is in work is handed out again when that work is done, so no change is missed.
 */
import type { Clock, Instant } from "../seams/clock.ts";
import { type Backoff, backoffMs } from "./backoff.ts";

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

export function createQueue(clock: Clock, backoff: Backoff = { baseMs: 5, maxMs: 60_000 }): Queue {
  const ready = new Set<string>();
  const working = new Set<string>();
  const again = new Set<string>();
  const failures = new Map<string, number>();
  const delayed = new Map<string, { at: Instant; cancel: () => void }>();
  const waiting: ((key: string | undefined) => void)[] = [];
  let closed = false;

  function add(key: string): void {
    if (closed) return;
    if (working.has(key)) again.add(key);
    else {
      ready.add(key);
      hand();
    }
  }
  function hand(): void {
    while (waiting.length > 0 && ready.size > 0) waiting.shift()!(take());
  }
  function take(): string {
    const [key] = ready;
    ready.delete(key!);
    working.add(key!);
    return key!;
  }
  function addAt(key: string, at: Instant): void {
    const earlier = delayed.get(key);
    if (closed || (earlier !== undefined && earlier.at <= at)) return;
    earlier?.cancel();
    const cancel = clock.after(at - clock.now(), () => {
      delayed.delete(key);
      add(key);
    });
    delayed.set(key, { at, cancel });
  }
  function release(key: string): void {
    working.delete(key);
    if (again.delete(key)) add(key);
  }
  return {
    add,
    addAt,
    next() {
      if (closed) return Promise.resolve(undefined);
      if (ready.size > 0) return Promise.resolve(take());
      return new Promise((resolve) => waiting.push(resolve));
    },
    done(key) {
      failures.delete(key);
      release(key);
    },
    failed(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      const delay = backoffMs(backoff, count);
      working.delete(key);
      // What was added meanwhile waits for the backoff too: the failure may be in what the key needs, not in the key.
      again.delete(key);
      addAt(key, clock.now() + delay);
      return delay;
    },
    get length() {
      return ready.size;
    },
    close() {
      closed = true;
      for (const { cancel } of delayed.values()) cancel();
      delayed.clear();
      ready.clear();
      for (const resolve of waiting.splice(0)) resolve(undefined);
    },
  };
}
