/**
 * nft's language, as `nft list` itself would write it (so that verify.ts can compare), for `nft -f -`: one call is one transaction.
 * nftables 1.0.6 and later. Pure.
 */
import { affinityClientsMax } from "../../lib/limits.ts";
import { setTypes } from "./base.ts";
import type { Change } from "./diff.ts";
import type { Table } from "./ruleset.ts";
import type { Chain, Match, Rule, Statement } from "./rule.ts";

/** The bit of the packet mark that means "masquerade", as in Kubernetes. */
export const masqueradeBit = 0x4000;
const hex = (number: number) => `0x${(number >>> 0).toString(16).padStart(8, "0")}`;
const list = (words: readonly string[]) => words.length === 1 ? words[0]! : `{ ${words.join(", ")} }`;
const not = (match: { not?: true }) => match.not ? "!= " : "";

function matchText(match: Match): string {
  switch (match.if) {
    case "in":
      return `${match.field} ${not(match)}${list(match.ranges.map((range) => range.replace(/\/32$/, "")))}`;
    case "set":
      return `${match.fields.join(" . ")} ${not(match)}@${match.set}`;
    case "own":
      return `fib ${match.field} type local`;
    case "protocol":
      return `meta l4proto ${list(match.protocols)}`;
    case "port":
      return `${match.protocol} ${match.port} ${match.is}`;
    case "not-loopback":
      return `iifname != "lo"`;
    case "new":
      return "ct state new";
    case "dnat":
      return "ct status dnat";
    case "mark":
      return `meta mark & ${hex(masqueradeBit)} ${match.set ? "!=" : "=="} ${hex(0)}`;
  }
}

function statementText(statement: Statement): string {
  switch (statement.do) {
    case "mark":
      return `meta mark set meta mark ${statement.set ? `| ${hex(masqueradeBit)}` : `& ${hex(~masqueradeBit)}`}`;
    case "turn":
      return `meta priority set numgen inc mod ${statement.modulus} offset ${statement.offset}`;
    case "priority-none":
      return "meta priority set none";
    case "remember":
      return `update @${statement.set} { ip saddr timeout ${durationText(statement.seconds)} }`;
    case "goto":
    case "jump":
      return `${statement.do} ${statement.chain}`;
    case "vmap":
      return `${statement.fields.join(" . ")} vmap @${statement.map}`;
    case "dnat":
      return `dnat to ${statement.ip}:${statement.port}`;
    case "dnat-map":
      return `dnat ip to meta priority map @${statement.map}`;
    case "masquerade":
      return "masquerade fully-random";
    case "reset":
      return "reject with tcp reset";
    case "reject":
      return "reject";
    default:
      return statement.do;
  }
}

/** nft's way to write seconds: `3h`, `1d2h3m4s`. */
function durationText(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, size] of [["d", 86_400], ["h", 3_600], ["m", 60], ["s", 1]] as const) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.join("") || "0s";
}

export function ruleText(rule: Rule): string {
  return [...rule.match.map(matchText), ...rule.then.map(statementText)].join(" ");
}

const elementText = ([key, value]: readonly [string, string]) => value === "" ? key : `${key} : ${value}`;

const memoryType = `type ipv4_addr; size ${affinityClientsMax}; flags dynamic,timeout;`;

function chainText(name: string, chain: Chain): string {
  const { hook } = chain;
  const lines = chain.rules.map((rule) => `    ${ruleText(rule)}\n`).join("");
  const head = hook === undefined
    ? ""
    : `    type ${hook.type} hook ${hook.at} priority ${hook.priority}; policy accept;\n`;
  return `  chain ${name} {\n${head}${lines}  }\n`;
}

/** Elements of memory sets that are kept over a full load: lines as `nft list` shows them, by set. */
export type Kept = ReadonlyMap<string, readonly string[]>;

/** Replaces the table by `table` in one transaction: whatever is there, and whether or not it is. */
export function loadText(table: Table, kept: Kept = new Map()): string {
  const parts = [`add table ip ${table.name}\n`, `delete table ip ${table.name}\n`, `table ip ${table.name} {\n`];
  for (const [name, type] of Object.entries(setTypes)) {
    const elements = table.elements.get(name) ?? new Map<string, string>();
    const kind = type.data === undefined ? "set" : "map";
    const data = type.data === undefined ? "" : ` : ${type.data}`;
    parts.push(`  ${kind} ${name} {\n    type ${type.key}${data}\n`);
    if (elements.size > 0) parts.push(`    elements = { ${[...elements].map(elementText).join(",\n      ")} }\n`);
    parts.push("  }\n");
  }
  for (const name of table.memory.keys()) {
    const clients = kept.get(name) ?? [];
    const elements = clients.length === 0 ? "" : ` elements = { ${clients.join(", ")} };`;
    parts.push(`  set ${name} { ${memoryType}${elements} }\n`);
  }
  for (const [name, chain] of table.chains) parts.push(chainText(name, chain));
  parts.push("}\n");
  return parts.join("");
}

/** One transaction for a change: what is referred to comes first, and goes last. */
export function changeText(table: string, change: Change): string {
  const lines: string[] = [];
  const at = (name: string) => `ip ${table} ${name}`;
  const rules = (name: string, chain: Chain) => {
    for (const rule of chain.rules) lines.push(`add rule ${at(name)} ${ruleText(rule)}`);
  };
  for (const name of change.newMemory.keys()) lines.push(`add set ${at(name)} { ${memoryType} }`);
  for (const name of change.newChains.keys()) lines.push(`add chain ${at(name)}`);
  for (const [set, keys] of change.removedElements) lines.push(`delete element ${at(set)} { ${keys.join(", ")} }`);
  for (const [name, chain] of change.newChains) rules(name, chain);
  for (const [name, chain] of change.changedChains) {
    lines.push(`flush chain ${at(name)}`);
    rules(name, chain);
  }
  for (const [set, elements] of change.addedElements) {
    lines.push(`add element ${at(set)} { ${elements.map(elementText).join(", ")} }`);
  }
  for (const name of change.removedChains) lines.push(`flush chain ${at(name)}`);
  for (const name of change.removedChains) lines.push(`delete chain ${at(name)}`);
  for (const name of change.removedMemory) lines.push(`delete set ${at(name)}`);
  return lines.length === 0 ? "" : lines.join("\n") + "\n";
}

/** Removes the table, whether or not it is there. */
export function removeText(table: string): string {
  return `add table ip ${table}\ndelete table ip ${table}\n`;
}
