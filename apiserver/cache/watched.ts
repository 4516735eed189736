/** One resource of the cache with its watchers. */
import { getLogger } from "log";
import type { Revision } from "../storage/store.ts";
import type { CacheEvent, Entry, ResourceCache, Snapshot, WatchListener } from "./cache.ts";
import { Expired, NotReached } from "./errors.ts";
import type { ResourceState } from "./state.ts";

const log = getLogger(["sauropod", "cache"]);
const none: ReadonlySet<string> = new Set();

interface Watcher {
  readonly listener: WatchListener;
  /** Everything up to here was delivered, or was not asked for. */
  position: Revision;
}

export class WatchedResource implements ResourceCache {
  readonly #name: string;
  /** What the whole cache has reached. */
  readonly #reached: () => Revision;
  readonly #watchers = new Set<Watcher>();
  /** undefined until it was listed. */
  state: ResourceState | undefined;
  #progress: Revision = 0;

  constructor(name: string, reached: () => Revision) {
    this.#name = name;
    this.#reached = reached;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  get unreadable(): ReadonlySet<string> {
    return this.state?.unreadable ?? none;
  }

  get(key: string): Entry | undefined {
    return this.state?.get(key);
  }

  snapshot(at?: Revision): Snapshot {
    const now = this.#reached();
    if (at !== undefined && at > now) throw new NotReached(at, now);
    const state = this.#listed(at ?? now);
    return at === undefined || at === now ? state.snapshot(now) : state.snapshotAt(at);
  }

  watch(after: Revision, listener: WatchListener): () => void {
    const { window } = this.#listed(after);
    if (after < window.floor) throw new Expired(this.#name, after, window.floor);
    // A revision of the future is waited for: what comes before it is not told.
    const watcher: Watcher = { listener, position: Math.max(after, this.#reached()) };
    this.#watchers.add(watcher);
    const past = window.since(after);
    if (past.length > 0) this.#tell(watcher, () => listener.onEvents(past));
    return () => this.#watchers.delete(watcher);
  }

  /** Tells all watchers. The state has these events already, so a watch that begins meanwhile has them, too. */
  dispatch(events: readonly CacheEvent[]): void {
    const first = events[0]!.revision;
    const last = events.at(-1)!.revision;
    for (const watcher of this.#watchers) {
      if (watcher.position >= last) continue;
      const news = watcher.position < first ? events : events.filter((event) => event.revision > watcher.position);
      watcher.position = last;
      this.#tell(watcher, () => watcher.listener.onEvents(news));
    }
  }

  /** Tells that nothing more is to come up to a revision. */
  progress(revision: Revision): void {
    if (revision <= this.#progress) return;
    this.#progress = revision;
    for (const watcher of this.#watchers) {
      if (watcher.listener.onProgress === undefined || watcher.position > revision) continue;
      this.#tell(watcher, () => watcher.listener.onProgress!(revision));
    }
  }

  /** Ends all watches. */
  expire(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) this.#tell(watcher, () => watcher.listener.onExpired());
  }

  /** A listener that throws is a bug of its own, and must not keep others from being told: its watch ends. */
  #tell(watcher: Watcher, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      log.error("a watcher of {resource} threw, its watch is ended: {error}", { resource: this.#name, error });
      // If it is still there it can't have been told of the end.
      if (this.#watchers.delete(watcher)) this.#tell(watcher, () => watcher.listener.onExpired());
    }
  }

  #listed(asked: Revision): ResourceState {
    if (this.state === undefined) throw new Expired(this.#name, asked, Infinity);
    return this.state;
  }
}
