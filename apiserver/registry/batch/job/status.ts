/**
 * What a status of a Job may say and become (validateJobStatus and ValidateJobStatusUpdate): controllers other than ours
 * may write it. Rules are about what changes only: a status that was wrong before stays writable.
 */
import { deepEqual } from "../../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Job, JobStatus } from "../../../../lib/types/batch_v1.ts";
import { immutableMessage } from "../../meta/immutable.ts";
import { invalidWithoutValue } from "../../meta/invalid_without_value.ts";
import { nonNegativeFields } from "../../meta/non_negative.ts";
import { hasCondition, isFinished, type JobConditionType } from "./condition.ts";
import { commonIndex, IndexRangeError, parseIndexRanges, readableRanges } from "./index_ranges.ts";

export function validateJobStatusUpdate(job: Job, old: Job): FieldError[] {
  const changes = changesOf(job, old);
  return [
    ...nonNegativeFields(job.status, ["active", "succeeded", "failed", "ready", "terminating"], "status"),
    ...uncountedErrors(job.status),
    ...completionErrors(job, changes),
    ...finishedErrors(job, changes),
    ...indexErrors(job, changes),
    ...conditionErrors(job),
    ...transitionErrors(job, old),
  ];
}

interface Changes {
  finished: boolean;
  complete: boolean;
  failed: boolean;
  failureTarget: boolean;
  successCriteriaMet: boolean;
  field(name: keyof JobStatus): boolean;
}

function changesOf(job: Job, old: Job): Changes {
  const condition = (type: JobConditionType) => hasCondition(job, type) !== hasCondition(old, type);
  return {
    finished: isFinished(job) !== isFinished(old),
    complete: condition("Complete"),
    failed: condition("Failed"),
    failureTarget: condition("FailureTarget"),
    successCriteriaMet: condition("SuccessCriteriaMet"),
    // Zero and empty are absence, but for failedIndexes.
    field: (name) =>
      name === "failedIndexes"
        ? job.status[name] !== old.status[name]
        : !deepEqual(job.status[name] || undefined, old.status[name] || undefined),
  };
}

function uncountedErrors({ uncountedTerminatedPods: uncounted }: JobStatus): FieldError[] {
  const seen = new Set<string>();
  return (["succeeded", "failed"] as const).flatMap((list) =>
    (uncounted?.[list] ?? []).flatMap((uid, i): FieldError[] => {
      const path = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === "") return [fieldError.invalid(path, uid, "must not be empty")];
      if (seen.has(uid)) return [fieldError.duplicate(path, uid)];
      seen.add(uid);
      return [];
    })
  );
}

const conditionsPath = "status.conditions";

