import assert from "assert";
import { durabilityWarning, readSettings, type Settings } from "./durability.ts";
import { noRedis, TestRedis } from "./test_redis.ts";

Deno.test("durabilityWarning() names the setting by which an acknowledged write may be lost", () => {
  const good = { appendonly: "yes", appendfsync: "always", maxmemory: "0", "maxmemory-policy": "noeviction" };
  const table: [settings: Settings, warning: RegExp | undefined][] = [
    [good, undefined],
    // A managed one that answers nothing: nobody knows.
    [{}, undefined],
    [{ ...good, appendonly: "no" }, /appendonly no.*set appendonly yes/],
    [{ ...good, appendfsync: "everysec" }, /appendfsync everysec.*set always/],
    [{ ...good, "maxmemory-policy": "allkeys-lru" }, undefined],
    [
      { ...good, maxmemory: "1000000", "maxmemory-policy": "allkeys-lru" },
      /maxmemory-policy allkeys-lru.*set noeviction/,
    ],
  ];
  for (const [settings, warning] of table) {
    const said = durabilityWarning(settings);
    if (warning === undefined) assert.equal(said, undefined);
    else assert.match(said!, warning);
  }
});

Deno.test({
  name: "readSettings() finds that the Redis of our own syncs before it acknowledges",
  ignore: noRedis !== undefined,
  async fn() {
    await using redis = await TestRedis.start();
    const client = redis.client();
    assert.equal(durabilityWarning(await readSettings(client)), undefined);
    assert.equal((await readSettings(client)).appendfsync, "always");
    await client.config("SET", "appendfsync", "everysec");
    assert.match(durabilityWarning(await readSettings(client))!, /everysec/);
  },
});
