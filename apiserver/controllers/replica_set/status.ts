/** Status of a ReplicaSet or ReplicationController, computed from its pods (pkg/controller/replicaset/replica_set_utils.go). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { ReplicaSetCondition, ReplicaSetStatus } from "../../../lib/types/apps_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { withCondition, withoutCondition } from "../condition.ts";
import { isAvailable, isReady } from "../pod_state.ts";
import { same } from "../same.ts";
import type { Replicas, ReplicasView } from "./plan.ts";

/** Counts that are zero are absent, as Kubernetes omits them; `replicas` is always there. */
export function replicasStatus(view: ReplicasView, pods: readonly Pod[], now: Instant): ReplicaSetStatus {
  const { owner } = view;
  const wanted = Object.entries(owner.spec.template?.metadata?.labels ?? {});
  const labelled = pods.filter((pod) => wanted.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const conditions = withoutCondition(owner.status.conditions, "ReplicaFailure") as ReplicaSetCondition[];
  const minReady = owner.spec.minReadySeconds ?? 0;
  return {
    replicas: pods.length,
    fullyLabeledReplicas: orAbsent(labelled.length),
    readyReplicas: orAbsent(pods.filter(isReady).length),
    availableReplicas: orAbsent(pods.filter((pod) => isAvailable(pod, minReady, now)).length),
    // ReplicationControllers have no such field.
    terminatingReplicas: view.countsTerminating ? view.terminating : undefined,
    observedGeneration: orAbsent(owner.metadata.generation ?? 0),
    conditions: conditions.length === 0 ? undefined : conditions,
  };
}

const orAbsent = (count: number) => count === 0 ? undefined : count;

/** The status with the condition that says why replicas could not be created or deleted. */
export function refusedStatus(
  status: ReplicaSetStatus,
  before: ReplicaSetStatus,
  reason: "FailedCreate" | "FailedDelete",
  message: string,
  now: Instant,
): ReplicaSetStatus {
  const failure = { type: "ReplicaFailure", status: "True", reason, message } as const;
  const already = before.conditions?.filter((condition) => condition.type === "ReplicaFailure") ?? [];
  // An existing failure keeps its message: it is written once, not at every attempt.
  if (already.length > 0) return { ...status, conditions: [...status.conditions ?? [], ...already] };
  return { ...status, conditions: withCondition(status.conditions, failure, now) as ReplicaSetCondition[] };
}

/** True when the server has this status already. */
export function hasStatus(owner: Replicas, status: ReplicaSetStatus): boolean {
  return same({ ...owner.status, ...zeroes(owner.status) }, { ...status, ...zeroes(status) });
}

const zeroes = (status: ReplicaSetStatus) => ({
  fullyLabeledReplicas: status.fullyLabeledReplicas ?? 0,
  readyReplicas: status.readyReplicas ?? 0,
  availableReplicas: status.availableReplicas ?? 0,
  observedGeneration: status.observedGeneration ?? 0,
  terminatingReplicas: status.terminatingReplicas ?? 0,
  replicas: status.replicas ?? 0,
  conditions: status.conditions ?? [],
});
