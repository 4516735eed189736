/** What is on the host of the pods' network, from the JSON of iproute2. The texts are asked for in kernel_network.ts. */

export interface Link {
  readonly name: string;
  /** `sauropod <cluster> <pod uid>` on the links of pods. */
  readonly alias?: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly mac: string;
  readonly kind?: string;
  /** Whoever is on it is reached by a hardware address: Ethernet and what is made like it. */
  readonly ethernet: boolean;
  /** Of a VXLAN device. */
  readonly vxlan?: { readonly id: number; readonly local: string; readonly port: number };
}

export interface Address {
  readonly link: string;
  readonly ip: string;
  readonly prefix: number;
}

export interface Route {
  readonly destination: string;
  readonly link?: string;
  readonly via?: string;
  /** Absent for the usual one, `unicast`. */
  readonly type?: string;
  /** Who made it: `static`, `kernel`, or a number. */
  readonly protocol?: string;
  /** Bytes, where the route has one of its own. */
  readonly mtu?: number;
}

export interface Neighbour {
  readonly ip: string;
  readonly mac?: string;
}

export interface Forwarding {
  readonly mac: string;
  readonly to: string;
}

/** `ip -j -d link show`. */
export function parseLinks(json: string): Link[] {
  const list = parse<{
    ifname?: string;
    ifalias?: string;
    mtu?: number;
    flags?: string[];
    link_type?: string;
    address?: string;
    linkinfo?: { info_kind?: string; info_data?: { id?: number; local?: string; port?: number } };
  }>(json);
  return list.filter((link) => link.ifname !== undefined).map((link) => ({
    name: link.ifname!,
    alias: link.ifalias,
    mtu: link.mtu ?? 0,
    up: (link.flags ?? []).includes("UP"),
    mac: link.address ?? "",
    kind: link.linkinfo?.info_kind,
    ethernet: link.link_type === "ether" && !(link.flags ?? []).includes("POINTOPOINT"),
    ...(link.linkinfo?.info_kind === "vxlan" ? { vxlan: vxlanOf(link.linkinfo.info_data ?? {}) } : {}),
  }));
}

function vxlanOf(data: { id?: number; local?: string; port?: number }) {
  return { id: data.id ?? 0, local: data.local ?? "", port: data.port ?? 0 };
}

/** `ip -j -4 addr show`. */
export function parseAddresses(json: string): Address[] {
  const list = parse<{ ifname?: string; addr_info?: { local?: string; prefixlen?: number }[] }>(json);
  return list.flatMap((link) =>
    (link.addr_info ?? []).filter((info) => info.local !== undefined).map((info) => ({
      link: link.ifname ?? "",
      ip: info.local!,
      prefix: info.prefixlen ?? 32,
    }))
  );
}

/** `ip -j -4 -d route show root RANGE`. */
export function parseRoutes(json: string): Route[] {
  const list = parse<
    { dst?: string; dev?: string; gateway?: string; type?: string; protocol?: string; metrics?: { mtu?: number }[] }
  >(json);
  return list.filter((route) => route.dst !== undefined).map((route) => ({
    destination: route.dst!.includes("/") ? route.dst! : `${route.dst}/32`,
    link: route.dev,
    via: route.gateway,
    type: route.type === "unicast" ? undefined : route.type,
    protocol: route.protocol,
    mtu: route.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu,
  }));
}

/** `ip -j -4 neigh show dev D nud permanent`. */
export function parseNeighbours(json: string): Neighbour[] {
  return parse<{ dst?: string; lladdr?: string }>(json).filter((n) => n.dst !== undefined)
    .map((n) => ({ ip: n.dst!, mac: n.lladdr }));
}

/** `bridge -j fdb show dev D`. */
export function parseForwarding(json: string): Forwarding[] {
  return parse<{ mac?: string; dst?: string }>(json).filter((f) => f.mac !== undefined && f.dst !== undefined)
    .map((f) => ({ mac: f.mac!, to: f.dst! }));
}

/** iproute2 prints nothing at all for an empty list. */
function parse<T>(json: string): T[] {
  return json.trim() === "" ? [] : JSON.parse(json) as T[];
}
