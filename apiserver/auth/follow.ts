/** Keeps a copy of what matters of a resource's objects, from the watch cache: what authorisation asks at every request must need no parsing. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Cache, Entry } from "../cache/cache.ts";

export interface Follower<T extends KubeObject> {
  /** Everything that was put is gone: what there is follows. */
  reset(): void;
  put(key: string, object: T): void;
  remove(key: string): void;
}

/** Puts what is there, then follows; the answer ends it. Callbacks run within the cache's dispatch: they must not wait. */
export function follow<T extends KubeObject>(cache: Cache, storage: string, follower: Follower<T>): () => void {
  let stop = () => {};
  let ended = false;
  /** What nobody can read gives nobody a right, and keeps nothing else from being known. */
  const put = (entry: Entry) => {
    if (entry.unreadable !== undefined) follower.remove(entry.key);
    else follower.put(entry.key, entry.object as unknown as T);
  };
  const begin = () => {
    if (ended) return;
    const resource = cache.resource(storage);
    const snapshot = resource.snapshot();
    follower.reset();
    for (const entry of snapshot.entries()) put(entry);
    stop = resource.watch(snapshot.revision, {
      onEvents(events) {
        for (const { type, entry } of events) {
          if (type === "DELETED") follower.remove(entry.key);
          else put(entry);
        }
      },
      onExpired: begin,
    });
  };
  begin();
  return () => {
    ended = true;
    stop();
  };
}
