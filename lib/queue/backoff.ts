/** How long to wait before trying again. Pure. */

export interface Backoff {
  /** First delay, ms. */
  baseMs: number;
  /** Longest delay, ms. */
  maxMs: number;
}

/** `base × 2^failures`, at most `max`; `failures` counts from 0. */
export function backoffMs({ baseMs, maxMs }: Backoff, failures: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures, 40));
}
