/**
 * What the data path must do, of Services and EndpointSlices: one ServiceEntry per Service, its endpoints chosen for this node.
 * Pure. Left out: how it is done (nft/, userspace/), names (dns/), and IPv6 and SCTP, which are noted and skipped.
 * The rules are those of k8s.io/kubernetes/pkg/proxy (serviceport.go, endpointslicecache.go, topology.go).
 */
import { serviceBackendsMax } from "../lib/limits.ts";
import { keyOf } from "../lib/kind.ts";
import type { Service, ServicePort } from "../lib/types/core_v1.ts";
import type { Endpoint, EndpointSlice } from "../lib/types/discovery_v1.ts";
import { canonicalRange, parseIpv4 } from "./ipv4.ts";

export type Protocol = "tcp" | "udp";

/** This node, as far as it matters to the choice of endpoints. */
export interface NodeView {
  readonly name: string;
  /** Label `topology.kubernetes.io/zone`. */
  readonly zone?: string;
  /** IPv4 addresses of the Node's status. */
  readonly addresses: readonly string[];
}

/** Where a connection may go. */
export interface Backend {
  readonly ip: string;
  readonly port: number;
  /** It runs on this node. */
  readonly local: boolean;
}

/** One port of one Service: all ways in, and where they lead. */
export interface PortEntry {
  /** `namespace/name/tcp/80`: unique, and stable over the Service's life. */
  readonly id: string;
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort: number | undefined;
  readonly clusterIps: readonly string[];
  readonly externalIps: readonly string[];
  /** Addresses of the load balancer with ipMode VIP. */
  readonly loadBalancerIps: readonly string[];
  /** `loadBalancerSourceRanges`; empty: anyone. */
  readonly sourceRanges: readonly string[];
  /** Endpoints of traffic with policy Cluster, sorted. Empty as well when no way in has that policy. */
  readonly cluster: readonly Backend[];
  /** Endpoints of traffic with policy Local, sorted. Empty as well when no way in has that policy. */
  readonly local: readonly Backend[];
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  /** There is an endpoint on some node: what has none here is dropped, not refused. */
  readonly anyBackend: boolean;
  /** sessionAffinity ClientIP: how long a client keeps its endpoint, in seconds. */
  readonly affinitySeconds: number | undefined;
}

export interface ServiceEntry {
  /** `namespace/name` */
  readonly key: string;
  readonly ports: readonly PortEntry[];
  readonly healthCheck: { readonly port: number; readonly localEndpoints: number } | undefined;
  /** What was asked for and can't be had, in words for the log. */
  readonly notes: readonly string[];
}

/** By `namespace/name`. */
export type ServiceMap = ReadonlyMap<string, ServiceEntry>;

export const proxyNameLabel = "service.kubernetes.io/service-proxy-name";
export const headlessLabel = "service.kubernetes.io/headless";
export const serviceNameLabel = "kubernetes.io/service-name";

