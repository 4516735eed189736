/**
 * The watch cache as others see it: one reader follows the store's history, and every get, list and watch is served from
 * memory. Leaves out selectors, encodings and bookmarks: apiserver/rest makes them from entries and events.
 */
import type { KubeObject } from "../../lib/kind.ts";
import type { Revision, Seal, Unreadable } from "../storage/store.ts";

/**
 * One object at one revision. Shared by everybody who sees it: read-only. What is made of the text (`text`, `bytes`, `object`) throws
 * Unreadable when the store could not read it.
 */
export interface Entry {
  readonly key: string;
  readonly revision: Revision;
  /** The stored JSON text. It may have to be decoded: `length` is at hand. */
  readonly text: string;
  /** Characters of the text. */
  readonly length: number;
  /** The text in UTF-8: encoded at first use, once for all watchers. */
  readonly bytes: Uint8Array;
  /** The text parsed. The latest of all entries are kept; of an older one it is parsed again. */
  readonly object: KubeObject;
  /** The way in which it is stored; absent for one that never changes. */
  readonly seal?: Seal;
  /** Why nobody can read it. */
  readonly unreadable?: Unreadable;
  /** Room for what selectors look at, made by who selects first. */
  traits?: Traits;
}

/** What of an object label and field selectors look at. */
export interface Traits {
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly fields: Readonly<Record<string, string>>;
}

export interface CacheEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly revision: Revision;
  /** Of DELETED: the last state with the deletion's revision. */
  readonly entry: Entry;
  readonly previous: Entry | undefined;
}

/** All objects of a resource at one revision. Stays as it is while the cache moves on. */
export interface Snapshot {
  readonly revision: Revision;
  /** Sorted by key, in byte order as Kubernetes lists them. */
  entries(namespace?: string): readonly Entry[];
  get(key: string): Entry | undefined;
}

export interface WatchListener {
  /** Batches in revision order; the array is shared by all watchers: don't change it. */
  onEvents(events: readonly CacheEvent[]): void;
  /** Everything up to here was delivered. Called at most every `cacheProgressIntervalMs`, and only if something moved. */
  onProgress?(revision: Revision): void;
  /** The cache had to list anew, so events may be missing: 410 to the client. The watch has ended. */
  onExpired(): void;
}

export interface ResourceCache {
  get(key: string): Entry | undefined;
  /**
   * undefined = now. Older ones are rebuilt from the window (paging one snapshot): throws Expired.
   * Throws NotReached for a revision of the future: await `reached()` first.
   */
  snapshot(at?: Revision): Snapshot;
  /**
   * Every event with revision > after: first what the window has (synchronously, in order), then live.
   * Throws Expired. The answer ends the watch.
   */
  watch(after: Revision, listener: WatchListener): () => void;
  /** How many there are now. */
  readonly watchers: number;
  /** The keys of objects that can't be read. */
  readonly unreadable: ReadonlySet<string>;
}

export interface Cache {
  /** Of a resource that was declared. Throws TypeError for others. */
  resource(name: string): ResourceCache;
  /** One more resource, of a kind that came later. Resolves when it is served; throws StoreUnavailable. */
  declare(name: string): Promise<void>;
  /** One less: its watches end. */
  forget(name: string): void;
  /** Reached by all resources: there is one reader. Outside of a dispatch every watcher was given everything up to here. */
  readonly revision: Revision;
  /** Resolves when the cache has it; throws NotReached after `timeoutMs` (default `cacheReachedTimeoutMs`). */
  reached(revision: Revision, timeoutMs?: number): Promise<void>;
  /** For a consistent read: the store's revision of now, which the cache has when this resolves. */
  fresh(): Promise<Revision>;
  /** What could not be read may be readable now: lists anew if there is any such object. */
  retry(): void;
  /** Reads are served. False before the first listing and after close. */
  readonly ready: boolean;
  /** Resolves when it is ready. Throws StoreUnavailable if the store can't be listed. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export { Expired, NotReached } from "./errors.ts";
export { type CacheOptions, createCache } from "./reader.ts";
