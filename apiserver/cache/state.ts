/** The objects of one resource as of one revision, and its window. Knows no watcher. */
import { cacheSnapshotsMax } from "../../lib/limits.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { Change, Revision, Row } from "../storage/store.ts";
import type { CacheEvent, Entry, Snapshot } from "./cache.ts";
import { StoredEntry } from "./entry.ts";
import { Expired } from "./errors.ts";
import { find, inNamespace, withChanges } from "./sorted.ts";
import { Window, type WindowLimits } from "./window.ts";

export class ResourceState {
  readonly window: Window;
  readonly #resource: string;
  /** What was listed: changes up to here are in it. */
  readonly #listed: Revision;
  readonly #entries = new Map<string, Entry>();
  /** Keys of what can't be read. */
  readonly unreadable = new Set<string>();
  /** Made when somebody lists, of the one before and of what was written since: writes that nobody lists cost no sorting. */
  #sorted: readonly Entry[] = [];
  readonly #unsorted = new Map<string, Entry | undefined>();
  /** Of the past, for lists in pages; the oldest made goes first. */
  readonly #past = new Map<Revision, readonly Entry[]>();

  constructor(resource: string, list: { revision: Revision; rows: readonly Row[] }, limits: WindowLimits) {
    this.#resource = resource;
    this.#listed = list.revision;
    this.window = new Window(list.revision, limits);
    for (const row of list.rows) this.#set(row.key, new StoredEntry(row));
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Makes the change true. undefined if it was true when the resource was listed. */
  apply(change: Change, now: Instant): CacheEvent | undefined {
    const { key, revision } = change;
    if (revision <= this.#listed) return undefined;
    const previous = this.#entries.get(key);
    const entry = new StoredEntry(change);
    if (change.type === "delete") {
      if (previous === undefined) {
        throw new Error(`${this.#resource} ${key}: deleted at ${revision}, but it is not there`);
      }
      this.#set(key, undefined);
    } else {
      this.#set(key, entry);
    }
    const type = change.type === "delete" ? "DELETED" : previous === undefined ? "ADDED" : "MODIFIED";
    const event: CacheEvent = { type, revision, entry, previous };
    this.window.push(event, now);
    return event;
  }

  /** As of now, which others call `revision`. */
  snapshot(revision: Revision): Snapshot {
    if (this.#unsorted.size > 0) {
      this.#sorted = withChanges(this.#sorted, this.#unsorted);
      this.#unsorted.clear();
    }
    return new SortedSnapshot(revision, this.#sorted);
  }

  /** As it was at a past revision. Throws Expired. */
  snapshotAt(at: Revision): Snapshot {
    if (at < this.window.floor) throw new Expired(this.#resource, at, this.window.floor);
    if (at >= this.window.last) return this.snapshot(at);
    const kept = this.#past.get(at);
    if (kept !== undefined) return new SortedSnapshot(at, kept);
    // Of each key, what the first event after that revision has replaced.
    const undone = new Map<string, Entry | undefined>();
    for (const { entry, previous } of this.window.since(at)) {
      if (!undone.has(entry.key)) undone.set(entry.key, previous);
    }
    const past = withChanges(this.snapshot(at).entries(), undone);
    this.#past.set(at, past);
    if (this.#past.size > cacheSnapshotsMax) this.#past.delete(this.#past.keys().next().value!);
    return new SortedSnapshot(at, past);
  }

  /** Lets go of what is too old. */
  sweep(now: Instant): void {
    this.window.sweep(now);
    for (const revision of this.#past.keys()) {
      if (revision < this.window.floor) this.#past.delete(revision);
    }
  }

  #set(key: string, entry: Entry | undefined): void {
    if (entry === undefined) this.#entries.delete(key);
    else this.#entries.set(key, entry);
    this.#unsorted.set(key, entry);
    if (entry?.unreadable !== undefined) this.unreadable.add(key);
    else if (this.unreadable.size > 0) this.unreadable.delete(key);
  }
}

class SortedSnapshot implements Snapshot {
  readonly #sorted: readonly Entry[];

  constructor(readonly revision: Revision, sorted: readonly Entry[]) {
    this.#sorted = sorted;
  }

  entries(namespace?: string): readonly Entry[] {
    return namespace === undefined ? this.#sorted : inNamespace(this.#sorted, namespace);
  }

  get(key: string): Entry | undefined {
    return find(this.#sorted, key);
  }
}
