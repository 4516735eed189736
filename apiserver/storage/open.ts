/** Opens the store that the settings name: an existing Redis, or one of our own. */
import { startEmbeddedRedis } from "./embedded.ts";
import { openRedisStore } from "./redis.ts";
import type { Codec } from "./split.ts";
import type { Store } from "./store.ts";

export interface OpenOptions {
  /** Absent: a redis-server of our own. */
  url?: string;
  /** Where a Redis of our own keeps its data and its socket. */
  dir: string;
  /** What is done to objects before they are stored. */
  codec: Codec;
}

/** Throws when it cannot be reached or started, saying where it was looked for. Closing it stops a Redis of our own, all synced. */
export async function openStore({ url, dir, codec }: OpenOptions): Promise<Store> {
  if (url !== undefined) return await openRedisStore({ url, codec });
  const embedded = await startEmbeddedRedis({ dir });
  const store = await openRedisStore({ url: embedded.url, codec }).catch(async (error) => {
    await embedded.stop();
    throw error;
  });
  const close = store.close.bind(store);
  store.close = async () => {
    await close();
    await embedded.stop();
  };
  return store;
}
