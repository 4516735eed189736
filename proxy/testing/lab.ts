/**
 * A node with two pods, a pod elsewhere and a client, each a network namespace with a peer process in it (see peer.ts), for tests with
 * the real kernel. Everything goes away with `close`.
 */
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { output, systemProcesses } from "../../lib/seams/process.ts";
import type { Child, Processes } from "../../lib/seams/process.ts";
import type { Answers, Order } from "./peer.ts";
import { clientIp, nodeIp, pods } from "./world.ts";

const names = ["node", "a", "b", "c", "client"] as const;
export type Name = typeof names[number];

/** Why these tests can't run here, `undefined` when they can. */
export async function whyNoLab(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "needs root";
  const programs = [["nft", "--version"], ["ip", "-V"], ["conntrack", "--version"], ["nsenter", "--version"], [
    "sysctl",
    "--version",
  ]];
  for (const command of programs) {
    try {
      await systemProcesses.run(command);
    } catch {
      return `needs ${command[0]}`;
    }
  }
  const made = await systemProcesses.run(["unshare", "--net", "true"]);
  return made.code === 0 ? undefined : "needs network namespaces";
}

export interface Lab extends AsyncDisposable {
  /** Runs programs in the node's namespace. */
  processes: Processes;
  /** Commands in any namespace, one per line. */
  run(name: Name, ...commands: string[]): Promise<string>;
  ask(name: Name, order: Partial<Order> & Pick<Order, "to" | "port">): Promise<Answers>;
  /** A connection that stays open; `next` asks who is at its other end. */
  hold(name: Name, order: Pick<Order, "to" | "port">): Promise<{ next(): Promise<string> }>;
  /** How to run a program in a namespace. */
  enter(name: Name): string[];
}

export async function openLab(options: { peers: readonly Name[] } = { peers: names }): Promise<Lab> {
  const id = `sx${Deno.pid}-${systemRandom.uuid().slice(0, 4)}`;
  const dir = await Deno.makeTempDir({ prefix: "proxy-lab-" });
  const enter = (name: Name) => ["nsenter", `--net=/run/netns/${id}-${name}`];
  const sh = (script: string) => output(systemProcesses, ["sh", "-ec", script]);
  const peers: Child[] = [];
  const lines = new Map<Name, { conn: Deno.Conn; reader: ReadableStreamDefaultReader<string> }>();
  const close = async () => {
    for (const { conn } of lines.values()) conn.close();
    for (const peer of peers) peer.kill("SIGKILL");
    await Promise.all(peers.map((peer) => peer.ended));
    for (const name of names) await systemProcesses.run(["ip", "netns", "del", `${id}-${name}`]);
    await Deno.remove(dir, { recursive: true });
  };
  try {
    await sh(wiring(id));
    for (const name of options.peers) {
      const peer = new URL("./peer.ts", import.meta.url).pathname;
      peers.push(systemProcesses.spawn([...enter(name), Deno.execPath(), "run", "-qA", peer, `${dir}/${name}`, name]));
    }
    for (const name of options.peers) {
      const conn = await connect(`${dir}/${name}`);
      lines.set(name, { conn, reader: conn.readable.pipeThrough(new TextDecoderStream()).getReader() });
    }
  } catch (error) {
    await close();
    throw error;
  }
  const ask: Lab["ask"] = async (name, order) => {
    const { conn, reader } = lines.get(name)!;
    const whole: Order = { protocol: "tcp", count: 1, timeoutMs: 2_000, ...order };
    await conn.write(new TextEncoder().encode(JSON.stringify(whole) + "\n"));
    let text = "";
    while (!text.endsWith("\n")) text += (await reader.read()).value ?? "\n";
    return JSON.parse(text);
  };
  return {
    enter,
    ask,
    hold: (name, order) => Promise.resolve({ next: async () => (await ask(name, { ...order, hold: true }))[0]! }),
    processes: {
      run: (command, options) => systemProcesses.run([...enter("node"), ...command], options),
      spawn: (command, options) => systemProcesses.spawn([...enter("node"), ...command], options),
    },
    run: async (name, ...commands) => await output(systemProcesses, [...enter(name), "sh", "-ec", commands.join("\n")]),
    [Symbol.asyncDispose]: close,
  };
}

/** A peer listens as soon as its process has started. */
async function connect(path: string): Promise<Deno.UnixConn> {
  for (let tries = 0;; tries++) {
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch (error) {
      if (tries > 200) throw error;
      await sleep(systemClock, 50);
    }
  }
}

function wiring(id: string): string {
  const ns = (name: Name) => `${id}-${name}`;
  const lines = names.flatMap((name) => [
    `ip netns add ${ns(name)}`,
    `ip -n ${ns(name)} link set lo up`,
  ]);
  // As the agent does: a redirect to a pod that reaches itself would use up the allowance of ICMP errors to it.
  const redirects = "net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0";
  lines.push(`ip netns exec ${ns("node")} sysctl -qw ${redirects}`);
  const link = (name: Name, mine: string, theirs: string, more: string[]) => {
    lines.push(
      `ip -n ${ns("node")} link add to-${name} type veth peer name eth0 netns ${ns(name)}`,
      `ip -n ${ns(name)} addr add ${theirs} dev eth0`,
      `ip -n ${ns(name)} link set eth0 up`,
      `ip -n ${ns("node")} addr add ${mine} dev to-${name}`,
      `ip -n ${ns("node")} link set to-${name} up`,
      ...more,
    );
  };
  link("client", `${nodeIp}/24`, `${clientIp}/24`, [
    `ip -n ${ns("client")} route add default via ${nodeIp}`,
    `ip -n ${ns("node")} route add default via ${clientIp}`,
  ]);
  for (const [name, gateway] of [["a", "10.255.0.1"], ["b", "10.255.0.2"], ["c", "10.255.0.3"]] as const) {
    link(name, `${gateway}/32`, `${pods[name]}/32`, [
      `ip -n ${ns(name)} route add ${gateway} dev eth0`,
      `ip -n ${ns(name)} route add default via ${gateway}`,
      `ip -n ${ns("node")} route add ${pods[name]} dev to-${name} src ${nodeIp}`,
    ]);
  }
  lines.push(`ip netns exec ${ns("node")} sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.route_localnet=1`);
  return lines.join("\n");
}
