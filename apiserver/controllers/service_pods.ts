/** Which pods belong to which Services, both ways, and what of a pod a Service's endpoints depend on. */
import { keyOf } from "../../lib/kind.ts";
import { matchesLabels, type Selector, selectorFromMap } from "../../lib/selector/labels.ts";
import type { Node, Pod, Service, ServicePort } from "../../lib/types/core_v1.ts";
import type { Informers } from "./informers.ts";
import { isFinished, podCondition } from "./pod_state.ts";

const selectors = new WeakMap<Service, Selector>();

/** A Service's objects come from an informer: as long as it is the same object, it has the same selector. */
function selectorOf(service: Service): Selector {
  const known = selectors.get(service) ?? selectorFromMap(service.spec.selector);
  selectors.set(service, known);
  return known;
}

/** A Service whose endpoints come from pods. An empty selector is as good as none. */
export function selectsPods(service: Service): boolean {
  return Object.keys(service.spec.selector ?? {}).length > 0;
}

/** Keys of the Services that select the pod. */
export function servicesOf(pod: Pod, { services }: Informers): readonly string[] {
  const { namespace, labels } = pod.metadata;
  const keys: string[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const service of services.by("selectorPair", `${namespace}/${key}=${value}`)) {
      if (matchesLabels(selectorOf(service), labels)) keys.push(keyOf(service));
    }
  }
  return keys;
}

/** The pods that the Service selects. */
export function podsOf(service: Service, { pods }: Informers): readonly Pod[] {
  if (!selectsPods(service)) return [];
  const selector = selectorOf(service);
  return pods.by("namespace", service.metadata.namespace).filter((pod) => matchesLabels(selector, pod.metadata.labels));
}

/** Everything about a pod that shows in a Service's endpoints; a change in anything else concerns no Service. */
export function podAspect(pod: Pod): unknown {
  return {
    labels: pod.metadata.labels,
    deleting: pod.metadata.deletionTimestamp !== undefined,
    node: pod.spec.nodeName,
    hostname: pod.spec.hostname,
    subdomain: pod.spec.subdomain,
    ips: pod.status.podIPs ?? pod.status.podIP,
    finished: isFinished(pod),
    ready: podCondition(pod, "Ready")?.status,
  };
}

/** What of a Node shows in endpoints. */
export const nodeAspect = (node: Node) => node.metadata.labels?.["topology.kubernetes.io/zone"];

/** The Services that have endpoints on a node. */
export function servicesOnNode(node: Node, informers: Informers): readonly string[] {
  return informers.pods.by("node", node.metadata.name).flatMap((pod) => servicesOf(pod, informers));
}

/** A pod's addresses. */
export function addressesOf(pod: Pod): readonly string[] {
  const all = (pod.status.podIPs ?? []).map(({ ip }) => ip).filter((ip) => ip !== undefined && ip !== "");
  return all.length > 0 || !pod.status.podIP ? all as string[] : [pod.status.podIP];
}

export const isIPv6 = (address: string) => address.includes(":");

/** The port's number on that pod; `undefined` when no container has a port of that name and protocol. */
export function targetPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target === 0 ? port.port : target;
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  for (const container of [...pod.spec.containers, ...sidecars]) {
    const found = container.ports?.find((p) => p.name === target && (p.protocol ?? "TCP") === (port.protocol ?? "TCP"));
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

/** The hostname that the pod has in the DNS of this headless Service. */
export function publishedHostname(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec;
  const inService = subdomain === service.metadata.name && pod.metadata.namespace === service.metadata.namespace;
  return hostname && inService ? hostname : undefined;
}

export const isHeadless = (service: Service) => service.spec.clusterIP === "None" || !service.spec.clusterIP;
