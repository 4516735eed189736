/** Status and conditions of a Job (job_controller.go). Pure. */
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import type { Job, JobCondition, JobStatus } from "../../../lib/types/batch_v1.ts";
import { same } from "../same.ts";
import { type Draft, isSuspended } from "./draft.ts";
import type { Report } from "./plan.ts";
import type { Tracked } from "./tracking.ts";
import type { Verdict } from "./verdict.ts";

interface NewCondition {
  type: string;
  status: "True" | "False";
  reason: string;
  message: string;
}

/** The conditions with this one; the same list when it says so already, or when it would say that something never was. */
function withCondition(conditions: readonly JobCondition[], next: NewCondition, now: Instant): readonly JobCondition[] {
  const at = rfc3339(now);
  const condition = { ...next, lastProbeTime: at, lastTransitionTime: at };
  const i = conditions.findIndex(({ type }) => type === next.type);
  if (i < 0) return next.status === "False" ? conditions : [...conditions, condition];
  const { status, reason, message } = conditions[i]!;
  if (status === next.status && reason === next.reason && message === next.message) return conditions;
  return conditions.map((other, at) => at === i ? condition : other);
}

export function isFinished({ status }: Job): boolean {
  return finishOf(status) !== undefined;
}

/** The condition with which a Job has ended. */
export function finishOf({ conditions = [] }: JobStatus): JobCondition | undefined {
  return conditions.find(({ type, status }) => (type === "Complete" || type === "Failed") && status === "True");
}

export interface Told {
  status: JobStatus;
  /** To be recorded once the status is written. */
  reports: readonly Report[];
}

/** What the status shall say, with the end of the Job when nothing of it is left. */
export function nextStatus(draft: Draft, { status, settled }: Tracked, verdict: Verdict | undefined): Told {
  const { job, now, active, ready, terminating } = draft;
  const next: JobStatus = { ...status, active: active.length, ready, terminating };
  if (next.startTime === undefined && !isSuspended(job)) next.startTime = rfc3339(now);
  if (verdict === undefined) return withSuspension(job, next, now);
  let conditions = withCondition(next.conditions ?? [], { ...verdict, status: "True" }, now);
  next.conditions = [...conditions];
  const { succeeded = [], failed = [] } = next.uncountedTerminatedPods ?? {};
  const left = settled.length + active.length + terminating + succeeded.length + failed.length;
  if (left > 0) return { status: next, reports: [] };
  const { reason, message } = verdict;
  const type = verdict.type === "FailureTarget" ? "Failed" : "Complete";
  conditions = withCondition(conditions, { type, status: "True", reason, message }, now);
  next.conditions = [...conditions];
  // A Job that was suspended from its beginning and is over has begun, too.
  next.startTime ??= rfc3339(now);
  if (type === "Complete") next.completionTime = rfc3339(now);
  return { status: next, reports: finishReports(job, next, verdict) };
}

function finishReports(job: Job, { succeeded = 0 }: JobStatus, { type, reason, message }: Verdict): Report[] {
  if (type === "FailureTarget") return [{ type: "Warning", reason, message }];
  const completed: Report = { type: "Normal", reason: "Completed", message: "Job completed" };
  if (job.spec.completions === undefined || succeeded <= job.spec.completions) return [completed];
  const surplus = "Too many succeeded pods running after completion count reached";
  return [{ type: "Warning", reason: "TooManySucceededPods", message: surplus }, completed];
}

function withSuspension(job: Job, status: JobStatus, now: Instant): Told {
  const { conditions = [] } = status;
  if (job.metadata.deletionTimestamp !== undefined) return { status, reports: [] };
  const suspended = isSuspended(job);
  const [reason, message, event] = suspended
    ? ["JobSuspended", "Job suspended", "Suspended"] as const
    : ["JobResumed", "Job resumed", "Resumed"] as const;
  const next = { type: "Suspended", status: suspended ? "True" : "False", reason, message } as const;
  const changed = withCondition(conditions, next, now);
  if (changed === conditions) return { status, reports: [] };
  // The time while it was suspended does not count against its deadline.
  const started = suspended ? {} : { startTime: rfc3339(now) };
  return {
    status: { ...status, ...started, conditions: [...changed] },
    reports: [{ type: "Normal", reason: event, message }],
  };
}

/** True when the server has this status already. */
export function hasStatus(job: Job, status: JobStatus): boolean {
  return same(filled(job.status), filled(status));
}

const filled = (status: JobStatus) => ({
  ...status,
  active: status.active ?? 0,
  succeeded: status.succeeded ?? 0,
  failed: status.failed ?? 0,
  conditions: status.conditions ?? [],
});

/** As it is sent: counts that Kubernetes omits when they are zero are absent. */
export function wireStatus(status: JobStatus): JobStatus {
  const { active, succeeded, failed } = status;
  return { ...status, active: active || undefined, succeeded: succeeded || undefined, failed: failed || undefined };
}
