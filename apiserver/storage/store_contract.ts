/** What every store must do: one suite, run on the one in memory and on the one on Redis. */
import assert from "assert";
import {
  type Change,
  type Claim,
  ClaimTaken,
  type History,
  type Revision,
  type Row,
  type Store,
  StoreUnavailable,
  type Write,
  WriteConflict,
} from "./store.ts";

/** A fresh, empty place for data. */
export interface Place {
  /** A store on it; several see the same data. `entriesMax` bounds each history. */
  open(options?: { entriesMax?: number }): Promise<Store>;
  /** Closes all stores. */
  close(): Promise<void>;
}

/** Runs every case on a place of its own. */
export async function storeContract(t: Deno.TestContext, newPlace: () => Promise<Place>): Promise<void> {
  for (const [name, run] of Object.entries(cases)) {
    await t.step(name, async () => {
      const place = await newPlace();
      try {
        await run(place);
      } finally {
        await place.close();
      }
    });
  }
}

/** A write with short defaults: creates `{"n":<n>,"rv":"<revision>"}` under a key of `things`. */
export function put(key: string, expected: Revision, more: Partial<Write> & { n?: number } = {}): Write {
  const { n = 0, ...rest } = more;
  const value = { head: `{"n":${n},"rv":"`, tail: '"}' };
  return { resource: "things", key, type: "put", expected, value, history: "main", ...rest };
}

export function remove(key: string, expected: Revision, more: Partial<Write> = {}): Write {
  return { ...put(key, expected), type: "delete", ...more };
}

/** The whole history after a revision, read in pieces of `limit`. */
export async function readAll(store: Store, after: Revision, limit = 1000): Promise<Change[]> {
  const all: Change[] = [];
  for (;;) {
    const { changes, compacted, revision } = await store.changes(all.at(-1)?.revision ?? after, limit);
    assert.equal(compacted, false, "the history is complete");
    assert.ok(changes.length <= limit, `${changes.length} changes where ${limit} were asked for`);
    all.push(...changes);
    if ((all.at(-1)?.revision ?? after) >= revision) return all;
  }
}

async function conflict(write: Promise<unknown>): Promise<WriteConflict> {
  const error = await write.then(() => undefined, (error) => error);
  assert.ok(error instanceof WriteConflict, `expected a WriteConflict, got ${error}`);
  return error;
}

async function taken(write: Promise<unknown>): Promise<ClaimTaken> {
  const error = await write.then(() => undefined, (error) => error);
  assert.ok(error instanceof ClaimTaken, `expected a ClaimTaken, got ${error}`);
  return error;
}

/** What the history says there is. */
function replay(changes: readonly Change[], upTo = Infinity): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const { type, key, revision, value } of changes.filter((c) => c.revision <= upTo)) {
    if (type === "put") rows.set(key, { key, revision, value });
    else rows.delete(key);
  }
  return rows;
}

/** Without the way in which it is stored, which is nobody's business here. */
function bare<T extends Row | Change | undefined>(stored: T): T {
  if (stored === undefined) return stored;
  const { seal: _, ...rest } = stored;
  return rest as T;
}

const byKey = (rows: Iterable<Row>) => [...rows].map(bare).sort((a, b) => (a.key < b.key ? -1 : 1));