function completionErrors(job: Job, changes: Changes): FieldError[] {
  const { completionTime, startTime } = job.status;
  const path = "status.completionTime";
  const errors: FieldError[] = [];
  const complete = hasCondition(job, "Complete");
  const both = (type: JobConditionType) => complete && hasCondition(job, type);
  const refuse = (detail: string) => errors.push(invalidWithoutValue(conditionsPath, detail));
  if ((changes.complete || changes.failed) && both("Failed")) {
    refuse("cannot set Complete=True and Failed=true conditions");
  }
  if ((changes.complete || changes.failureTarget) && both("FailureTarget")) {
    refuse("cannot set Complete=True and FailureTarget=true conditions");
  }
  if (changes.complete || changes.field("completionTime")) {
    if (completionTime !== undefined && !complete) {
      const detail = "cannot set completionTime when there is no Complete=True condition";
      errors.push(fieldError.invalid(path, completionTime, detail));
    }
    if (completionTime === undefined && complete) {
      errors.push(fieldError.required(path, "completionTime is required for Complete jobs"));
    }
  }
  const times = changes.field("startTime") || changes.field("completionTime");
  if (times && startTime !== undefined && completionTime !== undefined && completionTime < startTime) {
    errors.push(fieldError.invalid(path, completionTime, "must be equal to or after `startTime`"));
  }
  if ((changes.failed || changes.field("failedIndexes")) && hasCondition(job, "Failed")) {
    if (!hasCondition(job, "FailureTarget")) {
      refuse("cannot set Failed=True condition without the FailureTarget=true condition");
    }
  }
  if ((changes.complete || changes.successCriteriaMet) && complete && !hasCondition(job, "SuccessCriteriaMet")) {
    refuse("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  }
  return errors;
}

function finishedErrors(job: Job, changes: Changes): FieldError[] {
  const { active = 0, ready, startTime, terminating = 0, uncountedTerminatedPods: uncounted } = job.status;
  const errors: FieldError[] = [];
  const finished = isFinished(job);
  const concerns = (name: keyof JobStatus) => finished && (changes.finished || changes.field(name));
  if (concerns("active") && active > 0) {
    errors.push(fieldError.invalid("status.active", active, "active>0 is invalid for finished job"));
  }
  if (concerns("startTime") && startTime === undefined) {
    errors.push(fieldError.required("status.startTime", "startTime is required for finished job"));
  }
  const left = (uncounted?.failed ?? []).length + (uncounted?.succeeded ?? []).length;
  if (concerns("uncountedTerminatedPods") && left > 0) {
    const path = "status.uncountedTerminatedPods";
    errors.push(fieldError.invalid(path, uncounted, "must be empty for finished job"));
  }
  if (concerns("terminating") && terminating > 0) {
    errors.push(fieldError.invalid("status.terminating", terminating, "terminating>0 is invalid for finished job"));
  }
  if ((changes.field("ready") || changes.field("active")) && ready !== undefined && ready > active) {
    errors.push(fieldError.invalid("status.ready", ready, "cannot set more ready pods than active"));
  }
  return errors;
}

function indexErrors({ status, spec }: Job, changes: Changes): FieldError[] {
  const { completedIndexes: completed = "", failedIndexes: failed } = status;
  const { completions } = spec;
  const errors: FieldError[] = [];
  if (changes.field("completedIndexes")) {
    errors.push(...rangeErrors("completedIndexes", completed, completions));
    if (completed !== "" && spec.completionMode !== "Indexed") {
      const detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
      errors.push(fieldError.invalid("status.completedIndexes", completed, detail));
    }
  }
  if (failed === undefined) return errors;
  if (changes.field("failedIndexes")) {
    if (spec.backoffLimitPerIndex === undefined) {
      const detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
      errors.push(fieldError.invalid("status.failedIndexes", failed, detail));
    } else errors.push(...rangeErrors("failedIndexes", failed, completions));
  }
  if ((changes.field("failedIndexes") || changes.field("completedIndexes")) && completions !== undefined) {
    const index = commonIndex(readableRanges(completed, completions), readableRanges(failed, completions));
    if (index !== undefined) {
      const detail = `failedIndexes and completedIndexes overlap at index: ${index}`;
      errors.push(fieldError.invalid("status.failedIndexes", failed, detail));
    }
  }
  return errors;
}

function rangeErrors(name: string, text: string, completions: number | undefined): FieldError[] {
  if (completions === undefined) return [];
  try {
    parseIndexRanges(text, completions);
    return [];
  } catch (error) {
    if (!(error instanceof IndexRangeError)) throw error;
    return [fieldError.invalid(`status.${name}`, text, `error parsing ${name}: ${error.message}`)];
  }
}

function conditionErrors(job: Job): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (detail: string) => errors.push(invalidWithoutValue(conditionsPath, detail));
  const met = hasCondition(job, "SuccessCriteriaMet");
  if (met && hasCondition(job, "Failed")) refuse("cannot set SuccessCriteriaMet=True and Failed=true conditions");
  if (met && hasCondition(job, "FailureTarget")) {
    refuse("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
  }
  if (job.spec.successPolicy !== undefined && !met && hasCondition(job, "Complete")) {
    refuse("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
  }
  return errors;
}

/** Ends stay ends, counts grow. */
function transitionErrors(job: Job, old: Job): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (detail: string) => errors.push(invalidWithoutValue(conditionsPath, detail));
  for (const type of ["Failed", "Complete", "FailureTarget"] as const) {
    if (hasCondition(old, type) && !hasCondition(job, type)) {
      refuse(`cannot disable the terminal ${type}=True condition`);
    }
  }
  const { failed = 0, succeeded = 0, completionTime, startTime } = job.status;
  if (failed < (old.status.failed ?? 0)) {
    errors.push(fieldError.invalid("status.failed", failed, "cannot decrease the failed counter"));
  }
  // An Indexed Job that is scaled down has fewer indexes that count.
  const scaled = job.spec.completionMode === "Indexed" && job.spec.completions === job.spec.parallelism;
  if (!scaled && succeeded < (old.status.succeeded ?? 0)) {
    errors.push(fieldError.invalid("status.succeeded", succeeded, "cannot decrease the succeeded counter"));
  }
  const before = old.status.completionTime;
  if (completionTime !== undefined && before !== undefined && completionTime !== before) {
    errors.push(fieldError.invalid("status.completionTime", completionTime, immutableMessage));
  }
  if (old.status.startTime !== undefined && startTime !== old.status.startTime && !job.spec.suspend) {
    errors.push(fieldError.required("status.startTime", "startTime cannot be removed for unsuspended job"));
  }
  const [was, met] = [hasCondition(old, "SuccessCriteriaMet"), hasCondition(job, "SuccessCriteriaMet")];
  if (was && !met) refuse("cannot disable the SuccessCriteriaMet=True condition");
  if (hasCondition(old, "Complete") && !was && met) {
    refuse("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
  }
  return errors;
}
