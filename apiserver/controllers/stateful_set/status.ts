/** Status of a StatefulSet, computed from its pods (stateful_set_control.go updateStatus, completeRollingUpdate). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { StatefulSet, StatefulSetStatus } from "../../../lib/types/apps_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { isAvailable, isReady } from "../pod_state.ts";
import { same } from "../same.ts";
import type { History } from "./history.ts";
import { podRevision, replicasOf } from "./identity.ts";

/** Serves for long enough, and is not about to go. */
export function isUnavailable(pod: Pod, set: StatefulSet, now: Instant): boolean {
  return pod.status.phase !== "Running" || !isAvailable(pod, set.spec.minReadySeconds ?? 0, now) || isLeaving(pod);
}

export const isLeaving = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined;

export function statefulStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  { current, update, collisionCount }: History,
  now: Instant,
): StatefulSetStatus {
  const ready = pods.filter((pod) => pod.status.phase === "Running" && isReady(pod));
  const available = ready.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now));
  const staying = pods.filter((pod) => !isLeaving(pod));
  const of = (name: string) => staying.filter((pod) => podRevision(pod) === name).length;
  const updated = of(update.metadata.name);
  const wanted = replicasOf(set);
  const complete = set.spec.updateStrategy?.type === "RollingUpdate" && updated === wanted && ready.length === wanted &&
    pods.length === wanted;
  return {
    observedGeneration: orAbsent(set.metadata.generation ?? 0),
    replicas: pods.length,
    readyReplicas: orAbsent(ready.length),
    currentReplicas: orAbsent(complete ? updated : of(current.metadata.name)),
    updatedReplicas: orAbsent(updated),
    currentRevision: complete ? update.metadata.name : current.metadata.name,
    updateRevision: update.metadata.name,
    collisionCount,
    availableReplicas: available.length,
    conditions: set.status.conditions,
  };
}

const orAbsent = (count: number) => count === 0 ? undefined : count;

/** True when the server has this status already. */
export function hasStatus(set: StatefulSet, status: StatefulSetStatus): boolean {
  return same(filled(set.status), filled(status));
}

const filled = (status: StatefulSetStatus) => ({
  ...status,
  observedGeneration: status.observedGeneration ?? 0,
  replicas: status.replicas ?? 0,
  readyReplicas: status.readyReplicas ?? 0,
  currentReplicas: status.currentReplicas ?? 0,
  updatedReplicas: status.updatedReplicas ?? 0,
  availableReplicas: status.availableReplicas ?? 0,
  conditions: status.conditions ?? [],
});
