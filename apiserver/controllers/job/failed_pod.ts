/** Which pods of a Job have failed, when, and what its failure policy says to that (pkg/controller/job/pod_failure_policy.go). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Job, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule } from "../../../lib/types/batch_v1.ts";
import type { ContainerStatus, Pod } from "../../../lib/types/core_v1.ts";
import { podCondition } from "../pod_state.ts";

/** A pod that is being deleted is replaced only when it has failed. */
export function onlyReplacesFailed({ spec }: Job): boolean {
  return spec.podReplacementPolicy === "Failed" || spec.podFailurePolicy !== undefined;
}

/** A deleted pod counts, too, where the Job does not wait for its end: it may never have the chance to say how it ended. */
export function hasFailed(pod: Pod, job: Job): boolean {
  if (pod.status.phase === "Failed") return true;
  if (onlyReplacesFailed(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && pod.status.phase !== "Succeeded";
}

export interface Judgement {
  /** The failure counts against the limits. */
  counts: boolean;
  action?: PodFailurePolicyRule["action"];
  /** Why the whole Job fails, for `FailJob`. */
  message?: string;
}

/** The first rule that matches decides. */
export function judge({ spec: { podFailurePolicy } }: Job, pod: Pod): Judgement {
  for (const [index, { action, onExitCodes, onPodConditions }] of (podFailurePolicy?.rules ?? []).entries()) {
    const why = onExitCodes !== undefined ? exitReason(pod, onExitCodes) : conditionReason(pod, onPodConditions ?? []);
    if (why === undefined) continue;
    if (action !== "FailJob") return { counts: action !== "Ignore", action };
    return { counts: true, action, message: `${why} matching ${action} rule at index ${index}` };
  }
  return { counts: true };
}

function exitReason(pod: Pod, wanted: PodFailurePolicyOnExitCodesRequirement): string | undefined {
  const statuses = [...pod.status.containerStatuses ?? [], ...pod.status.initContainerStatuses ?? []];
  const found = statuses.find((status) => exitMatches(status, wanted));
  if (found === undefined) return undefined;
  const { namespace, name } = pod.metadata;
  const code = found.state?.terminated?.exitCode;
  return `Container ${found.name} for pod ${namespace}/${name} failed with exit code ${code}`;
}

function exitMatches(
  { name, state }: ContainerStatus,
  { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement,
): boolean {
  const code = state?.terminated?.exitCode;
  if (code === undefined || code === 0 || (containerName !== undefined && containerName !== name)) return false;
  return operator === "In" ? values.includes(code) : operator === "NotIn" && !values.includes(code);
}

function conditionReason(
  pod: Pod,
  patterns: NonNullable<PodFailurePolicyRule["onPodConditions"]>,
): string | undefined {
  const found = patterns.find(({ type, status = "True" }) => podCondition(pod, type)?.status === status);
  return found && `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${found.type}`;
}

/** When the pod ended, from the best witness there is. */
export function finishedAt({ metadata, status }: Pod): Instant {
  const ends = (status.containerStatuses ?? []).map(({ state }) => state?.terminated?.finishedAt);
  if (ends.length > 0 && ends.every((end) => end !== undefined)) {
    return Math.max(...ends.map((end) => Date.parse(end!)));
  }
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "False" && ready.lastTransitionTime !== undefined) return Date.parse(ready.lastTransitionTime);
  if (metadata.deletionTimestamp !== undefined) {
    return Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  }
  return Date.parse(metadata.creationTimestamp);
}
