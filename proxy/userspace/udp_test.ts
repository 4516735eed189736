import assert from "assert";
import dgram from "node:dgram";
import { userspaceFlowIdleMs, userspaceFlowsMax } from "../../lib/limits.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import type { Backend } from "../model.ts";
import { services } from "../testing/world.ts";
import { Balancer } from "./balance.ts";
import { Forwarding, Load } from "./forwarding.ts";
import type { Place, Socket } from "./sockets.ts";
import { listenUdp } from "./udp.ts";

const place: Place = {
  clusterCidr: "10.244.0.0/16",
  dnsAddress: undefined,
  nodePortAddresses: [],
  own: new Set(),
  listens: () => true,
};
const names = services().find(({ key }) => key === "default/names")!.ports[0]!;

async function bound(): Promise<dgram.Socket> {
  const socket = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", () => resolve()));
  return socket;
}

/** An endpoint that answers each datagram with its name. */
async function endpoint(name: string): Promise<dgram.Socket> {
  const socket = await bound();
  socket.on("message", (_message, from) => socket.send(name, from.port, from.address));
  return socket;
}

/** What comes back for a datagram to the port. */
function ask(client: dgram.Socket, port: number): Promise<string> {
  const answer = new Promise<string>((resolve) => client.once("message", (message) => resolve(message.toString())));
  client.send("?", port, "127.0.0.1");
  return answer;
}

const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "listenUdp() gives each client an endpoint of its own, until that goes or nothing was said for long",
  ...options,
  async fn() {
    const ends = [await endpoint("one"), await endpoint("two")];
    const clients = [await bound(), await bound()];
    const backends = ends.map((socket): Backend => ({ ip: "127.0.0.1", port: socket.address().port, local: true }));
    let to = { ...names, cluster: backends };
    const clock = new FakeClock();
    const load = new Load();
    const probe = await bound();
    const { port } = probe.address();
    await new Promise<void>((resolve) => probe.close(() => resolve()));
    const socket = (): Socket => ({ key: "k", protocol: "udp", address: "127.0.0.1", port, way: "cluster", to });
    const balancer = new Balancer();
    const listener = await listenUdp(socket(), new Forwarding({ clock, load, balancer, socket, place: () => place }));
    try {
      const answers = [await ask(clients[0]!, port), await ask(clients[1]!, port)];
      assert.deepEqual(answers, ["one", "two"]);
      assert.deepEqual([await ask(clients[0]!, port), await ask(clients[1]!, port)], answers);
      assert.equal(load.flows, 2);
      to = { ...to, cluster: [backends[1]!] };
      listener.changed();
      assert.equal(load.flows, 1);
      assert.equal(await ask(clients[0]!, port), "two");
      await clock.advance(userspaceFlowIdleMs - 1);
      assert.equal(await ask(clients[1]!, port), "two");
      await clock.advance(1);
      assert.equal(load.flows, 1, "the silent one is over");

      load.flows += userspaceFlowsMax - 1;
      assert.equal(await ask(clients[0]!, port), "two", "the oldest makes room");
      assert.equal(await ask(clients[1]!, port), "two");
      assert.deepEqual([load.flows, load.refused], [userspaceFlowsMax, 2]);
    } finally {
      await listener.close();
      for (const one of [...ends, ...clients]) one.close();
    }
    assert.equal(load.flows, userspaceFlowsMax - 1);
  },
});
