/** How many pods a resource's use asks for (replica_calculator.go: GetResourceReplicas, GetRawResourceReplicas). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { MetricsError } from "./metrics_error.ts";
import { groupPods, podRequests } from "./pod_groups.ts";
import { averageOf, type PodMetric, type PodMetricsInfo, type Usage, utilizationOf } from "./pod_metrics.ts";
import type { AutoscalerSettings } from "./settings.ts";

export interface Tolerances {
  scaleDown: number;
  scaleUp: number;
}

/** What is aimed at: percent of what pods ask for, or thousandths on average. */
export type Target = { percent: number } | { average: number };

export interface ReplicasQuestion {
  /** How many are wanted now. */
  current: number;
  target: Target;
  resource: string;
  /** "": all of a pod's together. */
  container: string;
  metrics: PodMetricsInfo;
  pods: readonly Pod[];
  tolerances: Tolerances;
  settings: AutoscalerSettings;
  now: Instant;
}

export interface ReplicasAnswer {
  replicas: number;
  usage: Usage;
}

/** How use is weighed, and what those that were not measured are taken to use when others use less or more than is aimed at. */
interface Scales {
  weigh(metrics: PodMetricsInfo): Usage;
  assumed(pod: string, ratio: number): number | undefined;
}

function scalesOf({ target, pods, resource, container }: ReplicasQuestion): Scales {
  if ("average" in target) {
    return {
      weigh: (metrics) => averageOf(metrics, target.average),
      assumed: (_, ratio) => ratio < 1 ? target.average : 0,
    };
  }
  const { percent } = target;
  const requests = podRequests(pods, resource, container);
  return {
    weigh: (metrics) => utilizationOf(metrics, requests, percent),
    assumed(pod, ratio) {
      if (ratio === 1) return undefined;
      return ratio < 1 ? Math.trunc((requests.get(pod) ?? 0) * Math.max(100, percent) / 100) : 0;
    },
  };
}

const within = (ratio: number, { scaleDown, scaleUp }: Tolerances) => 1 - scaleDown <= ratio && ratio <= 1 + scaleUp;

/** Throws MetricsError. */
export function replicasFor(question: ReplicasQuestion): ReplicasAnswer {
  const { current, pods, tolerances } = question;
  if (pods.length === 0) throw new MetricsError("no pods returned by selector while calculating replica count");
  const { ready, unready, missing, ignored } = groupPods(pods, question.metrics, question);
  const measured = new Map([...question.metrics].filter(([pod]) => !unready.has(pod) && !ignored.has(pod)));
  const scales = scalesOf(question);
  if (measured.size === 0) throw new MetricsError("did not receive metrics for any ready pods");
  const usage = scales.weigh(measured);
  const stay = { replicas: current, usage };
  const unreadyCount = unready.size > 0 && usage.ratio > 1;
  if (!unreadyCount && missing.size === 0) {
    return within(usage.ratio, tolerances) ? stay : { replicas: Math.ceil(usage.ratio * ready), usage };
  }
  // Pods of which nothing is known must not make the answer bolder: they soften what is done in either direction.
  const assumed = new Map<string, PodMetric>(measured);
  const assume = (pod: string, value: number | undefined) => {
    if (value !== undefined) assumed.set(pod, { at: 0, windowMs: 0, value });
  };
  for (const pod of missing) assume(pod, scales.assumed(pod, usage.ratio));
  if (unreadyCount) { for (const pod of unready) assume(pod, 0); }
  const { ratio } = scales.weigh(assumed);
  const turned = (usage.ratio < 1 && ratio > 1) || (usage.ratio > 1 && ratio < 1);
  if (turned || within(ratio, tolerances)) return stay;
  const replicas = Math.ceil(ratio * assumed.size);
  const against = (ratio < 1 && replicas > current) || (ratio > 1 && replicas < current);
  return against ? stay : { replicas, usage };
}
