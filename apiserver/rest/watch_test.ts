import assert from "assert";
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { watchBufferBytesMax } from "../../lib/limits.ts";
import { createFixture, type Fixture } from "../../tests/harness/rest.ts";

const configMaps = "/api/v1/namespaces/d/configmaps";
const merge = { "content-type": "application/merge-patch+json" };

interface Event {
  type: string;
  // deno-lint-ignore no-explicit-any -- whatever was sent
  object: any;
}

/** Reads events one by one. */
class Reader {
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = "";
  #decoder = new TextDecoder();

  constructor(readonly response: Response) {
    this.#reader = response.body!.getReader();
  }

  /** undefined at the end. */
  async next(): Promise<Event | undefined> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return JSON.parse(line);
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#rest += this.#decoder.decode(value, { stream: true });
    }
  }

  async take(count: number): Promise<string[]> {
    const events: string[] = [];
    for (let i = 0; i < count; i++) events.push(short(await this.next()));
    return events;
  }

  async rest(): Promise<string[]> {
    const events: string[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) events.push(short(event));
    return events;
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}

/** `ADDED a@1` */
function short(event: Event | undefined): string {
  if (event === undefined) return "end";
  if (event.type === "ERROR") return `ERROR ${event.object.reason}`;
  const { name = "", resourceVersion } = event.object.metadata;
  return `${event.type} ${name}@${resourceVersion}`;
}

async function watching(f: Fixture, query: string, headers?: Record<string, string>): Promise<Reader> {
  const response = await f.raw("GET", `${configMaps}?watch=true&${query}`, undefined, { headers });
  assert.equal(response.status, 200, query);
  return new Reader(response);
}

async function withTwo(): Promise<Fixture> {
  const f = await createFixture();
  await f.send("POST", configMaps, { metadata: { name: "a", labels: { team: "x" } } });
  await f.send("POST", configMaps, { metadata: { name: "b", labels: { team: "y" } } });
  return f;
}

Deno.test("watch() begins where it is told to", async () => {
  const initial = "resourceVersionMatch=NotOlderThan&sendInitialEvents=true";
  const table: [string, string[]][] = [
    ["", ["ADDED a@1", "ADDED b@2", "ADDED c@3"]],
    ["resourceVersion=0", ["ADDED a@1", "ADDED b@2", "ADDED c@3"]],
    ["resourceVersion=1", ["ADDED b@2", "ADDED c@3"]],
    ["resourceVersion=2", ["ADDED c@3"]],
    [`${initial}&allowWatchBookmarks=true`, ["ADDED a@1", "ADDED b@2", "BOOKMARK @2", "ADDED c@3"]],
    [`${initial}&allowWatchBookmarks=true&resourceVersion=1`, ["ADDED a@1", "ADDED b@2", "BOOKMARK @2", "ADDED c@3"]],
    [initial, ["ADDED a@1", "ADDED b@2", "ADDED c@3"]],
    ["resourceVersionMatch=NotOlderThan&sendInitialEvents=false", ["ADDED c@3"]],
    ["resourceVersionMatch=NotOlderThan&sendInitialEvents=false&resourceVersion=1", ["ADDED b@2", "ADDED c@3"]],
    ["fieldSelector=metadata.name%3Dc", ["ADDED c@3"]],
  ];
  for (const [query, want] of table) {
    const f = await withTwo();
    const reader = await watching(f, query);
    await f.send("POST", configMaps, { metadata: { name: "c" } });
    assert.deepEqual(await reader.take(want.length), want, query);
    await reader.close();
    await f.close();
  }
});

Deno.test("the bookmark that ends the initial events is marked so, and is the only one", async () => {
  const f = await withTwo();
  const reader = await watching(
    f,
    "resourceVersionMatch=NotOlderThan&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=10",
  );
  await reader.take(2);
  const bookmark = await reader.next();
  assert.deepEqual([bookmark!.type, bookmark!.object], ["BOOKMARK", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { resourceVersion: "2", creationTimestamp: null, annotations: { "k8s.io/initial-events-end": "true" } },
  }]);
  await f.clock.advance(10_000);
  const last = await reader.next();
  assert.deepEqual([last!.type, last!.object.metadata.annotations], ["BOOKMARK", undefined]);
  assert.equal(await reader.next(), undefined);
  await f.close();
});

