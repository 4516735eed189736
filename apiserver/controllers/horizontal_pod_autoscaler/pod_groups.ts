/** Which pods' metrics count, and how (groupPods and calculatePodRequests of replica_calculator.go). Pure. */
import { milli } from "../../../lib/quantity.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Container, Pod } from "../../../lib/types/core_v1.ts";
import { MetricsError } from "./metrics_error.ts";
import type { PodMetric, PodMetricsInfo } from "./pod_metrics.ts";
import type { AutoscalerSettings } from "./settings.ts";

export interface PodGroups {
  ready: number;
  unready: ReadonlySet<string>;
  missing: ReadonlySet<string>;
  /** On their way out. */
  ignored: ReadonlySet<string>;
}

export interface GroupOptions {
  resource: string;
  settings: AutoscalerSettings;
  now: Instant;
}

export function groupPods(pods: readonly Pod[], metrics: PodMetricsInfo, options: GroupOptions): PodGroups {
  const [unready, missing, ignored] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let ready = 0;
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const metric = metrics.get(name);
    if (deletionTimestamp !== undefined || pod.status.phase === "Failed") ignored.add(name);
    else if (pod.status.phase === "Pending") unready.add(name);
    else if (metric === undefined) missing.add(name);
    else if (options.resource === "cpu" && isUnready(pod, metric, options)) unready.add(name);
    else ready++;
  }
  return { ready, unready, missing, ignored };
}

/** Starting takes CPU that serving won't: such a measurement says nothing. */
function isUnready({ status }: Pod, metric: PodMetric, { settings, now }: GroupOptions): boolean {
  const condition = status.conditions?.find(({ type }) => type === "Ready");
  if (condition === undefined || status.startTime === undefined) return true;
  const started = Date.parse(status.startTime);
  const since = Date.parse(condition.lastTransitionTime ?? "") || 0;
  const isFalse = condition.status === "False";
  // One whole window must have been measured since it became ready.
  if (started + settings.cpuInitializationMs > now) return isFalse || metric.at < since + metric.windowMs;
  return isFalse && started + settings.initialReadinessDelayMs > since;
}

/** Thousandths by pod. Throws MetricsError for a container that asks for nothing: there is no share of nothing. */
export function podRequests(pods: readonly Pod[], resource: string, container: string): ReadonlyMap<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name, requestOf(pod, resource, container)]));
}

function requestOf(pod: Pod, resource: string, container: string): number {
  const whole = container === "" ? pod.spec.resources?.requests?.[resource] : undefined;
  if (whole !== undefined) return milli(whole);
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const containers: Container[] = [...pod.spec.containers, ...sidecars];
  return containers.filter(({ name }) => container === "" || name === container).reduce((sum, { name, resources }) => {
    const request = resources?.requests?.[resource];
    if (request === undefined) {
      throw new MetricsError(`missing request for ${resource} in container ${name} of Pod ${pod.metadata.name}`);
    }
    return sum + milli(request);
  }, 0);
}
