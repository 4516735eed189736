/**
 * The data behind memory stores: what Redis and the write script are to the real one. For tests only.
 * Several stores may share one, as several API servers share one Redis. Each method is one atomic step.
 */
import { fill } from "./split.ts";
import {
  type Change,
  type Changes,
  type Claim,
  ClaimTaken,
  histories,
  type History,
  type Revision,
  type Row,
} from "./store.ts";
import { type Write, WriteConflict } from "./store.ts";

export class MemoryData {
  epoch: string | undefined;
  revision: Revision = 0;
  readonly #objects = new Map<string, Map<string, Row>>();
  readonly #claims = new Map<string, Map<string, string>>();
  readonly #log = new Map<History, Change[]>();
  readonly #listeners = new Set<() => void>();
  readonly #entriesMax: Readonly<Record<History, number>>;

  /** `entriesMax`: how many changes each history keeps. */
  constructor(entriesMax: Readonly<Record<History, number>>) {
    this.#entriesMax = entriesMax;
    for (const history of histories) this.#log.set(history, []);
  }

  /** As scripts/write.lua. */
  write(write: Write): Revision {
    const objects = this.#objects.get(write.resource) ?? new Map<string, Row>();
    const current = objects.get(write.key);
    if ((current?.revision ?? 0) !== write.expected) throw new WriteConflict(write, current);
    const claimed = this.#tryClaims(write.claims ?? []);

    const { resource, key, type } = write;
    const revision = ++this.revision;
    const value = fill(write.value, revision);
    if (type === "put") objects.set(key, { key, revision, value });
    else objects.delete(key);
    this.#objects.set(resource, objects);
    for (const [space, names] of claimed) this.#claims.set(space, names);
    const log = this.#log.get(write.history)!;
    log.push({ type, resource, key, revision, value });
    this.trim(write.history, this.#entriesMax[write.history]);
    this.wake();
    return revision;
  }

  /** The spaces as they are after the claims; throws ClaimTaken and leaves everything as it is. */
  #tryClaims(claims: readonly Claim[]): Map<string, Map<string, string>> {
    const after = new Map<string, Map<string, string>>();
    for (const claim of claims) {
      const names = after.get(claim.space) ?? new Map(this.#claims.get(claim.space));
      after.set(claim.space, names);
      const holder = names.get(claim.name);
      if (claim.do === "take") {
        if (holder !== undefined && holder !== claim.owner) throw new ClaimTaken(claim, holder);
        names.set(claim.name, claim.owner);
      } else if (claim.do === "release") {
        if (holder === claim.owner) names.delete(claim.name);
      } else {
        const sum = Number(holder ?? 0) + claim.amount;
        const over = claim.amount > 0 && sum > (claim.max ?? Infinity);
        if (over || !Number.isSafeInteger(sum)) throw new ClaimTaken(claim, holder ?? "0");
        if (sum === 0) names.delete(claim.name);
        else names.set(claim.name, String(sum));
      }
    }
    return after;
  }

  get(resource: string, key: string): Row | undefined {
    return this.#objects.get(resource)?.get(key);
  }

  list(resource: string): Row[] {
    return [...this.#objects.get(resource)?.values() ?? []];
  }

  claimed(space: string): ReadonlyMap<string, string> {
    return new Map(this.#claims.get(space));
  }

  changes(after: Revision, limit: number): Changes {
    const { revision } = this;
    const later = histories.flatMap((history) => laterThan(this.#log.get(history)!, after));
    later.sort((a, b) => a.revision - b.revision);
    const compacted = after > revision || later.length !== revision - after;
    return { changes: compacted ? [] : later.slice(0, limit), compacted, revision };
  }

  keys(): Map<string, number> {
    return new Map(
      [...this.#objects].map(([resource, rows]) => [resource, rows.size] as const).filter(([, n]) => n > 0),
    );
  }

  logOf(history: History): readonly Change[] {
    return this.#log.get(history)!;
  }

  /** Forgets all but the last `keep` changes of a history. */
  trim(history: History, keep: number): void {
    const log = this.#log.get(history)!;
    if (log.length > keep) log.splice(0, log.length - keep);
  }

  /** Everything is gone, as after FLUSHALL. */
  clear(): void {
    this.epoch = undefined;
    this.revision = 0;
    this.#objects.clear();
    this.#claims.clear();
    for (const history of histories) this.#log.set(history, []);
  }

  /** Begins an epoch where there is none, or where it is the one no longer to be trusted. As scripts/open.lua. */
  open(epoch: string, distrusted: string | undefined, least: Revision): string {
    if (this.epoch === undefined || this.epoch === distrusted) this.epoch = epoch;
    this.revision = Math.max(this.revision, least);
    return this.epoch;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  wake(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Most who ask have nearly all of it. */
function laterThan(log: readonly Change[], after: Revision): Change[] {
  let from = log.length;
  while (from > 0 && log[from - 1]!.revision > after) from--;
  return log.slice(from);
}
