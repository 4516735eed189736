/** What must be refused on the wire, by a real TLS server, while others are served: bytes that are no HTTP, or that come too slowly, or never. */
import assert from "assert";
import { gzipSync } from "node:zlib";
import { ConfigMap } from "../lib/types/kinds.ts";
import { createSecured, type Secured } from "../tests/harness/secured.ts";
import { heard, say, serveTls, type TlsServer } from "../tests/harness/tls_server.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const quick = { handshakeMs: 300, headersMs: 300, requestMs: 600, lookMs: 50 };
const head = (start: string, ...lines: string[]) => [start, "Host: 127.0.0.1", ...lines, "", ""].join("\r\n");
const admin = "Authorization: Bearer admin-token";

async function scene(run: (s: Secured & { server: TlsServer; othersAreServed(): Promise<void> }) => Promise<void>) {
  const s = await createSecured();
  const server = await serveTls(s, { patience: quick });
  const othersAreServed = async () => {
    const { status } = await server.ask("GET", "/api/v1/namespaces");
    assert.equal(status, 200, "others are served");
  };
  try {
    await run({ ...s, server, othersAreServed });
    await othersAreServed();
  } finally {
    await server.close();
    await s.close();
  }
}

/** Says something on a connection of its own; all that comes back until it is closed, or says `until`. */
async function exchange(server: TlsServer, text: string, until?: string): Promise<string> {
  using connection = await server.connect();
  await say(connection, text);
  return await heard(connection, until);
}

