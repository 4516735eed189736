/**
 * How long a container that ended waits for its next attempt: at once after the first end, then 10, 20, 40 … 300 s, forgotten
 * after ten minutes of running (kubelet's backOff with flowcontrol.Backoff). The delay is a label of each container, so an agent
 * that is restarted goes on where it was. Pure.
 */
import type { Instant } from "../../lib/seams/clock.ts";
import { crashBackoffMaxMs, crashBackoffMinMs, crashBackoffResetMs } from "../../lib/limits.ts";
import type { Observed } from "./observed.ts";

export interface NextAttempt {
  /** Not before this. */
  readonly at: Instant;
  /** The delay that `at` includes. */
  readonly delayMs: number;
  /** The label of the next attempt: what its own end will be followed by. */
  readonly nextDelayMs: number;
}

/** When may a container be started again that was started and ended so? */
export function nextAttempt(
  ended: Pick<Observed, "startedMs" | "createdMs" | "restartDelayMs">,
  finishedMs: Instant,
): NextAttempt {
  const ranMs = finishedMs - (ended.startedMs ?? finishedMs);
  const delayMs = ranMs >= crashBackoffResetMs ? 0 : ended.restartDelayMs;
  const nextDelayMs = delayMs === 0 ? crashBackoffMinMs : Math.min(crashBackoffMaxMs, delayMs * 2);
  return { at: finishedMs + delayMs, delayMs, nextDelayMs };
}

/** `10s`, `1m20s`, `5m0s`: as Go prints a duration. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h > 0) return `${h}h${m}m${s}s`;
  return m > 0 ? `${m}m${s}s` : `${s}s`;
}
