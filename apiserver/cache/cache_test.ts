import assert from "assert";
import { FakeClock } from "../../lib/seams/clock.ts";
import { MemoryStore } from "../storage/memory.ts";
import { MemoryData } from "../storage/memory_data.ts";
import { type Revision, StoreUnavailable } from "../storage/store.ts";
import { type Cache, type CacheEvent, type CacheOptions, createCache, Expired, NotReached } from "./cache.ts";
import { windowLimits } from "./window.ts";

interface WriteOptions {
  remove?: boolean;
  resource?: string;
  text?: string;
  own?: boolean;
  parsed?: (revision: Revision) => unknown;
}

/** A started cache of pods and nodes on a memory store, and ways to write to it. */
class Fixture {
  readonly clock = new FakeClock();
  readonly data: MemoryData;
  readonly store: MemoryStore;
  /** Of another API server. */
  readonly others: MemoryStore;
  readonly cache: Cache;

  constructor(options: CacheOptions & { entriesMax?: number } = {}) {
    const { entriesMax = 1_000, ...more } = options;
    this.data = new MemoryData({ main: entriesMax, lease: entriesMax, event: entriesMax });
    this.store = new MemoryStore({ data: this.data });
    this.others = new MemoryStore({ data: this.data });
    this.cache = createCache(this.store, ["pods", "nodes"], { clock: this.clock, ...more });
  }

  static async start(options: CacheOptions & { entriesMax?: number } = {}): Promise<Fixture> {
    const fixture = new Fixture(options);
    await fixture.cache.start();
    return fixture;
  }

  /** Writes without waiting for the cache. `own`: through the cache's own store. */
  async write(key: string, options: WriteOptions = {}): Promise<Revision> {
    const { remove = false, resource = "pods", text = "", own = false, parsed } = options;
    const store = own ? this.store : this.others;
    const expected = (await store.get(resource, key))?.revision ?? 0;
    const value = { head: `{"text":"${text}","metadata":{"resourceVersion":"`, tail: '"}}' };
    const type = remove ? "delete" : "put";
    return await store.write({ resource, key, type, expected, value, history: "main", parsed });
  }

  /** Writes and waits until the cache has it. */
  async put(key: string, options: WriteOptions = {}): Promise<Revision> {
    const revision = await this.write(key, options);
    await this.cache.reached(revision);
    return revision;
  }

  /** Watches and notes what is told as `ADDED a/x 3`, in one list per call. */
  watch(after: Revision, resource = "pods") {
    const told: string[] = [];
    const batches: (readonly CacheEvent[])[] = [];
    const stop = this.cache.resource(resource).watch(after, {
      onEvents: (events) => {
        batches.push(events);
        for (const { type, entry, revision } of events) told.push(`${type} ${entry.key} ${revision}`);
      },
      onProgress: (revision) => told.push(`progress ${revision}`),
      onExpired: () => told.push("expired"),
    });
    return { told, batches, stop };
  }

  keys(at?: Revision): string[] {
    return this.cache.resource("pods").snapshot(at).entries().map(({ key, revision }) => `${key} ${revision}`);
  }
}

Deno.test("get() and snapshot() serve what was listed and what was written since", async () => {
  const f = new Fixture();
  await f.write("b/x");
  await f.write("a/x");
  assert.equal(f.cache.ready, false);
  await f.cache.start();
  assert.equal(f.cache.ready, true);
  assert.equal(f.cache.revision, 2);
  await f.put("a/y");
  await f.put("b/x", { remove: true });
  const pods = f.cache.resource("pods");
  assert.deepEqual(f.keys(), ["a/x 2", "a/y 3"]);
  assert.equal(pods.get("a/y")?.object.metadata.resourceVersion, "3");
  assert.equal(pods.get("b/x"), undefined);
  assert.equal(pods.snapshot().get("a/x")?.revision, 2);
  assert.equal(pods.snapshot().get("a/z"), undefined);
  assert.equal(f.cache.resource("nodes").snapshot().revision, 4);
  await f.cache.close();
});

