/** What admission plugins may look up: the watch cache. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Lookup } from "../admission/plugin.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Cache, ResourceCache } from "../cache/cache.ts";
import type { Resource } from "./resource.ts";

/** Kinds that are not served have no objects. */
export function createLookup(cache: Cache, resources: readonly Resource[], clock: Clock): Lookup {
  const served = new Set(resources.map((resource) => resource.storage));
  return {
    get<T extends KubeObject>(storage: string, key: string) {
      return served.has(storage) ? cache.resource(storage).get(key)?.object as T | undefined : undefined;
    },
    list<T extends KubeObject>(storage: string, namespace?: string) {
      if (!served.has(storage)) return [];
      return cache.resource(storage).snapshot().entries(namespace).map((entry) => entry.object as unknown as T);
    },
    async fresh() {
      await cache.fresh();
    },
    async appears<T extends KubeObject>(storage: string, key: string, ms: number) {
      if (!served.has(storage)) return undefined;
      await cache.fresh();
      return await appears(cache.resource(storage), key, { clock, ms }) as T | undefined;
    },
  };
}

/** What is under the key now, or comes there in time. */
function appears(
  cache: ResourceCache,
  key: string,
  wait: { clock: Clock; ms: number },
): Promise<KubeObject | undefined> {
  const snapshot = cache.snapshot();
  const known = snapshot.get(key)?.object;
  if (known !== undefined) return Promise.resolve(known);
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const done = () => {
      for (const stop of stops.splice(0)) stop();
      resolve(cache.get(key)?.object);
    };
    stops.push(wait.clock.after(wait.ms, done));
    const stop = cache.watch(snapshot.revision, {
      onEvents: (events) => events.some((event) => event.entry.key === key) && done(),
      onExpired: done,
    });
    // It may have come while the watch was begun, and then nothing is left to stop it.
    if (stops.length === 0) stop();
    else stops.push(stop);
  });
}
