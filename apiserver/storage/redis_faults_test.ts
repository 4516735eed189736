/** What only a real Redis can do to its store: die, freeze, forget, go back in time, become a replica. */
import assert from "assert";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { openRedisStore } from "./redis.ts";
import { OutcomeUnknown, type Revision, type Store, StoreUnavailable } from "./store.ts";
import { put, readAll } from "./store_contract.ts";
import { noRedis, TestRedis } from "./test_redis.ts";

function test(name: string, run: (redis: TestRedis) => Promise<void>): void {
  Deno.test({
    name,
    ignore: noRedis !== undefined,
    async fn() {
      await using redis = await TestRedis.start();
      await run(redis);
    },
  });
}

/** Nothing has happened. */
function isUnavailable(error: unknown): error is StoreUnavailable {
  return error instanceof StoreUnavailable && !(error instanceof OutcomeUnknown);
}

/** Tries again until the store has come back. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0;; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || attempt > 20) throw error;
    }
  }
}

test("a Redis that is killed in mid-write loses no acknowledged write, and unknown ones are whole or absent", async (redis) => {
  const store = await redis.store();
  const { epoch } = store;
  const acknowledged = new Map<string, Revision>();
  const unknown = new Set<string>();
  let kills = 0;
  let over = false;
  const writer = async (name: string) => {
    for (let i = 0; !over; i++) {
      const key = `${name}/${i}`;
      try {
        acknowledged.set(key, await store.write(put(key, 0)));
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (error instanceof OutcomeUnknown) unknown.add(key);
      }
    }
  };
  const killer = async () => {
    while (kills < 3) {
      const goal = acknowledged.size + 300;
      while (acknowledged.size < goal) await store.revision().catch(() => {});
      Deno.kill(await redis.server.pid(), "SIGKILL");
      kills++;
    }
  };
  const killing = killer().finally(() => over = true);
  await Promise.all([...Array.from({ length: 16 }, (_, i) => writer(`w${i}`)), killing]);

  const { rows, revision } = await eventually(() => store.list("things"));
  const stored = new Map(rows.map((row) => [row.key, row.revision]));
  for (const [key, revision] of acknowledged) assert.equal(stored.get(key), revision, `${key} was acknowledged`);
  for (const key of stored.keys()) assert.ok(acknowledged.has(key) || unknown.has(key), `${key} was refused`);
  const changes = await readAll(store, 0);
  assert.equal(changes.length, revision);
  assert.deepEqual(new Map(changes.map((c) => [c.key, c.revision])), stored);
  assert.equal(store.epoch, epoch);
});

test("a Redis that does not answer fails commands in their time, writes as unknown, and is used again when it does", async (redis) => {
  const client = redis.client();
  const store = await redis.store({ commandTimeoutMs: 300 });
  await store.write(put("before", 0));
  const asleep = client.call("DEBUG", "SLEEP", "1.2");
  const begin = systemClock.now();
  await Promise.all([
    assert.rejects(store.write(put("x", 0)), OutcomeUnknown),
    assert.rejects(store.list("things"), (error) => isUnavailable(error)),
  ]);
  assert.ok(systemClock.now() - begin < 1_000, "within the time of a command");
  await asleep;
  assert.equal((await eventually(() => store.get("things", "before")))?.revision, 1);
  // The write was sent, and Redis has done it after it woke up, or not: then it can be written now.
  const row = await eventually(() => store.get("things", "x"));
  assert.equal(await eventually(() => store.write(put("x", row?.revision ?? 0))), row === undefined ? 2 : 3);
});

test("a store without Redis says so in time, where it was looked for, and what to do", async (redis) => {
  const store = await redis.store({ connectWaitMs: 100 });
  await redis.server.stop();
  // What is sent before the end was noticed is unknown, of course.
  await Promise.allSettled([store.revision(), store.changes(0, 1)]);
  const begin = systemClock.now();
  const refused = (error: unknown) => {
    assert.ok(isUnavailable(error), String(error));
    assert.match(error.message, /^Redis at \/.*redis\.sock: .*; check that it runs/);
    return true;
  };
  await Promise.all([
    assert.rejects(store.write(put("x", 0)), refused),
    assert.rejects(store.get("things", "x"), refused),
    assert.rejects(store.changes(0, 1), refused),
  ]);
  assert.ok(systemClock.now() - begin < 1_000);
  await assert.rejects(openRedisStore({ url: redis.server.url, connectWaitMs: 100 }), StoreUnavailable);
});

test("writes go on after SCRIPT FLUSH", async (redis) => {
  const store = await redis.store();
  for (let i = 0; i < 3; i++) {
    await redis.client().script("FLUSH");
    const written = await Promise.all(["a", "b", "c"].map((key) => store.write(put(`${key}${i}`, 0))));
    assert.deepEqual(written, [1, 2, 3].map((n) => n + 3 * i));
  }
});

/** Does something to the data behind the store's back, and checks that it begins a new epoch above all that was seen. */
async function replaced(
  redis: TestRedis,
  damage: (store: Store) => Promise<void>,
  notice: (store: Store) => Promise<void>,
) {
  const store = await redis.store();
  for (let i = 0; i < 5; i++) await store.write(put(`k${i}`, 0));
  await readAll(store, 0);
  const { epoch } = store;
  await damage(store);
  await notice(store);
  assert.notEqual(store.epoch, epoch, "a new epoch");
  const revision = await store.write(put("new", 0));
  assert.ok(revision > 100, `${revision} is above all that was seen`);
  assert.deepEqual(await store.changes(5, 10), { changes: [], compacted: true, revision });
  assert.deepEqual((await readAll(store, revision - 1)).map((c) => c.key), ["new"]);
  // Who opens now sees the same.
  const other = await redis.store();
  assert.equal(other.epoch, store.epoch);
  assert.equal(await other.revision(), revision);
}

