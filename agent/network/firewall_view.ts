/** Looks at the firewalls of a host, at little cost: it is done again and again. Nothing is changed by looking. */
import type { FirewalldView, FirewallView } from "./firewall.ts";
import type { NetworkHost } from "./host.ts";

const olderBackend = "iptables";

/** Tables that iptables keeps in nft; it lists them itself. */
const iptablesTables = /^ip6? (filter|nat|mangle|raw|security)$/;

export class FirewallEye {
  /** firewalld as it was last found, and as it was when all was in order: its program takes a third of a second to answer, each time. */
  #firewalldSeen: string | undefined;
  #firewalldSettled: string | undefined;

  constructor(readonly host: NetworkHost) {}

  /** `added`: sources that were made trusted by us. */
  async look(added: readonly string[]): Promise<FirewallView> {
    const tables = await this.#tables();
    const { iptables, inNft } = await this.#iptables(tables);
    const others: { family: string; name: string; text: string }[] = [];
    for (const { family, name } of tables) {
      const full = `${family} ${name}`;
      if (!["ip", "inet"].includes(family) || name.startsWith("sauropod-") || name === "firewalld") continue;
      // A table of that name that iptables does not understand was written by hand.
      if (iptablesTables.test(full) && (inNft || name !== "filter")) continue;
      const text = await this.host.may(["nft", "-t", "list", "table", family, name]);
      if (text !== undefined) others.push({ family, name, text });
    }
    this.#firewalldSeen = firewalldMarker(tables, iptables);
    const isNew = this.#firewalldSeen !== undefined && this.#firewalldSeen !== this.#firewalldSettled;
    const firewalld = isNew ? await this.#firewalld(added) : undefined;
    // It was starting anew just now: it has to be asked again.
    if (isNew && firewalld === undefined) this.#firewalldSeen = undefined;
    return { iptables, tables: others, ...(firewalld === undefined ? {} : { firewalld }) };
  }

  /** What was planned from the last look has been done: firewalld is asked again when it has started anew. */
  settled(): void {
    // With its older backend it is not seen to start anew: it is asked each time.
    this.#firewalldSettled = this.#firewalldSeen === olderBackend ? undefined : this.#firewalldSeen;
  }

  /** What is to be planned has changed. */
  unsettle(): void {
    this.#firewalldSettled = undefined;
  }

  async #tables(): Promise<Table[]> {
    const text = await this.host.may(["nft", "-j", "list", "tables"]);
    const { nftables = [] }: { nftables?: { table?: Table }[] } = text === undefined ? {} : JSON.parse(text);
    return nftables.flatMap(({ table }) => table ?? []);
  }

  /** Of both kinds, those whose tables are there: listing the others would make them. */
  async #iptables(tables: readonly Table[]): Promise<{ iptables: FirewallView["iptables"]; inNft: boolean }> {
    const found: { program: string; rules: string }[] = [];
    let inNft = false;
    const list = async (program: string) => {
      const rules = await this.host.may([program, "-w", "-S"]);
      if (rules !== undefined) found.push({ program, rules });
      return rules !== undefined;
    };
    if (tables.some(({ family, name }) => family === "ip" && name === "filter")) {
      // Distributions name it so, or have only the one of that kind.
      inNft = await list("iptables-nft") || await list("iptables");
    }
    const legacy = await this.host.may(["cat", "/proc/net/ip_tables_names"]) ?? "";
    if (legacy.split("\n").includes("filter")) await list("iptables-legacy") || await list("iptables");
    return { iptables: found, inNft };
  }

  async #firewalld(added: readonly string[]): Promise<FirewalldView | undefined> {
    const text = await this.host.may(["firewall-cmd", "--zone=trusted", "--list-sources"]);
    return text === undefined ? undefined : { trusted: text.trim().split(/\s+/), added };
  }
}

interface Table {
  readonly family: string;
  readonly name: string;
  readonly handle: number;
}

/** Changes with every start and reload of firewalld: its table is made anew. Undefined when it does not run. */
function firewalldMarker(tables: readonly Table[], iptables: FirewallView["iptables"]): string | undefined {
  const table = tables.find(({ name }) => name === "firewalld");
  if (table !== undefined) return `table ${table.handle}`;
  return iptables.some(({ rules }) => rules.includes("-N INPUT_ZONES")) ? olderBackend : undefined;
}