const cases: Record<string, (place: Place) => Promise<void>> = {
  async "write() counts from 1 and fills the revision in"(place) {
    const store = await place.open();
    assert.equal(await store.revision(), 0);
    assert.equal(await store.write(put("a/x", 0, { n: 7 })), 1);
    assert.equal(await store.write(put("a/x", 1, { n: 8 })), 2);
    const row = { key: "a/x", revision: 2, value: '{"n":8,"rv":"2"}' };
    assert.deepEqual(bare(await store.get("things", "a/x")), row);
    const { revision, rows } = await store.list("things");
    assert.deepEqual([revision, rows.map(bare)], [2, [row]]);
    assert.equal(await store.get("things", "a/y"), undefined);
    assert.equal(await store.get("others", "a/x"), undefined);
    assert.deepEqual(await store.list("others"), { revision: 2, rows: [] });
  },

  async "write() refuses what is not at the expected revision, and then writes nothing"(place) {
    const store = await place.open();
    await store.write(put("x", 0));
    const row = { key: "x", revision: 1, value: '{"n":0,"rv":"1"}' };
    const check = async (write: Write, reason: WriteConflict["reason"], current: Row | undefined) => {
      const error = await conflict(store.write({ ...write, claims: [take("ip", "1", "x")] }));
      assert.deepEqual([error.reason, bare(error.current)], [reason, current]);
    };
    await check(put("x", 0), "exists", row);
    await check(put("x", 5), "changed", row);
    await check(remove("x", 5), "changed", row);
    await check(put("y", 5), "missing", undefined);
    await check(remove("y", 5), "missing", undefined);
    assert.equal(await store.revision(), 1);
    assert.equal((await store.claimed("ip")).size, 0);
    assert.equal((await readAll(store, 0)).length, 1);
  },

  async "write() deletes, tells the last state with the deletion's revision, and lets the key be made again"(place) {
    const store = await place.open();
    await store.write(put("x", 0, { n: 1 }));
    assert.equal(await store.write({ ...remove("x", 1), value: { head: '{"last":"', tail: '"}' } }), 2);
    assert.equal(await store.get("things", "x"), undefined);
    assert.equal(await store.write(put("x", 0, { n: 2 })), 3);
    assert.deepEqual((await readAll(store, 1)).map(bare), [
      { type: "delete", resource: "things", key: "x", revision: 2, value: '{"last":"2"}' },
      { type: "put", resource: "things", key: "x", revision: 3, value: '{"n":2,"rv":"3"}' },
    ]);
  },

  async "write() refuses what has no meaning"(place) {
    const store = await place.open();
    const bad = [
      put("", 0),
      put("x", -1),
      put("x", 1.5),
      remove("x", 0),
      put("x", 0, { resource: "" }),
      put("x", 0, { claims: [add("q", "n", 0.5)] }),
      put("x", 0, { claims: [add("q", "n", 1, 0.5)] }),
    ];
    for (const write of bad) await assert.rejects(store.write(write), RangeError);
    assert.equal(await store.revision(), 0);
  },

  async "write() takes and releases names for their owner only"(place) {
    const store = await place.open();
    await store.write(put("a", 0, { claims: [take("ip", "10.0.0.1", "a"), take("port", "80", "a")] }));
    const error = await taken(
      store.write(put("b", 0, { claims: [take("ip", "2", "b"), take("ip", "10.0.0.1", "b")] })),
    );
    assert.deepEqual([error.holder, error.claim], ["a", take("ip", "10.0.0.1", "b")]);
    assert.equal(await store.get("things", "b"), undefined);
    assert.deepEqual(await store.claimed("ip"), new Map([["10.0.0.1", "a"]]));

    await store.write(put("a", 1, { claims: [take("ip", "10.0.0.1", "a"), release("ip", "10.0.0.1", "b")] }));
    assert.deepEqual(await store.claimed("ip"), new Map([["10.0.0.1", "a"]]));
    await store.write(remove("a", 2, { claims: [release("ip", "10.0.0.1", "a"), take("ip", "10.0.0.1", "c")] }));
    assert.deepEqual(await store.claimed("ip"), new Map([["10.0.0.1", "c"]]));
    assert.deepEqual(await store.claimed("port"), new Map([["80", "a"]]));
  },

  async "write() counts, never above the limit, and forgets what is 0"(place) {
    const store = await place.open();
    const count = async (key: string, ...claims: Claim[]) => await store.write(put(key, 0, { claims }));
    await count("1", add("quota", "pods", 2, 3), add("quota", "cpu", 900_000_000_000_000));
    assert.equal((await taken(count("2", add("quota", "pods", 2, 3)))).holder, "2");
    await count("3", add("quota", "pods", 1, 3));
    assert.deepEqual(await store.claimed("quota"), new Map([["pods", "3"], ["cpu", "900000000000000"]]));
    // Twice in one write: the second sees the first.
    assert.equal((await taken(count("4", add("quota", "new", 1, 1), add("quota", "new", 1, 1)))).holder, "1");
    // A limit that was lowered does not keep anything from being given back.
    await count("5", add("quota", "pods", -2, 0));
    await count("6", add("quota", "pods", -1));
    assert.deepEqual(await store.claimed("quota"), new Map([["cpu", "900000000000000"]]));
    assert.equal((await taken(count("7", add("quota", "cpu", Number.MAX_SAFE_INTEGER)))).holder, "900000000000000");
  },

  async "write() lets exactly one of many claimants have a name"(place) {
    const stores = [await place.open(), await place.open()];
    const owners = Array.from({ length: 40 }, (_, i) => `o${i}`);
    const results = await Promise.allSettled(
      owners.map((owner, i) =>
        stores[i % 2]!.write(put(owner, 0, { claims: [take("ip", "1", owner), add("q", "n", 1, 5)] }))
      ),
    );
    const winners = owners.filter((_, i) => results[i]!.status === "fulfilled");
    assert.equal(winners.length, 1);
    assert.deepEqual(await stores[0]!.claimed("ip"), new Map([["1", winners[0]!]]));
    assert.deepEqual(await stores[0]!.claimed("q"), new Map([["n", "1"]]));
  },

  async "write() and list() keep every text as it is"(place) {
    const store = await place.open();
    const texts = [
      "",
      "\u0000\u0001\u001f\u007f\n\r\t",
      "é ü 漢字 🦕 \u2028\u2029\ufeff",
      "12",
      '"\\',
      "x".repeat(1_400_000),
    ];
    const keys = ["plain", "with space", "line\nend", "__proto__", "constructor", "ns/漢字", "12", "-0"];
    const written: Row[] = [];
    for (const key of keys) {
      const text = texts[written.length % texts.length]!;
      const revision = await store.write(put(key, 0, { value: { head: text, tail: text } }));
      written.push({ key, revision, value: text + revision + text });
    }
    assert.deepEqual(byKey((await store.list("things")).rows), byKey(written));
    for (const row of written) assert.deepEqual(bare(await store.get("things", row.key)), row);
    assert.deepEqual((await readAll(store, 0)).map(({ key, revision, value }) => ({ key, revision, value })), written);
    await store.write(
      put("c", 0, { claims: [take("odd\nspace", "__proto__", "漢字"), take("odd\nspace", "a b", "\u0000")] }),
    );
    assert.deepEqual(
      [...await store.claimed("odd\nspace")].sort(),
      [["__proto__", "漢字"], ["a b", "\u0000"]],
    );
  },

  async "changes() merges the histories in order, without holes, however it is cut"(place) {
    const store = await place.open();
    const order: History[] = ["main", "lease", "lease", "event", "main", "lease", "event", "event", "event", "main"];
    for (const [i, history] of order.entries()) await store.write(put(`k${i}`, 0, { history, resource: history }));
    for (const limit of [1, 2, 3, 100]) {
      for (const after of [0, 1, 4, 9, 10]) {
        const changes = await readAll(store, after, limit);
        assert.deepEqual(changes.map((c) => c.revision), order.map((_, i) => i + 1).filter((r) => r > after));
        assert.deepEqual(changes.map((c) => c.resource), order.slice(after));
      }
    }
  },

  async "changes() says so when a part is gone, and a flood of leases leaves the main history whole"(place) {
    const store = await place.open({ entriesMax: 50 });
    for (let i = 0; i < 40; i++) await store.write(put(`k${i}`, 0));
    for (let i = 0; i < 800; i += 40) {
      await Promise.all(Array.from({ length: 40 }, (_, j) => store.write(put(`l${i + j}`, 0, { history: "lease" }))));
    }
    assert.deepEqual(await store.changes(39, 10), { changes: [], compacted: true, revision: 840 });
    assert.equal((await readAll(store, 800)).length, 40);
    const { histories } = await store.stats();
    assert.equal(histories.main.entries, 40);
    assert.ok(histories.lease.entries < 400, `${histories.lease.entries} leases are kept`);
  },

  async "changes() calls a revision of the future compacted"(place) {
    const store = await place.open();
    await store.write(put("x", 0));
    assert.deepEqual(await store.changes(1, 10), { changes: [], compacted: false, revision: 1 });
    assert.equal((await store.changes(2, 10)).compacted, true);
  },

  async "concurrent writers lose, repeat and reorder nothing"(place) {
    const stores = [await place.open(), await place.open()];
    const increments = 60;
    const done: Revision[] = [];
    const increment = async (store: Store, key: string) => {
      for (;;) {
        const row = await store.get("things", key);
        const n = row === undefined ? 0 : JSON.parse(row.value).n;
        try {
          done.push(await store.write(put(key, row?.revision ?? 0, { n: n + 1 })));
          return;
        } catch (error) {
          if (!(error instanceof WriteConflict)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: increments }, (_, i) => increment(stores[i % 2]!, `k${i % 3}`)));
    const { rows, revision } = await stores[0]!.list("things");
    assert.deepEqual(rows.map((row) => JSON.parse(row.value).n), [increments / 3, increments / 3, increments / 3]);
    const changes = await readAll(stores[1]!, 0, 7);
    assert.equal(revision, increments);
    assert.deepEqual(changes.map((c) => c.revision), done.toSorted((a, b) => a - b));
    assert.deepEqual(byKey(replay(changes).values()), byKey(rows));
  },

  async "list() is one snapshot while others write"(place) {
    const [writer, reader] = [await place.open(), await place.open()];
    const lists: { revision: Revision; rows: Row[] }[] = [];
    const write = async (key: string) => {
      for (let i = 0; i < 15; i++) {
        const revision = await writer.write(put(key, 0));
        await writer.write(remove(key, revision));
      }
    };
    const writers = Promise.all(["a", "b", "c", "d"].map(write)).then(() => true);
    while (!await Promise.race([writers, reader.list("things").then((list) => void lists.push(list))]));
    const changes = await readAll(reader, 0);
    for (const { revision, rows } of lists) {
      assert.deepEqual(byKey(rows), byKey(replay(changes, revision).values()), `at revision ${revision}`);
    }
    assert.ok(lists.length > 1);
  },

  async "revision() is never older than a write that was answered before"(place) {
    const [writer, reader] = [await place.open(), await place.open()];
    for (let i = 0; i < 20; i++) {
      const underWay = reader.revision();
      const written = await writer.write(put(`k${i}`, 0));
      const asked = await Promise.all([reader.revision(), reader.revision()]);
      assert.deepEqual(asked, [written, written]);
      assert.ok(await underWay <= written);
    }
  },

  async "onWritten() tells an own write as changes() does, with the object that came with it, and nothing of what others write"(
    place,
  ) {
    const [store, other] = [await place.open(), await place.open()];
    await store.changes(0, 10);
    const told: Change[] = [];
    const stop = store.onWritten((change) => told.push(change) > 0);
    const object = {};
    const parsed = (revision: Revision) => Object.assign(object, { revision });
    const first = await store.write({ ...put("a", 0), parsed });
    await other.write(put("b", 0));
    await store.write({ ...put("a", first), type: "delete" });
    stop();
    await store.write(put("c", 0));
    assert.deepEqual(told.map(({ revision }) => revision), [1, 3]);
    assert.equal(told[0]!.parsed, object);
    assert.deepEqual(object, { revision: 1 });
    const { changes } = await store.changes(0, 10);
    const text = ({ type, key, resource, revision, value }: Change) => ({ type, key, resource, revision, value });
    assert.deepEqual(told.map(text), [changes[0]!, changes[2]!].map(text));
    assert.deepEqual(
      told.map(({ seal }) => seal?.current),
      [changes[0]!, changes[2]!].map(({ seal }) => seal?.current),
    );
  },
  async "onWake() calls after another's write, until it is told to stop"(place) {
    const [writer, reader] = [await place.open(), await place.open()];
    let wakes = 0;
    let woken = Promise.withResolvers<void>();
    const stop = reader.onWake(() => {
      wakes++;
      woken.resolve();
    });
    for (let i = 0; i < 3; i++) {
      await writer.write(put(`k${i}`, 0));
      // A wake-up may come early, for something before: what counts is that one comes once the write is there.
      while ((await reader.changes(i, 10)).changes.length === 0) {
        await woken.promise;
        woken = Promise.withResolvers<void>();
      }
    }
    assert.ok(wakes > 0);
    stop();
    const before = wakes;
    await writer.write(put("last", 0));
    await reader.revision();
    assert.equal(wakes, before);
  },

  async "the epoch is the same for everybody"(place) {
    const [one, other] = [await place.open(), await place.open()];
    assert.match(one.epoch, /^[0-9a-f-]{36}$/);
    assert.equal(one.epoch, other.epoch);
    await one.ping();
  },

  async "stats() counts what is there"(place) {
    const store = await place.open();
    await store.write(put("x", 0));
    await store.write(put("y", 0));
    await store.write(put("z", 0, { resource: "others" }));
    await store.write(remove("z", 3, { resource: "others" }));
    await store.write(put("l", 0, { resource: "leases", history: "lease" }));
    const { bytes, histories, keys } = await store.stats();
    assert.deepEqual(new Map([...keys].sort()), new Map([["leases", 1], ["things", 2]]));
    assert.deepEqual([histories.main.entries, histories.lease.entries, histories.event.entries], [4, 1, 0]);
    assert.ok(bytes > 0 && histories.main.bytes > histories.event.bytes);
  },

  async "close() ends everything, and what comes after is refused"(place) {
    const store = await place.open();
    await store.close();
    await assert.rejects(store.write(put("x", 0)), StoreUnavailable);
    await assert.rejects(store.revision(), StoreUnavailable);
    await store.close();
  },
};

const take = (space: string, name: string, owner: string): Claim => ({ do: "take", space, name, owner });
const release = (space: string, name: string, owner: string): Claim => ({ do: "release", space, name, owner });
const add = (space: string, name: string, amount: number, max?: number): Claim => ({
  do: "add",
  space,
  name,
  amount,
  max,
});
