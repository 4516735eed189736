/** A store in memory: for tests only. Passes the same contract as the one on Redis (store_contract.ts). */
import { historyEntriesMax, storeEpochGap } from "../../lib/limits.ts";
import { type Random, systemRandom } from "../../lib/seams/random.ts";
import { MemoryData } from "./memory_data.ts";
import { fill } from "./split.ts";
import {
  type Change,
  type Changes,
  histories,
  type Revision,
  type Row,
  type Store,
  type StoreStats,
  StoreUnavailable,
} from "./store.ts";
import type { Write } from "./store.ts";
import { checkWrite } from "./write_check.ts";

export interface MemoryStoreOptions {
  /** Shared by several stores, as Redis is. */
  readonly data?: MemoryData;
  readonly random?: Random;
}

export class MemoryStore implements Store {
  readonly data: MemoryData;
  /** Wake-ups are lost while this is true: what a broken subscription does. */
  deaf = false;
  /** Every call fails while this is true. */
  down = false;
  readonly #random: Random;
  readonly #listeners = new Set<() => void>();
  readonly #writtenListeners = new Set<(change: Change) => boolean>();
  readonly #unsubscribe: () => void;
  #epoch: string;
  #seen: Revision = 0;
  #closed = false;

  constructor(options: MemoryStoreOptions = {}) {
    this.data = options.data ?? new MemoryData(historyEntriesMax);
    this.#random = options.random ?? systemRandom;
    this.#epoch = this.data.open(this.#random.uuid(), undefined, 0);
    this.#unsubscribe = this.data.subscribe(() => this.#wake());
  }

  get epoch(): string {
    return this.#epoch;
  }

  async write(write: Write): Promise<Revision> {
    checkWrite(write);
    await this.#trip();
    if (this.#replaced()) throw new StoreUnavailable("memory store: the data was replaced; try again");
    const revision = this.#see(this.data.write(write));
    const { resource, key, type, value, parsed } = write;
    const change = { type, resource, key, revision, value: fill(value, revision), parsed: parsed?.(revision) };
    for (const listener of this.#writtenListeners) listener(change);
    return revision;
  }

  async get(resource: string, key: string): Promise<Row | undefined> {
    await this.#trip();
    return this.data.get(resource, key);
  }

  async list(resource: string): Promise<{ revision: Revision; rows: Row[] }> {
    await this.#trip();
    this.#replaced();
    return { revision: this.#see(this.data.revision), rows: this.data.list(resource) };
  }

  async claimed(space: string): Promise<ReadonlyMap<string, string>> {
    await this.#trip();
    return this.data.claimed(space);
  }

  async revision(): Promise<Revision> {
    await this.#trip();
    this.#replaced();
    return this.#see(this.data.revision);
  }

  async changes(after: Revision, limit: number): Promise<Changes> {
    await this.#trip();
    if (this.#replaced()) return { changes: [], compacted: true, revision: this.data.revision };
    const answer = this.data.changes(after, limit);
    this.#see(answer.revision);
    return answer;
  }

  onWake(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onWritten(listener: (change: Change) => boolean): () => void {
    this.#writtenListeners.add(listener);
    return () => this.#writtenListeners.delete(listener);
  }

  async ping(): Promise<void> {
    await this.#trip();
  }

  async stats(): Promise<StoreStats> {
    await this.#trip();
    const size = (values: readonly { value: string }[]) => values.reduce((sum, { value }) => sum + value.length, 0);
    const keys = this.data.keys();
    const one = (log: readonly { value: string }[]) => ({ entries: log.length, bytes: size(log) });
    const [main, lease, event] = histories.map((history) => one(this.data.logOf(history)));
    const objects = [...keys.keys()].reduce((sum, resource) => sum + size(this.data.list(resource)), 0);
    return {
      bytes: objects + main!.bytes + lease!.bytes + event!.bytes,
      histories: { main: main!, lease: lease!, event: event! },
      keys,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe();
    this.#listeners.clear();
    this.#writtenListeners.clear();
  }

  /** The way to the data and back takes a turn, as a network does. */
  async #trip(): Promise<void> {
    await Promise.resolve();
    if (this.#closed) throw new StoreUnavailable("memory store: closed");
    if (this.down) throw new StoreUnavailable("memory store: down");
  }

  /** True if the data is not what this store has seen; from then on it is a new epoch, above everything that was seen. */
  #replaced(): boolean {
    const back = this.data.revision < this.#seen;
    if (this.data.epoch === this.#epoch && !back) return false;
    const distrusted = back ? this.#epoch : undefined;
    this.#epoch = this.data.open(this.#random.uuid(), distrusted, this.#seen + storeEpochGap);
    this.#seen = this.data.revision;
    this.data.wake();
    return true;
  }

  #see(revision: Revision): Revision {
    this.#seen = Math.max(this.#seen, revision);
    return revision;
  }

  #wake(): void {
    if (this.deaf) return;
    for (const listener of this.#listeners) listener();
  }
}
