/**
 * A node with two pods, a pod elsewhere, a client outside, and Services of every sort, with what must become of connections. The same
 * cases run against the tracer and, in network namespaces, against the kernel.
 */
import type { Backend, Protocol, ServiceEntry } from "../model.ts";
import type { NetOptions } from "../nft/base.ts";
import type { ServiceSpec } from "../../lib/types/core_v1.ts";
import { at, entryOf, service, slice } from "./objects.ts";

export const net: NetOptions = {
  table: "sauropod-test",
  clusterCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/16",
  dnsAddress: "10.96.0.10",
  loopbackNodePorts: true,
};

export const nodeIp = "192.0.2.1";
export const clientIp = "192.0.2.100";
export const node = { name: "n1", addresses: [nodeIp] };
/** a and b are pods of this node, c is one of another. */
export const pods = { a: "10.244.1.2", b: "10.244.1.3", c: "10.244.2.2" } as const;
type PodName = keyof typeof pods;

const target = { port: 8080, protocol: "TCP" as const };

function simple(
  name: string,
  clusterIP: string,
  to: string,
  spec: Partial<ServiceSpec> = {},
  ingress?: string,
  protocol: "TCP" | "UDP" = "TCP",
): ServiceEntry {
  const { ports, ...rest } = spec;
  return entryOf(
    node,
    service(name, {
      clusterIP,
      type: ingress === undefined ? "NodePort" : "LoadBalancer",
      ports: ports ?? [{ port: 80, protocol }],
      ...rest,
    }, { ingress: ingress === undefined ? undefined : [{ ip: ingress }] }),
    slice(name, [{ ...target, protocol }], [...to].map((p) => at(pods[p as PodName], p === "c" ? "n2" : "n1"))),
  );
}

const port = (nodePort: number, protocol: "TCP" | "UDP" = "TCP") => ({ ports: [{ port: 80, protocol, nodePort }] });

export function services(): ServiceEntry[] {
  return [
    simple("web", "10.96.1.1", "abc", { ...port(30080), externalIPs: ["203.0.113.5"] }),
    simple("here", "10.96.1.2", "ac", { ...port(30081), externalTrafficPolicy: "Local" }),
    simple("far", "10.96.1.3", "c", { ...port(30082), externalTrafficPolicy: "Local" }),
    simple("inner", "10.96.1.4", "c", { internalTrafficPolicy: "Local" }),
    simple("inner-here", "10.96.1.9", "bc", { internalTrafficPolicy: "Local" }),
    simple("empty", "10.96.1.5", "", port(30083)),
    simple("sticky", "10.96.1.6", "abc", {
      ...port(30086),
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
    }),
    simple(
      "guarded",
      "10.96.1.7",
      "ab",
      { loadBalancerSourceRanges: ["192.0.2.64/26", "192.0.2.96/28"] },
      "203.0.113.7",
    ),
    simple("closed", "10.96.1.11", "ab", { loadBalancerSourceRanges: ["198.51.100.0/24"] }, "203.0.113.11"),
    simple("names", "10.96.1.8", "abc", port(30053, "UDP"), undefined, "UDP"),
    simple("no-names", "10.96.1.12", "", port(30054, "UDP"), undefined, "UDP"),
    simple("self", "10.96.1.13", "a"),
    // As the Service "kubernetes": an address of the node's, and nobody says whose.
    entryOf(
      node,
      service("api", { clusterIP: "10.96.1.14", type: "NodePort", ports: [{ port: 443, nodePort: 30099 }] }),
      slice("api", [target], [at(nodeIp)]),
    ),
    entryOf(
      node,
      service("host", { clusterIP: "10.96.1.15", type: "NodePort", ports: [{ port: 443, nodePort: 30098 }] }),
      slice("host", [target], [at(nodeIp, "n1")]),
    ),
  ];
}

/** An entry with only some of its endpoints. */
export function only(entry: ServiceEntry, ...ips: string[]): ServiceEntry {
  const keep = (backends: readonly Backend[]) => backends.filter((backend) => ips.includes(backend.ip));
  return {
    ...entry,
    ports: entry.ports.map((port) => {
      const cluster = keep(port.cluster);
      const local = keep(port.local);
      return { ...port, cluster, local, anyBackend: port.anyBackend && ips.length > 0 };
    }),
  };
}

export interface Case {
  name: string;
  /** Who opens the connections: `node` from `nodeIp`, `loopback` from 127.0.0.1. */
  by: "client" | "node" | "loopback" | PodName;
  to: string;
  port: number;
  protocol?: Protocol;
  /** How often each pod answers; connections are opened one after the other, that many in all. */
  answers?: Partial<Record<PodName | "node", number>>;
  /** One pod answers all of so many, whichever. */
  sticks?: number;
  fails?: "refuse" | "drop";
  /** Pods that see an address of the node's instead of the opener's. */
  masked?: string;
}

const even = { a: 4, b: 4, c: 4 };

