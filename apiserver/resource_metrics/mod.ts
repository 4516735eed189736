/**
 * metrics.k8s.io: what nodes and pods use, for `kubectl top` and the autoscaler. Upstream it is an add-on behind API aggregation
 * (metrics-server); here it is the only entry of `computed` in main.ts, and an APIService that claims the group takes its place by taking
 * it out of that list.
 */
import type { KubeObject } from "../../lib/kind.ts";
import { metricsScrapeBytesMax } from "../../lib/limits.ts";
import type { NodeMetrics, PodMetrics } from "../../lib/resource_metrics.ts";
import { type Clock, rfc3339 } from "../../lib/seams/clock.ts";
import type { Node, Pod } from "../../lib/types/core_v1.ts";
import type { Cache } from "../cache/cache.ts";
import type { ConnectTarget, Resource } from "../rest/resource.ts";
import type { Computed } from "../rest/rest.ts";
import type { Sample } from "./exposition.ts";
import { nodeMetrics, podMetrics } from "./kinds.ts";
import { type Looks, Samples } from "./samples.ts";
import { periodOf, type Usage, usageBetween, useOf } from "./usage.ts";

export interface ResourceMetricsParts {
  cache: Cache;
  clock: Clock;
  /** The way to the agents. */
  connect(target: ConnectTarget, request: Request): Promise<Response>;
}

const path = "/metrics/resource";

export function resourceMetrics({ cache, clock, connect }: ResourceMetricsParts): readonly Computed[] {
  const snapshot = (storage: string) => cache.resource(storage).snapshot();
  const all = <T>(storage: string, namespace?: string) =>
    snapshot(storage).entries(namespace).map(({ object }) => object as unknown as T);
  const one = <T>(storage: string, key: string) => {
    const found = snapshot(storage).get(key)?.object;
    return found === undefined ? [] : [found as unknown as T];
  };
  const samples = new Samples({
    clock,
    nodes: () => all<Node>("nodes").filter(isHeard).map(({ metadata }) => metadata.name),
    ask: async (node, signal) =>
      await textOf(await connect({ to: "node", node, path }, new Request(`http://agent${path}`, { signal }))),
  });
  return [
    {
      resource: nodeMetrics as unknown as Resource,
      async objects({ name }) {
        const looks = await samples.get();
        const nodes = name === undefined ? all<Node>("nodes") : one<Node>("nodes", name);
        return nodes.flatMap((node) => metricsOfNode(node, looks.get(node.metadata.name), rfc3339(clock.now())));
      },
    },
    {
      resource: podMetrics as unknown as Resource,
      async objects({ namespace, name }) {
        const looks = await samples.get();
        const pods = name === undefined ? all<Pod>("pods", namespace) : one<Pod>("pods", `${namespace}/${name}`);
        // A node speaks for its own pods only.
        return pods.flatMap((pod) => metricsOfPod(pod, looks.get(pod.spec.nodeName ?? ""), rfc3339(clock.now())));
      },
    },
  ];
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > metricsScrapeBytesMax) {
      throw new Error(`its metrics are more than ${metricsScrapeBytesMax} bytes`);
    }
  }
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${text.slice(0, 200)}`);
  return text;
}

/** Who has been silent for long is not waited for. */
const isHeard = ({ status }: Node) =>
  !status?.conditions?.some(({ type, status }) => type === "Ready" && status === "Unknown");

const metaOf = ({ metadata: { name, labels } }: KubeObject, now: string) => ({
  name,
  creationTimestamp: now,
  ...(labels === undefined ? {} : { labels }),
});

export function metricsOfNode(node: Node, looks: Looks | undefined, now: string): NodeMetrics[] {
  const latest = looks?.latest.node;
  const usage = latest && usageBetween(looks?.previous?.node, latest);
  if (usage === undefined) return [];
  const metadata = metaOf(node, now) as NodeMetrics["metadata"];
  const head = { kind: "NodeMetrics", apiVersion: "metrics.k8s.io/v1beta1", metadata } as const;
  return [{ ...head, ...periodOf([usage]), usage: useOf(usage) }];
}

/** A pod is there when all of its containers that the node speaks of are: half of it would look like little. */
export function metricsOfPod(pod: Pod, looks: Looks | undefined, now: string): PodMetrics[] {
  if (looks === undefined || pod.status?.phase !== "Running") return [];
  const { namespace, name } = pod.metadata;
  const of = (sample: Sample | undefined) => sample?.pods.get(`${namespace}/${name}`);
  const before = of(looks.previous);
  const usages: [string, Usage][] = [];
  for (const [container, point] of of(looks.latest) ?? []) {
    const usage = usageBetween(before?.get(container), point);
    if (usage === undefined) return [];
    usages.push([container, usage]);
  }
  if (usages.length === 0) return [];
  const metadata = { ...metaOf(pod, now), namespace } as PodMetrics["metadata"];
  const containers = usages.map(([container, usage]) => ({ name: container, usage: useOf(usage) }));
  const head = { kind: "PodMetrics", apiVersion: "metrics.k8s.io/v1beta1", metadata } as const;
  return [{ ...head, ...periodOf(usages.map(([, usage]) => usage)), containers }];
}