Deno.test("snapshot() sorts by key and separates namespaces whose names begin alike", async () => {
  const f = await Fixture.start();
  for (const key of ["b", "a/z", "a-b/x", "a/a", "a.c/x", "a0/x", "a/m", "ab/x"]) await f.put(key);
  const snapshot = f.cache.resource("pods").snapshot();
  const keys = (namespace?: string) => snapshot.entries(namespace).map((entry) => entry.key);
  assert.deepEqual(keys(), ["a-b/x", "a.c/x", "a/a", "a/m", "a/z", "a0/x", "ab/x", "b"]);
  assert.deepEqual(keys("a"), ["a/a", "a/m", "a/z"]);
  assert.deepEqual(keys("a-b"), ["a-b/x"]);
  assert.deepEqual(keys("c"), []);
  await f.cache.close();
});

Deno.test("snapshot() stays as it is while the cache moves on, and rebuilds every revision of the window", async () => {
  const f = await Fixture.start();
  const seen = [f.keys()];
  const snapshots = [f.cache.resource("pods").snapshot()];
  for (let i = 0; i < 60; i++) {
    const key = `n/${(i * 7) % 5}`;
    const remove = i % 3 === 2 && f.cache.resource("pods").get(key) !== undefined;
    await f.put(key, { remove, resource: i % 4 === 3 ? "nodes" : "pods" }).catch((error) =>
      assert.ok(error, "no such node")
    );
    // Two pods may share a snapshot's array, a revision never does.
    if (f.cache.revision === seen.length) {
      seen.push(f.keys());
      snapshots.push(f.cache.resource("pods").snapshot());
    }
  }
  assert.ok(seen.length > 50);
  for (const [revision, keys] of seen.entries()) {
    assert.deepEqual(f.keys(revision), keys, `rebuilt at ${revision}`);
    assert.deepEqual(snapshots[revision]!.entries().map((e) => `${e.key} ${e.revision}`), keys, `kept at ${revision}`);
    assert.equal(f.cache.resource("pods").snapshot(revision).revision, revision);
  }
  // Again, from what was kept of the first time.
  assert.deepEqual(f.keys(20), seen[20]);
  await f.cache.close();
});

Deno.test("snapshot() refuses what is older than the window, and what is not there yet", async () => {
  const f = await Fixture.start({ window: { ...windowLimits, eventsMax: 3 } });
  for (let i = 0; i < 5; i++) await f.put(`a/${i}`);
  assert.deepEqual(f.keys(2), ["a/0 1", "a/1 2"]);
  assert.throws(() => f.keys(1), new Expired("pods", 1, 2));
  assert.throws(() => f.keys(6), new NotReached(6, 5));
  await f.cache.close();
});

Deno.test("watch() tells the window first, then what comes, until it is ended", async () => {
  const f = await Fixture.start();
  for (const key of ["a/1", "a/2", "a/3"]) await f.put(key);
  const { told, stop } = f.watch(1);
  assert.deepEqual(told, ["ADDED a/2 2", "ADDED a/3 3"]);
  await f.put("a/1");
  await f.put("x", { resource: "nodes" });
  await f.put("x", { resource: "undeclared" });
  await f.put("a/2", { remove: true });
  const all = ["ADDED a/2 2", "ADDED a/3 3", "MODIFIED a/1 4", "DELETED a/2 7"];
  assert.deepEqual(told, all);
  stop();
  await f.put("a/9");
  assert.deepEqual(told, all);
  await f.cache.close();
});

Deno.test("watch() from a revision of the future tells only what comes after it", async () => {
  const f = await Fixture.start({ readChangesMax: 10 });
  const { told } = f.watch(2);
  await Promise.all([f.put("a/1"), f.put("a/2"), f.put("a/3")]);
  assert.deepEqual(told, ["ADDED a/3 3"]);
  await f.cache.close();
});