export const cases: readonly Case[] = [
  { name: "a pod reaches a cluster IP, evenly", by: "b", to: "10.96.1.1", port: 80, answers: even, masked: "b" },
  { name: "the node reaches a cluster IP, evenly", by: "node", to: "10.96.1.1", port: 80, answers: even },
  { name: "a client reaches a node port, evenly", by: "client", to: nodeIp, port: 30080, answers: even, masked: "c" },
  { name: "a client reaches an external IP", by: "client", to: "203.0.113.5", port: 80, answers: even, masked: "c" },
  { name: "the node reaches its node port", by: "node", to: nodeIp, port: 30080, answers: even },
  {
    name: "the node reaches a node port on loopback",
    by: "loopback",
    to: "127.0.0.1",
    port: 30080,
    answers: even,
    masked: "abc",
  },
  { name: "a pod reaches a node port", by: "b", to: nodeIp, port: 30080, answers: even, masked: "abc" },
  {
    name: "a client reaches a cluster IP through the node",
    by: "client",
    to: "10.96.1.1",
    port: 80,
    answers: even,
    masked: "c",
  },
  { name: "policy Local keeps a client here", by: "client", to: nodeIp, port: 30081, answers: { a: 4 } },
  { name: "policy Local lets the node use all", by: "node", to: nodeIp, port: 30081, answers: { a: 2, c: 2 } },
  { name: "policy Local lets a pod use all", by: "b", to: nodeIp, port: 30081, answers: { a: 2, c: 2 } },
  { name: "policy Local drops a client where no endpoint is", by: "client", to: nodeIp, port: 30082, fails: "drop" },
  { name: "policy Local without an endpoint here serves pods", by: "b", to: nodeIp, port: 30082, answers: { c: 2 } },
  { name: "external policy Local leaves the cluster IP alone", by: "b", to: "10.96.1.3", port: 80, answers: { c: 2 } },
  { name: "internal policy Local drops without an endpoint here", by: "b", to: "10.96.1.4", port: 80, fails: "drop" },
  { name: "internal policy Local keeps a pod here", by: "a", to: "10.96.1.9", port: 80, answers: { b: 3 } },
  { name: "no endpoints: a pod is refused", by: "b", to: "10.96.1.5", port: 80, fails: "refuse" },
  { name: "no endpoints: the node is refused", by: "node", to: "10.96.1.5", port: 80, fails: "refuse" },
  {
    name: "no endpoints: a client of the node port is refused",
    by: "client",
    to: nodeIp,
    port: 30083,
    fails: "refuse",
  },
  { name: "no endpoints: the node is refused at its port", by: "node", to: nodeIp, port: 30083, fails: "refuse" },
  { name: "a port that the Service lacks is refused", by: "b", to: "10.96.1.1", port: 81, fails: "refuse" },
  { name: "an address that no Service has is dropped", by: "b", to: "10.96.200.1", port: 80, fails: "drop" },
  { name: "affinity keeps a client's endpoint", by: "client", to: nodeIp, port: 30086, sticks: 6 },
  { name: "affinity keeps a pod's endpoint", by: "b", to: "10.96.1.6", port: 80, sticks: 6 },
  {
    name: "a client in the source ranges reaches the load balancer",
    by: "client",
    to: "203.0.113.7",
    port: 80,
    answers: { a: 2, b: 2 },
  },
  { name: "a client outside of the source ranges does not", by: "client", to: "203.0.113.11", port: 80, fails: "drop" },
  {
    name: "source ranges leave the cluster IP alone",
    by: "client",
    to: "10.96.1.11",
    port: 80,
    answers: { a: 1, b: 1 },
  },
  {
    name: "UDP reaches a cluster IP, evenly",
    by: "b",
    to: "10.96.1.8",
    port: 80,
    protocol: "udp",
    answers: even,
    masked: "b",
  },
  {
    name: "UDP reaches a node port, evenly",
    by: "client",
    to: nodeIp,
    port: 30053,
    protocol: "udp",
    answers: even,
    masked: "c",
  },
  { name: "UDP without endpoints is refused", by: "b", to: "10.96.1.12", port: 80, protocol: "udp", fails: "refuse" },
  { name: "a pod reaches the node behind a cluster IP", by: "b", to: "10.96.1.14", port: 443, answers: { node: 2 } },
  {
    name: "the node reaches itself behind a cluster IP",
    by: "node",
    to: "10.96.1.14",
    port: 443,
    answers: { node: 2 },
  },
  { name: "a client reaches the node behind a node port", by: "client", to: nodeIp, port: 30099, answers: { node: 2 } },
  {
    name: "the node reaches itself through loopback",
    by: "loopback",
    to: "127.0.0.1",
    port: 30099,
    answers: { node: 2 },
  },
  { name: "a pod reaches a host-network endpoint", by: "b", to: "10.96.1.15", port: 443, answers: { node: 2 } },
  { name: "the node reaches a host-network endpoint", by: "node", to: "10.96.1.15", port: 443, answers: { node: 2 } },
  {
    name: "the node reaches a host-network endpoint by its port",
    by: "node",
    to: nodeIp,
    port: 30098,
    answers: { node: 2 },
  },
  {
    name: "loopback reaches a host-network endpoint",
    by: "loopback",
    to: "127.0.0.1",
    port: 30098,
    answers: { node: 2 },
  },
  {
    name: "a pod reaches itself through its Service",
    by: "a",
    to: "10.96.1.13",
    port: 80,
    answers: { a: 3 },
    masked: "a",
  },
];
