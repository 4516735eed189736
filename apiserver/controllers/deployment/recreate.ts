/** Recreate: all old pods end before the first new one starts (deployment/recreate.go). Pure but for the draft. */
import type { Pod } from "../../../lib/types/core_v1.ts";
import { active, counted, type Draft } from "./draft.ts";
import { scaleSet } from "./scale.ts";

/** Scales the old sets to nothing. Answers whether there was something to scale. */
export function scaleDownOld(draft: Draft): boolean {
  return active(draft.old).map((set) => scaleSet(draft, set, 0)).some((scaled) => scaled);
}

/** Old pods run, or may be running. `pods` are those of the deployment's sets, by the uid of their set. */
export function oldPodsRunning(draft: Draft, pods: ReadonlyMap<string, readonly Pod[]>): boolean {
  if (counted(draft.old, "replicas") > 0) return true;
  for (const [uid, owned] of pods) {
    if (draft.newest?.stored.metadata.uid === uid) continue;
    if (owned.some(({ status }) => status.phase !== "Failed" && status.phase !== "Succeeded")) return true;
  }
  return false;
}
