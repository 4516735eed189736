/** Jobs (pkg/registry/batch/job). What their specs and statuses may say is job/'s. */
import { manyCompletions, manyCompletionsParallelismMax } from "../../../lib/limits.ts";
import { humanDuration } from "../../../lib/duration.ts";
import { validateLabelSelector } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { Job as JobObject, JobSpec } from "../../../lib/types/batch_v1.ts";
import { Job } from "../../../lib/types/kinds.ts";
import { isDNS1123Label, isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource } from "../../rest/resource.ts";
import { fillTemplate, mismatchErrors, usableSelector } from "../core/controlled_template.ts";
import { workloadWarnings } from "../core/pod/workload_warnings.ts";
import { defaultPodTemplate } from "../core/pod_template.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { formatLabelSelector } from "../meta/format.ts";
import { templateColumns } from "../meta/template_columns.ts";
import { hasCondition } from "./job/condition.ts";
import { generatedSelectorErrors, generateSelector } from "./job/selector.ts";
import { validateJobSpec } from "./job/spec.ts";
import { validateJobStatusUpdate } from "./job/status.ts";
import { validateJobUpdate } from "./job/update.ts";

const int32Max = 2 ** 31 - 1;

export const job = defineResource<JobObject>(Job, {
  definition: "io.k8s.api.batch.v1.Job",
  categories: ["all"],
  status: true,
  // As ever since the first version: who deletes a Job and says nothing more keeps its pods.
  dependents: "orphan",
  defaults,
  prepareCreate: generateSelector,
  validate,
  validateUpdate: validateJobUpdate,
  prepareStatus(object) {
    object.status ??= {};
  },
  validateStatus: validateJobStatusUpdate,
  warnings(object, old) {
    const about = workloadWarnings(object, old, (it) => it.spec.template);
    return old?.metadata.generation === object.metadata.generation
      ? about
      : [...jobWarnings(object.spec, "spec"), ...about];
  },
  fields: { "status.successful": ({ status }) => String(status.succeeded ?? 0) },
  columns: [
    nameColumn,
    { name: "Status", type: "string", value: statusText },
    { name: "Completions", type: "string", value: completionsText },
    { name: "Duration", type: "string", value: durationText },
    ageColumn,
    ...templateColumns<JobObject>(({ spec }) => spec.template, ({ spec }) => formatLabelSelector(spec.selector)),
  ],
}, isDNS1123Subdomain);

function defaults(object: JobObject): void {
  const spec = object.spec ??= {} as JobSpec;
  spec.template = fillTemplate(spec.template);
  defaultPodTemplate(spec.template);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  // Each index has a limit of its own then.
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : int32Max;
  const { labels } = spec.template.metadata ?? {};
  if (labels !== undefined && Object.keys(object.metadata.labels ?? {}).length === 0) {
    object.metadata.labels = { ...labels };
  }
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= "True";
  }
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed";
  spec.manualSelector ??= false;
}

function validate(object: JobObject): FieldError[] {
  const { spec, metadata } = object;
  const errors = [...generatedSelectorErrors(object), ...validateJobSpec(spec, "spec")];
  if (spec.selector === undefined) errors.push(fieldError.required("spec.selector"));
  else errors.push(...validateLabelSelector(spec.selector, "spec.selector"));
  const selector = usableSelector(spec.selector);
  if (selector !== undefined) errors.push(...mismatchErrors(spec.template, selector, "spec.template"));
  if (spec.completionMode === "Indexed" && (spec.completions ?? 0) > 0) {
    // The hostname of the last pod, the longest.
    const hostname = `${metadata.name}-${spec.completions! - 1}`;
    if (isDNS1123Label(hostname).length > 0) {
      const detail = `will not able to create pod with invalid DNS label: ${hostname}`;
      errors.push(fieldError.invalid("metadata.name", metadata.name, detail));
    }
  }
  return errors;
}

/** Also of a CronJob's template. */
export function jobWarnings(spec: JobSpec, path: string): string[] {
  const many = (spec.completions ?? 0) > manyCompletions && (spec.parallelism ?? 0) > manyCompletionsParallelismMax;
  if (spec.completionMode !== "Indexed" || !many) return [];
  const note = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, " +
    "a Kubernetes control plane might not be able to track completedIndexes in a timely manner";
  return [`${path}: ${note}`];
}

function statusText(object: JobObject): string {
  if (hasCondition(object, "Complete")) return "Complete";
  if (hasCondition(object, "Failed")) return "Failed";
  if (object.metadata.deletionTimestamp !== undefined) return "Terminating";
  if (hasCondition(object, "Suspended")) return "Suspended";
  return hasCondition(object, "FailureTarget") ? "FailureTarget" : "Running";
}

function completionsText({ spec, status }: JobObject): string {
  const succeeded = status.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText({ status }: JobObject, now: number): string {
  if (status.startTime === undefined) return "";
  const end = status.completionTime === undefined ? now : Date.parse(status.completionTime);
  return humanDuration(end - Date.parse(status.startTime));
}
