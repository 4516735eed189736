/** What one metric of an autoscaler proposes (computeReplicasForMetric of horizontal.go). Pure. */
import { formatQuantity, milli, quantityOfMilli } from "../../../lib/quantity.ts";
import type { PodMetrics } from "../../../lib/resource_metrics.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from "../../../lib/types/autoscaling_v2.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import type { LabelSelector } from "../../../lib/types/meta_v1.ts";
import { MetricsError } from "./metrics_error.ts";
import { type Answered, podMetricsOf } from "./pod_metrics.ts";
import { replicasFor, type Target, type Tolerances } from "./replicas.ts";
import type { AutoscalerSettings } from "./settings.ts";

export interface MetricView {
  hpa: HorizontalPodAutoscaler;
  /** Those that the target's selector selects. */
  pods: readonly Pod[];
  /** Of those pods. */
  metrics: Answered<readonly PodMetrics[]>;
  /** How many pods the target wants now. */
  current: number;
  settings: AutoscalerSettings;
}

export interface Proposal {
  replicas: number;
  /** `cpu resource utilization (percentage of request)` */
  name: string;
  status: MetricStatus;
}

export interface Failure {
  /** Of the condition and of the Event: `FailedGetResourceMetric`. */
  reason: string;
  cause: string;
  /** The cause, and what could not be had for it. */
  message: string;
}

export function proposalOf(spec: MetricSpec, view: MetricView, now: Instant): Proposal | Failure {
  switch (spec.type) {
    case "Resource": {
      const { name, target } = spec.resource!;
      return attempt("FailedGetResourceMetric", `failed to get ${name} resource metric value`, () => {
        const { replicas, current, suffix } = propose({ name, target, container: "" }, view, now);
        return {
          replicas,
          name: `${name} resource${suffix}`,
          status: { type: "Resource", resource: { name, current } },
        };
      });
    }
    case "ContainerResource": {
      const { name, target, container } = spec.containerResource!;
      return attempt("FailedGetContainerResourceMetric", `failed to get ${container} container metric value`, () => {
        const { replicas, current, suffix } = propose({ name, target, container }, view, now);
        const status = { type: "ContainerResource", containerResource: { name, container, current } };
        return { replicas, name: `${name} container resource${suffix}`, status };
      });
    }
    default:
      return unavailable(spec, view.hpa.metadata.namespace);
  }
}

function attempt(reason: string, what: string, make: () => Proposal): Proposal | Failure {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof MetricsError)) throw error;
    return { reason, cause: error.message, message: `${what}: ${error.message}` };
  }
}

interface Aim {
  name: string;
  target: MetricTarget;
  container: string;
}

function propose(
  { name, target, container }: Aim,
  { hpa, pods, metrics, current, settings }: MetricView,
  now: Instant,
): { replicas: number; current: MetricValueStatus; suffix: string } {
  const aim = targetOf(target);
  if (aim === undefined) {
    throw new MetricsError(
      "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
    );
  }
  const inPercent = "percent" in aim;
  const question = { target: aim, resource: name, container, pods, current, settings, now };
  try {
    const found = metricsOf(() => podMetricsOf(metrics, name, container), name);
    const tolerances = tolerancesOf(hpa, settings);
    const { replicas, usage } = replicasFor({ ...question, metrics: found, tolerances });
    const averageValue = formatQuantity(quantityOfMilli(usage.average));
    return inPercent
      ? {
        replicas,
        current: { averageUtilization: usage.utilization, averageValue },
        suffix: " utilization (percentage of request)",
      }
      : { replicas, current: { averageValue }, suffix: "" };
  } catch (error) {
    if (!(error instanceof MetricsError)) throw error;
    throw new MetricsError(`failed to get ${name} ${inPercent ? "utilization" : "usage"}: ${error.message}`);
  }
}

function metricsOf<T>(get: () => T, resource: string): T {
  try {
    return get();
  } catch (error) {
    if (!(error instanceof MetricsError)) throw error;
    throw new MetricsError(`unable to get metrics for resource ${resource}: ${error.message}`);
  }
}

function targetOf({ averageValue, averageUtilization }: MetricTarget): Target | undefined {
  if (averageValue !== undefined) return { average: milli(averageValue) };
  return averageUtilization === undefined ? undefined : { percent: averageUtilization };
}

function tolerancesOf({ spec: { behavior } }: HorizontalPodAutoscaler, { tolerance }: AutoscalerSettings): Tolerances {
  const own = (text: string | undefined) => text === undefined ? tolerance : milli(text) / 1000;
  return { scaleDown: own(behavior?.scaleDown?.tolerance), scaleUp: own(behavior?.scaleUp?.tolerance) };
}

const noCustomMetrics =
  "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";

/** Metrics of which nobody here knows the values: adapters serve them behind API aggregation. In the words for a cluster without them. */
function unavailable(spec: MetricSpec, namespace: string): Failure {
  const failed = (reason: string, cause: string, what: string): Failure => ({
    reason,
    cause,
    message: `${what}: ${cause}`,
  });
  if (spec.type === "Pods") {
    const cause = `unable to get metric ${spec.pods!.metric.name}: ${noCustomMetrics}`;
    return failed("FailedGetPodsMetric", cause, "failed to get pods metric value");
  }
  if (spec.type === "Object") {
    const { metric, describedObject: { kind, name }, target } = spec.object!;
    const cause = `unable to get metric ${metric.name}: ${noCustomMetrics} on ${kind} ${namespace}/${name}`;
    const what = "failed to get object metric value";
    const average = target.type === "AverageValue" ? `: failed to get ${metric.name} object metric` : "";
    return failed("FailedGetObjectMetric", cause, what + average);
  }
  if (spec.type === "External") {
    const { metric: { name, selector }, target } = spec.external!;
    const cause =
      `unable to get external metric ${namespace}/${name}/${goSelector(selector)}: unable to fetch metrics ` +
      `from external metrics API: the server could not find the requested resource (get ${name}.external.metrics.k8s.io)`;
    const inner = target.averageValue === undefined
      ? `failed to get external metric ${name}`
      : `failed to get ${name} external metric`;
    return failed("FailedGetExternalMetric", cause, `failed to get ${name} external metric value: ${inner}`);
  }
  const cause = `unknown metric source type ${JSON.stringify(spec.type)}`;
  return { reason: "InvalidMetricSourceType", cause, message: cause };
}

/** As Go prints a selector. */
function goSelector(selector: LabelSelector | undefined): string {
  if (selector === undefined) return "nil";
  const labels = Object.entries(selector.matchLabels ?? {}).sort().map(([key, value]) => `${key}: ${value},`).join("");
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }) =>
    `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(" ")}],},`
  ).join("");
  const map = selector.matchLabels === undefined ? "map[string]string{}" : `map[string]string{${labels}}`;
  return `&LabelSelector{MatchLabels:${map},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`;
}