Deno.test("watch() refuses a revision before the window", async () => {
  const f = await Fixture.start({ window: { ...windowLimits, eventsMax: 2 } });
  for (const key of ["a/1", "a/2", "a/3"]) await f.put(key);
  assert.throws(() => f.watch(0), new Expired("pods", 0, 1));
  assert.deepEqual(f.watch(1).told, ["ADDED a/2 2", "ADDED a/3 3"]);
  await f.cache.close();
});

Deno.test("watch() that begins inside of a dispatch is told everything once", async () => {
  const f = await Fixture.start({ readChangesMax: 10 });
  const inner: string[][] = [];
  f.cache.resource("pods").watch(0, {
    onEvents: (events) => {
      // One from now, one from before the batch that is being told.
      const from = [f.cache.revision, events[0]!.revision - 1];
      for (const after of from) inner.push(f.watch(after).told);
    },
    onExpired: () => {},
  });
  f.store.deaf = true;
  await f.write("a/1");
  await f.put("a/2");
  assert.deepEqual(inner, [[], ["ADDED a/1 1", "ADDED a/2 2"]]);
  await f.cache.close();
});

Deno.test("all watchers share the batch, its entries, their bytes and their objects", async () => {
  const f = await Fixture.start();
  const [one, other] = [f.watch(0), f.watch(0)];
  const revision = await f.put("a/1", { text: "ü" });
  assert.equal(one.batches[0], other.batches[0]);
  const { entry } = one.batches[0]![0]!;
  assert.equal(entry, f.cache.resource("pods").get("a/1"));
  assert.equal(entry.bytes, entry.bytes);
  assert.equal(entry.object, entry.object);
  assert.deepEqual(entry.bytes, new TextEncoder().encode(`{"text":"ü","metadata":{"resourceVersion":"${revision}"}}`));
  assert.equal(entry.revision, revision);
  await f.cache.close();
});

Deno.test("a listener that throws loses its watch and disturbs no other", async () => {
  const f = await Fixture.start();
  let expired = 0;
  let calls = 0;
  f.cache.resource("pods").watch(0, {
    onEvents: () => {
      calls++;
      throw new Error("of the test");
    },
    onExpired: () => void expired++,
  });
  const { told } = f.watch(0);
  await f.put("a/1");
  await f.put("a/2");
  assert.deepEqual(told, ["ADDED a/1 1", "ADDED a/2 2"]);
  assert.deepEqual([calls, expired], [1, 1]);
  await f.cache.close();
});

Deno.test("onProgress() tells how far the cache is, once per interval and only if it moved", async () => {
  const f = await Fixture.start();
  const { told } = f.watch(0, "nodes");
  await f.put("a/1");
  await f.put("a/2");
  await f.clock.advance(5_000);
  assert.deepEqual(told, ["progress 2"]);
  await f.put("a/3");
  await f.clock.advance(1_000);
  assert.deepEqual(told, ["progress 2", "progress 3"]);
  await f.cache.close();
});

Deno.test("the cache lists anew, and every watch ends, when the history is gone before it was read", async () => {
  const f = await Fixture.start({ entriesMax: 3 });
  const { told } = f.watch(0);
  f.store.deaf = true;
  for (let i = 0; i < 10; i++) await f.write(`a/${i}`);
  await f.cache.reached(10);
  assert.deepEqual(told, ["expired"]);
  assert.equal(f.keys().length, 10);
  assert.throws(() => f.watch(9), Expired);
  const again = f.watch(10).told;
  await f.put("a/0");
  assert.deepEqual(again, ["MODIFIED a/0 11"]);
  await f.cache.close();
});

Deno.test("the cache never goes back in time: after a loss of data revisions are above all that were told", async () => {
  const f = await Fixture.start();
  for (let i = 0; i < 5; i++) await f.put(`a/${i}`);
  const { told } = f.watch(5);
  const before = f.store.epoch;
  f.data.clear();
  // Others have filled it again, further than it was.
  const other = new MemoryStore({ data: f.data });
  for (let i = 0; i < 9; i++) {
    const value = { head: "", tail: "" };
    await other.write({ resource: "pods", key: `b/${i}`, type: "put", expected: 0, value, history: "main" });
  }
  await f.clock.advance(10_000);
  assert.notEqual(f.store.epoch, before);
  assert.deepEqual(told, ["expired"]);
  assert.deepEqual(f.keys().map((key) => key.split(" ")[0]), Array.from({ length: 9 }, (_, i) => `b/${i}`));
  assert.ok(f.cache.revision > 9 + 5);
  assert.throws(() => f.watch(5), Expired);
  await f.cache.close();
});

