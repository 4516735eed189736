/** The data plane in the kernel: entries → ruleset → transaction, and the upkeep of UDP flows. */
import { getLogger } from "log";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Processes } from "../../lib/seams/process.ts";
import { reconcileFlows } from "../conntrack.ts";
import type { DataPlane } from "../data_plane.ts";
import { hostAddresses } from "../host.ts";
import type { ServiceEntry, ServiceMap } from "../model.ts";
import { Nft } from "./apply.ts";
import type { NetOptions } from "./base.ts";
import { isEmpty } from "./diff.ts";
import { Ruleset } from "./ruleset.ts";
import { changeText, type Kept, loadText } from "./text.ts";
import { compare } from "./verify.ts";
import { learnWords } from "./words.ts";

const logger = getLogger(["sauropod", "proxy", "nft"]);

export interface NftPlaneOptions {
  readonly net: NetOptions;
  readonly processes: Processes;
  readonly clock: Clock;
  /** IPv4 addresses of this node, as its Node object says. */
  readonly nodeAddresses: () => readonly string[];
}

export class NftPlane implements DataPlane {
  readonly #nft: Nft;
  #ruleset: Ruleset;
  #loaded = false;
  /** How rules are compared; `undefined` until this nft's way of writing them has been seen. */
  #rules: "text" | "count" | undefined;
  /** Counts changes, so that a listing that was made during one is not held against us. */
  #changes = 0;

  constructor(readonly options: NftPlaneOptions) {
    this.#nft = new Nft(options.processes, options.clock, options.net.table);
    this.#ruleset = new Ruleset(options.net);
  }

  /** Elements of the table, for the metrics. */
  get size(): { services: number; slots: number } {
    return this.#ruleset.size;
  }

  async load(services: ServiceMap): Promise<void> {
    const ruleset = new Ruleset(this.options.net, this.options.nodeAddresses());
    ruleset.fill(services.values());
    const table = ruleset.table();
    // Clients keep their endpoints over our restart.
    const kept = table.memory.size === 0 ? new Map() : await this.#clients();
    this.#changes++;
    await this.#nft.apply(loadText(table, kept));
    this.#changes++;
    this.#ruleset = ruleset;
    this.#loaded = true;
    await this.#reconcileFlows();
  }

  async change(changes: ReadonlyMap<string, ServiceEntry | undefined>): Promise<void> {
    const old = changes.keys().map((key) => this.#ruleset.entry(key)).toArray();
    const change = this.#ruleset.apply(changes);
    if (isEmpty(change)) return;
    this.#changes++;
    await this.#nft.apply(changeText(this.options.net.table, change));
    this.#changes++;
    if ([...old, ...changes.values()].some((entry) => entry?.ports.some((port) => port.protocol === "udp"))) {
      await this.#reconcileFlows();
    }
  }

  async check(): Promise<readonly string[] | undefined> {
    if (!this.#loaded) return undefined;
    this.#rules ??= await learnWords(this.options, this.#ruleset.someChains());
    const before = this.#changes;
    const listing = await this.#nft.list();
    if (before !== this.#changes) return undefined;
    if (listing === undefined) return ["the table is gone"];
    return compare(this.#ruleset.table(), listing, { rules: this.#rules });
  }

  async isThere(): Promise<boolean> {
    return !this.#loaded || await this.#nft.exists();
  }

  /** The table stays, and works on. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async #clients(): Promise<Kept> {
    const listing = await this.#nft.list();
    const kept = new Map<string, string[]>();
    for (const [name, elements] of listing?.elements ?? []) {
      if (!name.startsWith("aff/")) continue;
      const clients = [...elements].map(([address, times]) => `${address} ${times}`);
      kept.set(name, clients.filter((client) => /^[\d.]+ timeout [\ddhms]+ expires [\ddhms]+$/.test(client)));
    }
    return kept;
  }

  async #reconcileFlows(): Promise<void> {
    try {
      await reconcileFlows(
        this.options.processes,
        () => this.#ruleset.entries(),
        () => hostAddresses(this.options.processes),
      );
    } catch (error) {
      // The rules are right; old UDP flows end by themselves, later. Without the conntrack program this is as good as it gets.
      logger.warn("UDP flows to former endpoints were not ended: {error}", { error: String(error) });
    }
  }
}