const notices: Record<string, (store: Store) => Promise<void>> = {
  "a write": (store) => assert.rejects(store.write(put("x", 0)), StoreUnavailable),
  "a reading of the history": async (store) => assert.equal((await store.changes(5, 10)).compacted, true),
  "a list": async (store) => void await store.list("things"),
  "a question for the revision": async (store) => assert.ok(await store.revision() > 100),
};
for (const [name, notice] of Object.entries(notices)) {
  test(`the store begins a new epoch after FLUSHALL, noticed by ${name}`, async (redis) => {
    await replaced(redis, async () => void await redis.client().flushall(), notice);
  });
  test(`the store begins a new epoch when revisions went back, noticed by ${name}`, async (redis) => {
    await replaced(redis, async () => void await redis.client().set("sauropod:rev", "3"), notice);
  });
}

test("the store begins a new epoch when, after a reconnect, the last known change is another one", async (redis) => {
  // What a failover that lost the last write looks like when the new master has written since.
  const lost = async () => {
    const client = redis.client();
    await client.call("XDEL", "sauropod:log:main", "5-0");
    await client.call("XSETID", "sauropod:log:main", "4-0");
    await client.xadd("sauropod:log:main", "5-0", "t", "put", "r", "things", "k", "other", "v", "{}");
    await client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  };
  await replaced(redis, lost, async (store) => {
    assert.equal((await eventually(() => store.changes(5, 10))).compacted, true);
  });
});

test("the history goes on after a reconnect when nothing was lost", async (redis) => {
  const store = await redis.store();
  await store.write(put("a", 0));
  await readAll(store, 0);
  const { epoch } = store;
  await redis.client().call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  assert.deepEqual(await eventually(() => store.changes(1, 10)), { changes: [], compacted: false, revision: 1 });
  await eventually(() => store.write(put("b", 0)));
  assert.deepEqual((await store.changes(1, 1)).changes.map((c) => c.key), ["b"]);
  assert.equal(store.epoch, epoch);
});

test("own writes are told while the connections are known to speak of the same data, and then again", async (redis) => {
  const store = await redis.store();
  const told: number[] = [];
  store.onWritten(({ revision }) => told.push(revision) > 0);
  await readAll(store, 0);
  await store.write(put("a", 0));
  assert.deepEqual(told, [1]);
  await redis.client().call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await eventually(() => store.write(put("b", 0)));
  assert.deepEqual(told, [1]);
  assert.deepEqual((await eventually(() => store.changes(1, 10))).changes.map((c) => c.revision), [2]);
  await store.write(put("c", 0));
  assert.deepEqual(told, [1, 3]);
});

