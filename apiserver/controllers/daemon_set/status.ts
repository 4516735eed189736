/** Status of a DaemonSet, computed from its pods (daemon_controller.go updateDaemonSetStatus). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { DaemonSet, DaemonSetStatus } from "../../../lib/types/apps_v1.ts";
import { availableAt, isAvailable, isReady } from "../pod_state.ts";
import { same } from "../same.ts";
import type { DaemonDraft } from "./manage.ts";
import { isUpdated } from "./rolling.ts";

/** Counts that Kubernetes omits when they are zero are absent then. */
export function daemonStatus({ set, nodes, byNode, hash, now }: DaemonDraft): DaemonSetStatus {
  let [desired, current, misscheduled, ready, available, updated] = [0, 0, 0, 0, 0, 0];
  for (const { name, run } of nodes) {
    const pod = byNode.get(name)?.[0];
    if (!run) {
      if (pod !== undefined) misscheduled++;
      continue;
    }
    desired++;
    if (pod === undefined) continue;
    current++;
    if (isReady(pod)) ready++;
    if (isAvailable(pod, set.spec.minReadySeconds ?? 0, now)) available++;
    if (isUpdated(pod, set, hash)) updated++;
  }
  return {
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    desiredNumberScheduled: desired,
    numberReady: ready,
    observedGeneration: orAbsent(set.metadata.generation ?? 0),
    updatedNumberScheduled: orAbsent(updated),
    numberAvailable: orAbsent(available),
    numberUnavailable: orAbsent(desired - available),
    collisionCount: set.status.collisionCount,
    conditions: set.status.conditions,
  };
}

const orAbsent = (count: number) => count === 0 ? undefined : count;

/** True when the server has this status already. */
export function hasStatus(set: DaemonSet, status: DaemonSetStatus): boolean {
  return same(filled(set.status), filled(status));
}

const filled = (status: DaemonSetStatus) => ({
  ...status,
  currentNumberScheduled: status.currentNumberScheduled ?? 0,
  numberMisscheduled: status.numberMisscheduled ?? 0,
  desiredNumberScheduled: status.desiredNumberScheduled ?? 0,
  numberReady: status.numberReady ?? 0,
  observedGeneration: status.observedGeneration ?? 0,
  updatedNumberScheduled: status.updatedNumberScheduled ?? 0,
  numberAvailable: status.numberAvailable ?? 0,
  numberUnavailable: status.numberUnavailable ?? 0,
  conditions: status.conditions ?? [],
});

/** When the next ready pod becomes available. */
export function nextLook({ set, byNode, now }: DaemonDraft): Instant | undefined {
  const minReady = set.spec.minReadySeconds ?? 0;
  if (minReady === 0) return undefined;
  const times = [...byNode.values()].flat().map((pod) => availableAt(pod, minReady, now))
    .filter((at) => at !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}
