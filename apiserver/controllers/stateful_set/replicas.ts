/**
 * The next step towards the wanted pods: create the missing, remove those too many, replace old ones; in order, or all at once where
 * the set allows it (stateful_set_control.go updateStatefulSet). Pure.
 */
import type { New } from "../../../lib/kind.ts";
import { burstReplicasMax } from "../../../lib/limits.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { StatefulSet } from "../../../lib/types/apps_v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../lib/types/core_v1.ts";
import { scaled } from "../deployment/fenceposts.ts";
import { isFinished } from "../pod_state.ts";
import { claimWithOwners, isStale } from "./claims.ts";
import type { History } from "./history.ts";
import * as identity from "./identity.ts";
import type { StatefulAction, StatefulView } from "./plan.ts";
import { isLeaving, isUnavailable } from "./status.ts";
import { isStuck } from "./stuck.ts";

/** A place in the set, and the pod that is there. */
interface Place {
  ordinal: number;
  pod?: Pod;
}

/** What is to be done, gathered. */
interface Work {
  create: { pod: New<Pod>; claims: readonly New<PersistentVolumeClaim>[] }[];
  remove: Pod[];
  others: StatefulAction[];
}

export function planPods(view: StatefulView, history: History, pods: readonly Pod[], now: Instant): StatefulAction[] {
  const { set } = view;
  const places = placesOf(set, pods);
  const condemned = pods.map((pod) => ({ pod, ordinal: identity.ordinalOf(pod, set)! }))
    .filter(({ ordinal }) => !identity.isInRange(set, ordinal)).sort((a, b) => b.ordinal - a.ordinal);
  const work: Work = { create: [], remove: [], others: [] };
  for (const { pod, ordinal } of [...places, ...condemned]) {
    if (pod !== undefined) work.others.push(...claimOwners(view, pod, ordinal));
  }
  const ordered = set.spec.podManagementPolicy !== "Parallel";
  const stops = (place: Place) => fill(view, { history, place, ordered, now }, work) && ordered;
  if (!places.some(stops) && !condemn(view, { places, condemned, ordered, now }, work)) {
    if (set.spec.updateStrategy?.type !== "OnDelete") work.remove.push(...outdated(set, places, history, now));
  }
  const actions = [...work.others];
  const remove = [...new Set(work.remove)].slice(0, burstReplicasMax);
  const create = work.create.slice(0, burstReplicasMax);
  if (remove.length > 0) {
    actions.push({ do: "deletePods", pods: remove, why: "too many, ended, or of an old revision" });
  }
  if (create.length > 0) actions.push({ do: "createPods", pods: create, why: "places without a pod" });
  return actions;
}

/** Every place that is wanted, by its number. */
function placesOf(set: StatefulSet, pods: readonly Pod[]): Place[] {
  const byOrdinal = new Map(pods.map((pod) => [identity.ordinalOf(pod, set)!, pod]));
  return Array.from({ length: identity.replicasOf(set) }, (_, i) => {
    const ordinal = identity.firstOrdinal(set) + i;
    return { ordinal, pod: byOrdinal.get(ordinal) };
  });
}

function claimOwners({ set, claim }: StatefulView, pod: Pod, ordinal: number): StatefulAction[] {
  return (set.spec.volumeClaimTemplates ?? []).flatMap((template): StatefulAction[] => {
    const there = claim(identity.claimName(set, template, ordinal));
    const changed = there === undefined ? undefined : claimWithOwners(set, there, { pod, ordinal });
    return changed === undefined ? [] : [{ do: "updateClaim", claim: changed, why: "it goes with another owner" }];
  });
}

interface Step {
  history: History;
  place: Place;
  ordered: boolean;
  now: Instant;
}

