/**
 * What an agent's `/metrics/resource` says (Prometheus' text format, the kubelet's names), as far as usage is worked out of it. Pure.
 * Leaves out what the pod-level sums say: they follow from the containers.
 */
import type { Instant } from "../../lib/seams/clock.ts";

/** Counters and gauges of one thing at one time. */
export interface Point {
  at: Instant;
  /** Since when the counter counts; absent for what is older than anybody asks. */
  startedMs?: Instant;
  cpuSeconds: number;
  memoryBytes: number;
}

/** One look at a node. */
export interface Sample {
  node?: Point;
  /** By `namespace/pod`, then by container. */
  pods: ReadonlyMap<string, ReadonlyMap<string, Point>>;
}

type Part = "cpuSeconds" | "memoryBytes" | "startedSeconds";

const families: Readonly<Record<string, { of: "node" | "container"; part: Part }>> = {
  node_cpu_usage_seconds_total: { of: "node", part: "cpuSeconds" },
  node_memory_working_set_bytes: { of: "node", part: "memoryBytes" },
  container_cpu_usage_seconds_total: { of: "container", part: "cpuSeconds" },
  container_memory_working_set_bytes: { of: "container", part: "memoryBytes" },
  container_start_time_seconds: { of: "container", part: "startedSeconds" },
};

type Draft = Partial<Record<Part, number>> & { at?: Instant };

const line = /^([a-z_]+)(?:\{([^}]*)\})? (\S+)(?: (\d+))?$/;

/** `now`: the time of what says none. Lines that are not understood are no concern of ours. */
export function parseSample(text: string, now: Instant): Sample {
  const node: Draft = {};
  const pods = new Map<string, Map<string, Draft>>();
  for (const one of text.split("\n")) {
    const [, name = "", labels = "", value, at] = line.exec(one) ?? [];
    if (!Object.hasOwn(families, name) || !Number.isFinite(Number(value))) continue;
    const { of, part } = families[name]!;
    const draft = of === "node" ? node : containerOf(pods, labels);
    if (draft === undefined) continue;
    draft[part] = Number(value);
    if (at !== undefined && part !== "startedSeconds") draft.at = Number(at);
  }
  const found = new Map<string, ReadonlyMap<string, Point>>();
  for (const [pod, containers] of pods) {
    const points = new Map<string, Point>();
    for (const [name, draft] of containers) {
      const point = pointOf(draft, now);
      if (point !== undefined) points.set(name, point);
    }
    if (points.size > 0) found.set(pod, points);
  }
  return { node: pointOf(node, now), pods: found };
}

function containerOf(pods: Map<string, Map<string, Draft>>, labels: string): Draft | undefined {
  // None of the names may have a quote or a backslash in it.
  const { namespace, pod, container } = Object.fromEntries(
    [...labels.matchAll(/([a-z_]+)="([^"\\]*)"/g)].map(([, key, text]) => [key, text]),
  ) as Record<string, string | undefined>;
  if (namespace === undefined || pod === undefined || container === undefined) return undefined;
  const key = `${namespace}/${pod}`;
  const containers = pods.get(key) ?? new Map<string, Draft>();
  pods.set(key, containers);
  const draft = containers.get(container) ?? {};
  containers.set(container, draft);
  return draft;
}

/** Half of a measurement is none. */
function pointOf({ at, cpuSeconds, memoryBytes, startedSeconds }: Draft, now: Instant): Point | undefined {
  if (cpuSeconds === undefined || memoryBytes === undefined) return undefined;
  return {
    at: at ?? now,
    startedMs: startedSeconds === undefined ? undefined : startedSeconds * 1000,
    cpuSeconds,
    memoryBytes,
  };
}
