/** From one fragment to another: the smallest change. Pure. Elements that several Services may claim are settled in ruleset.ts. */
import type { Fragment } from "./fragment.ts";
import type { Chain, MemorySet, Rule } from "./rule.ts";

/** What a transaction does, in the order in which text.ts writes it. */
export interface Change {
  newMemory: Map<string, MemorySet>;
  newChains: Map<string, Chain>;
  removedElements: Map<string, string[]>;
  changedChains: Map<string, Chain>;
  addedElements: Map<string, [key: string, value: string][]>;
  removedChains: string[];
  removedMemory: string[];
}

export function emptyChange(): Change {
  return {
    newMemory: new Map(),
    newChains: new Map(),
    removedElements: new Map(),
    changedChains: new Map(),
    addedElements: new Map(),
    removedChains: [],
    removedMemory: [],
  };
}

export function isEmpty(change: Change): boolean {
  return Object.values(change).every((part) => (part instanceof Map ? part.size : part.length) === 0);
}

/** Adds to `change` what chains and memory sets must change; elements are reported one by one. */
export function diffFragments(
  old: Fragment,
  now: Fragment,
  change: Change,
  element: (set: string, key: string, old: string | undefined, now: string | undefined) => void,
): void {
  for (const [name, chain] of now.chains) {
    const before = old.chains.get(name);
    if (before === undefined) change.newChains.set(name, chain);
    else if (!sameRules(before.rules, chain.rules)) change.changedChains.set(name, chain);
  }
  for (const name of old.chains.keys()) if (!now.chains.has(name)) change.removedChains.push(name);
  diffMemory(old, now, change);
  for (const set of new Set([...old.elements.keys(), ...now.elements.keys()])) {
    const before = old.elements.get(set) ?? new Map<string, string>();
    const after = now.elements.get(set) ?? new Map<string, string>();
    for (const [key, value] of before) if (after.get(key) !== value) element(set, key, value, after.get(key));
    for (const [key, value] of after) if (!before.has(key)) element(set, key, undefined, value);
  }
}

/** A set's timeout can't be changed: the name would have to go and come in one transaction, with all rules that refer to it. */
function diffMemory(old: Fragment, now: Fragment, change: Change): void {
  for (const [name, set] of now.memory) if (!old.memory.has(name)) change.newMemory.set(name, set);
  for (const name of old.memory.keys()) if (!now.memory.has(name)) change.removedMemory.push(name);
}

/** Rules are small plain values: their JSON is their identity. */
export function sameRules(a: readonly Rule[], b: readonly Rule[]): boolean {
  return a.length === b.length && JSON.stringify(a) === JSON.stringify(b);
}
