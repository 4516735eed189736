/**
 * Decides what a ReplicaSet or ReplicationController needs: pods to adopt, release, create, delete, and its status. Pure.
 * Source: pkg/controller/replicaset/replica_set.go.
 */
import { burstReplicasMax } from "../../../lib/limits.ts";
import type { WakeAt } from "../../../lib/controller/controller.ts";
import type { KubeObject } from "../../../lib/kind.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { ReplicaSetStatus } from "../../../lib/types/apps_v1.ts";
import type { Pod, PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import { availableAt, isActive } from "../pod_state.ts";
import type { Claims } from "../owner.ts";
import { podsToDelete } from "./ranking.ts";
import { hasStatus, replicasStatus } from "./status.ts";

/** What ReplicaSets and ReplicationControllers have in common. */
export interface Replicas extends KubeObject {
  metadata: KubeObject["metadata"] & { namespace: string };
  spec: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec };
  status: ReplicaSetStatus;
}

export interface ReplicasView {
  owner: Replicas;
  /** Pods that are neither finished nor being deleted. */
  pods: Claims<Pod>;
  /** Pods of the owner that are being deleted. */
  terminating: number;
  /** Whether the kind's status has terminatingReplicas. */
  countsTerminating: boolean;
  /** Pods that the replica sets of the same controller select; looked at only to rank pods for deletion. */
  related: readonly Pod[];
}

export type ReplicasAction =
  | { do: "adopt"; pod: Pod; why: string }
  | { do: "release"; pod: Pod; why: string }
  /** `status` is what to report, with the reason, when it fails. */
  | { do: "createPods"; count: number; status: ReplicaSetStatus; why: string }
  | { do: "deletePods"; pods: readonly Pod[]; status: ReplicaSetStatus; why: string }
  | { do: "updateStatus"; status: ReplicaSetStatus; why: string };

export function planReplicas(view: ReplicasView, now: Instant): readonly (ReplicasAction | WakeAt)[] {
  const { owner, pods: { mine, adopt, release } } = view;
  const actions: (ReplicasAction | WakeAt)[] = [
    ...release.map((pod) => ({ do: "release", pod, why: "its labels match the selector no more" }) as const),
    ...adopt.map((pod) => ({ do: "adopt", pod, why: "an orphan that matches the selector" }) as const),
  ];
  const pods = [...mine, ...adopt];
  const status = replicasStatus(view, pods, now);
  if (owner.metadata.deletionTimestamp === undefined) actions.push(...manage(view, pods, status, now));
  if (!hasStatus(owner, status)) actions.push({ do: "updateStatus", status, why: "it differs from what the pods say" });
  const wake = nextAvailable(owner, pods, now);
  if (wake !== undefined) actions.push({ do: "wakeAt", at: wake, why: "a ready pod becomes available" });
  return actions;
}

function manage(view: ReplicasView, pods: readonly Pod[], status: ReplicaSetStatus, now: Instant): ReplicasAction[] {
  const wanted = view.owner.spec.replicas ?? 1;
  const missing = wanted - pods.length;
  if (missing > 0) {
    const count = Math.min(missing, burstReplicasMax);
    return [{ do: "createPods", count, status, why: `${pods.length} of ${wanted} replicas exist` }];
  }
  if (missing < 0) {
    const count = Math.min(-missing, burstReplicasMax);
    const victims = podsToDelete(pods, view.related, count, now);
    return [{ do: "deletePods", pods: victims, status, why: `${pods.length} replicas exist, ${wanted} are wanted` }];
  }
  return [];
}

function nextAvailable(owner: Replicas, pods: readonly Pod[], now: Instant): Instant | undefined {
  const minReady = owner.spec.minReadySeconds ?? 0;
  if (minReady === 0) return undefined;
  const times = pods.filter(isActive).map((pod) => availableAt(pod, minReady, now)).filter((at) => at !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}
