/** The commands of the pods' network: what kernel_network.ts runs, each with a time limit, through the Processes seam. */
import { networkCommandTimeoutMs } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { CommandError, type Output, type Processes } from "../../lib/seams/process.ts";
import { NetworkError } from "./network.ts";
import type { NodeView } from "./node_plan.ts";
import { parseAddresses, parseForwarding, parseLinks, parseNeighbours, parseRoutes } from "./observe.ts";

export class NetworkHost {
  constructor(readonly processes: Processes, readonly clock: Clock) {}

  /** Ends whatever way the program ends. Throws NetworkError `command` when it can't be started or takes too long. */
  async #run(command: readonly string[], stdin?: string): Promise<Output> {
    const abort = new AbortController();
    const cancel = this.clock.after(networkCommandTimeoutMs, () => abort.abort());
    try {
      const result = await this.processes.run(command, { stdin, signal: abort.signal });
      if (abort.signal.aborted) {
        throw new NetworkError("command", `${command[0]} took more than ${networkCommandTimeoutMs / 1000} s`);
      }
      return result;
    } catch (error) {
      if (error instanceof NetworkError || isMissing(error)) throw error;
      throw new NetworkError("command", `${command.join(" ")}: ${error}`, { cause: error });
    } finally {
      cancel();
    }
  }

  /** Standard output of a command that must succeed. Throws NetworkError `command`. */
  async must(command: readonly string[], stdin?: string): Promise<string> {
    let result: Output;
    try {
      result = await this.#run(command, stdin);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new NetworkError(
        "command",
        `${command[0]} is not installed: the pod network needs iproute2, nftables and util-linux`,
        { cause: error },
      );
    }
    if (result.code !== 0) {
      const cause = new CommandError(command, result);
      throw new NetworkError("command", cause.message, { cause });
    }
    return result.stdout;
  }

  /** Standard output, or undefined when the command fails or is not there. */
  async may(command: readonly string[], stdin?: string): Promise<string | undefined> {
    try {
      const result = await this.#run(command, stdin);
      return result.code === 0 ? result.stdout : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** What planNode() looks at: all that leads to addresses within `range`. */
  async view(vxlan: string, range: string): Promise<NodeView> {
    const [links, addresses, routes, neighbours, forwarding] = await Promise.all([
      this.must(["ip", "-j", "-d", "link", "show"]),
      this.must(["ip", "-j", "-4", "addr", "show"]),
      this.must(["ip", "-j", "-4", "-d", "route", "show", "root", range]),
      // They fail when there is no such device, which is the same as nothing.
      this.may(["ip", "-j", "-4", "neigh", "show", "dev", vxlan, "nud", "permanent"]),
      this.may(["bridge", "-j", "fdb", "show", "dev", vxlan]),
    ]);
    return {
      links: parseLinks(links),
      addresses: parseAddresses(addresses),
      routes: parseRoutes(routes),
      neighbours: parseNeighbours(neighbours ?? ""),
      forwarding: parseForwarding(forwarding ?? ""),
    };
  }

  /** The table as the kernel has it; undefined when it is not there. */
  table(name: string): Promise<string | undefined> {
    return this.may(["nft", "list", "table", "ip", name]);
  }

  async batch(program: "ip" | "bridge", lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.must([program, "-batch", "-"], `${lines.join("\n")}\n`);
  }

  /** Each line for itself: what fails does not hold up the rest. Answers the lines that failed, with the reason. */
  async tryBatch(program: "ip" | "bridge", lines: readonly string[]): Promise<string[]> {
    if (lines.length === 0) return [];
    const { code, stderr } = await this.#run([program, "-force", "-batch", "-"], `${lines.join("\n")}\n`);
    if (code === 0) return [];
    const failures: string[] = [];
    let said: string[] = [];
    for (const row of stderr.split("\n")) {
      const failed = /^Command failed -:(\d+)$/.exec(row)?.[1];
      if (failed === undefined) said.push(row.replace(/^(Error|RTNETLINK answers): /, ""));
      else {
        failures.push(`${program} ${lines[Number(failed) - 1]}: ${said.join(" ").trim()}`);
        said = [];
      }
    }
    return failures.length > 0 ? failures : [`${program} -batch: ${stderr.trim() || `exit code ${code}`}`];
  }

  /** Settings below /proc/sys, by path; those that are not there are left out. */
  async settings(paths: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const path of paths) {
      const value = await this.may(["cat", `/proc/sys/${path}`]);
      if (value !== undefined) found.set(path, value.trim());
    }
    return found;
  }

  async set(path: string, value: string): Promise<void> {
    await this.must(["sh", "-ec", 'echo "$2" > "/proc/sys/$1"', "sh", path, value]);
  }

  async script(text: string): Promise<void> {
    await this.must(["sh", "-e", "-s"], text);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound;
}