/** Sees to one place. True: the places after it wait for it. */
function fill(view: StatefulView, { history, place, ordered, now }: Step, work: Work): boolean {
  const { set } = view;
  const { ordinal, pod } = place;
  if (pod === undefined) return create(view, history, ordinal, work);
  if (isFinished(pod)) {
    // However it ended: its place is to be filled.
    if (!isLeaving(pod)) work.remove.push(pod);
    return true;
  }
  if (pod.status.phase === "Pending") {
    const claims = missingClaims(view, ordinal);
    if (claims.length > 0) work.others.push({ do: "createClaims", pod, claims, why: "a pending pod lacks them" });
  }
  if (isUnavailable(pod, set, now)) {
    if (!isLeaving(pod) && isStuck(set, pod, ordinal, history)) work.remove.push(pod);
    if (ordered) return true;
  }
  const labels = identity.identityLabels(set, ordinal);
  if (pod.metadata.labels?.[identity.podNameLabel] !== pod.metadata.name) {
    work.others.push({ do: "updatePod", pod, labels, why: "it lacks the labels of its place" });
  }
  return false;
}

function create(view: StatefulView, history: History, ordinal: number, work: Work): boolean {
  const { set } = view;
  const name = identity.podName(set, ordinal);
  const claims = [...identity.claimsOf(set, ordinal).values()].map(({ metadata }) => view.claim(metadata.name!));
  if (claims.some((claim) => claim !== undefined && isStale(set, claim, { name }))) return true;
  const revision = needsCurrent(set, ordinal) ? history.current : history.update;
  work.create.push({ pod: identity.newPod(set, ordinal, revision), claims: missingClaims(view, ordinal) });
  return true;
}

/** Places that an update has not come to yet, or shall not come to. */
function needsCurrent(set: StatefulSet, ordinal: number): boolean {
  const strategy = set.spec.updateStrategy;
  if (strategy?.type !== "RollingUpdate") return false;
  const kept = strategy.rollingUpdate === undefined
    ? set.status.currentReplicas ?? 0
    : strategy.rollingUpdate.partition ?? 0;
  return ordinal < identity.firstOrdinal(set) + kept;
}

function missingClaims({ set, claim }: StatefulView, ordinal: number): New<PersistentVolumeClaim>[] {
  return [...identity.claimsOf(set, ordinal).values()].filter(({ metadata }) => claim(metadata.name!) === undefined);
}

interface Condemned {
  places: readonly Place[];
  condemned: readonly { pod: Pod; ordinal: number }[];
  ordered: boolean;
  now: Instant;
}

/** Removes what is too many, the highest number first. True: an update waits for it. */
function condemn({ set }: StatefulView, { places, condemned, ordered, now }: Condemned, work: Work): boolean {
  if (!ordered) {
    work.remove.push(...condemned.map(({ pod }) => pod).filter((pod) => !isLeaving(pod)));
    return false;
  }
  const [last] = condemned;
  if (last === undefined) return false;
  if (isLeaving(last.pod)) return true;
  // One that is unwell goes only when no other is: the wanted ones first, then from the lowest number.
  const unwell = [...places.map(({ pod }) => pod), ...condemned.map(({ pod }) => pod).reverse()]
    .find((pod) => pod === undefined || isUnavailable(pod, set, now));
  if (!isUnavailable(last.pod, set, now) || last.pod === unwell) work.remove.push(last.pod);
  return true;
}

/** Old pods to replace, the highest number first, as many as may be unavailable. */
function outdated(set: StatefulSet, places: readonly Place[], { update }: History, now: Instant): readonly Pod[] {
  const { partition = 0, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const max = Math.max(1, scaled(maxUnavailable, places.length, "down"));
  const unavailable = places.filter(({ pod }) => pod === undefined || isUnavailable(pod, set, now)).length;
  const old = places.slice(partition).reverse().map(({ pod }) => pod)
    .filter((pod) => pod !== undefined && !isLeaving(pod) && identity.podRevision(pod) !== update.metadata.name);
  return (old as Pod[]).slice(0, Math.max(0, max - unavailable));
}
