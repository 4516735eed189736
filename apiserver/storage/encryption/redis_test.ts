/** The store on a real Redis, with everything in it encrypted. */
import assert from "assert";
import type { Redis } from "ioredis";
import { systemRandom } from "../../../lib/seams/random.ts";
import { put, remove, storeContract } from "../store_contract.ts";
import { noRedis, TestRedis } from "../test_redis.ts";
import { EncryptingCodec } from "./codec.ts";
import type { EncryptionRule } from "./configuration.ts";

const ignore = noRedis !== undefined;
const rules = (...names: string[]): EncryptionRule[] => [{
  resources: ["*.*"],
  providers: [{ name: "aesgcm", keys: names.map((name) => ({ name, secret: new Uint8Array(32).fill(name.length) })) }],
}];
const codec = (...names: string[]) => new EncryptingCodec(rules(...names), systemRandom);

Deno.test({
  name: "openRedisStore() keeps the store's contract with everything encrypted",
  ignore,
  async fn(t) {
    await using redis = await TestRedis.start();
    await storeContract(t, async () => redis.place({ codec: codec("k") }));
  },
});

/** Every value of every key in Redis, as one text. */
async function everything(client: Redis): Promise<string> {
  let all = "";
  for (const key of await client.keys("*")) {
    const type = await client.type(key);
    const value = type === "hash"
      ? await client.hgetall(key)
      : type === "stream"
      ? await client.xrange(key, "-", "+")
      : type === "set"
      ? await client.smembers(key)
      : await client.get(key);
    all += `${key} ${JSON.stringify(value)}\n`;
  }
  return all;
}

Deno.test({
  name:
    "what is encrypted stands nowhere in Redis: neither among the objects nor in the history, nor does a message carry it",
  ignore,
  async fn() {
    await using redis = await TestRedis.start();
    const heard: string[] = [];
    const listener = redis.client();
    listener.on("pmessage", (...message: unknown[]) => heard.push(message.join(" ")));
    await listener.psubscribe("*");
    const store = await redis.store({ codec: codec("k") });
    const value = { head: '{"password":"hunter2","rv":"', tail: '"}' };
    for (const history of ["main", "lease", "event"] as const) await store.write(put(history, 0, { value, history }));
    await store.write(put("main", 1, { value }));
    await store.write(remove("lease", 2, { value }));
    assert.equal((await store.get("things", "main"))?.value, '{"password":"hunter2","rv":"4"}');
    const raw = await everything(redis.client()) + heard.join("\n");
    assert.match(raw, /k8s:enc:aesgcm:v1:k:/);
    assert.match(raw, /wake 4/);
    assert.doesNotMatch(raw, /hunter2|password/);
  },
});

Deno.test({
  name: "an object whose key is gone is one row that can't be read; the history goes on after a reconnect without it",
  ignore,
  async fn() {
    await using redis = await TestRedis.start();
    const [old, both] = [await redis.store({ codec: codec("old") }), codec("longer", "old")];
    await old.write(put("a", 0));
    const writer = await redis.store({ codec: both });
    await writer.write(put("b", 0));
    const later = codec("longer");
    const reader = await redis.store({ codec: later });
    const { rows } = await reader.list("things");
    assert.deepEqual(
      new Map(rows.map(({ key, value }) => [key, value])),
      new Map([["a", ""], ["b", '{"n":0,"rv":"2"}']]),
    );
    const unreadable = rows.find(({ key }) => key === "a")!.unreadable!;
    assert.match(unreadable.message, /"\/registry\/things\/a".*aesgcm key "old"/);
    const { changes } = await reader.changes(0, 10);
    assert.deepEqual(changes.map((change) => change.unreadable === undefined), [false, true]);
    // The tail is read again and compared after a reconnect: that a key went meanwhile is no loss of data.
    const { epoch } = reader;
    later.use(rules("other key"));
    await redis.client().call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await reader.ping().catch(() => {});
    assert.equal((await reader.changes(2, 10).catch(() => reader.changes(2, 10))).compacted, false);
    assert.equal(reader.epoch, epoch);
  },
});
