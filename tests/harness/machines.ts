/**
 * Machines on one kernel, for tests of the pods' network: each a network namespace, on a switch that is also the router to a second network
 * beyond it. No engine is needed: a pod is a process in a namespace of its own.
 */
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { type Child, type Output, type Processes, systemProcesses } from "../../lib/seams/process.ts";
import { findBusybox } from "./image.ts";
import { createPodNetwork, type PodNetworkOptions } from "../../agent/network/kernel_network.ts";
import type { PodNetwork } from "../../agent/network/network.ts";

export const missing = Deno.uid() !== 0
  ? "needs root"
  : findBusybox() === undefined
  ? "needs busybox-static"
  : undefined;
export const clusterCidr = "10.244.0.0/16";

export async function must(...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await systemProcesses.run(command);
  if (code !== 0) throw new Error(`${command.join(" ")}: ${stderr || stdout}`);
  return stdout;
}

/** A network in the switch: `192.168.77` with its router at .254. */
interface Network {
  readonly prefix: string;
  readonly bridge: string;
}
const near: Network = { prefix: "192.168.77", bridge: "br0" };
const beyond: Network = { prefix: "192.168.78", bridge: "br1" };

export class Machine {
  readonly children: Child[] = [];
  readonly netns: string;
  ip: string;
  /** Words before each command: `env NAME=value`. */
  environment: readonly string[] = [];
  constructor(readonly tag: string, readonly name: string, readonly network: Network, readonly host: number) {
    this.netns = `${tag}-${name}`;
    this.ip = `${network.prefix}.${host}`;
  }

  /** The command as it runs on this machine; `ip netns exec` would give it another /sys. */
  on(command: readonly string[]): string[] {
    return [...this.environment, "nsenter", `--net=/run/netns/${this.netns}`, "--", ...command];
  }

  get processes(): Processes {
    return {
      run: (command, options) => systemProcesses.run(this.on(command), options),
      spawn: (command, options) => systemProcesses.spawn(this.on(command), options),
    };
  }

  must(...command: string[]): Promise<string> {
    return must(...this.on(command));
  }

  async plug(): Promise<void> {
    const [port, sw] = [`${this.tag}${this.name}`, `${this.tag}-switch`];
    await must("ip", "netns", "add", this.netns);
    await must(
      "ip",
      "-n",
      sw,
      ..."link add".split(" "),
      port,
      ..."type veth peer name lan0 netns".split(" "),
      this.netns,
    );
    await must("ip", "-n", sw, "link", "set", port, "master", this.network.bridge, "up");
    await this.address(this.ip);
    for (const link of ["lan0", "lo"]) await must("ip", "-n", this.netns, "link", "set", link, "up");
    await must("ip", "-n", this.netns, "route", "add", "default", "via", `${this.network.prefix}.254`);
    // As on a machine that forwards nothing, and whose kernel drops what came another way than its answer would take.
    await this.must("sh", "-c", "cd /proc/sys/net/ipv4; echo 0 > ip_forward; echo 1 > conf/all/rp_filter");
  }

  async address(ip: string): Promise<void> {
    this.ip = ip;
    await must("ip", "-n", this.netns, "addr", "add", `${ip}/24`, "dev", "lan0");
  }

  /** A process of the machine's own. */
  run(...command: string[]): Child {
    const child = systemProcesses.spawn(this.on(command));
    this.children.push(child);
    return child;
  }

  /** A process in a network namespace of its own, as an infra container is. */
  pod(): number {
    const child = systemProcesses.spawn(["unshare", "--net", "sleep", "1000"]);
    this.children.push(child);
    return child.pid;
  }

  /** An HTTP server that answers the address of who asks. */
  async serve(pid: number, directory: string, address = "0.0.0.0"): Promise<void> {
    const server = [
      "nsenter",
      "-t",
      String(pid),
      "-n",
      findBusybox()!,
      "httpd",
      "-f",
      "-p",
      `${address}:80`,
      "-h",
      directory,
    ];
    this.children.push(systemProcesses.spawn(server));
    for (let tries = 0; tries < 100; tries++) {
      const sockets = await must("nsenter", "-t", String(pid), "-n", "ss", "-Hltn");
      if (sockets.includes(":80")) return;
      await sleep(systemClock, 20);
    }
    throw new Error("httpd did not start");
  }

  async end(): Promise<void> {
    for (const child of this.children) child.kill("SIGKILL");
    await Promise.all(this.children.map((child) => child.ended));
    await systemProcesses.run(["ip", "netns", "del", this.netns]);
  }
}

/** Waits until unshare has made the namespace: before that the process is in the test's own. */
export async function ready(pid: number): Promise<number> {
  const own = await Deno.readLink("/proc/self/ns/net");
  for (let tries = 0; tries < 200; tries++) {
    if (await Deno.readLink(`/proc/${pid}/ns/net`) !== own) return pid;
    await sleep(systemClock, 5);
  }
  throw new Error("unshare did not get its namespace");
}

export class Lab {
  readonly tag: string;
  readonly a: Machine;
  readonly b: Machine;
  /** Beyond the router. */
  readonly far: Machine;
  /** No node. */
  readonly client: Machine;
  directory = "";

