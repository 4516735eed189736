/** What the resource metrics API says, by pod (podautoscaler/metrics/client.go and utilization.go). Pure. */
import { milli } from "../../../lib/quantity.ts";
import type { PodMetrics, ResourceUse } from "../../../lib/resource_metrics.ts";
import { parseGoDuration } from "../../../lib/go_duration.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import { MetricsError } from "./metrics_error.ts";

export interface PodMetric {
  at: Instant;
  windowMs: number;
  /** Thousandths. */
  value: number;
}

export type PodMetricsInfo = ReadonlyMap<string, PodMetric>;

/** What came of asking the API. */
export type Answered<T> = { ok: T } | { error: string };

/** Of one container of each pod, or with `container` "" of all together. Throws MetricsError. */
export function podMetricsOf(
  answer: Answered<readonly PodMetrics[]>,
  resource: string,
  container: string,
): PodMetricsInfo {
  if ("error" in answer) {
    throw new MetricsError(`unable to fetch metrics from resource metrics API: ${answer.error}`);
  }
  if (answer.ok.length === 0) throw new MetricsError("no metrics returned from resource metrics API");
  const found = new Map<string, PodMetric>();
  for (const metrics of answer.ok) {
    const value = container === "" ? podValue(metrics, resource) : containerValue(metrics, resource, container);
    if (value === undefined) continue;
    const { timestamp, window } = metrics;
    found.set(metrics.metadata.name, { at: Date.parse(timestamp), windowMs: parseGoDuration(window) ?? 0, value });
  }
  return found;
}

const valueIn = (usage: ResourceUse, resource: string): number | undefined => {
  const text = (usage as unknown as Record<string, string | undefined>)[resource];
  return text === undefined ? undefined : milli(text);
};

function podValue({ containers }: PodMetrics, resource: string): number | undefined {
  const values = containers.map(({ usage }) => valueIn(usage, resource));
  if (values.length === 0 || values.includes(undefined)) return undefined;
  return values.reduce<number>((sum, value) => sum + value!, 0);
}

function containerValue({ metadata, containers }: PodMetrics, resource: string, name: string): number | undefined {
  const container = containers.find((one) => one.name === name);
  if (container === undefined) {
    const pod = `${metadata.namespace}/${metadata.name}`;
    throw new MetricsError(`failed to get container metrics: container ${name} not present in metrics for pod ${pod}`);
  }
  return valueIn(container.usage, resource);
}

/** Of what is used against what is aimed at. */
export interface Usage {
  /** 1: exactly what is aimed at. */
  ratio: number;
  /** Percent of what was asked for; absent where nothing is asked for. */
  utilization?: number;
  /** Thousandths, on average. */
  average: number;
}

/** Throws MetricsError when the metrics are of other pods than the requests. */
export function utilizationOf(
  metrics: PodMetricsInfo,
  requests: ReadonlyMap<string, number>,
  targetPercent: number,
): Usage {
  let [used, asked, count] = [0, 0, 0];
  for (const [pod, { value }] of metrics) {
    const request = requests.get(pod);
    // What asks for nothing has been refused before: these are others.
    if (request === undefined) continue;
    used += value;
    asked += request;
    count++;
  }
  if (asked === 0) throw new MetricsError("no metrics returned matched known pods");
  const utilization = Math.trunc(used * 100 / asked);
  return { ratio: utilization / targetPercent, utilization, average: Math.trunc(used / count) };
}

export function averageOf(metrics: PodMetricsInfo, target: number): Usage {
  const total = [...metrics.values()].reduce((sum, { value }) => sum + value, 0);
  const average = Math.trunc(total / metrics.size);
  return { ratio: average / target, average };
}