test("own writes on a new master are not told before what is known has been compared with it", async (redis) => {
  const store = await redis.store();
  const told: number[] = [];
  store.onWritten(({ revision }) => told.push(revision) > 0);
  await readAll(store, 0);
  for (let i = 0; i < 5; i++) await store.write(put(`k${i}`, 0));
  const client = redis.client();
  await client.call("XDEL", "sauropod:log:main", "5-0");
  await client.call("XSETID", "sauropod:log:main", "4-0");
  await client.xadd("sauropod:log:main", "5-0", "t", "put", "r", "things", "k", "other", "v", "{}");
  await client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await eventually(() => store.write(put("x", 0)));
  assert.deepEqual(told, [1, 2, 3, 4, 5]);
  assert.equal((await eventually(() => store.changes(5, 10))).compacted, true);
});

test("others are told of a write also while the writer's own subscription is broken", async (redis) => {
  const writer = await redis.store();
  await readAll(writer, 0);
  const client = redis.client();
  const subscribed =
    async () => [...String(await client.call("CLIENT", "LIST", "TYPE", "pubsub")).matchAll(/^id=(\d+)/gm)];
  const [own] = await eventually(async () => {
    const found = await subscribed();
    if (found.length === 0) throw new StoreUnavailable("not subscribed yet");
    return found;
  });
  const other = await redis.store();
  await eventually(async () => {
    if ((await subscribed()).length < 2) throw new StoreUnavailable("not subscribed yet");
  });
  const woken = Promise.withResolvers<string>();
  other.onWake(() => woken.resolve("told"));
  await client.call("CLIENT", "KILL", "ID", own![1]!);
  // The writer does not know yet that it is not told any longer.
  await writer.write(put("a", 0));
  const late = new AbortController();
  const waited = sleep(systemClock, 2_000, late.signal).then(() => "not told");
  assert.equal(await Promise.race([woken.promise, waited]), "told");
  late.abort();
});

test("a wake-up comes when the connection does, so that nothing waits for the next write", async (redis) => {
  const store = await redis.store();
  const woken = Promise.withResolvers<void>();
  store.onWake(() => woken.resolve());
  await redis.client().call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await woken.promise;
});

test("a write to a replica is refused as unavailable, not as unknown", async (redis) => {
  const store = await redis.store();
  await redis.client().call("REPLICAOF", "127.0.0.1", "1");
  await assert.rejects(
    store.write(put("x", 0)),
    (error) => isUnavailable(error) && /READONLY/.test(error.message),
  );
  await redis.client().call("REPLICAOF", "NO", "ONE");
  assert.equal(await eventually(() => store.write(put("x", 0))), 1);
});

test("a write that not enough replicas have is unknown, although it is there", async (redis) => {
  const store = await redis.store({ replicasMin: 1, replicasTimeoutMs: 50 });
  await assert.rejects(store.write(put("x", 0)), OutcomeUnknown);
  assert.equal((await store.get("things", "x"))?.revision, 1);
});

test("clusters with different prefixes don't see each other", async (redis) => {
  const [one, other] = [await redis.store({ prefix: "one:" }), await redis.store({ prefix: "two:" })];
  await one.write(put("x", 0));
  assert.equal(await other.revision(), 0);
  assert.equal(await other.write(put("x", 0)), 1);
  assert.equal((await other.stats()).keys.get("things"), 1);
});

test("the history's memory is bounded for large objects, too", async (redis) => {
  const store = await redis.store();
  const value = { head: "x".repeat(1_000_000), tail: "" };
  for (let i = 0; i < 60; i++) await store.write(put(`k${i % 3}`, i < 3 ? 0 : i - 2, { value }));
  // Trimming runs beside the writes: the last one is followed by a question on the same connection.
  const { histories } = await store.stats();
  assert.ok(histories.main.bytes < 45_000_000, `${histories.main.bytes} bytes of history`);
  assert.ok(histories.main.entries >= 20, `${histories.main.entries} changes are left`);
});
