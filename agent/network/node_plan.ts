/** What has to be done on a host for its pods' network, apart from single pods: forwarding, routes, VXLAN. Pure. */
import { cidrHas, formatIpv4, parseCidr, parseIpv4 } from "./ipv4.ts";
import { type NetworkNames, vxlanMac } from "./names.ts";
import type { NetworkPeer } from "./network.ts";
import type { Address, Forwarding, Link, Neighbour, Route } from "./observe.ts";

/** A routing protocol number of our own marks our routes (`ip route show proto 83`). */
export const routeProtocol = "83";

export interface Overlay {
  /** `auto`: direct where the other node is on the same link. `always`: for networks that drop what they do not know. */
  readonly mode: "auto" | "always";
  readonly port: number;
}

export interface NodeWish {
  readonly names: NetworkNames;
  readonly podCidr: string;
  readonly clusterCidr: string;
  readonly nodeIp: string;
  readonly mtu: number;
  readonly overlay: Overlay;
  readonly peers: readonly NetworkPeer[];
}

export interface NodeView {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  /** Those with our protocol number. */
  readonly routes: readonly Route[];
  /** Of the VXLAN device. */
  readonly neighbours: readonly Neighbour[];
  readonly forwarding: readonly Forwarding[];
}

export interface NodePlan {
  /** Lines for `ip -batch`. */
  readonly ip: readonly string[];
  /** Lines for `bridge -batch`. */
  readonly bridge: readonly string[];
  /** What was missing or in the way, in words. */
  readonly why: readonly string[];
}

/** VXLAN adds 50 bytes to a packet. */
export const vxlanOverheadBytes = 50;

/** The MTU of pods: what the node's own link carries, less the overlay's share. */
export function podMtu(nodeIp: string, view: Pick<NodeView, "links" | "addresses">): number {
  const name = view.addresses.find((address) => address.ip === nodeIp)?.link;
  const mtu = view.links.find((link) => link.name === name)?.mtu ?? 1500;
  return (name === "lo" ? 1500 : Math.min(mtu, 9000)) - vxlanOverheadBytes;
}

export function planNode(wish: NodeWish, view: NodeView): NodePlan {
  const ip: string[] = [];
  const bridge: string[] = [];
  const why: string[] = [];
  const peers = wish.peers.filter((peer) => peer.podCidr !== wish.podCidr && peer.nodeIp !== wish.nodeIp);
  const direct = peers.filter((peer) => isDirect(peer, wish, view));
  const tunnelled = peers.filter((peer) => !direct.includes(peer));
  const wanted = wantedRoutes(wish, direct, tunnelled);
  const device = view.links.find((link) => link.name === wish.names.vxlan);
  const hasDevice = device !== undefined;
  let routes = view.routes;
  if (tunnelled.length > 0) {
    const stale = hasDevice && !isOurs(device, wish);
    // The node's address has changed: deleting the device takes its routes and neighbours along.
    if (stale) routes = routes.filter((route) => route.link !== wish.names.vxlan);
    if (stale) ip.push(`link del ${wish.names.vxlan}`);
    if (!hasDevice || stale) {
      ip.push(...vxlanDevice(wish));
      why.push(`VXLAN device ${wish.names.vxlan}`);
    }
    planTunnels(tunnelled, wish, stale ? { ...view, neighbours: [], forwarding: [] } : view, { ip, bridge, why });
  }
  for (const [destination, route] of wanted) {
    const have = routes.find((r) => r.destination === destination);
    if (
      have !== undefined && (route.link === undefined || have.link === route.link) && have.via === route.via &&
      have.type === route.type
    ) continue;
    ip.push(route.line);
    why.push(`route to ${destination}`);
  }
  for (const route of view.routes) {
    if (wanted.has(route.destination) || isPodRoute(route, wish)) continue;
    if (!cidrHas(parseCidr(wish.clusterCidr), parseIpv4(route.destination.split("/")[0]!))) continue;
    ip.push(`route del ${route.type ?? ""} ${route.destination} proto ${routeProtocol}`.replace("  ", " "));
    why.push(`old route to ${route.destination}`);
  }
  if (tunnelled.length === 0 && hasDevice) {
    ip.push(`link del ${wish.names.vxlan}`);
    why.push(`VXLAN device ${wish.names.vxlan} without peers`);
  }
  return { ip, bridge, why };
}

