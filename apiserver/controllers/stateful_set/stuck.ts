/**
 * Pods that stand in the way of a rollout and cannot get better: of a revision that was given up, or that does not start. Kubernetes waits
 * for them until somebody deletes them (kubernetes/kubernetes#67250); here a rollout heals when its template is mended. Pure.
 */
import type { StatefulSet } from "../../../lib/types/apps_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { podCondition } from "../pod_state.ts";
import type { History } from "./history.ts";
import { firstOrdinal, podRevision } from "./identity.ts";

/** Why a container waits that will not start by itself. */
const hopeless = new Set([
  "CrashLoopBackOff",
  "ImagePullBackOff",
  "ErrImagePull",
  "ErrImageNeverPull",
  "InvalidImageName",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
]);

/** The pod, which does not serve, may be replaced by one of the new revision without waiting for it. */
export function isStuck(set: StatefulSet, pod: Pod, ordinal: number, { current, update }: History): boolean {
  const strategy = set.spec.updateStrategy;
  if (strategy?.type !== "RollingUpdate" || podRevision(pod) === update.metadata.name) return false;
  const isBelow = ordinal < firstOrdinal(set) + (strategy.rollingUpdate?.partition ?? 0);
  if (podRevision(pod) !== current.metadata.name) return true;
  return !isBelow && (isWaiting(pod) || podCondition(pod, "PodScheduled")?.status === "False");
}

function isWaiting({ status }: Pod): boolean {
  return [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []].some(({ state }) =>
    hopeless.has(state?.waiting?.reason ?? "")
  );
}
