/**
 * The whole table as a value that is carried from change to change: `apply` takes the entries of the Services that changed and answers
 * with the change of the table, at a cost that depends on them alone. No clock, no chance, no kernel.
 *
 * An element that several Services claim (an external IP twice, a pod behind two Services) belongs to the first by name; when that one
 * lets go, the next takes over.
 */
import type { ServiceEntry } from "../model.ts";
import { baseChains, type NetOptions, setTypes } from "./base.ts";
import { type Change, diffFragments, emptyChange } from "./diff.ts";
import { type Fragment, fragmentOf, noFragment, type Surroundings } from "./fragment.ts";
import { assignSlots, Blocks, type Pool, poolName } from "./pool.ts";
import type { Chain, MemorySet } from "./rule.ts";

interface Owned {
  entry: ServiceEntry;
  pools: Map<string, Pool>;
}

/** All of the table, for a full load, a comparison or a trace. */
export interface Table {
  readonly name: string;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly memory: ReadonlyMap<string, MemorySet>;
}

/** Sets whose elements can be claimed twice. The others' keys are numbers of one Service's own. */
const claimable = new Set(["local", "cluster-ips", "vips", "node-ports", "unserved", "unserved-node-ports", "guarded"]);

export class Ruleset {
  readonly #owned = new Map<string, Owned>();
  readonly #blocks = new Blocks();
  /** By set and key: who claims the element with which value, the first by name in front. */
  readonly #claims = new Map<string, Map<string, { owner: string; value: string }[]>>();
  #around: Surroundings;

  constructor(readonly options: NetOptions, nodeAddresses: readonly string[] = []) {
    this.#around = { clusterCidr: options.clusterCidr, nodeAddresses };
  }

  /** Other addresses of this node: what is in the kernel must be loaded anew as a whole. */
  surround(nodeAddresses: readonly string[]): void {
    this.#around = { ...this.#around, nodeAddresses };
  }

  /** How many Services, and how many endpoint numbers are in use. */
  get size(): { services: number; slots: number } {
    let slots = 0;
    for (const { pools } of this.#owned.values()) for (const pool of pools.values()) slots += pool.slots.length;
    return { services: this.#owned.size, slots };
  }

  *entries(): Generator<ServiceEntry> {
    for (const { entry } of this.#owned.values()) yield entry;
  }

  entry(key: string): ServiceEntry | undefined {
    return this.#owned.get(key)?.entry;
  }

  /** Takes entries into an empty ruleset: like `apply`, without finding out what changes. */
  fill(entries: Iterable<ServiceEntry>): void {
    for (const entry of entries) {
      const owned = this.#own(entry, undefined);
      this.#owned.set(entry.key, owned);
      for (const [set, elements] of fragmentOf(entry, owned.pools, this.#around).elements) {
        if (!claimable.has(set)) continue;
        for (const [key, value] of elements) this.#claim(set, key, entry.key, value);
      }
    }
  }

  /** Takes the new entries, `undefined` for a Service that is gone, and says what must change. */
  apply(changes: Iterable<readonly [key: string, now: ServiceEntry | undefined]>): Change {
    const change = emptyChange();
    const touched = new Map<string, { set: string; key: string; before: string | undefined }>();
    for (const [key, entry] of changes) this.#applyOne(key, entry, change, touched);
    for (const { set, key, before } of touched.values()) {
      const after = this.#claims.get(set)?.get(key)?.[0]?.value;
      addElementChange(change, set, key, before, after);
    }
    return change;
  }

  #applyOne(
    key: string,
    entry: ServiceEntry | undefined,
    change: Change,
    touched: Map<string, { set: string; key: string; before: string | undefined }>,
  ): void {
    const before = this.#owned.get(key);
    const now = entry === undefined ? undefined : this.#own(entry, before);
    const old = before === undefined ? noFragment : fragmentOf(before.entry, before.pools, this.#around);
    const next = now === undefined ? noFragment : fragmentOf(now.entry, now.pools, this.#around);
    for (const [name, pool] of before?.pools ?? []) if (!now?.pools.has(name)) this.#blocks.release(pool.block);
    if (now === undefined) this.#owned.delete(key);
    else this.#owned.set(key, now);
    diffFragments(old, next, change, (set, element, oldValue, newValue) => {
      if (!claimable.has(set)) return addElementChange(change, set, element, oldValue, newValue);
      const id = `${set} ${element}`;
      const before = this.#claims.get(set)?.get(element)?.[0]?.value;
      if (!touched.has(id)) touched.set(id, { set, key: element, before });
      this.#claim(set, element, key, newValue);
    });
  }

  #own(entry: ServiceEntry, before: Owned | undefined): Owned {
    const pools = new Map<string, Pool>();
    for (const port of entry.ports) {
      for (const kind of ["cluster", "local"] as const) {
        if (port[kind].length === 0) continue;
        const name = poolName(port, kind);
        const known = before?.pools.get(name);
        pools.set(name, {
          block: known?.block ?? this.#blocks.take(),
          slots: assignSlots(known?.slots ?? [], port[kind]),
        });
      }
    }
    return { entry, pools };
  }

  #claim(set: string, key: string, owner: string, value: string | undefined): void {
    const elements = this.#claims.get(set) ?? new Map<string, { owner: string; value: string }[]>();
    this.#claims.set(set, elements);
    if (value !== undefined && !elements.has(key)) return void elements.set(key, [{ owner, value }]);
    const claims = (elements.get(key) ?? []).filter((claim) => claim.owner !== owner);
    if (value !== undefined) claims.push({ owner, value });
    claims.sort((a, b) => a.owner < b.owner ? -1 : 1);
    if (claims.length === 0) elements.delete(key);
    else elements.set(key, claims);
  }

  /** The chains of one Service, as examples. */
  someChains(): Map<string, Chain> {
    const [first] = this.#owned.values();
    return first === undefined ? new Map() : fragmentOf(first.entry, first.pools, this.#around).chains;
  }

  /** Everything, computed anew: linear in the number of Services. */
  table(): Table {
    const chains = baseChains(this.options);
    const memory = new Map<string, MemorySet>();
    const elements = new Map(Object.keys(setTypes).map((name) => [name, new Map<string, string>()]));
    for (const { entry, pools } of this.#owned.values()) {
      const fragment: Fragment = fragmentOf(entry, pools, this.#around);
      for (const [name, chain] of fragment.chains) chains.set(name, chain);
      for (const [name, set] of fragment.memory) memory.set(name, set);
      for (const [set, own] of fragment.elements) {
        if (claimable.has(set)) continue;
        for (const [key, value] of own) elements.get(set)!.set(key, value);
      }
    }
    for (const [set, claimed] of this.#claims) {
      for (const [key, claims] of claimed) elements.get(set)!.set(key, claims[0]!.value);
    }
    return { name: this.options.table, chains, elements, memory };
  }
}

function addElementChange(
  change: Change,
  set: string,
  key: string,
  before: string | undefined,
  after: string | undefined,
): void {
  if (before === after) return;
  if (before !== undefined) push(change.removedElements, set, key);
  if (after !== undefined) push(change.addedElements, set, [key, after]);
}

function push<T>(lists: Map<string, T[]>, name: string, value: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [value]);
  else list.push(value);
}
