/**
 * The lab's LAN: a bridge in a network namespace of its own (the switch), and one cable to each host and to the outside client.
 * Nothing is ever connected to the machine's real network. Faults are made on the switch's side, so that a host sees what a host sees.
 */
import { may, must } from "./run.ts";

/** First three numbers of the LAN: `.1` is the switch, hosts are `.11` and up, the client is `.200`. */
export interface Lan {
  tag: string;
  prefix: string;
  mtu: number;
  /** Its bridge in the switch; absent: the first one. */
  bridge?: string;
}

/** Another LAN, beyond a router: the switch, which lets through what it has a route for and what `guardRouter` does not forbid. */
export function farLan(lan: Lan): Lan {
  const [a, b, c] = lan.prefix.split(".");
  return { ...lan, prefix: `${a}.${b}.${Number(c) + 1}`, bridge: "br1" };
}

const bridgeOf = ({ bridge = "br0" }: Lan) => bridge;

export const netnsPath = (name: string) => `/run/netns/${name}`;
export const switchName = (lan: Lan) => `${lan.tag}-sw`;

function exists(netns: string): boolean {
  try {
    Deno.statSync(netnsPath(netns));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export async function createSwitch(lan: Lan): Promise<void> {
  const name = switchName(lan);
  if (exists(name)) return;
  await must(["ip", "netns", "add", name]);
  const lines = [
    "link set lo up",
    "link add br0 type bridge",
    `link set br0 mtu ${lan.mtu} up`,
    // Hosts have a default route as any machine has: without one a packet to a Service's address is refused before it is translated.
    `addr add ${lan.prefix}.1/24 dev br0`,
    "route add unreachable default",
  ];
  await must(["ip", "-n", name, "-batch", "-"], lines.join("\n") + "\n");
  // It is a switch: what it bridges must not pass through netfilter. Nobody answers at its port 53; each question is to be refused at once,
  // also the one after the sixth, or every name that is looked up costs a resolver's five seconds.
  const off =
    "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done";
  await must(["nsenter", `--net=${netnsPath(name)}`, "sh", "-c", off]);
}

/** The bridge of a further LAN, and the switch as the router to it. */
export async function addLan(lan: Lan): Promise<void> {
  const name = switchName(lan);
  const lines = [
    `link add ${bridgeOf(lan)} type bridge`,
    `link set ${bridgeOf(lan)} mtu ${lan.mtu} up`,
    `addr add ${lan.prefix}.1/24 dev ${bridgeOf(lan)}`,
  ];
  await must(["ip", "-n", name, "-batch", "-"], lines.join("\n") + "\n");
}

/** As clouds do: what does not come from an address of its LAN is not let through to the other. */
export async function guardRouter(lan: Lan, ranges: readonly string[]): Promise<void> {
  const rules = `table ip guard {
  chain c {
    type filter hook forward priority 0;
    ip saddr != { ${ranges.join(", ")} } counter drop
    ip daddr != { ${ranges.join(", ")} } counter drop
  }
}
`;
  await must(["nsenter", `--net=${netnsPath(switchName(lan))}`, "nft", "-f", "-"], rules);
}

/** A network namespace with one card, `lan0`, in the switch's port of that name. */
export async function plug(lan: Lan, netns: string, port: string, address: string): Promise<void> {
  if (exists(netns)) return;
  const sw = switchName(lan);
  await must(["ip", "netns", "add", netns]);
  await may(["ip", "-n", sw, "link", "del", port]);
  await must(
    [
      "ip",
      "link",
      "add",
      "lan0",
      "mtu",
      `${lan.mtu}`,
      "netns",
      netns,
      "type",
      "veth",
      "peer",
      "name",
      port,
      "mtu",
      `${lan.mtu}`,
      "netns",
      sw,
    ],
  );
  await must(["ip", "-n", sw, "link", "set", port, "master", bridgeOf(lan), "up"]);
  const lines = [
    "link set lo up",
    `addr add ${address}/24 dev lan0`,
    "link set lan0 up",
    `route add default via ${lan.prefix}.1`,
  ];
  await must(["ip", "-n", netns, "-batch", "-"], lines.join("\n") + "\n");
}

/** The port goes first: a namespace is deleted later, a link at once. */
export async function unplug(lan: Lan, netns: string, port: string): Promise<void> {
  if (exists(switchName(lan))) await may(["ip", "-n", switchName(lan), "link", "del", port]);
  if (exists(netns)) await must(["ip", "netns", "del", netns]);
}

export async function removeSwitch(lan: Lan): Promise<void> {
  if (exists(switchName(lan))) await must(["ip", "netns", "del", switchName(lan)]);
}

/** Pulls a cable, or plugs it in again. The host keeps its addresses and routes. */
export async function cable(lan: Lan, port: string, state: "in" | "out"): Promise<void> {
  await must(["ip", "-n", switchName(lan), "link", "set", port, state === "in" ? "up" : "down"]);
}

/** Drops frames on their way from a port: all or a share of them, to one address or to all. Replaces what was set for that port. */
export async function drop(lan: Lan, port: string, what: { percent: number; to?: string } | undefined): Promise<void> {
  const table = `drop-${port}`;
  await may(["nsenter", `--net=${netnsPath(switchName(lan))}`, "nft", "delete", "table", "netdev", table]);
  if (what === undefined) return;
  const match = `${what.to === undefined ? "" : `ip daddr ${what.to} `}${
    what.percent >= 100 ? "" : `numgen random mod 100 < ${what.percent} `
  }`;
  const rules =
    `table netdev ${table} {\n  chain c {\n    type filter hook ingress device "${port}" priority 0;\n    ${match}drop\n  }\n}\n`;
  await must(["nsenter", `--net=${netnsPath(switchName(lan))}`, "nft", "-f", "-"], rules);
}

/** Slows what goes to a host: `10mbit`. `undefined` lifts it. */
export async function shape(lan: Lan, port: string, rate: string | undefined): Promise<void> {
  await may(["tc", "-n", switchName(lan), "qdisc", "del", "dev", port, "root"]);
  if (rate === undefined) return;
  await must([
    "tc",
    "-n",
    switchName(lan),
    "qdisc",
    "add",
    "dev",
    port,
    "root",
    "tbf",
    "rate",
    rate,
    "burst",
    "32kbit",
    "latency",
    "400ms",
  ]);
}