Deno.test("start() lists resources one after another and still has all at one revision", async () => {
  const f = new Fixture();
  await f.write("a/1");
  await f.write("gone", { resource: "nodes" });
  const list = f.store.list.bind(f.store);
  let writes = 0;
  const revisions: Revision[] = [];
  f.store.list = async (name) => {
    // So the second list is of a later revision than the first, in which it then has to be brought.
    for (const resource of name === "nodes" ? ["pods", "nodes"] : []) await f.write(`late/${writes++}`, { resource });
    if (name === "nodes") await f.write("gone", { resource: "nodes", remove: true });
    const answer = await list(name);
    revisions.push(answer.revision);
    return answer;
  };
  await f.cache.start();
  assert.deepEqual(revisions, [2, 5]);
  const listed = f.cache.revision;
  for (const resource of ["pods", "nodes"]) {
    const truth = f.data.list(resource).filter((row) => row.revision <= listed).map((row) => row.value).sort();
    assert.deepEqual(f.cache.resource(resource).snapshot().entries().map((e) => e.text).sort(), truth);
    assert.deepEqual(f.watch(listed, resource).told, []);
  }
  const { told } = f.watch(f.cache.revision);
  const revision = await f.put("a/1");
  assert.deepEqual(told.at(-1), `MODIFIED a/1 ${revision}`);
  await f.cache.close();
});

Deno.test("start() throws when the store can't be listed", async () => {
  const f = new Fixture();
  f.store.down = true;
  await assert.rejects(f.cache.start(), StoreUnavailable);
  assert.equal(f.cache.ready, false);
  await f.cache.close();
});

Deno.test("the cache asks by itself when wake-ups are lost, and goes on when the store comes back", async () => {
  const f = await Fixture.start();
  const { told } = f.watch(0);
  f.store.deaf = true;
  await f.write("a/1");
  await f.clock.advance(4_900);
  assert.deepEqual(told, []);
  await f.clock.advance(200);
  assert.deepEqual(told, ["ADDED a/1 1", "progress 1"]);
  await f.write("a/2");
  f.store.down = true;
  await f.clock.advance(20_000);
  f.store.down = false;
  await f.clock.advance(2_100);
  assert.equal(told.filter((line) => !line.startsWith("progress")).join(), "ADDED a/1 1,ADDED a/2 2");
  await f.cache.close();
});

Deno.test("reached() waits its time and then says where the cache is", async () => {
  const f = await Fixture.start();
  const asked = f.cache.reached(3, 500).then(() => "reached", (error) => error);
  await f.put("a/1");
  await f.clock.advance(600);
  assert.deepEqual(await asked, new NotReached(3, 1));
  const other = f.cache.reached(2);
  await f.write("a/2");
  await other;
  assert.equal(await f.cache.fresh(), 2);
  const waiting = f.cache.reached(9).then(() => "reached", (error) => error);
  await f.cache.close();
  assert.ok(await waiting instanceof NotReached);
});

Deno.test("reached() waits for nothing once the cache is closed", async () => {
  const f = await Fixture.start();
  await f.cache.close();
  await assert.rejects(f.cache.reached(1), NotReached);
});

Deno.test("fresh() makes sure that the cache has what others wrote, without a wake-up", async () => {
  const f = await Fixture.start();
  f.store.deaf = true;
  await f.write("a/1");
  assert.equal(f.cache.resource("pods").get("a/1"), undefined);
  assert.equal(await f.cache.fresh(), 1);
  assert.equal(f.cache.resource("pods").get("a/1")?.revision, 1);
  await f.cache.close();
});

