/** A Redis for tests: an embedded one in a temporary directory, and stores on it. */
import { Redis } from "ioredis";
import { systemProcesses } from "../../lib/seams/process.ts";
import { systemClock } from "../../lib/seams/clock.ts";
import { end } from "./connection.ts";
import { type EmbeddedRedis, startEmbeddedRedis } from "./embedded.ts";
import { openRedisStore, type RedisStoreOptions } from "./redis.ts";
import type { Store } from "./store.ts";
import type { Place } from "./store_contract.ts";

/** Why tests with a real Redis are skipped; undefined if they are not. */
export const noRedis: string | undefined = await findRedis();

async function findRedis(): Promise<string | undefined> {
  for (const program of ["redis-server", "valkey-server"]) {
    try {
      await systemProcesses.run([program, "--version"]);
      return undefined;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return "neither redis-server nor valkey-server is installed";
}

export class TestRedis implements AsyncDisposable {
  #places = 0;
  readonly #closers: (() => Promise<void>)[] = [];

  private constructor(readonly server: EmbeddedRedis, readonly dir: string) {}

  static async start(): Promise<TestRedis> {
    const dir = await Deno.makeTempDir({ prefix: "sauropod-redis-" });
    return new TestRedis(await startEmbeddedRedis({ dir, settings: ["enable-debug-command local"] }), dir);
  }

  /** A raw client, to do what no store does. */
  client(): Redis {
    const client = new Redis({ path: this.server.url, protocol: 2 });
    client.on("error", () => {/* the server is killed in tests; commands are sent again */});
    this.#closers.push(() => end(client, systemClock));
    return client;
  }

  /** A store that is closed in the end. */
  async store(options: Partial<RedisStoreOptions> = {}): Promise<Store> {
    const store = await openRedisStore({ url: this.server.url, ...options });
    this.#closers.push(() => store.close());
    return store;
  }

  place(options: Partial<RedisStoreOptions> = {}): Place {
    const prefix = `place${this.#places++}:`;
    const stores: Store[] = [];
    return {
      open: async ({ entriesMax = 10_000 } = {}) => {
        const historyEntriesMax = { main: entriesMax, lease: entriesMax, event: entriesMax };
        const store = await this.store({ ...options, prefix, historyEntriesMax });
        stores.push(store);
        return store;
      },
      async close() {
        for (const store of stores) await store.close();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) await close();
    await this.server.stop();
    await Deno.remove(this.dir, { recursive: true });
  }
}