  /** `name` is one letter: labs of different names do not meet. */
  constructor(name: string) {
    this.tag = `sp${Deno.pid}${name}`;
    this.a = new Machine(this.tag, "a", near, 1);
    this.b = new Machine(this.tag, "b", near, 2);
    this.far = new Machine(this.tag, "f", beyond, 3);
    this.client = new Machine(this.tag, "c", near, 9);
  }

  get machines(): readonly Machine[] {
    return [this.a, this.b, this.far, this.client];
  }

  async up(): Promise<void> {
    this.directory = await Deno.makeTempDir({ prefix: "sauropod-network-" });
    await Deno.mkdir(`${this.directory}/www/cgi-bin`, { recursive: true });
    const script = '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n$REMOTE_ADDR"\n';
    await Deno.writeTextFile(`${this.directory}/www/cgi-bin/who`, script, { mode: 0o755 });
    await this.#switch();
    for (const machine of this.machines) await machine.plug();
  }

  async #switch(): Promise<void> {
    const sw = `${this.tag}-switch`;
    await must("ip", "netns", "add", sw);
    for (const { prefix, bridge } of [near, beyond]) {
      await must("ip", "-n", sw, "link", "add", bridge, "type", "bridge");
      await must("ip", "-n", sw, "addr", "add", `${prefix}.254/24`, "dev", bridge);
      await must("ip", "-n", sw, "link", "set", bridge, "up");
    }
    // What it bridges is no business of its firewall's; what it routes has the machines' own addresses, or is dropped and counted.
    const calls = "for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 > $f; done";
    await this.onSwitch("sh", "-c", `echo 1 > /proc/sys/net/ipv4/ip_forward; ${calls}`);
    await this.onSwitch("nft", "add table ip guard; add chain ip guard c { type filter hook forward priority 0; }");
    await this.onSwitch("nft", `add rule ip guard c ip saddr ${clusterCidr} counter drop`);
  }

  onSwitch(...command: string[]): Promise<string> {
    return must("nsenter", `--net=/run/netns/${this.tag}-switch`, ...command);
  }

  /** How many packets with pods' addresses came to the router. */
  async leaked(): Promise<number> {
    return Number(/counter packets (\d+)/.exec(await this.onSwitch("nft", "list", "table", "ip", "guard"))![1]);
  }

  async down(): Promise<void> {
    for (const machine of this.machines) await machine.end();
    await systemProcesses.run(["ip", "netns", "del", `${this.tag}-switch`]);
    await Deno.remove(this.directory, { recursive: true });
  }

  network(machine: Machine, options: Partial<PodNetworkOptions> = {}): PodNetwork {
    return createPodNetwork({
      clusterId: "test",
      clusterCidr,
      serviceCidr: "10.96.0.0/16",
      nodeIp: () => machine.ip,
      leasesPath: `${this.directory}/${machine.name}.json`,
      changesPath: `${this.directory}/${machine.name}-changes.json`,
      clock: systemClock,
      processes: machine.processes,
      ...options,
    });
  }
}

/** Who the server at `address` sees when it is asked from this namespace. */
export async function whoFrom(
  enter: readonly string[],
  address: string,
  { seconds = 3 }: { seconds?: number } = {},
): Promise<string> {
  const { code, stdout, stderr } = await run([
    ...enter,
    "timeout",
    String(seconds),
    findBusybox()!,
    "wget",
    "-q",
    "-O",
    "-",
    `http://${address}/cgi-bin/who`,
  ]);
  return code === 0 ? stdout.replace("[::ffff:", "").replace("]", "").trim() : `failed: ${stderr.trim() || code}`;
}

export function run(command: readonly string[]): Promise<Output> {
  return systemProcesses.run(command);
}

export const inPod = (pid: number) => ["nsenter", "-t", String(pid), "-n"];

/** Answers each datagram on port 9 with how many bytes it had. */
export const datagramServer = [
  "perl",
  "-MSocket",
  "-e",
  "socket(S, 2, 2, 17); bind(S, sockaddr_in(9, INADDR_ANY)) or die $!; while ($a = recv(S, $m, 65535, 0)) { send(S, length $m, 0, $a) }",
];

/**
 * Sends a datagram with "don't fragment" set, twice if need be: the first may only teach how much the way carries. Prints how many bytes
 * arrived, or the kernel's word for why none did.
 */
export async function sendWhole(enter: readonly string[], address: string, bytes: number): Promise<string> {
  const program =
    `socket(S, 2, 2, 17); setsockopt(S, 0, 10, pack("i", 2)); $to = sockaddr_in(9, inet_aton("${address}"));
    for (1..3) { $! = 0; if (!defined send(S, "x" x ${bytes}, 0, $to)) { print $!; exit }
      $r = ""; vec($r, fileno(S), 1) = 1; if (select($r, undef, undef, 0.3) > 0 && recv(S, $m, 99, 0)) { print $m; exit } }
    print "lost"`;
  return (await run([...enter, "perl", "-MSocket", "-e", program])).stdout;
}
