/** Conditions of a Job. */
import type { Job } from "../../../../lib/types/batch_v1.ts";

export type JobConditionType = "Complete" | "Failed" | "Suspended" | "FailureTarget" | "SuccessCriteriaMet";

/** Whether the condition is true. */
export function hasCondition({ status }: Job, type: JobConditionType): boolean {
  return (status.conditions ?? []).some((condition) => condition.type === type && condition.status === "True");
}

export function isFinished(job: Job): boolean {
  return hasCondition(job, "Complete") || hasCondition(job, "Failed");
}
