/**
 * Makes addresses of Services addresses of this host, so that this process can listen on them: a local route to each, with a protocol
 * number of our own. Routes and not addresses of an interface: nobody takes them for addresses of this node, what this host sends there
 * has the node's address as its source, they are told from others' by one number, and kernels may lack `dummy` links.
 *
 * Left out on purpose: addresses of networks that this host is a part of, because it would answer for them where somebody else has them,
 * and addresses of nodes and API servers, because all their other ports would be cut off.
 */
import { getLogger } from "log";
import { CommandError, type Processes } from "../../lib/seams/process.ts";
import type { HostNetworks } from "../host.ts";
import { rangeHas } from "../ipv4.ts";
import type { PortEntry, ServiceEntry, ServiceMap } from "../model.ts";

const logger = getLogger(["sauropod", "proxy", "userspace"]);

/** The agent's routes to other nodes have 83. */
export const ownedProtocol = "84";

export interface Takeable {
  readonly host: HostNetworks;
  readonly clusterCidr: string;
  /** Addresses of all nodes, and of API servers. */
  readonly reserved: ReadonlySet<string>;
}

/** Addresses that the API servers have: traffic to them must never end here. */
export function apiServerAddresses(services: ServiceMap): string[] {
  const ports = services.get("default/kubernetes")?.ports ?? [];
  return ports.flatMap(({ cluster, local }) => [...cluster, ...local].map(({ ip }) => ip));
}

/** Those of a Service's addresses that this host has to take. Pure. */
export function addressesToTake(entry: ServiceEntry, around: Takeable): string[] {
  const external = ({ externalIps, loadBalancerIps }: PortEntry) => [...externalIps, ...loadBalancerIps];
  const all = entry.ports.flatMap((port) => [
    ...port.clusterIps,
    ...external(port).filter((address) => !isOthers(address, around)),
  ]);
  return [...new Set(all)].filter((address) => !around.host.addresses.has(address));
}

function isOthers(address: string, { host, clusterCidr, reserved }: Takeable): boolean {
  return reserved.has(address) || rangeHas(clusterCidr, address) ||
    host.ranges.some((range) => rangeHas(range, address));
}

/** Loopback has never been up here. */
const noTable = /FIB table does not exist/;
const noRight = "root or CAP_NET_ADMIN is needed";
const show = ["ip", "-j", "-4", "route", "show", "table", "local", "proto", ownedProtocol];

export class Addresses {
  #taken = new Set<string>();
  /** Why this process may not take addresses; `undefined`: it may. */
  denied: string | undefined;

  constructor(readonly processes: Processes) {}

  get taken(): ReadonlySet<string> {
    return this.#taken;
  }

  /** Learns what is there, also from an earlier run, and whether it may be changed. */
  async read(): Promise<ReadonlySet<string>> {
    this.denied = undefined;
    const result = await this.#run(() => this.processes.run(show));
    if (result !== undefined && result.code !== 0 && !noTable.test(result.stderr)) throw new CommandError(show, result);
    const routes: { dst: string }[] = result?.code === 0 ? JSON.parse(result.stdout) : [];
    this.#taken = new Set(routes.map(({ dst }) => dst));
    return this.#taken;
  }

  /** `source` is the address that this host's own programs have on the way there. What can't be had is not in `taken` then. */
  async take(addresses: Iterable<string>, source: string | undefined): Promise<void> {
    const missing = [...addresses].filter((address) => !this.#taken.has(address));
    if (missing.length === 0 || this.denied !== undefined) return;
    const from = source === undefined ? "" : ` src ${source}`;
    const failed = await this.#batch(
      missing.map((one) => `route replace local ${one}/32 dev lo table local scope host proto ${ownedProtocol}${from}`),
    );
    if (failed !== undefined && /not permitted/.test(failed.stderr)) this.denied ??= noRight;
    if (this.denied !== undefined) return;
    if (failed === undefined) { for (const one of missing) this.#taken.add(one); }
    else {
      logger.error("addresses of Services: {error}", { error: failed.stderr.trim().slice(0, 500) });
      await this.read();
    }
  }

  /** What is sent to addresses that no Service has must not leave through the default route, and come back, and leave again. */
  async fence(range: string): Promise<void> {
    if (this.denied !== undefined) return;
    const failed = await this.#batch([`route replace blackhole ${range} proto ${ownedProtocol}`]);
    if (failed === undefined) return;
    if (/not permitted/.test(failed.stderr)) this.denied = noRight;
    else logger.warn("a route that ends at {range}: {error}", { range, error: failed.stderr.trim().slice(0, 500) });
  }

  async giveUp(addresses: Iterable<string>): Promise<void> {
    const there = [...addresses].filter((address) => this.#taken.has(address));
    if (there.length === 0) return;
    await this.#batch(there.map((one) => `route del local ${one}/32 table local proto ${ownedProtocol}`));
    for (const one of there) this.#taken.delete(one);
  }

  /** All lines, also when one of them fails: answers what was said then. */
  async #batch(lines: readonly string[]): Promise<{ stderr: string } | undefined> {
    const stdin = lines.join("\n") + "\n";
    const result = await this.#run(() => this.processes.run(["ip", "-4", "-force", "-batch", "-"], { stdin }));
    return result === undefined || result.code === 0 ? undefined : result;
  }

  async #run<T>(run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      this.denied = "the program ip is needed";
      return undefined;
    }
  }
}

/** Gives up all of them and the fence, whoever made them. Safe to repeat. */
export async function giveUpAll(processes: Processes): Promise<void> {
  for (const table of ["local", "main"]) {
    const command = ["ip", "-4", "route", "flush", "table", table, "proto", ownedProtocol];
    const result = await processes.run(command);
    if (result.code !== 0 && !noTable.test(result.stderr)) throw new CommandError(command, result);
  }
}
