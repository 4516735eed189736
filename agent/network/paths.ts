/**
 * How pods' packets get from this node to another one: straight over the network that both are on, or in a tunnel. Pure.
 *
 * Chosen per pair, and the same by both nodes, since each tells the others what it goes by: a packet that came another way than its answer
 * would take is dropped by a kernel that checks for that (rp_filter=1, as on Fedora and RHEL), and by stateful firewalls between the two.
 */
import { cidrHas, parseCidr, parseIpv4 } from "./ipv4.ts";
import type { NetworkPeer, PodNetworkMode } from "./network.ts";
import type { Address, Link } from "./observe.ts";

/**
 * `direct`: a route through the other node. `vxlan`: in a tunnel. `none`: tunnels are switched off and there are routers in between, which
 * have to know the pods' ranges by themselves.
 */
export type Way = "direct" | "vxlan" | "none";

export interface OwnPlace {
  readonly mode: PodNetworkMode;
  readonly nodeIp: string;
  /** Undefined where no other node can be a neighbour: an address of /32, a tunnel, or one that no link of this host has. */
  readonly subnet: string | undefined;
}

/** VXLAN adds 50 bytes to a packet. */
export const vxlanOverheadBytes = 50;

/** What Ethernet carries, where nothing else is known. */
const ethernetBytes = 1500;
/** More than that is not promised by any switch. */
const jumboBytes = 9000;

/** The network that the node's address is on. */
export function ownSubnet(
  nodeIp: string,
  view: { readonly links: readonly Link[]; readonly addresses: readonly Address[] },
): string | undefined {
  const address = view.addresses.find(({ ip }) => ip === nodeIp);
  const link = view.links.find(({ name }) => name === address?.link);
  // Who is reached through WireGuard or another tunnel is no neighbour: it takes no packets for addresses that it was not told of.
  if (address === undefined || link === undefined || !link.ethernet || address.prefix >= 32) return undefined;
  return parseCidr(`${address.ip}/${address.prefix}`).text;
}

/** The largest packet that the node's own link carries, bytes. */
export function linkMtu(
  nodeIp: string,
  view: { readonly links: readonly Link[]; readonly addresses: readonly Address[] },
): number {
  const name = view.addresses.find(({ ip }) => ip === nodeIp)?.link;
  const mtu = view.links.find((link) => link.name === name)?.mtu ?? ethernetBytes;
  return name === "lo" ? ethernetBytes : Math.min(mtu, jumboBytes);
}

/** The largest packet of this node's pods, bytes: what fits every way that may be needed. */
export function podMtu(mode: PodNetworkMode, link: number): number {
  return mode === "direct" ? link : link - vxlanOverheadBytes;
}

export function wayTo(peer: Pick<NetworkPeer, "nodeIp" | "subnet" | "mode">, own: OwnPlace): Way {
  const modes = [own.mode, peer.mode ?? "auto"];
  // Where one of the two knows its network to drop pods' addresses, tunnels are needed in both directions.
  if (modes.includes("vxlan")) return "vxlan";
  if (has(own.subnet, peer.nodeIp) && (peer.subnet === undefined || has(peer.subnet, own.nodeIp))) return "direct";
  return modes.includes("direct") ? "none" : "vxlan";
}

function has(subnet: string | undefined, ip: string): boolean {
  return subnet !== undefined && cidrHas(parseCidr(subnet), parseIpv4(ip));
}