Deno.test("watch() refuses options that contradict each other", async () => {
  const f = await withTwo();
  const table: [string, number, string][] = [
    ["sendInitialEvents=true", 422, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"],
    [
      "resourceVersionMatch=NotOlderThan",
      422,
      "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    ],
    [
      "resourceVersionMatch=Exact&sendInitialEvents=true",
      422,
      'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"',
    ],
    ["resourceVersion=x", 400, "invalid syntax"],
    ["fieldSelector=a%3Db", 400, '"a" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    [
      "resourceVersion=99&resourceVersionMatch=NotOlderThan&sendInitialEvents=true",
      504,
      "Too large resource version: 99, current: 2",
    ],
  ];
  for (const [query, status, message] of table) {
    const answer = await f.send("GET", `${configMaps}?watch=1&${query}`);
    assert.equal(answer.status, status, answer.text);
    assert.ok(answer.body.message.includes(message), answer.body.message);
  }
  const yaml = await f.send("GET", `${configMaps}?watch=1`, undefined, { accept: "application/yaml" });
  assert.equal(yaml.status, 406);
  await f.close();
});

Deno.test("a watch with a selector tells of what begins and what ceases to match", async () => {
  const f = await withTwo();
  const reader = await watching(f, "labelSelector=team%3Dx&resourceVersion=2");
  const label = (name: string, team: string) =>
    f.send("PATCH", `${configMaps}/${name}`, { metadata: { labels: { team } } }, merge);
  await label("b", "x"); // 3: begins
  await f.send("PATCH", `${configMaps}/b`, { data: { k: "v" } }, merge); // 4
  await label("b", "z"); // 5: ceases
  await label("b", "q"); // 6: not this watcher's business
  await f.send("DELETE", `${configMaps}/b`); // 7: neither
  await f.send("DELETE", `${configMaps}/a`); // 8
  const events = [await reader.next(), await reader.next(), await reader.next(), await reader.next()];
  assert.deepEqual(events.map(short), ["ADDED b@3", "MODIFIED b@4", "DELETED b@5", "DELETED a@8"]);
  assert.equal(events[2]!.object.metadata.labels.team, "x", "as it last matched");
  assert.deepEqual(events[2]!.object.data, { k: "v" });
  assert.equal(events[3]!.object.metadata.labels.team, "x");
  await reader.close();
  await f.close();
});

Deno.test("bookmarks come only when asked for, and never before what they speak of", async () => {
  const f = await withTwo();
  const plain = await watching(f, "timeoutSeconds=200&resourceVersion=2");
  const asked = await watching(
    f,
    "timeoutSeconds=200&resourceVersion=2&allowWatchBookmarks=true&fieldSelector=metadata.name%3Da",
  );
  await f.send("POST", configMaps, { metadata: { name: "c" } });
  await f.cache.fresh();
  await f.clock.advance(200_000);
  assert.deepEqual(await plain.rest(), ["ADDED c@3"]);
  const bookmarks = await asked.rest();
  assert.ok(bookmarks.length >= 3 && bookmarks.length <= 5, bookmarks.join());
  assert.deepEqual([...new Set(bookmarks)], ["BOOKMARK @3"]);
  await f.close();
});

Deno.test("a watch without a timeout ends by itself, after thirty minutes to an hour", async () => {
  const f = await withTwo();
  const reader = await watching(f, "resourceVersion=2");
  let ended = false;
  const rest = reader.rest().then(() => ended = true);
  await f.clock.advance(29 * 60_000);
  assert.equal(ended, false);
  await f.clock.advance(31 * 60_000);
  await rest;
  assert.equal(ended, true);
  await f.close();
});

Deno.test("a watch whose history is gone gets one ERROR with a 410, and ends", async () => {
  const f = await createFixture({ window: { eventsMax: 4, eventsMin: 1 } });
  for (let i = 0; i < 12; i++) await f.send("POST", configMaps, { metadata: { name: `m${i}` } });
  await f.cache.fresh();
  for (const query of ["resourceVersion=2", "resourceVersion=9999"]) {
    const response = await f.raw("GET", `${configMaps}?watch=1&${query}`);
    assert.equal(response.status, 200);
    const reader = new Reader(response);
    const event = await reader.next();
    assert.deepEqual([event!.type, event!.object.code, event!.object.reason], ["ERROR", 410, "Expired"]);
    assert.equal(await reader.next(), undefined);
  }
  await f.close();
});

Deno.test("table watches name their columns once, and carry rows", async () => {
  const f = await withTwo();
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  const reader = await watching(f, "", { accept });
  const first = (await reader.next())!;
  assert.deepEqual([first.object.kind, first.object.rows[0].cells[0]], ["Table", "a"]);
  assert.equal(first.object.columnDefinitions[0].name, "Name");
  const second = (await reader.next())!;
  assert.deepEqual([second.object.columnDefinitions, second.object.rows[0].cells[0]], [null, "b"]);
  await f.send("DELETE", `${configMaps}/a`);
  const third = (await reader.next())!;
  assert.deepEqual([third.type, third.object.rows[0].object.metadata.resourceVersion], ["DELETED", "3"]);
  await reader.close();
  await f.close();
});

Deno.test("a reader that never reads is cut off and delays nobody", async () => {
  const f = await createFixture();
  const idle = await f.raw("GET", `${configMaps}?watch=1&resourceVersion=0`);
  const reader = await watching(f, "resourceVersion=0");
  const x = "x".repeat(500_000);
  const count = Math.ceil(watchBufferBytesMax / 500_000) + 4;
  for (let i = 0; i < count; i++) {
    await f.send("POST", configMaps, { metadata: { name: `m${i}` }, data: { x } });
    assert.equal(short(await reader.next()), `ADDED m${i}@${i + 1}`);
  }
  await assert.rejects(async () => await idle.text(), /was cut off/);
  await reader.close();
  await f.close();
});

/** As much of a connection as a watch uses. */
class FakeConnection extends EventEmitter {
  head: unknown[] = [];
  written: Uint8Array[] = [];
  writableLength = 0;
  writableNeedDrain = false;
  ended = false;
  writeHead(...head: unknown[]) {
    this.head = head;
  }
  flushHeaders() {}
  write(bytes: Uint8Array) {
    this.written.push(bytes);
  }
  end() {
    this.ended = true;
    this.emit("close");
  }
  destroy() {
    this.emit("close");
  }
  get text() {
    return this.written.map((bytes) => new TextDecoder().decode(bytes)).join("");
  }
}

Deno.test("watchers on connections are written the same bytes, encoded once", async () => {
  const f = await withTwo();
  const connections = [new FakeConnection(), new FakeConnection()];
  for (const connection of connections) {
    const context = { outgoing: connection as unknown as ServerResponse, headers: { "audit-id": "1" } };
    const response = await f.raw("GET", `${configMaps}?watch=1&resourceVersion=2`, undefined, { context });
    assert.equal(response.headers.get("x-hono-already-sent"), "true");
    assert.equal(connection.head[0], 200);
    assert.equal((connection.head[1] as Record<string, string>)["audit-id"], "1");
  }
  await f.send("POST", configMaps, { metadata: { name: "c" } });
  await f.cache.fresh();
  const [one, two] = connections as [FakeConnection, FakeConnection];
  assert.match(one.text, /^\{"type":"ADDED","object":\{.*"name":"c".*\}\}\n$/);
  assert.equal(one.written[0], two.written[0], "the very same bytes");
  one.emit("close");
  await f.send("DELETE", `${configMaps}/c`);
  await f.cache.fresh();
  assert.deepEqual([one.written.length, two.written.length], [1, 2]);
  await f.close();
});

Deno.test("a watch ends when its client is gone", async () => {
  const f = await withTwo();
  const gone = new AbortController();
  const context = { signal: gone.signal };
  const response = await f.raw("GET", `${configMaps}?watch=1&resourceVersion=2`, undefined, { context });
  gone.abort();
  assert.equal(await response.text(), "");
  await f.close();
});

Deno.test("watches in protobuf are framed with their length", async () => {
  const f = await withTwo();
  const accept = "application/vnd.kubernetes.protobuf;stream=watch";
  const response = await f.raw("GET", `${configMaps}?watch=1&timeoutSeconds=5`, undefined, { headers: { accept } });
  assert.equal(response.headers.get("content-type"), "application/vnd.kubernetes.protobuf;stream=watch");
  await f.clock.advance(5_000);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const view = new DataView(bytes.buffer);
  let frames = 0;
  for (let at = 0; at < bytes.length; at += 4 + view.getUint32(at)) frames++;
  assert.equal(frames, 2);
  await f.close();
});
