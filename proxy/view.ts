/** What the informers know, as the pure parts want it. */
import type { Client } from "../lib/client/client.ts";
import { createInformer, type ListWatchInformer } from "../lib/informer/informer.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { Namespace, Node, Pod, Service } from "../lib/types/core_v1.ts";
import type { EndpointSlice } from "../lib/types/discovery_v1.ts";
import * as kinds from "../lib/types/kinds.ts";
import type { Asker } from "./dns/search.ts";
import { parseIpv4 } from "./ipv4.ts";
import { type NodeView, type ServiceEntry, serviceEntry, serviceKeyOf } from "./model.ts";

export class View {
  readonly services: ListWatchInformer<Service>;
  readonly slices: ListWatchInformer<EndpointSlice>;
  readonly node: ListWatchInformer<Node>;
  readonly namespaces: ListWatchInformer<Namespace>;
  readonly pods: ListWatchInformer<Pod>;

  /** `nodes`: those of which it knows the Node objects. */
  constructor(client: Client, readonly nodeName: string, clock: Clock, { nodes }: { nodes: "own" | "all" }) {
    this.services = createInformer(client, kinds.Service, { clock });
    this.slices = createInformer(client, kinds.EndpointSlice, {
      clock,
      indexes: {
        service: (slice) => {
          const key = serviceKeyOf(slice);
          return key === undefined ? [] : [key];
        },
      },
    });
    this.node = createInformer(client, kinds.Node, {
      clock,
      fieldSelector: nodes === "own" ? `metadata.name=${nodeName}` : undefined,
    });
    this.namespaces = createInformer(client, kinds.Namespace, { clock });
    this.pods = createInformer(client, kinds.Pod, {
      clock,
      fieldSelector: `spec.nodeName=${nodeName}`,
      indexes: { ip: (pod) => (pod.status?.podIPs ?? []).map(({ ip }) => ip) },
    });
  }

  /** What the data path can't do without. */
  get essential(): Promise<unknown> {
    return Promise.all([this.services.synced, this.slices.synced, this.node.synced]);
  }

  run(signal: AbortSignal, parts: { dns: "with" | "without" }): Promise<unknown> {
    const all = [this.services, this.slices, this.node];
    const more = parts.dns === "with" ? [this.namespaces, this.pods] : [];
    return Promise.all([...all, ...more].map((informer) => informer.run(signal)));
  }

  nodeView(): NodeView {
    return nodeViewOf(this.nodeName, this.node.get(this.nodeName));
  }

  /** IPv4 addresses of all nodes that it knows. */
  nodeAddresses(): string[] {
    return [...this.node.list()].flatMap((node) => nodeViewOf(node.metadata.name, node).addresses);
  }

  *keys(): Generator<string> {
    for (const service of this.services.list()) yield `${service.metadata.namespace}/${service.metadata.name}`;
  }

  entry(key: string, node: NodeView): ServiceEntry | undefined {
    const service = this.services.get(key);
    return service === undefined ? undefined : serviceEntry(service, this.slices.by("service", key), node);
  }

  /** False while the Node is on its way out (kube-proxy: ToBeDeletedByClusterAutoscaler). */
  nodeEligible(): boolean {
    const node = this.node.get(this.nodeName);
    return node === undefined || (node.metadata.deletionTimestamp === undefined &&
      !(node.spec?.taints ?? []).some((taint) => taint.key === "ToBeDeletedByClusterAutoscaler"));
  }

  /** The pod of this node that has the address and the cluster's search path. */
  asker(address: string, hostSearches: readonly string[]): Asker | undefined {
    const pod = this.pods.by("ip", address).find((one) => !one.spec.hostNetwork && isRunning(one));
    return pod === undefined ? undefined : askerOf(pod, hostSearches);
  }
}

const isRunning = (pod: Pod) => pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed";

/** Pure. `undefined` for a pod with a DNS policy of another search path. */
export function askerOf(pod: Pod, hostSearches: readonly string[]): Asker | undefined {
  const policy = pod.spec.dnsPolicy ?? "ClusterFirst";
  if (policy !== "ClusterFirst" && policy !== "ClusterFirstWithHostNet") return undefined;
  const own = (pod.spec.dnsConfig?.searches ?? []).map((search) => search.replace(/\.$/, "").toLowerCase());
  return { namespace: pod.metadata.namespace, moreSearches: [...hostSearches, ...own] };
}

export function nodeViewOf(name: string, node: Node | undefined): NodeView {
  return {
    name,
    zone: node?.metadata.labels?.["topology.kubernetes.io/zone"],
    addresses: (node?.status?.addresses ?? [])
      .filter(({ type, address }) =>
        (type === "InternalIP" || type === "ExternalIP") && parseIpv4(address) !== undefined
      )
      .map(({ address }) => address),
  };
}