Deno.test("what the cache's own store writes is there at once, in one batch, with the object that was written, and is not read back", async () => {
  const f = await Fixture.start();
  const { told, batches } = f.watch(0);
  f.store.deaf = true;
  f.store.changes = () => Promise.reject(new Error("nothing is to be read"));
  const object = { metadata: { resourceVersion: "" } };
  const parsed = (revision: Revision) => {
    object.metadata.resourceVersion = String(revision);
    return object;
  };
  await Promise.all([f.write("a/1", { own: true }), f.write("a/2", { own: true, parsed })]);
  await Promise.resolve();
  assert.deepEqual(told, ["ADDED a/1 1", "ADDED a/2 2"]);
  assert.equal(batches.length, 1);
  assert.equal(f.cache.resource("pods").get("a/2")?.object, object as unknown);
  assert.equal(object.metadata.resourceVersion, "2");
  await f.put("a/2", { own: true, remove: true });
  assert.deepEqual(told.slice(2), ["DELETED a/2 3"]);
  await f.cache.close();
});

Deno.test("an own write after one of others is read with it, in order and once", async () => {
  const f = await Fixture.start();
  const { told } = f.watch(0);
  f.store.deaf = true;
  await f.write("a/1");
  await f.write("a/2", { own: true });
  await f.write("a/3", { own: true });
  assert.deepEqual(told, []);
  await f.cache.reached(3);
  assert.deepEqual(told, ["ADDED a/1 1", "ADDED a/2 2", "ADDED a/3 3"]);
  // What is read has in it what was taken over meanwhile.
  const read = f.store.changes.bind(f.store);
  const answers: number[] = [];
  f.store.changes = async (after, limit) => {
    if (answers.length === 0) await f.write("a/4", { own: true });
    const answer = await read(after, limit);
    answers.push(answer.changes.length);
    return answer;
  };
  f.store.deaf = false;
  f.data.wake();
  await f.clock.advance(0);
  assert.equal(answers[0], 1);
  await f.put("a/5", { own: true });
  assert.deepEqual(told.slice(3), ["ADDED a/4 4", "ADDED a/5 5"]);
  await f.cache.close();
});

Deno.test("declare() adds a resource under writes, and forget() ends it", async () => {
  const f = await Fixture.start();
  await f.write("old/1", { resource: "widgets" });
  f.store.deaf = true;
  const list = f.store.list.bind(f.store);
  f.store.list = async (name) => {
    await f.write("late/1", { resource: "widgets" });
    const answer = await list(name);
    await f.write("late/2", { resource: "widgets" });
    return answer;
  };
  await Promise.all([f.cache.declare("widgets"), f.cache.declare("widgets")]);
  await f.cache.fresh();
  const widgets = f.cache.resource("widgets");
  assert.deepEqual(widgets.snapshot().entries().map(({ key }) => key), ["late/1", "late/2", "old/1"]);
  assert.throws(() => f.watch(0, "widgets"), Expired);
  const { told } = f.watch(f.cache.revision, "widgets");
  await f.put("old/1", { resource: "widgets" });
  assert.deepEqual(told, ["MODIFIED old/1 4"]);
  f.cache.forget("widgets");
  assert.deepEqual(told, ["MODIFIED old/1 4", "expired"]);
  assert.throws(() => f.cache.resource("widgets"), TypeError);
  await f.put("old/1", { resource: "widgets" });
  await f.cache.close();
});

Deno.test("declare() throws when the resource can't be listed, and can be tried again", async () => {
  const f = await Fixture.start();
  f.store.down = true;
  await assert.rejects(f.cache.declare("widgets"), StoreUnavailable);
  await f.clock.advance(0);
  f.store.down = false;
  const again = f.cache.declare("widgets");
  await f.clock.advance(100);
  await again;
  assert.equal(f.cache.resource("widgets").snapshot().entries().length, 0);
  await f.cache.close();
});

Deno.test("resource() refuses what was not declared", () => {
  const f = new Fixture();
  assert.throws(() => f.cache.resource("podz"), TypeError);
});
