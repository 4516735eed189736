/**
 * A read-only copy of one kind, kept current by list and watch: resumes where it was after a cut, lists again after 410, and tells
 * listeners which keys changed. What it gives out is shared: read it, never write it. Leaves out managedFields: often half of an object,
 * and nothing is decided by them; an update without them leaves them as they are.
 */
import type { Client } from "../client/client.ts";
import { keyOf, type Kind, type KubeObject } from "../kind.ts";
import { getLogger } from "log";
import { backoffMs } from "../queue/backoff.ts";
import { type Clock, sleep } from "../seams/clock.ts";
import { isReason } from "../status.ts";

export interface Change<T> {
  key: string;
  /** Absent: it is new here. */
  old: T | undefined;
  /** Absent: it is gone. */
  now: T | undefined;
}

export interface Informer<T> {
  readonly kind: Kind<T>;
  /** The highest revision that this copy has reached, 0 before the first list. */
  readonly revision: number;
  /** Resolves once the first list is in. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  get(key: string): T | undefined;
  /** All, in no order. */
  list(): IterableIterator<T>;
  /** Those whose index function answered `value`. Throws for an index that was not declared. */
  by(index: string, value: string): readonly T[];
  /** Called for every change, in order; the answer ends it. What is there already is reported first, as new. */
  onChange(listener: (change: Change<T>) => void): () => void;
  /** Resolves when the copy has reached `revision`, false after `timeoutMs` without. */
  reached(revision: number, timeoutMs: number): Promise<boolean>;
}

export interface InformerOptions<T> {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Functions that name the values under which an object is found with `by`. */
  indexes?: Record<string, (object: T) => readonly string[]>;
  /** What is kept of an object, with its name and revision: a cluster's Secrets and ConfigMaps are large. Default: all of it. */
  trim?: (object: T) => T;
  clock: Clock;
}

const logger = getLogger(["sauropod", "informer"]);
const retry = { baseMs: 50, maxMs: 5_000 };
/** The server ends each watch after this, so that no connection is forever. Seconds. */
const watchSeconds = 540;

export class ListWatchInformer<T extends KubeObject> implements Informer<T> {
  readonly synced: Promise<void>;
  hasSynced = false;
  isServed = true;
  revision = 0;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, { of: (object: T) => readonly string[]; keys: Map<string, Set<string>> }>();
  readonly #listeners = new Set<(change: Change<T>) => void>();
  #waiters: { revision: number; resolve: (reached: boolean) => void; cancel: () => void }[] = [];
  #resolveSynced!: () => void;

  constructor(readonly client: Client, readonly kind: Kind<T>, readonly options: InformerOptions<T>) {
    this.synced = new Promise((resolve) => this.#resolveSynced = resolve);
    for (const [name, of] of Object.entries(options.indexes ?? {})) this.#indexes.set(name, { of, keys: new Map() });
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): IterableIterator<T> {
    return this.#objects.values();
  }

  by(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new Error(`informer of ${this.kind.plural}: no index ${JSON.stringify(index)}`);
    return [...found.keys.get(value) ?? []].map((key) => this.#objects.get(key)!);
  }

  onChange(listener: (change: Change<T>) => void): () => void {
    for (const [key, now] of this.#objects) listener({ key, old: undefined, now });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reached(revision: number, timeoutMs: number): Promise<boolean> {
    if (this.revision >= revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter = { revision, resolve, cancel: () => {} };
      // Before the timer is made: Deno's first setTimeout of a process lets other promises run.
      this.#waiters.push(waiter);
      waiter.cancel = this.options.clock.after(timeoutMs, () => {
        this.#waiters = this.#waiters.filter((w) => w !== waiter);
        resolve(false);
      });
    });
  }

  /** The server does not have the kind: there is nothing, and nothing to wait for. */
  absent(): void {
    this.isServed = false;
    this.hasSynced = true;
    this.#resolveSynced();
  }

  /** Lists and watches until the signal aborts. Never rejects: a server that is away is waited for. */
  async run(signal: AbortSignal): Promise<void> {
    if (!this.isServed) return;
    let failures = 0;
    while (!signal.aborted) {
      const started = this.options.clock.now();
      try {
        if (this.revision === 0) await this.#list();
        await this.#watch(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isReason(error, "Expired", "Gone")) {
          this.revision = 0;
          continue;
        }
        if (this.options.clock.now() - started > retry.maxMs) failures = 0;
        const delay = backoffMs(retry, failures++);
        logger.debug("{plural}: {error}; again in {delay} ms", {
          plural: this.kind.plural,
          error: String(error),
          delay,
        });
        await sleep(this.options.clock, delay, signal);
      }
    }
  }

  #selectors() {
    const { namespace, labelSelector, fieldSelector } = this.options;
    return { namespace, labelSelector, fieldSelector };
  }

  async #list(): Promise<void> {
    const list = await this.client.list(this.kind, this.#selectors());
    const seen = new Set<string>();
    for (const object of list.items) {
      const key = keyOf(object);
      seen.add(key);
      const known = this.#objects.get(key)?.metadata.resourceVersion;
      if (known !== object.metadata.resourceVersion) this.#set(key, this.#kept(object));
    }
    for (const key of [...this.#objects.keys()]) if (!seen.has(key)) this.#set(key, undefined);
    this.#advance(Number(list.metadata.resourceVersion));
    this.hasSynced = true;
    this.#resolveSynced();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const events = this.client.watch(this.kind, {
      ...this.#selectors(),
      resourceVersion: String(this.revision),
      allowWatchBookmarks: true,
      timeoutSeconds: watchSeconds,
    }, signal);
    for await (const { type, object } of events) {
      if (type !== "BOOKMARK") this.#set(keyOf(object), type === "DELETED" ? undefined : this.#kept(object));
      this.#advance(Number(object.metadata.resourceVersion));
    }
  }

  #kept(object: T): T {
    return withoutManagers(this.options.trim?.(object) ?? object);
  }

  #set(key: string, now: T | undefined): void {
    const old = this.#objects.get(key);
    if (now === undefined) this.#objects.delete(key);
    else this.#objects.set(key, now);
    for (const { of, keys } of this.#indexes.values()) {
      if (old !== undefined) { for (const value of of(old)) drop(keys, value, key); }
      if (now !== undefined) { for (const value of of(now)) keys.set(value, (keys.get(value) ?? new Set()).add(key)); }
    }
    for (const listener of this.#listeners) listener({ key, old, now });
  }

  #advance(revision: number): void {
    if (!(revision > this.revision)) return;
    this.revision = revision;
    const reached = this.#waiters.filter((w) => w.revision <= revision);
    if (reached.length === 0) return;
    this.#waiters = this.#waiters.filter((w) => w.revision > revision);
    for (const { resolve, cancel } of reached) {
      cancel();
      resolve(true);
    }
  }
}

function withoutManagers<T extends KubeObject>(object: T): T {
  const { managedFields, ...metadata } = object.metadata;
  return managedFields === undefined ? object : { ...object, metadata };
}

function drop(keys: Map<string, Set<string>>, value: string, key: string): void {
  const set = keys.get(value);
  set?.delete(key);
  if (set?.size === 0) keys.delete(value);
}

/** Makes an informer; `run(signal)` starts it. */
export function createInformer<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  options: InformerOptions<T>,
): ListWatchInformer<T> {
  return new ListWatchInformer(client, kind, options);
}