Deno.test("requests that two readers would read in two ways are read by nobody", async () => {
  await scene(async ({ server, othersAreServed }) => {
    const hidden = head("GET /api/v1/secrets HTTP/1.1", admin);
    const smuggled: [string, string][] = [
      [
        "a length and chunks",
        head("POST /version HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n" + hidden,
      ],
      [
        "chunks and a length",
        head("POST /version HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n" + hidden,
      ],
      ["two lengths", head("POST /version HTTP/1.1", "Content-Length: 5", "Content-Length: 6") + "hello" + hidden],
      ["a length that is none", head("POST /version HTTP/1.1", "Content-Length: +5") + "hello"],
      ["a negative length", head("POST /version HTTP/1.1", "Content-Length: -1")],
      ["a coding that is not known", head("POST /version HTTP/1.1", "Transfer-Encoding: xchunked") + "0\r\n\r\n"],
      ["a space before the colon", head("POST /version HTTP/1.1", "Transfer-Encoding : chunked") + "0\r\n\r\n"],
      ["lines that end in another way", `GET /version HTTP/1.1\nHost: a\n${admin}\n\n`],
      ["a line that goes on", head("GET /version HTTP/1.1", "X: a\r\n b")],
      ["a zero byte", head("GET /version HTTP/1.1", "X: a\0b")],
      ["headers that are too long", head("GET /version HTTP/1.1", `X: ${"x".repeat(70_000)}`)],
      ["chunks of no size", head("POST /version HTTP/1.1", "Transfer-Encoding: chunked") + "zz\r\nhello\r\n0\r\n\r\n"],
      ["no HTTP", "\x16\x03\x01 not what you think\r\n\r\n"],
    ];
    for (const [what, text] of smuggled) {
      const answer = await exchange(server, text);
      assert.doesNotMatch(answer, /HTTP\/1\.1 2\d\d/, `${what}: ${answer.slice(0, 200)}`);
      assert.ok(answer.split("HTTP/1.1 ").length <= 2, `${what}: one answer at the most: ${answer.slice(0, 500)}`);
    }
    await othersAreServed();
  });
});

Deno.test("a path is what it says, however it is written on the wire", async () => {
  await scene(async ({ server }) => {
    const targets = [
      "/version/../api/v1/secrets",
      "/version/%2e%2e/api/v1/secrets",
      "/healthz/..;/api/v1/secrets",
      "//api/v1/secrets",
      "/api/v1/secrets%00",
      "/api/v1/secrets%0d%0aX:%20y",
      "/./api/v1/secrets",
      "https://127.0.0.1/api/v1/secrets",
      "/version\\..\\api\\v1\\secrets",
      "/livez#/../api/v1/secrets",
    ];
    for (const target of targets) {
      const answer = await exchange(server, head(`GET ${target} HTTP/1.1`, "Connection: close"));
      assert.doesNotMatch(answer, /"items"|SecretList/, target);
      assert.match(answer, /^(HTTP\/1\.1 (200|400|403|404) |$)/, `${target}: ${answer.slice(0, 100)}`);
    }
  });
});

Deno.test("who dribbles its request, or says nothing at all, is cut off", async () => {
  await scene(async ({ server, othersAreServed }) => {
    const dribble = async (first: string, drop: string) => {
      using connection = await server.connect();
      const over = heard(connection);
      let ended = false;
      void over.then(() => ended = true);
      await say(connection, first);
      for (let i = 0; i < 200 && !ended; i++) {
        await new Promise((resolve) => setTimeout(resolve, 25));
        await say(connection, drop).catch(() => {}); // cut off in the middle of a write: what was to be shown
      }
      assert.equal(ended, true, `${first} was listened to for too long`);
      assert.doesNotMatch(await over, /HTTP\/1\.1 2/);
    };
    const silent = async () => {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      assert.equal(await connection.read(new Uint8Array(10)).catch(() => null), null, "no handshake, no connection");
    };
    await Promise.all([
      dribble("GET /version HTTP/1.1\r\nHost: a\r\n", "X-A: b\r\n"),
      dribble("GET /ver", ""),
      dribble("", ""),
      dribble(head(`POST ${maps} HTTP/1.1`, admin, "Content-Type: application/json", "Content-Length: 100000"), "{"),
      dribble(
        head(`POST ${maps} HTTP/1.1`, admin, "Content-Type: application/json", "Transfer-Encoding: chunked"),
        "1\r\n{\r\n",
      ),
      silent(),
      othersAreServed(),
    ]);
  });
});

Deno.test("bodies that are small and would become large stay small", async () => {
  await scene(async ({ server, othersAreServed }) => {
    const laughs = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
    for (let i = 1; i < 12; i++) {
      const [before, now] = [String.fromCharCode(96 + i), String.fromCharCode(97 + i)];
      laughs.push(`${now}: &${now} [${Array(10).fill(`*${before}`).join(",")}]`);
    }
    const yaml = { "content-type": "application/yaml" };
    const apply = { "content-type": "application/apply-patch+yaml" };
    const zeros = new Uint8Array(64 * 2 ** 20);
    const bomb = gzipSync(zeros);
    assert.ok(bomb.length < 100_000);
    const attempts: [string, string, string | Uint8Array, Record<string, string>, number[]][] = [
      ["POST", maps, laughs.join("\n"), yaml, [400]],
      ["PATCH", `${maps}/a?fieldManager=x`, laughs.join("\n"), apply, [400]],
      ["POST", maps, "a: " + "[".repeat(100_000), yaml, [400]],
      ["POST", maps, '{"a":'.repeat(100_000), {}, [400]],
      ["POST", maps, `{"metadata":{"name":"a"},"data":{"k":${"[".repeat(50_000)}${"]".repeat(50_000)}}}`, {}, [400]],
      ["POST", maps, bomb, { "content-encoding": "gzip" }, [415]],
      ["POST", maps, bomb, { "content-encoding": "deflate, gzip" }, [415]],
      ["POST", maps, bomb, { "content-type": "application/vnd.kubernetes.protobuf" }, [400]],
      ["POST", maps, bomb, { "content-type": "application/gzip" }, [415]],
    ];
    for (const [method, path, body, headers, expected] of attempts) {
      const begun = performance.now();
      const { status, body: text } = await server.ask(method, path, { body, headers });
      assert.ok(expected.includes(status), `${method} ${JSON.stringify(headers)}: ${status} ${text.slice(0, 200)}`);
      assert.ok(performance.now() - begun < 5000, "and soon");
      assert.ok(text.length < 10_000, "the refusal does not repeat it all");
    }
    const declared = head(`POST ${maps} HTTP/1.1`, admin, "Content-Type: application/json", "Content-Length: 4194304");
    assert.match(await exchange(server, declared, "\r\n\r\n"), /^HTTP\/1\.1 413 /, "and what is large is not read");
    await othersAreServed();
  });
});

Deno.test("ten thousand TLS connections that say nothing cost others nothing", async () => {
  await scene(async (s) => {
    const connections: Deno.TlsConn[] = [];
    try {
      for (let i = 0; i < 10_000; i += 100) {
        const some = await Promise.all(Array.from({ length: 100 }, () => s.server.connect()));
        await Promise.all(some.map((connection) => connection.handshake()));
        connections.push(...some);
        if (i % 2500 === 0) await s.othersAreServed();
      }
      await s.othersAreServed();
    } finally {
      for (const connection of connections) connection.close();
    }
  });
});

Deno.test("a client with a hundred watches that it never reads is cut off, and who reads misses nothing", async () => {
  await scene(async (s) => {
    const watch = head(`GET ${maps}?watch=true HTTP/1.1`, admin);
    const deaf = await Promise.all(Array.from({ length: 100 }, () => s.server.connect()));
    const good = await s.server.connect();
    for (const connection of [...deaf, good]) await say(connection, watch);
    const watchers = () => s.fixture.cache.resource("configmaps").watchers;
    while (watchers() < 101) await new Promise((resolve) => setTimeout(resolve, 5));
    const big = "x".repeat(900_000);
    for (let i = 0; i < 14; i++) {
      const name = `m-${i}`;
      await s.admin.create(ConfigMap, { metadata: { name, namespace: "default" }, data: { big } });
      assert.ok((await heard(good, `"name":"${name}"`)).includes(name), `event ${i}`);
    }
    while (watchers() > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const connection of [...deaf, good]) connection.close();
  });
});
