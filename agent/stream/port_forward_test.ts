import assert from "assert";
import { WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../lib/seams/clock.ts";
import { systemProcesses } from "../../lib/seams/process.ts";
import { createPodDialer, DialError } from "./pod_dialer.ts";
import { SpdyConnection } from "./spdy.ts";
import { readAll, spdyClient, startNode } from "./test_node.ts";
import { webSocketTransport } from "./transport.ts";

/** A server that sends back what it gets, in upper case; `stop` closes it. */
function echo(): { port: number; stop: () => Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      conns.push(
        (async () => {
          for await (const data of conn.readable) {
            await conn.write(new TextEncoder().encode(new TextDecoder().decode(data).toUpperCase()));
          }
        })().catch(() => {}),
      );
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async stop() {
      listener.close();
      await accepting;
      await Promise.all(conns);
    },
  };
}

/** A port that nothing listens on. */
function closedPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

type Open = (headers: Record<string, string>) => ReturnType<SpdyConnection["open"]>;

/** One connection through an open session: what comes back for `text`, and the error. */
async function through(open: Open, port: number, text: string, requestid: string): Promise<[string, string]> {
  const error = await open({ streamtype: "error", port: String(port), requestid });
  const data = await open({ streamtype: "data", port: String(port), requestid });
  await error.end();
  const reading = Promise.all([readAll(data.input), readAll(error.input)]);
  await data.write(new TextEncoder().encode(text));
  await data.end();
  return await reading;
}

Deno.test("port-forward over SPDY carries many connections, and says why one can't be", async () => {
  const [node, server] = [await startNode(), echo()];
  try {
    const client = await spdyClient(node.port, "/portForward/default/web", ["portforward.k8s.io"]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => through(client.open, server.port, `number ${i}`, String(i))),
    );
    assert.deepEqual(answers, answers.map((_, i) => [`NUMBER ${i}`, ""]));
    const [data, error] = await through(client.open, closedPort(), "x", "99");
    assert.equal(data, "");
    assert.match(error, /^error forwarding port \d+ to pod web_default, uid 1-2-3: .*refused/);
    const bad = await client.open({ streamtype: "data", port: "0", requestid: "100" });
    await bad.closed;
    client.close();
    await client.ended;
  } finally {
    await node.stop();
    await server.stop();
  }
});

Deno.test("port-forward over a WebSocket has SPDY inside", async () => {
  const [node, server] = [await startNode(), echo()];
  try {
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}/portForward/default/web`, {
      headers: { "sec-websocket-protocol": "SPDY/3.1+portforward.k8s.io" },
    });
    let protocol = "";
    socket.on(
      "upgrade",
      (response: { headers: Record<string, string> }) => protocol = response.headers["sec-websocket-protocol"]!,
    );
    // ws itself refuses a protocol that it has not asked for; kubectl's library does not.
    socket.on("error", () => {});
    await new Promise((resolve) => {
      socket.on("open", resolve);
      socket.on("close", resolve);
    });
    assert.equal(protocol, "SPDY/3.1+portforward.k8s.io");
  } finally {
    await node.stop();
    await server.stop();
  }
});

Deno.test("webSocketTransport() carries SPDY as messages", async () => {
  const wss = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => wss.on("listening", resolve));
  try {
    wss.on("connection", async (socket: WebSocket) => {
      const connection = new SpdyConnection(webSocketTransport(socket), async (stream) => {
        for await (const data of stream.input) await stream.write(data);
        await stream.end();
      });
      await connection.run();
    });
    const socket = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
    const client = new SpdyConnection(webSocketTransport(socket), () => {});
    await new Promise((resolve) => socket.on("open", resolve));
    const running = client.run();
    const stream = await client.open({ a: "b" });
    const reading = readAll(stream.input);
    await stream.write(new TextEncoder().encode("x".repeat(100_000)));
    await stream.end();
    assert.equal((await reading).length, 100_000);
    socket.close();
    await running;
  } finally {
    await new Promise((resolve) => wss.close(resolve));
  }
});

Deno.test("port-forward over the older WebSocket channels names its ports first", async () => {
  const [node, server] = [await startNode(), echo()];
  try {
    const bad = closedPort();
    const url = `ws://127.0.0.1:${node.port}/portForward/default/web?ports=${server.port},${bad}`;
    const socket = new WebSocket(url, ["v4.channel.k8s.io"]);
    const got: number[][] = [[], [], [], []];
    let heard!: () => void;
    const complete = new Promise<void>((resolve) => heard = resolve);
    socket.on("message", (message: Uint8Array) => {
      got[message[0]!]!.push(...message.subarray(1));
      if (got[0]!.length === 4 && got[3]!.length > 2) heard();
    });
    await new Promise((resolve) => socket.on("open", resolve));
    socket.send(new Uint8Array([0, 104, 105]));
    await complete;
    const le = (port: number) => [port & 255, port >> 8];
    assert.deepEqual(got[0], [...le(server.port), 72, 73]);
    assert.deepEqual([got[1], got[2]], [le(server.port), le(bad)]);
    assert.match(String.fromCharCode(...got[3]!.slice(2)), /^error forwarding port/);
    socket.close();
    await new Promise((resolve) => socket.on("close", resolve));
  } finally {
    await node.stop();
    await server.stop();
  }
});

const notRoot = Deno.uid() !== 0;

Deno.test({
  name: `createPodDialer() reaches what listens on a pod's loopback only${notRoot ? " (skipped: needs root)" : ""}`,
  ignore: notRoot,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "sp" });
    const script =
      "ip link set lo up && exec deno eval 'for await (const c of Deno.listen({hostname:\"127.0.0.1\",port:38271})) c.readable.pipeTo(c.writable)'";
    const pod = systemProcesses.spawn(["unshare", "--net", "sh", "-c", script]);
    const dialer = createPodDialer({ clock: systemClock, processes: systemProcesses, directory });
    const address = { pid: pod.pid, ip: "127.0.0.9", hostNetwork: false };
    try {
      let conn: Deno.Conn | undefined;
      for (let tries = 0; conn === undefined && tries < 50; tries++) {
        conn = await dialer.dial(address, 38271).catch(() =>
          new Promise((resolve) => setTimeout(() => resolve(undefined), 50))
        );
      }
      assert.ok(conn !== undefined, "no connection within 2.5 s");
      await conn.write(new TextEncoder().encode("through the namespace"));
      await conn.closeWrite();
      assert.equal(await readAll(conn.readable), "through the namespace");
      await assert.rejects(
        dialer.dial(address, 38272),
        (error) =>
          error instanceof DialError && /failed to connect to localhost:38272 inside namespace/.test(error.message),
      );
      await assert.rejects(dialer.dial({ ...address, pid: 2 ** 22 - 1 }, 80), DialError);
    } finally {
      await dialer.close();
      pod.kill("SIGKILL");
      await pod.ended;
      await Deno.remove(directory, { recursive: true });
    }
  },
});
