/**
 * Is the kernel's table what it should be? Compares a listing with ours, so that what somebody else changed (`nft flush ruleset`, a
 * firewall's reload) is found and repaired. Pure; the caller lists and loads.
 */
import type { Table } from "./ruleset.ts";
import type { Listing } from "./listing.ts";
import { ruleText } from "./text.ts";

/** How many differences are worth telling. */
const tellMax = 5;

/**
 * Differences in words, none when the tables are equal. `rules: "count"` compares how many rules a chain has instead of their text: for
 * versions of nft that write rules in other words than 1.0.6 (found out by comparing right after a load).
 */
export function compare(
  table: Table,
  listing: Listing,
  options: { rules: "text" | "count" } = { rules: "text" },
): string[] {
  const found: string[] = [];
  const tell = (what: string) => void (found.length < tellMax && found.push(what));
  for (const [name, chain] of table.chains) {
    const there = listing.chains.get(name);
    if (there === undefined) tell(`chain ${name} is missing`);
    else if (there.length !== chain.rules.length) {
      tell(`chain ${name} has ${there.length} rules instead of ${chain.rules.length}`);
    } else if (options.rules === "text") {
      const wrong = chain.rules.findIndex((rule, i) => ruleText(rule) !== there[i]);
      if (wrong >= 0) tell(`chain ${name}: "${there[wrong]}" instead of "${ruleText(chain.rules[wrong]!)}"`);
    }
  }
  for (const name of listing.chains.keys()) if (!table.chains.has(name)) tell(`chain ${name} is not ours`);
  for (const [set, ours] of table.elements) compareSet(set, ours, listing.elements.get(set), tell);
  for (const name of table.memory.keys()) if (!listing.elements.has(name)) tell(`set ${name} is missing`);
  for (const name of listing.elements.keys()) {
    if (!table.elements.has(name) && !table.memory.has(name)) tell(`set ${name} is not ours`);
  }
  return found;
}

function compareSet(
  set: string,
  ours: ReadonlyMap<string, string>,
  theirs: ReadonlyMap<string, string> | undefined,
  tell: (what: string) => void,
): void {
  if (theirs === undefined) return tell(`${set} is missing`);
  for (const [key, value] of ours) {
    const there = theirs.get(key);
    if (there === undefined) tell(`${set} has no ${key}`);
    else if (there !== value) tell(`${set}: ${key} is "${there}" instead of "${value}"`);
  }
  for (const key of theirs.keys()) if (!ours.has(key)) tell(`${set} has ${key}, which is not ours`);
}
