/** CronJobs (pkg/registry/batch/cronjob). */
import { CronError, parseCron } from "../../../lib/cron.ts";
import { cronJobNameBytesMax } from "../../../lib/limits.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { CronJob as CronJobObject, CronJobSpec, JobSpec } from "../../../lib/types/batch_v1.ts";
import { CronJob } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain, maxLengthError, utf8Length } from "../../../lib/validation.ts";
import { defineResource } from "../../rest/resource.ts";
import { fillTemplate } from "../core/controlled_template.ts";
import { workloadWarnings } from "../core/pod/workload_warnings.ts";
import { defaultPodTemplate } from "../core/pod_template.ts";
import { ageColumn, ageOf, nameColumn } from "../meta/columns.ts";
import { formatLabelSelector } from "../meta/format.ts";
import { nonNegative, nonNegativeFields } from "../meta/non_negative.ts";
import { templateColumns } from "../meta/template_columns.ts";
import { jobWarnings } from "./job.ts";
import { validateJobSpec } from "./job/spec.ts";
import { timeZoneErrors } from "./time_zone.ts";

export const cronJob = defineResource<CronJobObject>(CronJob, {
  definition: "io.k8s.api.batch.v1.CronJob",
  shortNames: ["cj"],
  categories: ["all"],
  status: true,
  defaults,
  validate,
  validateCreate: nameErrors,
  prepareStatus(object) {
    object.status ??= {};
  },
  warnings(object, old) {
    const { spec } = object.spec.jobTemplate;
    const path = "spec.jobTemplate.spec";
    const about = workloadWarnings(object, old, () => spec?.template, `${path}.template`);
    const changed = old?.metadata.generation !== object.metadata.generation;
    return changed && spec !== undefined ? [...jobWarnings(spec, path), ...about] : about;
  },
  columns: [
    nameColumn,
    { name: "Schedule", type: "string", value: ({ spec }) => spec.schedule },
    { name: "Timezone", type: "string", value: ({ spec }) => spec.timeZone ?? "<none>" },
    {
      name: "Suspend",
      type: "boolean",
      value: ({ spec }) => spec.suspend === undefined ? "<unset>" : spec.suspend ? "True" : "False",
    },
    { name: "Active", type: "integer", value: ({ status }) => (status.active ?? []).length },
    {
      name: "Last Schedule",
      type: "string",
      value: ({ status }, now) =>
        status.lastScheduleTime === undefined ? "<none>" : ageOf(status.lastScheduleTime, now),
    },
    ageColumn,
    ...templateColumns<CronJobObject>(
      ({ spec }) => spec.jobTemplate.spec?.template,
      ({ spec }) => formatLabelSelector(spec.jobTemplate.spec?.selector),
    ),
  ],
}, isDNS1123Subdomain);

/** A Job's own defaults are given to the Jobs that are made. */
function defaults(object: CronJobObject): void {
  const spec = object.spec ??= {} as CronJobSpec;
  spec.schedule ??= "";
  spec.concurrencyPolicy ||= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  spec.jobTemplate ??= {};
  spec.jobTemplate.metadata ??= {};
  const template = spec.jobTemplate.spec ??= {} as JobSpec;
  template.template = fillTemplate(template.template);
  defaultPodTemplate(template.template);
}

/** Older ones may have longer names, and are not to be stuck with them. */
function nameErrors({ metadata: { name } }: CronJobObject): FieldError[] {
  if (utf8Length(name) <= cronJobNameBytesMax) return [];
  return [fieldError.invalid("metadata.name", name, maxLengthError(cronJobNameBytesMax))];
}

function validate({ spec }: CronJobObject): FieldError[] {
  return [
    ...scheduleErrors(spec),
    ...nonNegative(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds"),
    ...timeZoneErrors(spec.timeZone, "spec.timeZone"),
    ...concurrencyErrors(spec),
    ...templateErrors(spec.jobTemplate.spec!, "spec.jobTemplate.spec"),
    ...nonNegativeFields(spec, ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"], "spec"),
  ];
}

function scheduleErrors({ schedule }: CronJobSpec): FieldError[] {
  const path = "spec.schedule";
  if (schedule === "") return [fieldError.required(path)];
  const errors: FieldError[] = [];
  try {
    parseCron(schedule);
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    errors.push(fieldError.invalid(path, schedule, error.message));
  }
  if (schedule.includes("TZ")) {
    const detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
    errors.push(fieldError.invalid(path, schedule, detail));
  }
  return errors;
}

function concurrencyErrors({ concurrencyPolicy: policy = "Allow" }: CronJobSpec): FieldError[] {
  const supported = ["Allow", "Forbid", "Replace"];
  return supported.includes(policy) ? [] : [fieldError.notSupported("spec.concurrencyPolicy", policy, supported)];
}

function templateErrors(spec: JobSpec, path: string): FieldError[] {
  const errors = validateJobSpec(spec, path);
  if (spec.selector !== undefined) {
    errors.push(fieldError.invalid(`${path}.selector`, spec.selector, "`selector` will be auto-generated"));
  }
  if (spec.manualSelector) errors.push(fieldError.notSupported(`${path}.manualSelector`, true, ["nil", "false"]));
  return errors;
}
