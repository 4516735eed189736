/** The cache on a real Redis that dies again and again under writes. */
import assert from "assert";
import { type Change, OutcomeUnknown, type Store, StoreUnavailable } from "../storage/store.ts";
import { put, readAll, remove } from "../storage/store_contract.ts";
import { noRedis, TestRedis } from "../storage/test_redis.ts";
import { createCache } from "./cache.ts";
import { ClientModel } from "./client_model.ts";

/** Writes and deletes under keys of its own until told to stop. */
async function writeOn(store: Store, name: string, stopped: () => boolean): Promise<void> {
  for (let i = 0; !stopped(); i++) {
    const key = `${name}/${i % 5}`;
    try {
      const row = await store.get("things", key);
      await store.write(
        row !== undefined && i % 3 === 0 ? remove(key, row.revision) : put(key, row?.revision ?? 0, { n: i }),
      );
    } catch (error) {
      if (!(error instanceof StoreUnavailable || error instanceof OutcomeUnknown)) throw error;
    }
  }
}

Deno.test({
  name: "watches on a Redis that is killed under writes go on, without a loss and without an expiry",
  ignore: noRedis !== undefined,
  async fn() {
    await using redis = await TestRedis.start();
    const [writer, store] = [await redis.store(), await redis.store()];
    const cache = createCache(store, ["things"]);
    await cache.start();
    const clients = [new ClientModel(cache, "things"), new ClientModel(cache, "things")];
    let over = false;
    const killer = async () => {
      for (let kills = 0; kills < 3; kills++) {
        await cache.reached(cache.revision + 200, 20_000);
        clients.push(new ClientModel(cache, "things"));
        Deno.kill(await redis.server.pid(), "SIGKILL");
      }
      await cache.reached(cache.revision + 200, 20_000);
    };
    const killing = killer().finally(() => over = true);
    await Promise.all([killing, ...["a", "b", "c", "d"].map((name) => writeOn(writer, name, () => over))]);

    const revision = await cache.fresh();
    const history = await readAll(store, 0);
    assert.equal(history.length, revision);
    const told = ({ type, revision, key, value }: Change) => [type === "delete", revision, key, value];
    for (const client of clients) {
      client.stop();
      if (client.failure !== undefined) throw client.failure;
      assert.equal(client.expirations, 0);
      const [stretch] = client.stretches;
      assert.deepEqual(
        stretch!.events.map(({ type, revision, entry }) => [type === "DELETED", revision, entry.key, entry.text]),
        history.slice(stretch!.after).map(told),
      );
    }
    await cache.close();
  },
});
