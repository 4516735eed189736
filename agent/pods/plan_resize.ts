/** Brings what running containers are held to in line with what was granted, without a restart where their policy allows it. Pure. */
import type { Instant } from "../../lib/seams/clock.ts";
import type { Action } from "./actions.ts";
import { members } from "./pod_spec.ts";
import { needsRestart, resizings, stepsOf } from "./resize.ts";
import { newest, type PodView } from "./view.ts";

export function planResize(view: PodView, now: Instant): Action[] {
  const { stops, resizeFailure } = view.memory;
  // Those that need a restart are stopped where containers are kept up (plan_containers.ts).
  const due = resizings(view).filter((resizing) => !needsRestart(resizing) && !stops.has(resizing.container.id));
  if (due.length === 0) return [];
  if (resizeFailure !== undefined && now < resizeFailure.retryAt) {
    return [{ do: "wakeAt", at: resizeFailure.retryAt, why: resizeFailure.message }];
  }
  return [{ do: "resize", steps: stepsOf(due), why: "other resources were granted than are applied" }];
}

/** Is what was granted not applied yet? A container that is being started anew for it counts until it runs. */
export function isResizing(view: PodView): boolean {
  if (resizings(view).length > 0) return true;
  if (view.memory.resizing === undefined) return false;
  return members(view.pod).some(({ container: { name } }) => {
    const last = newest(view, name);
    if (last === undefined || view.memory.startFailures.has(last.id)) return false;
    return last.state === "created" || (last.state === "exited" && view.memory.stops.get(last.id)?.replace === true);
  });
}
