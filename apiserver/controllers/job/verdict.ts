/** Whether a Job is decided: it has failed or succeeded, and only the end of its pods is waited for (job_controller.go syncJob). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Job } from "../../../lib/types/batch_v1.ts";
import { type Draft, isIndexed, isSuspended } from "./draft.ts";
import { hasFailed, judge } from "./failed_pod.ts";
import { IndexSet } from "./indexes.ts";

export interface Verdict {
  /** The condition that says so before the pods have ended. */
  type: "FailureTarget" | "SuccessCriteriaMet";
  reason: string;
  message: string;
}

const failure = (reason: string, message: string): Verdict => ({ type: "FailureTarget", reason, message });
const success = (reason: string, message: string): Verdict => ({ type: "SuccessCriteriaMet", reason, message });

export function verdictOf(draft: Draft): Verdict | undefined {
  return storedVerdict(draft.job) ?? failurePolicy(draft) ?? limits(draft) ?? indexes(draft) ?? completion(draft);
}

/** What has been decided stays decided. */
function storedVerdict({ status }: Job): Verdict | undefined {
  for (const type of ["SuccessCriteriaMet", "FailureTarget"] as const) {
    const found = status.conditions?.find((condition) => condition.type === type && condition.status === "True");
    if (found !== undefined) return { type, reason: found.reason ?? "", message: found.message ?? "" };
  }
  return undefined;
}

function failurePolicy({ job, pods }: Draft): Verdict | undefined {
  if (job.spec.podFailurePolicy === undefined) return undefined;
  for (const pod of pods) {
    const message = hasFailed(pod, job) ? judge(job, pod).message : undefined;
    if (message !== undefined) return failure("PodFailurePolicy", message);
  }
  return undefined;
}

function limits(draft: Draft): Verdict | undefined {
  const { job, failed, now } = draft;
  if (failed > (job.spec.backoffLimit ?? 6) || hasRestartedTooOften(draft)) {
    return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  const deadline = deadlineOf(job);
  if (deadline !== undefined && now >= deadline) {
    return failure("DeadlineExceeded", "Job was active longer than specified deadline");
  }
  return undefined;
}

/** Containers that are restarted in their pods count as failures, too. */
function hasRestartedTooOften({ job: { spec }, pods }: Draft): boolean {
  if (spec.template.spec.restartPolicy !== "OnFailure") return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status.phase !== "Running" && status.phase !== "Pending") continue;
    const all = [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []];
    restarts += all.reduce((sum, { restartCount }) => sum + restartCount, 0);
  }
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** When the Job's time is over; `undefined`: never, or it has not begun. */
export function deadlineOf(job: Job): Instant | undefined {
  const { activeDeadlineSeconds } = job.spec;
  if (activeDeadlineSeconds === undefined || job.status.startTime === undefined || isSuspended(job)) return undefined;
  // One that is being resumed begins anew.
  if (job.status.conditions?.some(({ type, status }) => type === "Suspended" && status === "True")) return undefined;
  return Date.parse(job.status.startTime) + activeDeadlineSeconds * 1000;
}

function indexes(draft: Draft): Verdict | undefined {
  const { job: { spec }, completed, failedIndexes } = draft;
  if (!isIndexed(draft.job)) return undefined;
  const failed = failedIndexes?.total ?? 0;
  if (spec.maxFailedIndexes !== undefined && failed > spec.maxFailedIndexes) {
    const message = "Job has exceeded the specified maximal number of failed indexes";
    return failure("MaxFailedIndexesExceeded", message);
  }
  if (failed > 0 && failed + completed.total >= (spec.completions ?? 0)) {
    return failure("FailedIndexes", "Job has failed indexes");
  }
  return successPolicy(draft);
}

function successPolicy({ job: { spec }, completed }: Draft): Verdict | undefined {
  if (completed.total === 0) return undefined;
  const matched = (spec.successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && completed.total >= succeededCount;
    const required = IndexSet.parse(succeededIndexes, spec.completions ?? 0);
    return completed.common(required) >= (succeededCount ?? required.total);
  });
  return matched < 0 ? undefined : success("SuccessPolicy", `Matched rules at index ${matched}`);
}

/** As many as wanted; without a number of completions, one success, and the others have ended. */
function completion({ job: { spec }, succeeded, active }: Draft): Verdict | undefined {
  if (active.length > 0) return undefined;
  const enough = spec.completions === undefined ? succeeded > 0 : succeeded >= spec.completions;
  return enough ? success("CompletionsReached", "Reached expected number of succeeded pods") : undefined;
}
