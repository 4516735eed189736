/** What is wrong with the spec of a Job, or of a CronJob's template (validateJobSpec of pkg/apis/batch/validation). */
import {
  indexedFailedIndexesMax,
  indexedParallelismMax,
  managedByBytesMax,
  manyCompletions,
  manyCompletionsFailedIndexesMax,
  manyCompletionsParallelismMax,
} from "../../../../lib/limits.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { JobSpec } from "../../../../lib/types/batch_v1.ts";
import { isDomainPrefixedPath, utf8Length } from "../../../../lib/validation.ts";
import { validatePodTemplate } from "../../core/pod_template.ts";
import { nonNegative, nonNegativeFields } from "../../meta/non_negative.ts";
import { podFailurePolicyErrors } from "./pod_failure_policy.ts";
import { successPolicyErrors } from "./success_policy.ts";

const counts = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "backoffLimitPerIndex",
] as const;

/** Without what concerns the selector, which a template does not have. */
export function validateJobSpec(spec: JobSpec, path: string): FieldError[] {
  const errors = nonNegativeFields(spec, counts, path);
  if (spec.maxFailedIndexes !== undefined) {
    errors.push(...nonNegative(spec.maxFailedIndexes, `${path}.maxFailedIndexes`));
    if (spec.backoffLimitPerIndex === undefined) {
      errors.push(fieldError.required(`${path}.backoffLimitPerIndex`, "when maxFailedIndexes is specified"));
    }
  }
  errors.push(...managedByErrors(spec, `${path}.managedBy`), ...modeErrors(spec, path));
  if (spec.podFailurePolicy !== undefined) errors.push(...podFailurePolicyErrors(spec, `${path}.podFailurePolicy`));
  if (spec.successPolicy !== undefined) errors.push(...successPolicyErrors(spec, `${path}.successPolicy`));
  errors.push(...replacementErrors(spec, `${path}.podReplacementPolicy`));
  errors.push(...validatePodTemplate(spec.template, `${path}.template`));
  return [...errors, ...restartErrors(spec, `${path}.template.spec.restartPolicy`)];
}

function managedByErrors({ managedBy }: JobSpec, path: string): FieldError[] {
  if (managedBy === undefined) return [];
  const errors = managedBy === ""
    ? [fieldError.required(path)]
    : isDomainPrefixedPath(managedBy).map((message) => fieldError.invalid(path, managedBy, message));
  if (utf8Length(managedBy) > managedByBytesMax) errors.push(fieldError.tooLong(path, managedByBytesMax));
  return errors;
}

function modeErrors(spec: JobSpec, path: string): FieldError[] {
  const mode: string = spec.completionMode ?? "NonIndexed";
  if (mode === "Indexed") return indexedErrors(spec, path);
  if (mode !== "NonIndexed") {
    return [fieldError.notSupported(`${path}.completionMode`, mode, ["NonIndexed", "Indexed"])];
  }
  return (["backoffLimitPerIndex", "maxFailedIndexes"] as const).flatMap((name) =>
    spec[name] === undefined
      ? []
      : [fieldError.invalid(`${path}.${name}`, spec[name], "requires indexed completion mode")]
  );
}

function indexedErrors(spec: JobSpec, path: string): FieldError[] {
  const { completions, parallelism = 0, maxFailedIndexes: failed } = spec;
  const errors: FieldError[] = [];
  const atMost = (name: "parallelism" | "maxFailedIndexes", what: string) =>
    fieldError.invalid(`${path}.${name}`, spec[name], `must be less than or equal to ${what}`);
  if (completions === undefined) {
    errors.push(fieldError.required(`${path}.completions`, "when completion mode is Indexed"));
  }
  if (parallelism > indexedParallelismMax) {
    errors.push(atMost("parallelism", `${indexedParallelismMax} when completion mode is Indexed`));
  }
  if (completions !== undefined && failed !== undefined && failed > completions) {
    errors.push(atMost("maxFailedIndexes", "completions"));
  }
  if (failed !== undefined && failed > indexedFailedIndexesMax) {
    errors.push(atMost("maxFailedIndexes", `${indexedFailedIndexesMax}`));
  }
  if ((completions ?? 0) <= manyCompletions || spec.backoffLimitPerIndex === undefined) return errors;
  const when = `when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (failed === undefined) {
    const detail = `must be specified when completions is above ${manyCompletions}`;
    errors.push(fieldError.required(`${path}.maxFailedIndexes`, detail));
  }
  if (parallelism > manyCompletionsParallelismMax) {
    errors.push(atMost("parallelism", `${manyCompletionsParallelismMax} ${when}`));
  }
  if (failed !== undefined && failed > manyCompletionsFailedIndexesMax) {
    errors.push(atMost("maxFailedIndexes", `${manyCompletionsFailedIndexesMax} ${when}`));
  }
  return errors;
}

/** A pod that is still ending has not failed yet, as a failure policy sees it. */
function replacementErrors(spec: JobSpec, path: string): FieldError[] {
  const policy = spec.podReplacementPolicy;
  const supported = spec.podFailurePolicy === undefined ? ["Failed", "TerminatingOrFailed"] : ["Failed"];
  return policy === undefined || supported.includes(policy) ? [] : [fieldError.notSupported(path, policy, supported)];
}

function restartErrors(spec: JobSpec, path: string): FieldError[] {
  const policy: string = spec.template.spec.restartPolicy ?? "";
  switch (policy) {
    case "":
    case "Always":
      // What was not said has been defaulted to Always by now.
      return [fieldError.required(path, 'valid values: "OnFailure", "Never"')];
    case "Never":
      return [];
    case "OnFailure":
      if (spec.podFailurePolicy === undefined) return [];
      return [fieldError.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')];
    default:
      return [fieldError.notSupported(path, policy, ["OnFailure", "Never"])];
  }
}
