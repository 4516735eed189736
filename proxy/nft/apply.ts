/** The one file that runs `nft`. Every call is one transaction: it happens as a whole or not at all. */
import { proxyCommandTimeoutMs } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { CommandError, type Output, type Processes } from "../../lib/seams/process.ts";
import { type Listing, parseListing } from "./listing.ts";
import { removeText } from "./text.ts";

export class Nft {
  constructor(readonly processes: Processes, readonly clock: Clock, readonly table: string) {}

  /** Runs the text as one transaction. Throws CommandError with what nft says; the kernel's rules are then as they were. */
  async apply(text: string): Promise<void> {
    const command = ["nft", "-f", "-"];
    const result = await this.#run(command, text);
    if (result.code !== 0) throw new CommandError(command, result);
  }

  /** The table as it is in the kernel, `undefined` when there is none. */
  async list(): Promise<Listing | undefined> {
    const command = ["nft", "list", "table", "ip", this.table];
    const result = await this.#run(command);
    if (result.code === 0) return parseListing(result.stdout);
    if (/No such file or directory/.test(result.stderr)) return undefined;
    throw new CommandError(command, result);
  }

  async exists(): Promise<boolean> {
    const command = ["nft", "list", "tables", "ip"];
    const result = await this.#run(command);
    if (result.code !== 0) throw new CommandError(command, result);
    return result.stdout.split("\n").includes(`table ip ${this.table}`);
  }

  async remove(): Promise<void> {
    await this.apply(removeText(this.table));
  }

  async #run(command: readonly string[], stdin?: string): Promise<Output> {
    const abort = new AbortController();
    const cancel = this.clock.after(proxyCommandTimeoutMs, () => abort.abort());
    try {
      return await this.processes.run(command, { stdin, signal: abort.signal });
    } finally {
      cancel();
    }
  }
}
