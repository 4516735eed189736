/** HorizontalPodAutoscalers of autoscaling/v1 as autoscaling/v2 and back (pkg/apis/autoscaling/v1/conversion.go). */
import type * as v1 from "../../../lib/types/autoscaling_v1.ts";
import type * as v2 from "../../../lib/types/autoscaling_v2.ts";
import {
  annotationsOf,
  behaviorFrom,
  conditionsFrom,
  currentMetricsFrom,
  metricsFrom,
  specAnnotations,
  statusAnnotations,
} from "./annotations.ts";
import { defaultMetrics } from "./horizontal_pod_autoscaler.ts";

/** CPU utilization is the one metric that v1 has a field for. */
const isCpuPercent = ({ type, resource }: v2.MetricSpec) =>
  type === "Resource" && resource?.name === "cpu" && resource.target?.averageUtilization !== undefined;

export function toV1(object: v2.HorizontalPodAutoscaler): v1.HorizontalPodAutoscaler {
  const { spec, status } = object;
  const metrics = spec.metrics ?? [];
  const cpu = metrics.find(({ type, resource }) => type === "Resource" && resource?.name === "cpu");
  const percent = cpu?.resource?.target?.averageUtilization;
  const currentPercent = status?.currentMetrics
    ?.findLast(({ type, resource }) => type === "Resource" && resource?.name === "cpu")
    ?.resource?.current?.averageUtilization;
  const extra = annotationsOf({ metrics: metrics.filter((metric) => !isCpuPercent(metric)), spec, status });
  const metadata = { ...object.metadata };
  if (Object.keys(extra).length > 0) metadata.annotations = { ...metadata.annotations, ...extra };
  const { observedGeneration, lastScaleTime, currentReplicas = 0, desiredReplicas = 0 } = status ?? {};
  return {
    apiVersion: "autoscaling/v1",
    kind: "HorizontalPodAutoscaler",
    metadata,
    spec: {
      maxReplicas: spec.maxReplicas,
      ...optional({ minReplicas: spec.minReplicas, targetCPUUtilizationPercentage: percent }),
      scaleTargetRef: spec.scaleTargetRef,
    },
    status: {
      currentReplicas,
      desiredReplicas,
      ...optional({ observedGeneration, lastScaleTime, currentCPUUtilizationPercentage: currentPercent }),
    },
  };
}

export function toV2(object: v1.HorizontalPodAutoscaler): v2.HorizontalPodAutoscaler {
  const { spec, status } = object;
  const { annotations, ...metadata } = object.metadata;
  const metrics = metricsFrom(annotations);
  const percent = spec.targetCPUUtilizationPercentage;
  if (percent !== undefined) metrics.push(cpuMetric(percent));
  const others = Object.entries(annotations ?? {})
    .filter(([key]) => !specAnnotations.includes(key) && !statusAnnotations.includes(key));
  const behavior = behaviorFrom(annotations);
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: others.length === 0 ? metadata : { ...metadata, annotations: Object.fromEntries(others) },
    spec: {
      ...optional({ behavior, minReplicas: spec.minReplicas }),
      maxReplicas: spec.maxReplicas,
      metrics: metrics.length === 0 ? defaultMetrics() : metrics,
      scaleTargetRef: spec.scaleTargetRef,
    },
    status: statusToV2(status, annotations),
  };
}

function cpuMetric(percent: number): v2.MetricSpec {
  const target = { type: "Utilization", averageUtilization: percent };
  return { type: "Resource", resource: { name: "cpu", target } };
}

function statusToV2(
  status: v1.HorizontalPodAutoscalerStatus | undefined,
  annotations: Readonly<Record<string, string>> | undefined,
): v2.HorizontalPodAutoscalerStatus {
  const { observedGeneration, lastScaleTime, currentReplicas, desiredReplicas = 0 } = status ?? {};
  const percent = status?.currentCPUUtilizationPercentage;
  let currentMetrics = currentMetricsFrom(annotations);
  // The annotation has what was measured, too.
  if (currentMetrics.length === 0 && percent !== undefined) {
    currentMetrics = [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: percent } } }];
  }
  const conditions = conditionsFrom(annotations);
  return {
    ...optional({ observedGeneration, lastScaleTime, currentReplicas }),
    desiredReplicas,
    ...(currentMetrics.length === 0 ? {} : { currentMetrics }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

function optional<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
