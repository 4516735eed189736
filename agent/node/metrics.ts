/** Prometheus' text format, and /metrics/resource. Pure. */
import type { Distribution } from "../../lib/metrics/distribution.ts";
import type { HostUse } from "./summary.ts";
import type { PodUse } from "./stats.ts";

export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly {
    /** After the name: those of a histogram. */
    readonly suffix?: "_bucket" | "_sum" | "_count";
    readonly labels?: Readonly<Record<string, string>>;
    readonly value: number;
    /** When it was measured, where that is not now. ms */
    readonly at?: number;
  }[];
}

export function metricsText(families: readonly Family[]): string {
  const lines: string[] = [];
  for (const { name, type, help, samples } of families) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { suffix = "", labels = {}, value, at } of samples) {
      const inside = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`).join(",");
      lines.push(`${name}${suffix}${inside === "" ? "" : `{${inside}}`} ${value}${at === undefined ? "" : ` ${at}`}`);
    }
  }
  return lines.join("\n") + "\n";
}

const nanos = 1e-9;
type Sample = Family["samples"][number];

type Use = PodUse["containers"][number];

/** The names in labels; when, as each container was looked at in its turn. */
function eachContainer(pods: readonly PodUse[], value: (use: Use) => number): Sample[] {
  return pods.flatMap(({ pod, containers }) =>
    containers.map((use) => ({
      labels: { container: use.name, namespace: pod.metadata.namespace, pod: pod.metadata.name },
      value: value(use),
      at: use.stats.timeMs,
    }))
  );
}

function eachPod(pods: readonly PodUse[], value: (use: Use) => number): Sample[] {
  return pods.map(({ pod, containers }) => ({
    labels: { namespace: pod.metadata.namespace, pod: pod.metadata.name },
    value: containers.reduce((sum, use) => sum + value(use), 0),
    at: Math.min(...containers.map(({ stats }) => stats.timeMs)),
  }));
}

/** `/metrics/resource`: what metrics-server reads. */
export function resourceMetrics(host: HostUse, pods: readonly PodUse[]): Family[] {
  const cpu = ({ stats }: Use) => stats.cpuNanos * nanos;
  const memory = ({ stats }: Use) => stats.memoryWorkingSetBytes;
  const started = ({ container }: Use) => (container.startedMs ?? 0) / 1000;
  const ofNode = (value: number): Sample[] => [{ value, at: host.timeMs }];
  return [
    family(
      "container_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the container in core-seconds",
      eachContainer(pods, cpu),
    ),
    family(
      "container_memory_working_set_bytes",
      "gauge",
      "Current working set of the container in bytes",
      eachContainer(pods, memory),
    ),
    family(
      "container_start_time_seconds",
      "gauge",
      "Start time of the container since unix epoch in seconds",
      eachContainer(pods, started),
    ),
    family(
      "node_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the node in core-seconds",
      ofNode(host.cpuNanos * nanos),
    ),
    family(
      "node_memory_working_set_bytes",
      "gauge",
      "Current working set of the node in bytes",
      ofNode(host.memoryBytes - host.usage.memoryAvailableBytes),
    ),
    family(
      "pod_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the pod in core-seconds",
      eachPod(pods, cpu),
    ),
    family("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes", eachPod(pods, memory)),
    family(
      "resource_scrape_error",
      "gauge",
      "1 if there was an error while getting container metrics, 0 otherwise",
      [{ value: 0 }],
    ),
  ];
}

/** The samples of one distribution (prometheus' text format: buckets add up). */
export function histogramSamples(
  { bounds, counts, sum, count }: Distribution,
  labels: Record<string, string>,
): Sample[] {
  let below = 0;
  const buckets = [...bounds.map(String), "+Inf"].map((le, i): Sample => {
    below += counts[i]!;
    return { suffix: "_bucket", labels: { ...labels, le }, value: below };
  });
  return [...buckets, { suffix: "_sum", labels, value: sum }, { suffix: "_count", labels, value: count }];
}

export function family(name: string, type: Family["type"], help: string, samples: readonly Sample[]): Family {
  return { name, type, help, samples };
}
