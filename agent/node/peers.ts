/**
 * The other nodes as the pods' network sees them, and what a node says of its place in the network, in an annotation of its own. What Nodes
 * say is not believed where it would lead other nodes' or the cluster's own traffic elsewhere. Pure.
 */
import type { Node } from "../../lib/types/core_v1.ts";
import { cidrHas, parseCidr, parseIpv4 } from "../network/ipv4.ts";
import { type NetworkPeer, type NetworkPlace, podNetworkModes } from "../network/network.ts";

export const placeAnnotation = "dev.sauropod/pod-network";

export interface PeerRanges {
  readonly clusterCidr: string;
  readonly serviceCidr: string;
}

export interface Peers {
  /** By name. */
  readonly peers: readonly NetworkPeer[];
  /** Nodes whose pods can't be reached, and why. */
  readonly refused: readonly string[];
}

/** The other nodes that have pod addresses and can be reached. `self`: this node's name. */
export function peersOf(nodes: Iterable<Node>, self: string, ranges: PeerRanges): Peers {
  const sorted = [...nodes].sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1);
  const own = sorted.find(({ metadata }) => metadata.name === self)?.spec.podCIDR;
  const taken: { name: string; podCidr: string }[] = own ? [{ name: self, podCidr: own }] : [];
  const peers: NetworkPeer[] = [];
  const refused: string[] = [];
  for (const { metadata, spec, status } of sorted) {
    const { name } = metadata;
    const addresses = (status.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) =>
      address
    );
    // One that has just registered gets both in a moment.
    if (name === self || addresses.length === 0 || !spec.podCIDR) continue;
    const nodeIp = addresses.find((address) => isIpv4(address)) ?? addresses[0]!;
    const peer = { name, podCidr: spec.podCIDR, nodeIp, ...placeOf(metadata.annotations?.[placeAnnotation]) };
    const why = whyNot(peer, taken, ranges);
    if (why !== undefined) refused.push(`pods of node ${name} can't be reached: ${why}`);
    else {
      peers.push(peer);
      taken.push(peer);
    }
  }
  return { peers, refused };
}

function whyNot(
  { podCidr, nodeIp }: NetworkPeer,
  taken: readonly { readonly name: string; readonly podCidr: string }[],
  { clusterCidr, serviceCidr }: PeerRanges,
): string | undefined {
  if (!isIpv4(nodeIp)) return `its address ${nodeIp} is not IPv4; IPv6 is not supported`;
  if (!isRange(podCidr)) return `its pod range ${podCidr} is not IPv4; IPv6 is not supported`;
  if (!within(podCidr, clusterCidr)) return `its pod range ${podCidr} is not in --cluster-cidr ${clusterCidr}`;
  const other = taken.find((one) => isRange(one.podCidr) && overlap(one.podCidr, podCidr));
  if (other !== undefined) return `its pod range ${podCidr} overlaps with ${other.podCidr} of node ${other.name}`;
  const inner = [clusterCidr, serviceCidr, "127.0.0.0/8", "224.0.0.0/3", "0.0.0.0/8"].find((range) =>
    cidrHas(parseCidr(range), parseIpv4(nodeIp))
  );
  return inner === undefined ? undefined : `its address ${nodeIp} is in ${inner}, where no node can be`;
}

/** The annotation's value. */
export function placeText({ mode, subnet, mtu }: NetworkPlace): string {
  return JSON.stringify({ mode, subnet, mtu });
}

/** What an annotation says; nothing where it is none of ours. */
export function placeOf(text: string | undefined): Partial<NetworkPlace> {
  if (text === undefined) return {};
  try {
    const { mode, subnet, mtu } = JSON.parse(text);
    return {
      ...(podNetworkModes.includes(mode) ? { mode } : {}),
      ...(typeof subnet === "string" && isRange(subnet) ? { subnet } : {}),
      // The least that IPv4 asks of a link, the most that a packet can have.
      ...(Number.isInteger(mtu) && mtu >= 576 && mtu <= 65535 ? { mtu } : {}),
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return {};
    throw error;
  }
}

function isIpv4(text: string): boolean {
  return succeeds(() => parseIpv4(text));
}

function isRange(text: string): boolean {
  return succeeds(() => parseCidr(text));
}

function succeeds(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function within(inner: string, outer: string): boolean {
  const [a, b] = [parseCidr(inner), parseCidr(outer)];
  return a.base >= b.base && a.base + a.size <= b.base + b.size;
}

function overlap(one: string, other: string): boolean {
  const [a, b] = [parseCidr(one), parseCidr(other)];
  return a.base < b.base + b.size && b.base < a.base + a.size;
}
