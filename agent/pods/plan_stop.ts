/** One container's way from running to stopped: preStop, its stop signal, KILL, each in its time. Pure. */
import { killRepeatMs, minimumGraceMs } from "../../lib/limits.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { Action } from "./actions.ts";
import type { Observed } from "./observed.ts";
import type { PodView } from "./view.ts";

export interface StopWish {
  readonly graceMs: number;
  /** For the Event. */
  readonly message: string;
  readonly replace?: boolean;
  readonly why: string;
}

export function planStop(view: PodView, container: Observed, now: Instant, wish: StopWish): Action[] {
  const { why } = wish;
  const stop = view.memory.stops.get(container.id);
  if (stop === undefined) {
    return [{
      do: "stop",
      container,
      graceMs: wish.graceMs,
      message: wish.message,
      replace: wish.replace === true,
      why,
    }];
  }
  // A second delete request may shorten the grace, never lengthen it.
  const graceMs = Math.min(stop.graceMs, wish.graceMs);
  const graceEnds = stop.since + graceMs;
  if (stop.signalledAt === undefined) {
    if (stop.hook === "running" && now < graceEnds) return [{ do: "wakeAt", at: graceEnds, why: "preStop is running" }];
    return [{ do: "signal", container, signal: graceMs === 0 ? "KILL" : "TERM", why }];
  }
  const afterHook = stop.hook === "none" || graceMs === 0 ? graceEnds : stop.signalledAt + minimumGraceMs;
  const deadline = Math.max(graceEnds, afterHook);
  if (now < deadline) return [{ do: "wakeAt", at: deadline, why: "the grace period" }];
  const again = stop.killedAt === undefined ? now : stop.killedAt + killRepeatMs;
  if (now < again) return [{ do: "wakeAt", at: again, why: "it was killed and still runs" }];
  return [{ do: "signal", container, signal: "KILL", why: "the grace period is over" }];
}
