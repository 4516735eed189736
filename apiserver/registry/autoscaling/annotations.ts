/**
 * The annotations in which autoscaling/v1 keeps what only autoscaling/v2 has fields for (pkg/apis/autoscaling). They are
 * clients' to write: what can't be read is left out, as Kubernetes does.
 */
import { DecodeError, decodeObject } from "../../../lib/schema/validate.ts";
import { definition } from "../../../lib/schema/schema.ts";
import type * as v1 from "../../../lib/types/autoscaling_v1.ts";
import type * as v2 from "../../../lib/types/autoscaling_v2.ts";
import { metricStatusToV1, metricStatusToV2, metricToV1, metricToV2 } from "./metric_conversion.ts";

const prefix = "autoscaling.alpha.kubernetes.io/";
export const metricsAnnotation = `${prefix}metrics`;
export const behaviorAnnotation = `${prefix}behavior`;
export const currentMetricsAnnotation = `${prefix}current-metrics`;
export const conditionsAnnotation = `${prefix}conditions`;
export const specAnnotations: readonly string[] = [metricsAnnotation, behaviorAnnotation];
export const statusAnnotations: readonly string[] = [currentMetricsAnnotation, conditionsAnnotation];

export type Annotations = Readonly<Record<string, string>> | undefined;

/** Not all of what is there can be said in v1: the annotations that say the rest. */
export function annotationsOf(
  of: {
    metrics: readonly v2.MetricSpec[];
    spec: v2.HorizontalPodAutoscalerSpec;
    status?: v2.HorizontalPodAutoscalerStatus;
  },
): Record<string, string> {
  const out: Record<string, string> = {};
  const { currentMetrics = [], conditions = [] } = of.status ?? {};
  if (of.metrics.length > 0) out[metricsAnnotation] = JSON.stringify(of.metrics.map(metricToV1));
  if (currentMetrics.length > 0) out[currentMetricsAnnotation] = JSON.stringify(currentMetrics.map(metricStatusToV1));
  if (of.spec.behavior !== undefined) out[behaviorAnnotation] = JSON.stringify(goBehavior(of.spec.behavior));
  if (conditions.length > 0) out[conditionsAnnotation] = JSON.stringify(conditions);
  return out;
}

export function metricsFrom(annotations: Annotations): v2.MetricSpec[] {
  return read<v1.MetricSpec>(annotations?.[metricsAnnotation], "MetricSpec").map(metricToV2);
}

export function currentMetricsFrom(annotations: Annotations): v2.MetricStatus[] {
  return read<v1.MetricStatus>(annotations?.[currentMetricsAnnotation], "MetricStatus").map(metricStatusToV2);
}

export function conditionsFrom(annotations: Annotations): v2.HorizontalPodAutoscalerCondition[] {
  return read(annotations?.[conditionsAnnotation], "HorizontalPodAutoscalerCondition");
}

export function behaviorFrom(annotations: Annotations): v2.HorizontalPodAutoscalerBehavior | undefined {
  const parsed = parse(annotations?.[behaviorAnnotation]);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const type = definition("io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior");
  const behavior = decoded<v2.HorizontalPodAutoscalerBehavior>(jsonNames(parsed), type);
  return behavior === undefined || Object.keys(behavior).length === 0 ? undefined : behavior;
}

/** A list of objects of an autoscaling/v1 type; empty when any of them is wrong. */
function read<T>(text: string | undefined, type: string): T[] {
  const parsed = parse(text);
  if (!Array.isArray(parsed)) return [];
  const items = parsed.map((item) => decoded<T>(item, definition(`io.k8s.api.autoscaling.v1.${type}`)));
  return items.includes(undefined) ? [] : items as T[];
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function decoded<T>(value: unknown, type: ReturnType<typeof definition>): T | undefined {
  try {
    return decodeObject(value, type).object as T;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** Kubernetes writes the behavior in the names of its Go fields, absent ones as null. */
function goBehavior({ scaleUp, scaleDown }: v2.HorizontalPodAutoscalerBehavior): unknown {
  return { ScaleUp: goRules(scaleUp), ScaleDown: goRules(scaleDown) };
}

function goRules(rules: v2.HPAScalingRules | undefined): unknown {
  if (rules === undefined) return null;
  return {
    StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
    SelectPolicy: rules.selectPolicy ?? null,
    Policies: rules.policies?.map(({ type, value, periodSeconds }) => ({
      Type: type,
      Value: value,
      PeriodSeconds: periodSeconds,
    })) ?? null,
    Tolerance: rules.tolerance ?? null,
  };
}

/** Go's decoder takes names in any case. */
function jsonNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonNames);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name.charAt(0).toLowerCase() + name.slice(1), jsonNames(inner)]),
  );
}
