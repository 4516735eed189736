/** A client of the cache as client-go's reflector is one: lists, watches, and lists again when its watch expires. For tests. */
import assert from "assert";
import type { Revision } from "../storage/store.ts";
import type { Cache, CacheEvent } from "./cache.ts";
import { Expired } from "./errors.ts";

export class ClientModel {
  /** What the client believes to exist. */
  readonly objects = new Map<string, string>();
  /** Every stretch of watching: where it began, and what it was told. */
  readonly stretches: { after: Revision; events: CacheEvent[] }[] = [];
  position: Revision = 0;
  expirations = 0;
  /** What was wrong: the cache catches what its listeners throw. */
  failure: unknown;
  #stop: () => void = () => {};

  constructor(private cache: Cache, private readonly resource: string) {
    this.list();
  }

  /** From now on with another API server, going on from where it is. */
  moveTo(cache: Cache): void {
    this.#stop();
    this.cache = cache;
    this.#watch();
  }

  stop(): void {
    this.#stop();
  }

  list(): void {
    this.#stop();
    const snapshot = this.cache.resource(this.resource).snapshot();
    this.objects.clear();
    for (const { key, text } of snapshot.entries()) this.objects.set(key, text);
    assert.ok(snapshot.revision >= this.position, `listed ${snapshot.revision}, after ${this.position}: back in time`);
    this.position = snapshot.revision;
    this.#watch();
  }

  #watch(): void {
    const stretch = { after: this.position, events: [] as CacheEvent[] };
    this.stretches.push(stretch);
    const listener = {
      onEvents: (events: readonly CacheEvent[]) => {
        try {
          for (const event of events) this.#apply(event);
        } catch (error) {
          this.failure ??= error;
          throw error;
        }
        stretch.events.push(...events);
      },
      onExpired: () => {
        this.expirations++;
        this.list();
      },
    };
    try {
      this.#stop = this.cache.resource(this.resource).watch(this.position, listener);
    } catch (error) {
      if (!(error instanceof Expired)) throw error;
      listener.onExpired();
    }
  }

  #apply(event: CacheEvent): void {
    const { entry, previous, revision, type } = event;
    assert.ok(revision > this.position, `revision ${revision} was told after ${this.position}`);
    assert.equal(entry.revision, revision);
    this.position = revision;
    const known = this.objects.get(entry.key);
    assert.equal(previous?.text, known, `${type} ${entry.key} at ${revision}: previous is not what was told before`);
    assert.equal(type, known === undefined ? "ADDED" : type === "DELETED" ? "DELETED" : "MODIFIED");
    if (type === "DELETED") this.objects.delete(entry.key);
    else this.objects.set(entry.key, entry.text);
  }
}