/** The Service that a slice belongs to, as a key; `undefined` for a slice that says none. */
export function serviceKeyOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[serviceNameLabel];
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`;
}

/** True for a Service without an address of its own. */
export function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === "None";
}

/** The entry of one Service, `undefined` when there is nothing for this proxy to do. */
export function serviceEntry(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeView,
): ServiceEntry | undefined {
  const { spec, metadata } = service;
  const labels = metadata.labels ?? {};
  if (labels[proxyNameLabel] !== undefined || labels[headlessLabel] !== undefined) return undefined;
  if (spec.type === "ExternalName" || isHeadless(service) || !spec.clusterIP) return undefined;
  const notes: string[] = [];
  const ways = waysIn(service, notes);
  const ports: PortEntry[] = [];
  for (const port of spec.ports ?? []) {
    if ((port.protocol ?? "TCP") === "SCTP") {
      notes.push(`port ${port.port}/SCTP: only TCP and UDP are proxied`);
      continue;
    }
    ports.push(portEntry(service, port, ways, endpointsOf(slices, port), node, notes));
  }
  const externallyLocal = spec.externalTrafficPolicy === "Local";
  const healthPort = spec.type === "LoadBalancer" && externallyLocal ? spec.healthCheckNodePort : undefined;
  return {
    key: keyOf(service),
    ports,
    healthCheck: healthPort ? { port: healthPort, localEndpoints: localReady(slices, node) } : undefined,
    notes,
  };
}

interface Ways {
  clusterIps: string[];
  externalIps: string[];
  loadBalancerIps: string[];
  sourceRanges: string[];
}

function waysIn(service: Service, notes: string[]): Ways {
  const { spec, status } = service;
  const ipv4 = (what: string, addresses: readonly string[]) =>
    addresses.filter((address) => {
      if (parseIpv4(address) !== undefined) return true;
      notes.push(`${what} ${address}: only IPv4 is proxied`);
      return false;
    });
  const ingress = spec.type === "LoadBalancer" ? status?.loadBalancer?.ingress ?? [] : [];
  return {
    clusterIps: ipv4("cluster IP", spec.clusterIPs ?? [spec.clusterIP!]),
    externalIps: ipv4("external IP", spec.externalIPs ?? []),
    loadBalancerIps: ipv4(
      "load balancer address",
      ingress.filter((i) => i.ip !== undefined && i.ip !== "" && i.ipMode !== "Proxy").map((i) => i.ip!),
    ),
    sourceRanges: (spec.loadBalancerSourceRanges ?? []).flatMap((range) => {
      const canonical = canonicalRange(range.trim());
      // A range of the other family still means "not everyone": it must not widen who may come in.
      if (canonical === undefined) notes.push(`source range ${range}: only IPv4 is proxied; it admits nobody`);
      return canonical === undefined ? ["255.255.255.255/32"] : [canonical];
    }),
  };
}

function portEntry(
  service: Service,
  port: ServicePort,
  ways: Ways,
  endpoints: readonly Candidate[],
  node: NodeView,
  notes: string[],
): PortEntry {
  const { spec } = service;
  const protocol = (port.protocol ?? "TCP").toLowerCase() as Protocol;
  const nodePort = port.nodePort ? port.nodePort : undefined;
  const external = nodePort !== undefined || ways.externalIps.length > 0 || ways.loadBalancerIps.length > 0;
  const internalLocal = spec.internalTrafficPolicy === "Local";
  const externalLocal = external && spec.externalTrafficPolicy === "Local";
  const id = `${keyOf(service)}/${protocol}/${port.port}`;
  // With policy Local, traffic from inside the cluster to an external way in still uses all endpoints.
  const usesCluster = !internalLocal || external;
  const cluster = usesCluster ? preferred(endpoints, node) : [];
  const mine = internalLocal || externalLocal ? choose(endpoints.filter((e) => e.nodeName === node.name)) : [];
  return {
    id,
    name: port.name ?? "",
    protocol,
    port: port.port,
    nodePort,
    ...ways,
    cluster: backends(cluster, node, id, notes),
    local: backends(mine, node, id, notes),
    internalLocal,
    externalLocal,
    anyBackend: choose(endpoints).length > 0,
    affinitySeconds: spec.sessionAffinity === "ClientIP"
      ? spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800
      : undefined,
  };
}

interface Candidate {
  ip: string;
  port: number;
  nodeName: string | undefined;
  ready: boolean;
  draining: boolean;
  zones: readonly string[];
  nodes: readonly string[];
}

const isReady = (endpoint: Endpoint) => endpoint.conditions?.ready ?? true;
const isServing = (endpoint: Endpoint) => endpoint.conditions?.serving ?? true;
const isTerminating = (endpoint: Endpoint) => endpoint.conditions?.terminating ?? false;

/** Endpoints for one Service port, each address once: a port of a slice is matched by name and protocol. */
function endpointsOf(slices: readonly EndpointSlice[], port: ServicePort): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    for (const target of slice.ports ?? []) {
      if ((target.name ?? "") !== (port.name ?? "") || target.port === undefined || target.port === null) continue;
      if ((target.protocol ?? "TCP") !== (port.protocol ?? "TCP")) continue;
      for (const endpoint of slice.endpoints ?? []) {
        // A second address of the same endpoint is its other family's or a mistake: Kubernetes uses the first only.
        const ip = endpoint.addresses[0];
        if (ip === undefined || parseIpv4(ip) === undefined) continue;
        const key = `${ip}:${target.port}`;
        const known = found.get(key);
        // While an endpoint moves from one slice to another it is in both: ready wins.
        if (known === undefined || (!known.ready && isReady(endpoint))) {
          found.set(key, candidate(endpoint, ip, target.port));
        }
      }
    }
  }
  return [...found.values()];
}

function candidate(endpoint: Endpoint, ip: string, port: number): Candidate {
  return {
    ip,
    port,
    nodeName: endpoint.nodeName,
    ready: isReady(endpoint),
    draining: isServing(endpoint) && isTerminating(endpoint),
    zones: (endpoint.hints?.forZones ?? []).map((zone) => zone.name),
    nodes: (endpoint.hints?.forNodes ?? []).map((one) => one.name),
  };
}

/** The ready ones; only when there is none, those that still serve while they terminate; never a union. */
function choose(endpoints: readonly Candidate[]): Candidate[] {
  const ready = endpoints.filter((e) => e.ready);
  return ready.length > 0 ? ready : endpoints.filter((e) => e.draining);
}

/** Hints (trafficDistribution) hold only when every ready endpoint has one and some endpoint is meant for us. */
function preferred(endpoints: readonly Candidate[], node: NodeView): Candidate[] {
  const chosen = choose(endpoints);
  if (chosen[0]?.ready !== true) return chosen;
  if (chosen.every((e) => e.nodes.length > 0)) {
    const ours = chosen.filter((e) => e.nodes.includes(node.name));
    if (ours.length > 0) return ours;
  }
  if (node.zone !== undefined && chosen.every((e) => e.zones.length > 0)) {
    const ours = chosen.filter((e) => e.zones.includes(node.zone!));
    if (ours.length > 0) return ours;
  }
  return chosen;
}

function backends(endpoints: readonly Candidate[], node: NodeView, id: string, notes: string[]): Backend[] {
  const sorted = endpoints
    .map(({ ip, port, nodeName }) => ({ ip, port, local: nodeName === node.name }))
    .sort((a, b) => parseIpv4(a.ip)! - parseIpv4(b.ip)! || a.port - b.port);
  if (sorted.length <= serviceBackendsMax) return sorted;
  notes.push(`${id}: ${sorted.length} endpoints, the first ${serviceBackendsMax} of which are used`);
  return sorted.slice(0, serviceBackendsMax);
}

/** Distinct ready endpoints of this node, over all ports (service/health counts addresses, not ports). */
function localReady(slices: readonly EndpointSlice[], node: NodeView): number {
  const addresses = new Set<string>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.nodeName === node.name && isReady(endpoint)) addresses.add(endpoint.addresses[0] ?? "");
    }
  }
  return addresses.size;
}
