/** Scaling of a deployment that rolls nowhere, or is in the middle of a roll: in proportion (deployment/sync.go scale). Pure but for the draft. */
import type { Deployment } from "../../../lib/types/apps_v1.ts";
import {
  active,
  allSets,
  byAge,
  bySizeNewer,
  bySizeOlder,
  type Draft,
  type DraftSet,
  statusOf,
  wantedPods,
} from "./draft.ts";
import { isRolling, maxSurge, replicasOf } from "./fenceposts.ts";
import { annotatedNumber, annotateReplicas, desiredReplicasAnnotation, maxReplicasAnnotation } from "./replica_sets.ts";

/** Gives a set another size. Answers whether it had another before. */
export function scaleSet(draft: Draft, set: DraftSet, replicas: number): boolean {
  if (set.replicas === replicas) return false;
  set.replicas = replicas;
  annotateReplicas(draft.deployment, set);
  return true;
}

/** The deployment's size was changed since its sets were scaled last. */
export function isScalingEvent(draft: Draft): boolean {
  return active(allSets(draft)).some((set) => {
    const desired = annotatedNumber(set, desiredReplicasAnnotation);
    return desired !== undefined && desired !== replicasOf(draft.deployment);
  });
}

/** Brings the sets to the deployment's size without rolling any further. */
export function scaleSets(draft: Draft): void {
  const { deployment } = draft;
  const only = activeOrLatest(draft);
  if (only !== undefined) {
    // Of the right size already, but scaled for another: the annotation would make this a scaling event for ever.
    if (!scaleSet(draft, only, replicasOf(deployment)) && isScalingEvent(draft)) annotateReplicas(deployment, only);
  } else if (draft.newest !== undefined && isSaturated(deployment, draft.newest)) {
    for (const set of active(draft.old)) scaleSet(draft, set, 0);
  } else if (isRolling(deployment)) scaleProportionally(draft);
}

/** The only set that has pods; when none has, the newest. `undefined` when several have. */
function activeOrLatest({ newest, old }: Draft): DraftSet | undefined {
  const sets = active(newest === undefined ? old : [...old, newest]);
  if (sets.length === 1) return sets[0];
  if (sets.length > 1) return undefined;
  return newest ?? [...old].sort((a, b) => byAge(b, a))[0];
}

/** The newest set has all the pods, and they are available. */
function isSaturated(deployment: Deployment, newest: DraftSet): boolean {
  const wanted = replicasOf(deployment);
  return newest.replicas === wanted && annotatedNumber(newest, desiredReplicasAnnotation) === wanted &&
    (statusOf(newest).availableReplicas ?? 0) === wanted;
}

function scaleProportionally(draft: Draft): void {
  const { deployment } = draft;
  const wanted = replicasOf(deployment);
  const sets = active(allSets(draft));
  const toAdd = (wanted > 0 ? wanted + maxSurge(deployment) : 0) - wantedPods(sets);
  // Scaling up favours the newer, scaling down the older of two sets of equal size.
  if (toAdd > 0) sets.sort(bySizeNewer);
  else if (toAdd < 0) sets.sort(bySizeOlder);
  let added = 0;
  const sizes = sets.map((set) => {
    const share = toAdd === 0 ? 0 : proportion(deployment, set, toAdd, added);
    added += share;
    return set.replicas + share;
  });
  // What rounding left over goes to the largest.
  if (toAdd !== 0 && sizes.length > 0) sizes[0] = Math.max(0, sizes[0]! + toAdd - added);
  sets.forEach((set, i) => {
    set.replicas = sizes[i]!;
    annotateReplicas(deployment, set);
  });
}

/** How many of `toAdd` (negative: to remove) the set gets, `added` having been given out. */
function proportion(deployment: Deployment, set: DraftSet, toAdd: number, added: number): number {
  if (set.replicas === 0 || toAdd === added) return 0;
  const share = fraction(deployment, set);
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}

function fraction(deployment: Deployment, set: DraftSet): number {
  const wanted = replicasOf(deployment);
  if (wanted === 0) return -set.replicas;
  // Without the annotation: the size that the deployment has now.
  const before = annotatedNumber(set, maxReplicasAnnotation) || (deployment.status.replicas ?? 0);
  if (before === 0) return 0;
  return Math.floor(set.replicas * (wanted + maxSurge(deployment)) / before + 0.5) - set.replicas;
}
