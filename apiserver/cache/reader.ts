/** The one reader. */
import type { Clock } from "../../lib/seams/clock.ts";
import type { Store } from "../storage/store.ts";
import type { Cache } from "./cache.ts";

export interface CacheOptions {
  readonly clock?: Clock;
}

/** A cache of these resources; events of others are skipped. Call start(). */
export function createCache(_store: Store, _resources: readonly string[], _options: CacheOptions = {}): Cache {
  throw new Error("in work");
}
