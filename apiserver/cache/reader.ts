/**
 * The one reader: follows the store's history, applies it to all resources, tells their watchers. A wake-up only makes it
 * read earlier; it also reads every `cachePollMs`. When it can't go on from where it is, it lists anew and every watch ends.
 */
import { getLogger } from "log";
import {
  cachePollMs,
  cacheProgressIntervalMs,
  cacheReachedTimeoutMs,
  cacheReadChangesMax,
  cacheRetryMaxMs,
  cacheRetryMinMs,
} from "../../lib/limits.ts";
import { type Clock, sleep, systemClock } from "../../lib/seams/clock.ts";
import type { Change, Revision, Store } from "../storage/store.ts";
import type { Cache, CacheEvent, ResourceCache } from "./cache.ts";
import { NotReached } from "./errors.ts";
import { listAll, type Listing } from "./listing.ts";
import { ResourceState } from "./state.ts";
import { Waiters } from "./waiters.ts";
import { WatchedResource } from "./watched.ts";
import { type WindowLimits, windowLimits } from "./window.ts";

const log = getLogger(["sauropod", "cache"]);

export interface CacheOptions {
  readonly clock?: Clock;
  readonly window?: WindowLimits;
  /** Changes that are read at a time. */
  readonly readChangesMax?: number;
}

/** A cache of these resources; changes of others are skipped. Call start(). */
export function createCache(store: Store, resources: readonly string[], options: CacheOptions = {}): Cache {
  return new WatchCache(store, resources, options);
}

/** A resource that came after the start, and the promise to who declared it. */
interface Declared {
  readonly name: string;
  readonly resource: WatchedResource;
  readonly listed: PromiseWithResolvers<void>;
}

class WatchCache implements Cache {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #limits: WindowLimits;
  readonly #readChangesMax: number;
  readonly #resources: Map<string, WatchedResource>;
  readonly #waiters: Waiters;
  readonly #ending = new AbortController();
  #revision: Revision = 0;
  #ready = false;
  #started = false;
  /** Something may have been written since the last read began. */
  #woken = false;
  /** What is here can't be gone on from; stays so until a listing has succeeded. */
  #mustList = false;
  /** Changes of our own, without a hole, that are applied in this turn. */
  #own: Change[] = [];
  /** Not listed yet. */
  readonly #declared: Declared[] = [];
  /** Ends the wait for the next wake-up. */
  #rouse: () => void = () => {};
  #stopWakes: () => void = () => {};
  #stopWritten: () => void = () => {};
  #stopProgress: () => void = () => {};

  constructor(store: Store, resources: readonly string[], options: CacheOptions) {
    this.#store = store;
    this.#clock = options.clock ?? systemClock;
    this.#limits = options.window ?? windowLimits;
    this.#readChangesMax = options.readChangesMax ?? cacheReadChangesMax;
    this.#resources = new Map(resources.map((name) => [name, this.#watched(name)]));
    this.#waiters = new Waiters(this.#clock);
  }

  get revision(): Revision {
    return this.#revision;
  }

  get ready(): boolean {
    return this.#ready;
  }

  resource(name: string): ResourceCache {
    const resource = this.#resources.get(name);
    if (resource === undefined) {
      throw new TypeError(`${name}: not a resource of this cache; declare it in createCache()`);
    }
    return resource;
  }

