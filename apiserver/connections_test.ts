/** What a real TLS server does with connections that nobody reads, and with those that are open when it stops. */
import assert from "assert";
import { FakeClock } from "../lib/seams/clock.ts";
import { ConfigMap, Namespace } from "../lib/types/kinds.ts";
import { createSecured, type Secured } from "../tests/harness/secured.ts";
import { heard, say, serveTls, type TlsServer } from "../tests/harness/tls_server.ts";
import { Connections } from "./connections.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer admin-token\r\n\r\n`;

async function scene(
  run: (s: Secured & { server: TlsServer; looks: FakeClock; stopping: AbortController }) => Promise<void>,
): Promise<void> {
  const stopping = new AbortController();
  const s = await createSecured({ parts: { stopping: stopping.signal } });
  const looks = new FakeClock();
  const server = await serveTls(s, { clock: looks });
  let closed = false;
  const close = server.close;
  server.close = async () => {
    if (!closed) await close();
    closed = true;
  };
  try {
    await run({ ...s, server, looks, stopping });
  } finally {
    await server.close();
    await s.close();
  }
}

/** About 14 MB: more than the kernel takes for a client that reads nothing. */
async function fill(s: Secured): Promise<void> {
  const big = "x".repeat(900_000);
  for (let i = 0; i < 16; i++) {
    await s.admin.create(ConfigMap, { metadata: { name: `big-${i}`, namespace: "default" }, data: { big } });
  }
  await s.fixture.cache.fresh();
}

Deno.test("who reads nothing of its answer is cut off, and others are served meanwhile", async () => {
  await scene(async (s) => {
    await fill(s);
    const stalled = [await s.server.connect(), await s.server.connect()];
    await say(stalled[0]!, head(maps));
    await say(stalled[1]!, head(`${maps}?watch=true`));
    const idle = await s.server.connect();
    for (let i = 0; i < 12; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await s.looks.advance(10_000);
      assert.equal((await s.server.ask("GET", `${maps}/big-1`)).status, 200, "others are served");
    }
    for (const connection of stalled) {
      const text = await heard(connection);
      assert.ok(text.length < 10_000_000, `${text.length} of 14 MB had been sent`);
      connection.close();
    }
    await say(idle, head("/version"));
    assert.match(await heard(idle, "\r\n\r\n"), /^HTTP\/1.1 200/, "who was sent nothing had nothing to read");
    idle.close();
  });
});

Deno.test("Connections.look() leaves alone who reads, however slowly, and who may stand still", () => {
  const clock = new FakeClock();
  const connections = new Connections(clock);
  const fake = (written: number, waiting: number) => {
    const socket = {
      bytesWritten: written,
      writableLength: waiting,
      destroyed: false,
      on: () => socket,
      destroy() {
        this.destroyed = true;
      },
    };
    connections.add(socket as never);
    return socket;
  };
  const [stalled, slow, logs, done] = [fake(1000, 500), fake(1000, 500), fake(1000, 500), fake(1000, 0)];
  const end = connections.bePatient(logs as never);
  const pass = (times: number) => {
    for (let i = 0; i < times; i++) {
      void clock.advance(10_000);
      slow.bytesWritten += 10;
      // What is added to what nobody reads is no sign of life.
      stalled.bytesWritten += 10;
      stalled.writableLength += 10;
      connections.look();
    }
  };
  pass(6);
  assert.deepEqual([stalled, slow, logs, done].map(({ destroyed }) => destroyed), [true, false, false, false]);
  end();
  pass(6);
  assert.equal(logs.destroyed, true);
});

Deno.test("a server that stops ends watches in good order, finishes what is in work, and begins nothing new", async () => {
  await scene(async (s) => {
    const watching = await s.server.connect();
    const told = heard(watching);
    await say(watching, head(`/api/v1/namespaces?watch=true&allowWatchBookmarks=true`));
    const kept = await s.server.connect();
    await say(kept, head("/api/v1/namespaces/default"));
    assert.match(await heard(kept, "}"), /^HTTP\/1.1 200/);
    const body = JSON.stringify({ metadata: { name: "late" } });
    const writing = await s.server.connect();
    await say(
      writing,
      `POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admin-token\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    while (s.fixture.cache.resource("namespaces").watchers < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    await s.admin.create(Namespace, { metadata: { name: "last" }, spec: {} });
    await s.fixture.cache.fresh();
    const inWork = () => [...s.flow.levels].reduce((sum, { work }) => sum + work.executing, 0);
    while (inWork() < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    s.stopping.abort();
    const closed = s.server.close();
    await say(writing, body.slice(5));
    const events = await told;
    assert.match(events, /"name":"last"/);
    assert.match(events, /"type":"BOOKMARK"[^\n]*\n\r\n0\r\n\r\n$/, "the last chunk is there");
    assert.match(await heard(writing), /^HTTP\/1.1 201 /, "it had begun");
    assert.equal(await heard(kept), "", "an idle connection is closed");
    [watching, kept, writing].forEach((connection) => connection.close());
    await closed;
    await assert.rejects(s.server.ask("GET", "/version"), "nobody listens");
  });
});

Deno.test("requests to a server that is stopping are told to come again, those for its health are answered", async () => {
  await scene(async (s) => {
    s.stopping.abort();
    const refused = await s.server.ask("GET", "/api/v1/namespaces");
    assert.equal(refused.status, 503);
    assert.equal(refused.headers["retry-after"], "1");
    assert.equal(refused.headers.connection, "close");
    assert.equal(JSON.parse(refused.body).message, "apiserver is shutting down.");
    assert.equal((await s.server.ask("GET", "/livez")).status, 200);
  });
});
