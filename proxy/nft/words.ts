/**
 * Versions of nft write the same rule in different words (`reject`, `reject with icmp port-unreachable`). Ours are those of 1.0.6; whether
 * the nft of this host agrees is tried in a table of its own, without hooks, that is gone again at once.
 */
import { getLogger } from "log";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Processes } from "../../lib/seams/process.ts";
import { Nft } from "./apply.ts";
import { baseChains, type NetOptions } from "./base.ts";
import type { Chain } from "./rule.ts";
import { Ruleset } from "./ruleset.ts";
import { loadText } from "./text.ts";
import { compare } from "./verify.ts";

const logger = getLogger(["sauropod", "proxy", "nft"]);

/** The table in which words are tried. */
export function wordsTable(table: string): string {
  return `${table}-words`;
}

/** How rules can be compared here: `count` when nft's words differ from ours. `examples` are chains of a Service. */
export async function learnWords(
  options: { net: NetOptions; processes: Processes; clock: Clock },
  examples: ReadonlyMap<string, Chain>,
): Promise<"text" | "count"> {
  const name = wordsTable(options.net.table);
  const nft = new Nft(options.processes, options.clock, name);
  const chains = new Map<string, Chain>();
  for (const [chain, { rules }] of baseChains(options.net)) chains.set(chain, { rules });
  // Chains that refer to sets of their Service would need those too.
  const plain = ![...examples.keys()].some((chain) => chain.startsWith("aff/"));
  if (plain) { for (const [chain, { rules }] of examples) chains.set(chain, { rules }); }
  const table = { ...new Ruleset(options.net).table(), name, chains };
  try {
    await nft.apply(loadText(table));
    const listing = await nft.list();
    const [difference] = listing === undefined ? ["it is gone"] : compare(table, listing);
    if (difference === undefined) return "text";
    logger.info("this nft writes rules in other words; they are counted, not compared: {difference}", { difference });
    return "count";
  } finally {
    await nft.remove();
  }
}
