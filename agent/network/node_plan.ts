/** Routes that a host needs for its pods, apart from those of single pods, and the tunnels that some of them lead into. Pure. */
import { formatIpv4, parseCidr } from "./ipv4.ts";
import type { NetworkNames } from "./names.ts";
import type { NetworkPeer } from "./network.ts";
import type { Address, Forwarding, Link, Neighbour, Route } from "./observe.ts";
import type { Way } from "./paths.ts";
import { planTunnels } from "./tunnel_plan.ts";

/** A routing protocol number of our own marks our routes (`ip route show proto 83`). */
export const routeProtocol = "83";

export interface PeerWay {
  readonly peer: NetworkPeer;
  readonly way: Way;
}

export interface Tunnel {
  /** UDP port, the same on all nodes. */
  readonly port: number;
  /** The largest packet that fits, bytes. */
  readonly mtu: number;
  /** What the packets around come from; undefined when the node's address is translated on its way. */
  readonly local: string | undefined;
}

export interface NodeWish {
  readonly names: NetworkNames;
  readonly podCidr: string;
  /** Of pods, bytes. */
  readonly mtu: number;
  /** Of the node's link, bytes. */
  readonly linkMtu: number;
  readonly tunnel: Tunnel;
  /** Undefined until the other nodes are known: what is there of them stays. */
  readonly peers: readonly PeerWay[] | undefined;
}

export interface NodeView {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  /** All to addresses of pods, whoever made them. */
  readonly routes: readonly Route[];
  /** Of the VXLAN device. */
  readonly neighbours: readonly Neighbour[];
  readonly forwarding: readonly Forwarding[];
}

export interface NodePlan {
  /** Lines for `ip -batch` without which this node's own pods have no network. */
  readonly own: readonly string[];
  /** Lines for `ip -batch` that lead to other nodes. One that fails must not hold up the rest. */
  readonly peers: readonly string[];
  /** Lines for `bridge -batch`. */
  readonly bridge: readonly string[];
  /** What was missing or in the way, in words. */
  readonly why: readonly string[];
  /** What nobody here can put right, in words. */
  readonly problems: readonly string[];
}

export function planNode(wish: NodeWish, view: NodeView): NodePlan {
  const { names, peers } = wish;
  const tunnels = planTunnels(wish, view);
  // What leads into a device that is removed goes with it.
  const routes = tunnels.removesDevice ? view.routes.filter(({ link }) => link !== names.vxlan) : view.routes;
  const ours = routes.filter(({ protocol }) => protocol === routeProtocol);
  const wanted = wantedRoutes(wish);
  const lines = { own: [] as string[], peers: [...tunnels.ip] };
  const why = [...tunnels.why];
  const problems = (peers ?? []).filter(({ way }) => way === "none").map(({ peer }) => beyondRouters(peer));
  for (const [destination, route] of wanted) {
    const other = routes.find((r) => r.destination === destination && r.protocol !== routeProtocol);
    if (other !== undefined) problems.push(foreign(other));
    if (other !== undefined || ours.some((r) => r.destination === destination && isSame(r, route))) continue;
    (route.own === true ? lines.own : lines.peers).push(route.line);
    why.push(`route to ${destination}`);
  }
  for (const route of peers === undefined ? [] : ours) {
    // Single pods' routes are planned with their links.
    if (wanted.has(route.destination) || route.link?.startsWith(names.podLinkPrefix)) continue;
    const words = ["route del", route.type, route.destination, "proto", routeProtocol];
    lines.peers.push(words.filter((word) => word !== undefined).join(" "));
    why.push(`old route to ${route.destination}`);
  }
  return { ...lines, bridge: tunnels.bridge, why, problems };
}

interface WantedRoute {
  readonly line: string;
  /** Absent: whichever leads to the next hop. */
  readonly link?: string;
  readonly via?: string;
  readonly type?: string;
  readonly mtu?: number;
  readonly own?: true;
}

function isSame(have: Route, want: WantedRoute): boolean {
  return (want.link === undefined || have.link === want.link) && have.via === want.via && have.type === want.type &&
    have.mtu === want.mtu;
}

/** By destination, the node's own range first. */
function wantedRoutes(wish: NodeWish): Map<string, WantedRoute> {
  const routes = new Map<string, WantedRoute>();
  const own = parseCidr(wish.podCidr).text;
  // An address of ours that no pod has must not be sent to the default gateway, which may send it back.
  const line = `route replace unreachable ${own} proto ${routeProtocol}`;
  routes.set(own, { line, type: "unreachable", own: true });
  for (const { peer, way } of wish.peers ?? []) {
    if (way === "none") continue;
    const { text, base } = parseCidr(peer.podCidr);
    const link = way === "vxlan" ? wish.names.vxlan : undefined;
    const via = way === "vxlan" ? formatIpv4(base) : peer.nodeIp;
    const mtu = routeMtu(wish, peer, way);
    const words = ["route replace", text, "via", via, ...(link === undefined ? [] : ["dev", link, "onlink"])];
    words.push("proto", routeProtocol, ...(mtu === undefined ? [] : ["mtu", String(mtu)]));
    routes.set(text, { line: words.join(" "), via, link, mtu });
  }
  return routes;
}

/**
 * A route says how much its way carries where that is less than what pods here may send: then the sender is told (ICMP "fragmentation
 * needed") by this node, where nothing can lose the message, instead of its packets being lost on the way.
 */
function routeMtu(wish: NodeWish, peer: NetworkPeer, way: Way): number | undefined {
  const carried = Math.min(way === "vxlan" ? wish.tunnel.mtu : wish.linkMtu, peer.mtu ?? wish.mtu);
  return carried < wish.mtu ? carried : undefined;
}

function beyondRouters({ name, nodeIp, podCidr }: NetworkPeer): string {
  return `node ${name} (${nodeIp}) is not on this node's network and tunnels are switched off (--pod-network direct): ` +
    `its pods are reached only if the routers in between know ${podCidr}`;
}

function foreign({ destination, protocol, via, link }: Route): string {
  const way = [via === undefined ? "" : ` via ${via}`, link === undefined ? "" : ` dev ${link}`].join("");
  return `a route to ${destination}${way} that is not Sauropod's (proto ${protocol}) is left as it is: ` +
    "remove it, or choose another --cluster-cidr, if pods can't be reached";
}
