/**
 * The VXLAN device, and where it sends what: made when the first node needs a tunnel, removed after the last one. Nothing is learnt or asked
 * for: a node's hardware address follows from its range of pods. Pure.
 */
import { formatIpv4, parseCidr } from "./ipv4.ts";
import { vxlanMac } from "./names.ts";
import type { Link } from "./observe.ts";
import type { NodeView, NodeWish } from "./node_plan.ts";

export interface TunnelPlan {
  /** Lines for `ip -batch`. */
  readonly ip: readonly string[];
  /** Lines for `bridge -batch`. */
  readonly bridge: readonly string[];
  readonly why: readonly string[];
  /** The device that is there goes, with all that refers to it. */
  readonly removesDevice: boolean;
}

export function planTunnels(wish: NodeWish, view: NodeView): TunnelPlan {
  const { vxlan } = wish.names;
  const peers = wish.peers?.filter(({ way }) => way === "vxlan").map(({ peer }) => peer);
  const device = view.links.find(({ name }) => name === vxlan);
  if (peers === undefined) return { ip: [], bridge: [], why: [], removesDevice: false };
  if (peers.length === 0) {
    if (device === undefined) return { ip: [], bridge: [], why: [], removesDevice: false };
    const why = [`VXLAN device ${vxlan} that no node needs`];
    return { ip: [`link del ${vxlan}`], bridge: [], why, removesDevice: true };
  }
  // These can't be changed on a device that is there; the node's address may have changed.
  const removesDevice = device !== undefined && !isOurs(device, wish);
  const kept = removesDevice ? undefined : device;
  const ip = [...(removesDevice ? [`link del ${vxlan}`] : []), ...planDevice(wish, kept, view)];
  const why = ip.length === 0 ? [] : [`VXLAN device ${vxlan}`];
  const bridge: string[] = [];
  const known = kept === undefined ? { neighbours: [], forwarding: [] } : view;
  const ends = peers.map((peer) => {
    const { base } = parseCidr(peer.podCidr);
    return { ip: formatIpv4(base), mac: vxlanMac(base), to: peer.nodeIp, name: peer.name };
  });
  for (const end of ends) {
    const neighbour = known.neighbours.some((n) => n.ip === end.ip && n.mac === end.mac);
    const forwarding = known.forwarding.some((f) => f.mac === end.mac && f.to === end.to);
    if (!neighbour) ip.push(`neigh replace ${end.ip} lladdr ${end.mac} dev ${vxlan} nud permanent`);
    if (!forwarding) bridge.push(`fdb replace ${end.mac} dev ${vxlan} dst ${end.to} self permanent`);
    if (!neighbour || !forwarding) why.push(`tunnel to ${end.name}`);
  }
  for (const { ip: old } of known.neighbours) {
    if (ends.some((end) => end.ip === old)) continue;
    ip.push(`neigh del ${old} dev ${vxlan}`);
    why.push(`old neighbour ${old}`);
  }
  for (const { mac } of known.forwarding) {
    if (ends.some((end) => end.mac === mac)) continue;
    bridge.push(`fdb del ${mac} dev ${vxlan} self`);
    why.push(`old tunnel ${mac}`);
  }
  return { ip, bridge, why, removesDevice };
}

function isOurs(device: Link, { names, podCidr, tunnel }: NodeWish): boolean {
  const { local, port, id } = device.vxlan ?? {};
  return (local || undefined) === tunnel.local && port === tunnel.port && id === names.vni &&
    device.mac === vxlanMac(parseCidr(podCidr).base);
}

/** Lines that make the device, or put right what was changed on the one that is there. */
function planDevice({ names, podCidr, tunnel }: NodeWish, device: Link | undefined, view: NodeView): string[] {
  const { base } = parseCidr(podCidr);
  const { vxlan, vni } = names;
  const address = formatIpv4(base);
  const lines: string[] = [];
  if (device === undefined) {
    const local = tunnel.local === undefined ? "" : ` local ${tunnel.local}`;
    const link = `link add ${vxlan} mtu ${tunnel.mtu} address ${vxlanMac(base)}`;
    lines.push(`${link} type vxlan id ${vni}${local} dstport ${tunnel.port} nolearning`);
  } else if (device.mtu !== tunnel.mtu) lines.push(`link set ${vxlan} mtu ${tunnel.mtu}`);
  const has = device !== undefined && view.addresses.some(({ link, ip }) => link === vxlan && ip === address);
  if (!has) lines.push(`addr replace ${address}/32 dev ${vxlan}`);
  if (device?.up !== true) lines.push(`link set ${vxlan} up`);
  return lines;
}
