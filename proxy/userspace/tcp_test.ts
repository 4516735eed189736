import assert from "assert";
import { userspaceAcceptPauseMs, userspaceConnectionsMax } from "../../lib/limits.ts";
import { FakeClock, systemClock } from "../../lib/seams/clock.ts";
import type { Backend, PortEntry } from "../model.ts";
import { services } from "../testing/world.ts";
import { Balancer } from "./balance.ts";
import { Forwarding, Load } from "./forwarding.ts";
import type { Place, Socket } from "./sockets.ts";
import { type Accepting, listenTcp, serveTcp } from "./tcp.ts";

const nowhere: Place = {
  clusterCidr: "10.244.0.0/16",
  dnsAddress: undefined,
  nodePortAddresses: [],
  own: new Set(),
  listens: () => true,
};
const web = services().find(({ key }) => key === "default/web")!.ports[0]!;

interface Front extends Disposable {
  port: number;
  load: Load;
  lead(...ports: number[]): void;
  stopListening(): Promise<void>;
}

/** A forwarder on loopback, in front of these ports of loopback. */
function front(...ports: number[]): Front {
  const backend = (port: number): Backend => ({ ip: "127.0.0.1", port, local: true });
  let to: PortEntry = { ...web, cluster: ports.map(backend) };
  const load = new Load();
  // Nobody else has a port that was free just now.
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = probe.addr.port;
  probe.close();
  const socket = (): Socket => ({ key: "k", protocol: "tcp", address: "127.0.0.1", port, way: "cluster", to });
  const forwarding = new Forwarding({
    clock: systemClock,
    load,
    balancer: new Balancer(),
    socket,
    place: () => nowhere,
  });
  const listener = listenTcp(socket(), forwarding);
  let closing: Promise<void> | undefined;
  const close = () => closing ??= listener.close();
  return {
    port,
    load,
    lead(...ports) {
      to = { ...to, cluster: ports.map(backend) };
      listener.changed();
    },
    stopListening: close,
    [Symbol.dispose]() {
      void close();
      for (const end of load.connections) end();
    },
  };
}

const dial = (port: number) => Deno.connect({ hostname: "127.0.0.1", port });
const listen = () => Deno.listen({ hostname: "127.0.0.1", port: 0 });

async function readAll(conn: Deno.Conn): Promise<string> {
  let text = "";
  for await (const part of conn.readable.pipeThrough(new TextDecoderStream())) text += part;
  return text;
}

const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "listenTcp() keeps a half-closed connection half open",
  ...options,
  async fn() {
    using server = listen();
    using through = front(server.addr.port);
    const client = await dial(through.port);
    const conn = await server.accept();
    await client.write(new TextEncoder().encode("all of it"));
    await client.closeWrite();
    // The answer begins when the question is known to be over.
    assert.equal(await readAll({ readable: conn.readable } as Deno.Conn), "all of it");
    const again = await dial(through.port);
    const other = await server.accept();
    await other.write(new TextEncoder().encode("first"));
    await other.closeWrite();
    assert.equal(new TextDecoder().decode(await read(again)), "first");
    assert.equal(await again.read(new Uint8Array(1)), null, "the server has said all");
    await again.write(new TextEncoder().encode("last"));
    assert.equal(new TextDecoder().decode(await read(other)), "last");
    again.close();
    other.close();
  },
});

async function read(conn: Deno.Conn): Promise<Uint8Array> {
  const buffer = new Uint8Array(1024);
  return buffer.subarray(0, await conn.read(buffer) ?? 0);
}

Deno.test({
  name: "listenTcp() reads no faster than the other side takes it, and loses nothing",
  ...options,
  async fn() {
    using server = listen();
    using through = front(server.addr.port);
    const client = await dial(through.port);
    const conn = await server.accept();
    const part = new Uint8Array(1 << 20).map((_, i) => i % 251);
    let sent = 0;
    const sending = (async () => {
      for (let i = 0; i < 64; i++) {
        for (let at = 0; at < part.length;) {
          const wrote = await client.write(part.subarray(at));
          at += wrote;
          sent += wrote;
        }
      }
      await client.closeWrite();
    })();
    // Until it stands still: what is on the way then is in the kernel's buffers and one of ours.
    for (let before = -1; before !== sent;) {
      before = sent;
      await new Promise((resolve) => systemClock.after(100, () => resolve(undefined)));
    }
    assert.ok(sent < 40 << 20, `${sent} bytes were taken from a client whose server reads nothing`);
    let got = 0;
    const buffer = new Uint8Array(1 << 16);
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      for (let i = 0; i < count; i += 4_099) assert.equal(buffer[i], ((got + i) % (1 << 20)) % 251);
      got += count;
    }
    await sending;
    assert.equal(got, 64 << 20);
    client.close();
    conn.close();
  },
});

Deno.test({
  name: "listenTcp() passes over an endpoint that takes no connection, and turns away when none does",
  ...options,
  async fn() {
    const gone = listen();
    const deaf = gone.addr.port;
    gone.close();
    using server = listen();
    using through = front(deaf, server.addr.port);
    for (let i = 0; i < 4; i++) {
      const client = await dial(through.port);
      (await server.accept()).close();
      client.close();
    }
    through.lead(deaf);
    const client = await dial(through.port);
    assert.equal(await client.read(new Uint8Array(1)), null);
    client.close();
  },
});

Deno.test({
  name: "listenTcp() leaves open connections alone when endpoints change and when it listens no more",
  ...options,
  async fn() {
    using one = listen();
    using two = listen();
    using through = front(one.addr.port);
    const client = await dial(through.port);
    const conn = await one.accept();
    through.lead(two.addr.port);
    const late = await dial(through.port);
    const other = await two.accept();
    await through.stopListening();
    await assert.rejects(dial(through.port), Deno.errors.ConnectionRefused);
    for (const [from, to] of [[client, conn], [late, other]] as const) {
      await from.write(new TextEncoder().encode("still here"));
      assert.equal(new TextDecoder().decode(await read(to)), "still here");
      from.close();
      assert.equal(await to.read(new Uint8Array(1)), null);
      to.close();
    }
  },
});

Deno.test({
  name: "listenTcp() turns away what is too much, and says how many",
  ...options,
  async fn() {
    using server = listen();
    using through = front(server.addr.port);
    for (let i = 0; i < userspaceConnectionsMax; i++) through.load.connections.add(() => {});
    const client = await dial(through.port);
    assert.equal(await client.read(new Uint8Array(1)), null);
    assert.equal(through.load.refused, 1);
    client.close();
  },
});

Deno.test("serveTcp() goes on after it could not take a connection", async () => {
  const clock = new FakeClock();
  let accepts = 0;
  const pending = Promise.withResolvers<Deno.TcpConn>();
  const listener: Accepting = {
    accept() {
      accepts++;
      return accepts < 3 ? Promise.reject(new Error("Too many open files (os error 24)")) : pending.promise;
    },
    close: () => pending.reject(new Deno.errors.BadResource("closed")),
  };
  const socket: Socket = { key: "k", protocol: "tcp", address: "127.0.0.1", port: 1, way: "cluster", to: web };
  const options = { clock, load: new Load(), balancer: new Balancer(), socket: () => socket, place: () => nowhere };
  const serving = serveTcp(listener, new Forwarding(options));
  await clock.advance(0);
  assert.equal(accepts, 1);
  await clock.advance(userspaceAcceptPauseMs);
  await clock.advance(userspaceAcceptPauseMs);
  assert.equal(accepts, 3);
  await serving.close();
  assert.equal(accepts, 3);
});