/** Single pods' routes are planned with their links. */
function isPodRoute(route: Route, wish: NodeWish): boolean {
  return route.link?.startsWith(wish.names.podLinkPrefix) ?? false;
}

function isDirect(peer: NetworkPeer, wish: NodeWish, view: NodeView): boolean {
  if (wish.overlay.mode === "always") return false;
  const there = parseIpv4(peer.nodeIp);
  return view.addresses.some((address) => {
    if (address.prefix >= 32 || address.link === wish.names.vxlan || address.link === "lo") return false;
    return cidrHas(parseCidr(`${address.ip}/${address.prefix}`), there);
  });
}

interface WantedRoute {
  readonly line: string;
  readonly link?: string;
  readonly via?: string;
  readonly type?: string;
}

function wantedRoutes(
  wish: NodeWish,
  direct: readonly NetworkPeer[],
  tunnelled: readonly NetworkPeer[],
): Map<string, WantedRoute> {
  const routes = new Map<string, WantedRoute>();
  const own = parseCidr(wish.podCidr).text;
  // An address of ours that no pod has must not be sent to the default gateway, which may send it back.
  routes.set(own, {
    line: `route replace unreachable ${own} proto ${routeProtocol}`,
    type: "unreachable",
  });
  for (const peer of direct) {
    const { text } = parseCidr(peer.podCidr);
    routes.set(text, { line: `route replace ${text} via ${peer.nodeIp} proto ${routeProtocol}`, via: peer.nodeIp });
  }
  for (const peer of tunnelled) {
    const { text, base } = parseCidr(peer.podCidr);
    const [via, link] = [formatIpv4(base), wish.names.vxlan];
    routes.set(text, { line: `route replace ${text} via ${via} dev ${link} onlink proto ${routeProtocol}`, via, link });
  }
  return routes;
}

function isOurs(device: Link, wish: NodeWish): boolean {
  const { local, port, id } = device.vxlan ?? {};
  return local === wish.nodeIp && port === wish.overlay.port && id === wish.names.vni && device.mtu === wish.mtu;
}

function vxlanDevice(wish: NodeWish): string[] {
  const { base } = parseCidr(wish.podCidr);
  const { vxlan, vni } = wish.names;
  return [
    `link add ${vxlan} mtu ${wish.mtu} address ${
      vxlanMac(base)
    } type vxlan id ${vni} local ${wish.nodeIp} dstport ${wish.overlay.port} nolearning`,
    `addr replace ${formatIpv4(base)}/32 dev ${vxlan}`,
    `link set ${vxlan} up`,
  ];
}

function planTunnels(
  peers: readonly NetworkPeer[],
  wish: NodeWish,
  view: NodeView,
  plan: { ip: string[]; bridge: string[]; why: string[] },
): void {
  const device = wish.names.vxlan;
  const wanted = peers.map((peer) => {
    const { base } = parseCidr(peer.podCidr);
    return { ip: formatIpv4(base), mac: vxlanMac(base), to: peer.nodeIp, name: peer.name };
  });
  for (const { ip, mac, to, name } of wanted) {
    const known = view.neighbours.some((n) => n.ip === ip && n.mac === mac) &&
      view.forwarding.some((f) => f.mac === mac && f.to === to);
    if (known) continue;
    plan.ip.push(`neigh replace ${ip} lladdr ${mac} dev ${device} nud permanent`);
    plan.bridge.push(`fdb replace ${mac} dev ${device} dst ${to} self permanent`);
    plan.why.push(`tunnel to ${name}`);
  }
  for (const { ip } of view.neighbours) {
    if (!wanted.some((w) => w.ip === ip)) plan.ip.push(`neigh del ${ip} dev ${device}`);
  }
  for (const { mac } of view.forwarding) {
    if (!wanted.some((w) => w.mac === mac)) plan.bridge.push(`fdb del ${mac} dev ${device} self`);
  }
}
