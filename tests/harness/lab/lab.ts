/**
 * Several hosts on one machine, each with an engine of its own, and a client outside of the cluster; removed whatever happens.
 * What a killed run left behind is found by its tag and removed when the next lab of that name is made.
 */
import { type Output, systemProcesses } from "../../../lib/seams/process.ts";
import { removeGroups } from "./cgroups.ts";
import type { EngineKind } from "./engine.ts";
import { Host } from "./host.ts";
import {
  addLan,
  cable,
  createSwitch,
  drop,
  farLan,
  guardRouter,
  type Lan,
  netnsPath,
  plug,
  removeSwitch,
  shape,
  unplug,
} from "./network.ts";
import { may } from "./run.ts";

export interface LabOptions {
  /** Names the lab; two of different names do not meet. Letters and digits, at most 8. */
  name: string;
  hosts: readonly EngineKind[];
  /** Further hosts on a LAN of their own, beyond a router that lets through no addresses but the two LANs'. */
  far?: readonly EngineKind[];
  /** First three numbers of the LAN. */
  prefix?: string;
  mtu?: number;
}

export class Lab implements AsyncDisposable {
  /** The near ones, then the far ones. */
  readonly hosts: readonly Host[];

  constructor(
    readonly lan: Lan,
    readonly dir: string,
    engines: readonly EngineKind[],
    readonly farEngines: readonly EngineKind[] = [],
  ) {
    const far = farLan(lan);
    const places = [
      ...engines.map((engine) => ({ engine, lan })),
      ...farEngines.map((engine) => ({ engine, lan: far })),
    ];
    this.hosts = places.map(({ engine, lan }, i) =>
      new Host(lan, `h${i + 1}`, `${lan.prefix}.${11 + i}`, engine, `${dir}/h${i + 1}`)
    );
  }

  get #clientNetns(): string {
    return `${this.lan.tag}-client`;
  }

  readonly clientIp = () => `${this.lan.prefix}.200`;

  async up(): Promise<void> {
    await createSwitch(this.lan);
    if (this.farEngines.length > 0) {
      const far = farLan(this.lan);
      await addLan(far);
      await guardRouter(this.lan, [`${this.lan.prefix}.0/24`, `${far.prefix}.0/24`]);
    }
    await plug(this.lan, this.#clientNetns, "client", this.clientIp());
    await Promise.all(this.hosts.map((host) => host.boot()));
  }

  /** Runs a command on the LAN, outside of the cluster. */
  client(command: readonly string[], options?: { stdin?: string }): Promise<Output> {
    return systemProcesses.run(this.clientCommand(command), options);
  }

  /** What runs a command there, for who starts it himself. */
  clientCommand(command: readonly string[]): string[] {
    return ["nsenter", `--net=${netnsPath(this.#clientNetns)}`, ...command];
  }

  partition = (host: Host) => cable(this.lan, host.name, "out");
  heal = (host: Host) => cable(this.lan, host.name, "in");
  /** Frames of `host` get lost: a share of all, or all to one host. `undefined` ends it. */
  lose = (host: Host, what: { percent: number; to?: string } | undefined) => drop(this.lan, host.name, what);
  slow = (host: Host, rate: string | undefined) => shape(this.lan, host.name, rate);

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.hosts) await host.crash();
    await unplug(this.lan, this.#clientNetns, "client");
    await removeSwitch(this.lan);
    removeGroups(this.lan.tag);
    await may(["rm", "-rf", "--one-file-system", this.dir]);
  }
}

const place = ({ name, prefix = "10.99.0", mtu = 1600 }: LabOptions) => ({
  lan: { tag: `lab-${name}`, prefix, mtu },
  dir: `/tmp/sauropod-lab-${name}`,
});

/** Removes what a killed run of that name left. */
export async function removeLab(options: LabOptions): Promise<void> {
  const { lan, dir } = place(options);
  await removeLeftovers(lan, dir);
  await removeSwitch(lan);
}

/** Makes a lab, after removing what a killed run of that name left. */
export async function createLab(options: LabOptions): Promise<Lab> {
  const { lan, dir } = place(options);
  const { hosts, far } = options;
  await removeLeftovers(lan, dir);
  await Deno.mkdir(dir, { recursive: true });
  const lab = new Lab(lan, dir, hosts, far);
  try {
    await lab.up();
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
  return lab;
}

/** By process id, and only if it is still a process 1 of ours: ids are used again. */
async function removeLeftovers(lan: Lan, dir: string): Promise<void> {
  for (const { stdout } of [await may(["sh", "-c", `cat ${dir}/*/init.pid 2>/dev/null`])]) {
    for (const pid of stdout.split("\n").filter(Boolean)) {
      const command = await may(["cat", `/proc/${pid}/cmdline`]);
      if (command.stdout.includes("host_init.sh")) await may(["kill", "-KILL", pid]);
    }
  }
  const { stdout } = await may(["ip", "netns", "list"]);
  for (const line of stdout.split("\n")) {
    const name = line.split(" ")[0]!;
    if (name.startsWith(`${lan.tag}-`)) await may(["ip", "netns", "del", name]);
  }
  removeGroups(lan.tag);
  await may(["rm", "-rf", "--one-file-system", dir]);
}
