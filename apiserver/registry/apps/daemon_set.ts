/** DaemonSets (pkg/registry/apps/daemonset). */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { validateLabelSelector } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type {
  DaemonSet as Set,
  DaemonSetSpec,
  DaemonSetUpdateStrategy,
  RollingUpdateDaemonSet,
} from "../../../lib/types/apps_v1.ts";
import { DaemonSet } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource } from "../../rest/resource.ts";
import { fillTemplate, lastingErrors, mismatchErrors, usableSelector } from "../core/controlled_template.ts";
import { workloadWarnings } from "../core/pod/workload_warnings.ts";
import { defaultPodTemplate, validatePodTemplate } from "../core/pod_template.ts";
import { collisionErrors } from "../core/replica_status.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { formatLabels, formatLabelSelector } from "../meta/format.ts";
import { immutable } from "../meta/immutable.ts";
import { intOrPercentValue, notMoreThan100Percent, validateIntOrPercent } from "../meta/int_or_percent.ts";
import { nonNegativeFields } from "../meta/non_negative.ts";
import { templateColumns } from "../meta/template_columns.ts";

/** Counts changes of the template; a field in older versions of the API. */
export const templateGenerationAnnotation = "deprecated.daemonset.template.generation";

const counts = [
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
] as const;

const zero = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };

export const daemonSet = defineResource<Set>(DaemonSet, {
  definition: "io.k8s.api.apps.v1.DaemonSet",
  shortNames: ["ds"],
  categories: ["all"],
  status: true,
  defaults,
  prepareCreate(object) {
    fillStatus(object);
    setTemplateGeneration(object, Math.max(templateGeneration(object), 1));
  },
  prepareStatus(object, old) {
    fillStatus(object);
    // It is part of the spec, though it is told in an annotation.
    setTemplateGeneration(object, templateGeneration(old));
  },
  prepareUpdate(object, old) {
    const changed = !deepEqual(object.spec.template, old.spec.template);
    setTemplateGeneration(object, templateGeneration(old) + (changed ? 1 : 0));
  },
  validate,
  validateUpdate: (object, old) => immutable(object.spec.selector, old.spec.selector, "spec.selector"),
  validateStatus: ({ status }, old) => [
    ...nonNegativeFields(status, counts, "status"),
    ...collisionErrors(status.collisionCount, old.status.collisionCount),
  ],
  warnings: (object, old) => workloadWarnings(object, old, (it) => it.spec.template),
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", value: ({ status }) => status.desiredNumberScheduled ?? 0 },
    { name: "Current", type: "integer", value: ({ status }) => status.currentNumberScheduled ?? 0 },
    { name: "Ready", type: "integer", value: ({ status }) => status.numberReady ?? 0 },
    { name: "Up-to-date", type: "integer", value: ({ status }) => status.updatedNumberScheduled ?? 0 },
    { name: "Available", type: "integer", value: ({ status }) => status.numberAvailable ?? 0 },
    { name: "Node Selector", type: "string", value: ({ spec }) => formatLabels(spec.template.spec.nodeSelector) },
    ageColumn,
    ...templateColumns<Set>(({ spec }) => spec.template, ({ spec }) => formatLabelSelector(spec.selector)),
  ],
}, isDNS1123Subdomain);

/** Counts that are never left out. */
function fillStatus(object: Set): void {
  object.status = { ...zero, ...object.status };
}

function defaults(object: Set): void {
  const spec = object.spec ??= {} as DaemonSetSpec;
  const strategy: DaemonSetUpdateStrategy = spec.updateStrategy ??= {};
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const rolling = strategy.rollingUpdate ??= {};
    rolling.maxUnavailable ??= 1;
    rolling.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  spec.template = fillTemplate(spec.template);
  defaultPodTemplate(spec.template);
}

function templateGeneration({ metadata }: Set): number {
  const count = Number(metadata.annotations?.[templateGenerationAnnotation]);
  return Number.isSafeInteger(count) ? count : 0;
}

function setTemplateGeneration({ metadata }: Set, count: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGenerationAnnotation]: `${count}` };
}

function validate({ spec }: Set): FieldError[] {
  const path = "spec.template";
  const errors: FieldError[] = [];
  const { selector } = spec;
  // A missing selector is one that matches nothing: that error is the next.
  errors.push(...validateLabelSelector(selector, "spec.selector"));
  const usable = usableSelector(selector);
  if (usable !== undefined) errors.push(...mismatchErrors(spec.template, usable, path));
  if (selector !== undefined && Object.keys(selector.matchLabels ?? {}).length === 0) {
    const detail = "empty selector is invalid for daemonset";
    if (!selector.matchExpressions?.length) errors.push(fieldError.invalid("spec.selector", selector, detail));
  }
  return [
    ...errors,
    ...validatePodTemplate(spec.template, path),
    ...lastingErrors(spec.template, path, "DaemonSet"),
    ...nonNegativeFields(spec, ["minReadySeconds"], "spec"),
    ...strategyErrors(spec.updateStrategy ?? {}),
    ...nonNegativeFields(spec, ["revisionHistoryLimit"], "spec"),
  ];
}

function strategyErrors(strategy: DaemonSetUpdateStrategy): FieldError[] {
  const path = "spec.updateStrategy";
  switch (strategy.type) {
    case "OnDelete":
      return [];
    case "RollingUpdate":
      return rollingErrors(strategy.rollingUpdate ?? {}, `${path}.rollingUpdate`);
    default:
      return [fieldError.notSupported(path, strategy, ["RollingUpdate", "OnDelete"])];
  }
}

/** Pods of a node are replaced either by being removed first, or by being added first. */
function rollingErrors({ maxUnavailable, maxSurge }: RollingUpdateDaemonSet, path: string): FieldError[] {
  const errors = [
    ...validateIntOrPercent(maxUnavailable, `${path}.maxUnavailable`),
    ...validateIntOrPercent(maxSurge, `${path}.maxSurge`),
    ...notMoreThan100Percent(maxUnavailable, `${path}.maxUnavailable`),
    ...notMoreThan100Percent(maxSurge, `${path}.maxSurge`),
  ];
  const [unavailable, surge] = [intOrPercentValue(maxUnavailable) !== 0, intOrPercentValue(maxSurge) !== 0];
  if (unavailable && surge) {
    const detail = "may not be set when maxUnavailable is non-zero";
    errors.push(fieldError.invalid(`${path}.maxSurge`, maxSurge, detail));
  }
  if (!unavailable && !surge) {
    errors.push(fieldError.required(`${path}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  }
  return errors;
}
