/**
 * Where this process listens for a Service, and who gets which endpoints there. Pure; how addresses come to this host is addresses.ts.
 *
 * What the kernel's rules drop without an answer is refused here (TCP): a socket that nobody listens on is, and one that is listened on
 * has answered before anybody is asked. UDP is dropped as it should be.
 */
import { rangeHas } from "../ipv4.ts";
import type { Backend, PortEntry, Protocol, ServiceEntry } from "../model.ts";

/** `cluster`: a cluster IP; `balanced`: an address of the load balancer, which has source ranges. */
export type Way = "cluster" | "external" | "balanced" | "node";

export interface Socket {
  /** `tcp/10.96.1.1/80`: unique on this host. */
  readonly key: string;
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
  readonly way: Way;
  /** What it leads to. */
  readonly to: PortEntry;
}

/** What of this host matters. */
export interface Place {
  readonly clusterCidr: string;
  /** DNS is answered there, on port 53. */
  readonly dnsAddress: string | undefined;
  /** Where node ports are. */
  readonly nodePortAddresses: readonly string[];
  /** All addresses of this host; who has one of them as its address is this host itself. */
  readonly own: ReadonlySet<string>;
  /** Can this process listen there, or could it if it took the address? */
  listens(address: string): boolean;
}

const socket = (to: PortEntry, way: Way, address: string, port: number): Socket => ({
  key: `${to.protocol}/${address}/${port}`,
  protocol: to.protocol,
  address,
  port,
  way,
  to,
});

/** All of a Service's, those without endpoints as well: they are claimed, if not listened on. */
export function socketsOf(entry: ServiceEntry, place: Place): Socket[] {
  const found = new Map<string, Socket>();
  for (const to of entry.ports) {
    const at = (way: Way, addresses: readonly string[], port = to.port) => {
      for (const address of addresses) {
        if (!place.listens(address) || (address === place.dnsAddress && port === 53)) continue;
        const one = socket(to, way, address, port);
        if (!found.has(one.key)) found.set(one.key, one);
      }
    };
    at("cluster", to.clusterIps);
    // An address that is both has the source ranges.
    at("balanced", to.loadBalancerIps);
    at("external", to.externalIps);
    if (to.nodePort !== undefined) at("node", place.nodePortAddresses, to.nodePort);
  }
  return [...found.values()];
}

/** Is there a reason to listen? */
export function isServed({ to, way, protocol }: Socket): boolean {
  const backends = way === "cluster"
    ? to.internalLocal ? to.local : to.cluster
    : [...to.cluster, ...to.externalLocal ? to.local : []];
  // Without a socket a datagram would be refused; where only this node has no endpoint it must get no answer.
  return backends.length > 0 || (protocol === "udp" && to.anyBackend);
}

/** Endpoints for this client; none: it is turned away. */
export function backendsFor({ to, way }: Socket, client: string, place: Place): readonly Backend[] {
  if (way === "cluster") return to.internalLocal ? to.local : to.cluster;
  if (way === "balanced" && to.sourceRanges.length > 0) {
    if (!to.sourceRanges.some((range) => rangeHas(range, client))) return [];
  }
  if (!to.externalLocal) return to.cluster;
  // Pods and this host itself reach all endpoints, as through the cluster IP.
  const inside = rangeHas(place.clusterCidr, client) || place.own.has(client) || client.startsWith("127.");
  return inside ? to.cluster : to.local;
}