  declare(name: string): Promise<void> {
    if (this.#resources.get(name)?.state !== undefined) return Promise.resolve();
    const underWay = this.#declared.find((declared) => declared.name === name);
    if (underWay !== undefined) return underWay.listed.promise;
    const resource = this.#watched(name);
    this.#resources.set(name, resource);
    // It is listed with the others.
    if (!this.#ready) return Promise.resolve();
    const listed = Promise.withResolvers<void>();
    this.#declared.push({ name, resource, listed });
    this.#wake();
    return listed.promise;
  }

  forget(name: string): void {
    const resource = this.#resources.get(name);
    this.#resources.delete(name);
    resource?.expire();
  }

  async start(): Promise<void> {
    if (this.#started) throw new TypeError("the cache was started before");
    this.#started = true;
    this.#stopWakes = this.#store.onWake(() => this.#wake());
    this.#stopWritten = this.#store.onWritten((change) => this.#take(change));
    await this.#listAnew();
    if (this.#closed) return;
    this.#ready = true;
    this.#scheduleProgress();
    // It handles its own errors, and ends with close().
    void this.#run();
  }

  async reached(revision: Revision, timeoutMs: number = cacheReachedTimeoutMs): Promise<void> {
    if (revision <= this.#revision && this.#ready) return;
    // Nobody reads any more, so nothing will come.
    if (this.#closed) throw new NotReached(revision, this.#revision);
    // The caller knows that there is something, so the message of it need not be waited for.
    this.#wake();
    await this.#waiters.wait(revision, timeoutMs);
  }

  async fresh(): Promise<Revision> {
    const revision = await this.#store.revision();
    await this.reached(revision);
    return revision;
  }

  retry(): void {
    if (!this.#ready || [...this.#resources.values()].every(({ unreadable }) => unreadable.size === 0)) return;
    this.#mustList = true;
    this.#wake();
  }

  async close(): Promise<void> {
    this.#ready = false;
    this.#ending.abort();
    this.#stopWakes();
    this.#stopWritten();
    this.#stopProgress();
    this.#rouse();
    this.#waiters.close();
    for (const { listed } of this.#declared) listed.reject(new NotReached(Infinity, this.#revision));
  }

  #watched(name: string): WatchedResource {
    return new WatchedResource(name, () => this.#revision);
  }

  get #closed(): boolean {
    return this.#ending.signal.aborted;
  }

  async #run(): Promise<void> {
    let retryMs = cacheRetryMinMs;
    let failures = 0;
    while (!this.#closed) {
      try {
        await this.#nextWake();
        await this.#catchUp();
        if (failures > 0) log.info("reading the store again after {failures} failures", { failures });
        [failures, retryMs] = [0, cacheRetryMinMs];
      } catch (error) {
        if (this.#closed) return;
        // Once per outage: the attempts are as many as it is long.
        if (failures++ === 0) log.warn("reading the store failed, trying on: {error}", { error: String(error) });
        await sleep(this.#clock, retryMs, this.#ending.signal);
        retryMs = Math.min(retryMs * 2, cacheRetryMaxMs);
        this.#woken = true;
      }
    }
  }

  #wake(): void {
    this.#woken = true;
    this.#rouse();
  }

  async #nextWake(): Promise<void> {
    if (this.#woken || this.#closed) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(cachePollMs, resolve);
      this.#rouse = () => {
        cancel();
        resolve();
      };
    });
    this.#rouse = () => {};
  }

  /** Reads until there is nothing more. */
  async #catchUp(): Promise<void> {
    do {
      this.#woken = false;
      if (this.#mustList) await this.#listAnew();
      while (this.#declared.length > 0) await this.#listDeclared(this.#declared[0]!);
      const { changes, compacted, revision } = await this.#store.changes(this.#revision, this.#readChangesMax);
      if (this.#closed) return;
      if (compacted) this.#mustList = true;
      else this.#apply(changes);
      if (this.#mustList) await this.#listAnew();
      if (this.#revision < revision) this.#woken = true;
    } while (this.#woken && !this.#closed);
  }

  /**
   * Nothing is read from the history meanwhile, so the list is of where the reader is, or of later; what is in the list
   * already is skipped when it comes.
   */
  async #listDeclared({ name, resource, listed }: Declared): Promise<void> {
    try {
      const list = await this.#store.list(name);
      resource.state = new ResourceState(name, list, this.#limits);
      listed.resolve(this.reached(list.revision));
    } catch (error) {
      if (this.#resources.get(name) === resource) this.#resources.delete(name);
      listed.reject(error);
    }
    this.#declared.shift();
  }

  /**
   * Goes on to a change of our own, unless something else was written before it that is not known here: then both are read. All of a turn
   * are applied together, as if they had been read together.
   */
  #take(change: Change): boolean {
    const last = this.#own.at(-1)?.revision ?? this.#revision;
    // What is written during a listing is read after it.
    const lists = !this.#ready || this.#mustList || this.#declared.length > 0;
    if (lists || change.revision !== last + 1) return false;
    this.#own.push(change);
    if (this.#own.length === 1) {
      queueMicrotask(() => {
        const own = this.#own;
        this.#own = [];
        if (!this.#closed) this.#apply(own);
        if (this.#mustList) this.#wake();
      });
    }
    return true;
  }

  #apply(given: readonly Change[]): void {
    // What was read and what is our own may overlap.
    const known = this.#revision;
    const changes = given.length > 0 && given[0]!.revision <= known
      ? given.filter(({ revision }) => revision > known)
      : given;
    if (changes.length === 0) return;
    const news = new Map<WatchedResource, CacheEvent[]>();
    try {
      this.#collect(changes, news);
    } catch (error) {
      // The history contradicts what was listed, or is not ours. Half of it has been applied, so nothing of it is told.
      log.error("the history can't be applied: {error}", { error: String(error) });
      this.#mustList = true;
      return;
    }
    this.#revision = changes.at(-1)!.revision;
    for (const [resource, events] of news) resource.dispatch(events);
    this.#waiters.advance(this.#revision);
  }

  #collect(changes: readonly Change[], news: Map<WatchedResource, CacheEvent[]>): void {
    const now = this.#clock.now();
    for (const change of changes) {
      const resource = this.#resources.get(change.resource);
      const event = resource?.state?.apply(change, now);
      if (event === undefined) continue;
      const events = news.get(resource!);
      if (events === undefined) news.set(resource!, [event]);
      else events.push(event);
    }
  }

  /** Replaces everything by what the store has now, and ends all watches. */
  async #listAnew(): Promise<void> {
    const options = { limits: this.#limits, now: () => this.#clock.now() };
    let listing: Listing | undefined;
    while ((listing = await listAll(this.#store, [...this.#resources.keys()], options)) === undefined) {
      if (this.#closed) return;
      log.warn("the history was gone before it was read; listing again");
      await sleep(this.#clock, cacheRetryMinMs, this.#ending.signal);
    }
    if (this.#closed) return;
    for (const [name, state] of listing.states) {
      const resource = this.#resources.get(name);
      if (resource !== undefined) resource.state = state;
    }
    this.#tellUnreadable();
    const before = this.#revision;
    this.#revision = listing.revision;
    this.#mustList = false;
    if (this.#ready) {
      log.warn("could not go on reading after revision {before}; listed anew at {revision}, all watches end", {
        before,
        revision: listing.revision,
      });
    }
    for (const resource of this.#resources.values()) resource.expire();
    this.#waiters.advance(this.#revision);
  }

  /** Says what nobody can read, once per listing: the requests that meet it say it again. */
  #tellUnreadable(): void {
    for (const [resource, { state, unreadable }] of this.#resources) {
      const [key] = unreadable;
      if (key === undefined) continue;
      const error = state!.get(key)!.unreadable!.message;
      log.error("{count} of {resource} can't be read: {error}", { count: unreadable.size, resource, error });
    }
  }

  #scheduleProgress(): void {
    this.#stopProgress = this.#clock.after(cacheProgressIntervalMs, () => {
      const now = this.#clock.now();
      for (const resource of this.#resources.values()) {
        resource.state?.sweep(now);
        resource.progress(this.#revision);
      }
      this.#scheduleProgress();
    });
  }
}
