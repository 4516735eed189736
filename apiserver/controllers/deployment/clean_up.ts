/** Old replica sets beyond revisionHistoryLimit go, oldest revision first (deployment/sync.go cleanupDeployment). Pure. */
import { byAge, type Draft, statusOf } from "./draft.ts";
import type { DeploymentAction } from "./plan.ts";
import { revisionOf } from "./replica_sets.ts";

const int32Max = 2 ** 31 - 1;

export function cleanUp(draft: Draft): DeploymentAction[] {
  const limit = draft.deployment.spec.revisionHistoryLimit ?? int32Max;
  if (limit === int32Max) return [];
  const alive = draft.old.filter(({ stored }) => stored.metadata.deletionTimestamp === undefined);
  const surplus = alive.length - limit;
  if (surplus <= 0) return [];
  const oldest = alive.sort((a, b) => revisionOf(a.annotations) - revisionOf(b.annotations) || byAge(a, b)).slice(
    0,
    surplus,
  );
  // One that still has pods, or may have, keeps its place: it is looked at again when they are gone.
  const empty = oldest.filter((set) => {
    const { observedGeneration = 0, replicas = 0 } = statusOf(set);
    return replicas === 0 && set.replicas === 0 && (set.stored.metadata.generation ?? 0) <= observedGeneration;
  });
  return empty.map(({ stored }) => ({
    do: "deleteSet",
    set: stored,
    why: `${alive.length} old replica sets, ${limit} are kept`,
  }));
}
