/** HorizontalPodAutoscaler, autoscaling/v2: the form that is stored. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { HorizontalPodAutoscaler, MetricSpec } from "../../../lib/types/autoscaling_v2.ts";
import { HorizontalPodAutoscalerV2 as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { type Column, defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { nonNegativeFields } from "../meta/non_negative.ts";
import { defaultBehavior, validateBehavior } from "./behavior.ts";
import { validateMetricSpec } from "./metric_spec.ts";
import { formatMetrics } from "./metric_text.ts";
import { validateTargetReference } from "./target_reference.ts";

/** What is aimed at when nothing is said, of the CPU that was asked for. */
export const defaultUtilizationPercent = 80;

export function defaultMetrics(): MetricSpec[] {
  const target = { type: "Utilization", averageUtilization: defaultUtilizationPercent };
  return [{ type: "Resource", resource: { name: "cpu", target } }];
}

function defaults(object: HorizontalPodAutoscaler): void {
  const spec = object.spec ??= {} as HorizontalPodAutoscaler["spec"];
  spec.minReplicas ??= 1;
  if ((spec.metrics ?? []).length === 0) spec.metrics = defaultMetrics();
  defaultBehavior(spec.behavior);
  const status = object.status ??= { desiredReplicas: 0 };
  status.desiredReplicas ??= 0;
}

export function validateAutoscaler({ spec }: HorizontalPodAutoscaler): FieldError[] {
  const errors: FieldError[] = [];
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [], behavior } = spec;
  // Scaling to zero is behind a feature gate that is off in 1.36.
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(fieldError.invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
  }
  const wrongMax = (detail: string) => errors.push(fieldError.invalid("spec.maxReplicas", maxReplicas, detail));
  if (maxReplicas < 1) wrongMax("must be greater than 0");
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    wrongMax("must be greater than or equal to `minReplicas`");
  }
  // The core group has one kind that scales.
  const group = scaleTargetRef?.kind === "ReplicationController" ? "optional" : "required";
  errors.push(...validateTargetReference(scaleTargetRef, "spec.scaleTargetRef", { group }));
  metrics.forEach((metric, i) => errors.push(...validateMetricSpec(metric, `spec.metrics[${i}]`)));
  if (minReplicas === 0 && !metrics.some(({ type }) => type === "Object" || type === "External")) {
    const detail = "must specify at least one Object or External metric to support scaling to zero replicas";
    errors.push(fieldError.forbidden("spec.metrics", detail));
  }
  return [...errors, ...validateBehavior(behavior, "spec.behavior")];
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): FieldError[] {
  return nonNegativeFields(status ?? {}, ["currentReplicas", "desiredReplicas"], "status");
}

export const autoscalerColumns: readonly Column<HorizontalPodAutoscaler>[] = [
  nameColumn,
  { name: "Reference", type: "string", value: ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}` },
  { name: "Targets", type: "string", value: ({ spec, status }) => formatMetrics(spec.metrics, status?.currentMetrics) },
  { name: "MinPods", type: "string", value: ({ spec }) => String(spec.minReplicas ?? "<unset>") },
  { name: "MaxPods", type: "string", value: ({ spec }) => spec.maxReplicas },
  { name: "Replicas", type: "string", value: ({ status }) => status?.currentReplicas ?? 0 },
  ageColumn,
];

export const horizontalPodAutoscaler: Resource<HorizontalPodAutoscaler> = defineResource<HorizontalPodAutoscaler>(
  kind,
  {
    definition: "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    shortNames: ["hpa"],
    categories: ["all"],
    status: true,
    generation: false,
    defaults,
    prepareCreate(object) {
      object.status = { desiredReplicas: 0 };
    },
    validate: validateAutoscaler,
    validateStatus: validateAutoscalerStatus,
    columns: autoscalerColumns,
  },
  isDNS1123Subdomain,
);
