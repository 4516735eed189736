/**
 * Makes the nodes themselves the load balancer of Services of that type: their addresses become `status.loadBalancer.ingress`, and every
 * proxy takes what comes to them. Of two Services that want the same port, the older one has it. Source of which nodes count:
 * k8s.io/cloud-provider controllers/service (stableNodeSetPredicates): readiness is not asked, so an address that people have in their
 * DNS does not come and go with a node's health. With externalTrafficPolicy Local only nodes with an endpoint are listed.
 *
 * Leaves out Services with a loadBalancerClass: they are somebody else's.
 */
import { type Controller, source } from "../../lib/controller/controller.ts";
import { keyOf } from "../../lib/kind.ts";
import { isReason } from "../../lib/status.ts";
import type { LoadBalancerIngress, Node, Service } from "../../lib/types/core_v1.ts";
import type { EndpointSlice } from "../../lib/types/discovery_v1.ts";
import { Service as ServiceKind } from "../../lib/types/kinds.ts";
import { aspectOf } from "./changes.ts";
import type { Parts } from "./parts.ts";
import { same } from "./same.ts";

export interface LoadBalancerView {
  service: Service;
  /** Other Services with which it shares a port. */
  rivals: readonly Service[];
  nodes: readonly Node[];
  /** The Service's own. */
  slices: readonly EndpointSlice[];
  /** Ports of the nodes' addresses that are the cluster's own: `TCP/6443` → what it is. */
  reserved: ReadonlyMap<string, string>;
}

export type LoadBalancerAction =
  | { do: "setIngress"; ingress: LoadBalancerIngress[]; why: string }
  | { do: "warn"; message: string; why: string };

const excluded = "node.kubernetes.io/exclude-from-external-load-balancers";
const toBeDeleted = "ToBeDeletedByClusterAutoscaler";

/** Is it ours to balance? */
function isBalanced({ metadata, spec }: Service): boolean {
  return spec.type === "LoadBalancer" && spec.loadBalancerClass === undefined &&
    metadata.deletionTimestamp === undefined;
}

/** `TCP/80` for each port that the Service takes on the nodes' addresses. */
export function balancedPorts(service: Service): readonly string[] {
  if (!isBalanced(service)) return [];
  return (service.spec.ports ?? []).map(({ protocol = "TCP", port }) => `${protocol}/${port}`);
}

const age = ({ metadata }: Service) => `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`;

/** Why the Service can't have its ports; `undefined` when it can. */
function obstacle({ service, rivals, reserved }: LoadBalancerView): string | undefined {
  const ports = balancedPorts(service);
  for (const port of ports) {
    const owner = reserved.get(port);
    if (owner !== undefined) return `port ${port} of the nodes is that of ${owner}`;
  }
  const older = rivals.filter((rival) => age(rival) < age(service));
  for (const port of ports) {
    const owner = older.find((rival) => balancedPorts(rival).includes(port));
    if (owner !== undefined) return `port ${port} of the nodes belongs to Service ${keyOf(owner)}, which is older`;
  }
  return undefined;
}

function addressOf({ status }: Node): string | undefined {
  const of = (wanted: string) =>
    status.addresses?.find(({ type, address }) => type === wanted && !address.includes(":"))?.address;
  return of("ExternalIP") ?? of("InternalIP");
}

function takesPart({ metadata, spec }: Node): boolean {
  return metadata.deletionTimestamp === undefined && metadata.labels?.[excluded] === undefined &&
    !(spec.taints ?? []).some(({ key }) => key === toBeDeleted);
}

/** Nodes on which something answers. */
function nodesWithEndpoints(slices: readonly EndpointSlice[]): Set<string> {
  const all = slices.flatMap(({ endpoints }) => endpoints ?? []);
  return new Set(
    all.filter(({ conditions }) => conditions?.ready !== false || conditions.serving === true)
      .flatMap(({ nodeName }) => nodeName ?? []),
  );
}

export function planLoadBalancer(view: LoadBalancerView): readonly LoadBalancerAction[] {
  const { service, nodes, slices } = view;
  if (!isBalanced(service)) return [];
  const actions: LoadBalancerAction[] = [];
  const taken = obstacle(view);
  if (taken !== undefined) {
    const message = `The Service has no address of a load balancer: ${taken}`;
    actions.push({ do: "warn", message, why: "its port is taken" });
  }
  const local = service.spec.externalTrafficPolicy === "Local" ? nodesWithEndpoints(slices) : undefined;
  const members = taken !== undefined
    ? []
    : nodes.filter((node) => takesPart(node) && (local?.has(node.metadata.name) ?? true));
  const addresses = members.sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1).flatMap((node) =>
    addressOf(node) ?? []
  );
  const ingress = [...new Set(addresses)].map((ip): LoadBalancerIngress => ({ ip, ipMode: "VIP" }));
  if (!same(service.status?.loadBalancer?.ingress ?? [], ingress)) {
    actions.push({ do: "setIngress", ingress, why: taken ?? "the nodes are the load balancer" });
  }
  return actions;
}

const serviceAspect = ({ metadata, spec, status }: Service) => ({
  spec,
  ingress: status?.loadBalancer?.ingress,
  deleting: metadata.deletionTimestamp !== undefined,
});
const nodeAspect = (node: Node) => [takesPart(node), addressOf(node), node.status.daemonEndpoints];

export function loadBalancerController(parts: Parts): Controller<LoadBalancerView, LoadBalancerAction> {
  const { informers: { services, nodes, endpointSlices }, recorder, config } = parts;
  const sharing = (service: Service) =>
    balancedPorts(service).flatMap((port) => services.by("balancedPort", port)).map(keyOf);
  const everyone = () => [...services.list()].filter(isBalanced).map(keyOf);
  const localOnly = ({ metadata }: EndpointSlice) => {
    const key = `${metadata.namespace}/${metadata.labels?.["kubernetes.io/service-name"]}`;
    return services.get(key)?.spec.externalTrafficPolicy === "Local" ? [key] : [];
  };
  return {
    name: "load-balancer-controller",
    sources: [
      source(aspectOf(services, serviceAspect), (service) => [keyOf(service), ...sharing(service)]),
      source(aspectOf(nodes, nodeAspect), everyone),
      source(endpointSlices, localOnly),
    ],
    view(key) {
      const service = services.get(key);
      if (service === undefined || !isBalanced(service)) return undefined;
      const kubelets = [...nodes.list()].map(({ status }) => status.daemonEndpoints?.kubeletEndpoint?.Port ?? 0);
      return {
        service,
        rivals: sharing(service).filter((other) => other !== key).flatMap((other) => services.get(other) ?? []),
        nodes: [...nodes.list()],
        slices: endpointSlices.by("service", key),
        reserved: new Map([
          ...kubelets.map((port) => [`TCP/${port}`, "the nodes' agents"] as const),
          [`TCP/${config.port}`, "the API"],
        ]),
      };
    },
    plan: planLoadBalancer,
    async execute(action, client, { service }) {
      if (action.do === "warn") {
        recorder.event(service, "Warning", "SyncLoadBalancerFailed", action.message);
        return;
      }
      const { ingress } = action;
      const metadata = { uid: service.metadata.uid, resourceVersion: service.metadata.resourceVersion };
      const patch = { metadata, status: { loadBalancer: { ingress } } };
      try {
        await client.patch(ServiceKind, service.metadata, { type: "merge", patch }, { subresource: "status" });
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
    },
  };
}
