/** Rolling update: up within the surge, then down as far as availability allows (deployment/rolling.go). Pure but for the draft. */
import { active, allSets, byAge, counted, type Draft, type DraftSet, statusOf, wantedPods } from "./draft.ts";
import { isRolling, maxSurge, maxUnavailable, replicasOf } from "./fenceposts.ts";
import { scaleSet } from "./scale.ts";

/** How many replicas the newest set should have, all sets considered (deployment_util.go NewRSNewReplicas). */
export function newestReplicas(draft: Draft, newest: DraftSet): number {
  const { deployment } = draft;
  const wanted = replicasOf(deployment);
  if (!isRolling(deployment)) return wanted;
  const room = wanted + maxSurge(deployment) - wantedPods(allSets({ ...draft, newest }));
  // Not scaled up when there is no room; scaling down is not decided here.
  if (room <= 0) return newest.replicas;
  return newest.replicas + Math.min(room, wanted - newest.replicas);
}

/** One step: either up or down. Answers whether a set was scaled. */
export function rollForward(draft: Draft, newest: DraftSet): boolean {
  return scaleNewest(draft, newest) || scaleOld(draft, newest);
}

function scaleNewest(draft: Draft, newest: DraftSet): boolean {
  const wanted = replicasOf(draft.deployment);
  if (newest.replicas === wanted) return false;
  return scaleSet(draft, newest, newest.replicas > wanted ? wanted : newestReplicas(draft, newest));
}

function scaleOld(draft: Draft, newest: DraftSet): boolean {
  const old = active(draft.old).sort(byAge);
  if (wantedPods(old) === 0) return false;
  const minAvailable = replicasOf(draft.deployment) - maxUnavailable(draft.deployment);
  const newestUnavailable = newest.replicas - (statusOf(newest).availableReplicas ?? 0);
  const most = wantedPods(allSets(draft)) - minAvailable - newestUnavailable;
  if (most <= 0) return false;
  const cleaned = cleanUnhealthy(draft, old, most);
  return cleaned + scaleHealthy(draft, old, minAvailable) > 0;
}

/** Old pods that are not available help nobody: they go first, even when the newest set gets nowhere. */
function cleanUnhealthy(draft: Draft, old: readonly DraftSet[], most: number): number {
  let total = 0;
  for (const set of old) {
    if (total >= most) break;
    const unhealthy = set.replicas - (statusOf(set).availableReplicas ?? 0);
    if (set.replicas === 0 || unhealthy <= 0) continue;
    const count = Math.min(most - total, unhealthy);
    scaleSet(draft, set, set.replicas - count);
    total += count;
  }
  return total;
}

function scaleHealthy(draft: Draft, old: readonly DraftSet[], minAvailable: number): number {
  const spare = counted(allSets(draft), "availableReplicas") - minAvailable;
  let total = 0;
  for (const set of old) {
    if (total >= spare) break;
    if (set.replicas === 0) continue;
    const count = Math.min(set.replicas, spare - total);
    scaleSet(draft, set, set.replicas - count);
    total += count;
  }
  return total;
}
