/** What controllers ask of a pod's status (k8s.io/kubernetes/pkg/api/v1/pod and pkg/controller). Pure. */
import type { Instant } from "../../lib/seams/clock.ts";
import type { Pod, PodCondition } from "../../lib/types/core_v1.ts";

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status.conditions?.find((condition) => condition.type === type);
}

export function isReady(pod: Pod): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

/** Since when the pod is ready; `undefined` when it is not, or does not say. */
export function readySince(pod: Pod): Instant | undefined {
  const condition = podCondition(pod, "Ready");
  if (condition?.status !== "True" || condition.lastTransitionTime === undefined) return undefined;
  return Date.parse(condition.lastTransitionTime);
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: Instant): boolean {
  if (!isReady(pod)) return false;
  if (minReadySeconds === 0) return true;
  const since = readySince(pod);
  return since !== undefined && since + minReadySeconds * 1000 <= now;
}

/** When a ready pod becomes available, if that is still to come. */
export function availableAt(pod: Pod, minReadySeconds: number, now: Instant): Instant | undefined {
  const since = readySince(pod);
  if (since === undefined) return undefined;
  const at = since + minReadySeconds * 1000;
  return at > now ? at : undefined;
}

/** Its containers have ended for good. */
export function isFinished(pod: Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}

/** Counts as a replica: neither finished nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Being deleted, its containers perhaps still running. */
export function isTerminating(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined;
}
