/** What admission plugins may look up: the watch cache. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Lookup } from "../admission/plugin.ts";
import type { Cache } from "../cache/cache.ts";
import type { Resource } from "./resource.ts";

/** Kinds that are not served have no objects. */
export function createLookup(cache: Cache, resources: readonly Resource[]): Lookup {
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
  };
}
