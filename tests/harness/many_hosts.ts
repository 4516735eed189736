/**
 * A cluster on the hosts of a lab: the first runs the control plane, the others join it as a user lets them join. Leaves out what each
 * one is asked through kubectl: that is `Cluster`'s.
 */
import { Cluster, type ClusterOptions } from "./cluster.ts";
import { until } from "./lab/host.ts";
import { program } from "./program.ts";
import type { Host } from "./lab/host.ts";
import type { Lab } from "./lab/lab.ts";
import type { Output } from "../../lib/seams/process.ts";

const workerLine = "is Ready (";

export class ManyHosts implements AsyncDisposable {
  private constructor(readonly lab: Lab, readonly members: readonly Cluster[]) {}

  /** Started, joined and Ready on all hosts; `flags` go to each. */
  static async start(lab: Lab, { flags = [] }: ClusterOptions = {}): Promise<ManyHosts> {
    const members = lab.hosts.map((host, i) =>
      new Cluster(host, i === 0 ? { flags } : { flags, readyLine: workerLine })
    );
    const all = new ManyHosts(lab, members);
    try {
      await all.first.start();
      const join = await all.joinString();
      await Promise.all(all.workers.map((member) => all.join(member, join)));
      for (const { host } of members) await all.nodeIs(host, "True");
    } catch (error) {
      await all[Symbol.asyncDispose]();
      throw error;
    }
    return all;
  }

  get first(): Cluster {
    return this.members[0]!;
  }

  get workers(): readonly Cluster[] {
    return this.members.slice(1);
  }

  of(host: Host): Cluster {
    return this.members.find((member) => member.host === host)!;
  }

  /** One of the commands of `deno task` on a member's host, to its end. */
  task(member: Cluster, words: readonly string[]): Promise<Output> {
    return member.host.exec([...program, ...words]);
  }

  /** A fresh one, as `deno task -q token create` prints it. */
  async joinString(more: readonly string[] = []): Promise<string> {
    const { code, stdout, stderr } = await this.task(this.first, ["token", "create", ...more]);
    if (code !== 0) throw new Error(`token create: ${stderr}`);
    return stdout.trim();
  }

  /** Starts a worker with a join string and waits until it says that it is Ready. Answers how long that took. ms */
  async join(member: Cluster, join: string): Promise<number> {
    const before = member.options.flags;
    member.options.flags = [...before ?? [], "--join", join];
    try {
      return await member.start();
    } finally {
      // Started again it needs no string.
      member.options.flags = before;
    }
  }

  /** Waits until the API says so of the host's Node. */
  async nodeIs(host: Host, ready: "True" | "False" | "Unknown", timeoutMs = 60_000): Promise<void> {
    const path = `{.status.conditions[?(@.type=="Ready")].status}`;
    await until(
      timeoutMs,
      async () => (await this.first.kubectl(["get", "node", host.name, "-o", `jsonpath=${path}`])).stdout === ready,
      () => `node ${host.name} was not Ready=${ready} within ${timeoutMs / 1000} s:\n${this.log()}`,
    );
  }

  /** Power cut, and power on again with the engine, before anything of ours is started. */
  async crash(host: Host): Promise<void> {
    await host.crash();
    await this.of(host).lost();
  }

  /** The last lines of each. */
  log(count = 40): string {
    return this.members.map((member) => `--- ${member.host.name}:\n${member.log(count)}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of [...this.members].reverse()) await member[Symbol.asyncDispose]();
  }
}
