/** Forwards UDP datagrams in this process: each client has a socket of its own to its endpoint, for as long as something is said. */
import dgram from "node:dgram";
import { getLogger } from "log";
import { userspaceFlowIdleMs, userspaceFlowsMax } from "../../lib/limits.ts";
import type { Backend } from "../model.ts";
import { externalBackends } from "./balance.ts";
import type { Forwarding, Listener } from "./tcp.ts";

const logger = getLogger(["sauropod", "proxy", "userspace"]);

interface Flow {
  backend: Backend;
  socket: dgram.Socket;
  cancel(): void;
}

/** Rejects when the port can't be had. */
export async function listenUdp(port: number, forwarding: Forwarding): Promise<Listener> {
  const flows = new Map<string, Flow>();
  const server = dgram.createSocket("udp4");
  const end = (client: string) => {
    const flow = flows.get(client);
    if (flow === undefined) return;
    flows.delete(client);
    flow.cancel();
    flow.socket.close();
  };
  const keep = (client: string, flow: Flow) => {
    flow.cancel();
    flow.cancel = forwarding.clock.after(userspaceFlowIdleMs, () => end(client));
  };
  const begin = (client: string, from: dgram.RemoteInfo): Flow | undefined => {
    if (flows.size >= userspaceFlowsMax) return undefined;
    const backend = forwarding.balancer.next(forwarding.entry(), from.address, forwarding.clock.now());
    if (backend === undefined) return undefined;
    const flow: Flow = { backend, socket: dgram.createSocket("udp4"), cancel() {} };
    flow.socket.on("message", (answer, by) => {
      if (by.address !== backend.ip || by.port !== backend.port) return;
      keep(client, flow);
      server.send(answer, from.port, from.address);
    });
    flow.socket.on("error", () => end(client));
    flows.set(client, flow);
    return flow;
  };
  server.on("message", (message, from) => {
    const client = `${from.address}:${from.port}`;
    const flow = flows.get(client) ?? begin(client, from);
    if (flow === undefined) return;
    keep(client, flow);
    flow.socket.send(message, flow.backend.port, flow.backend.ip);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.bind(port, forwarding.address, resolve);
  });
  server.on("error", (error) => logger.error("UDP port {port}: {error}", { port, error: String(error) }));
  return {
    changed() {
      const current = new Set(externalBackends(forwarding.entry()).map((backend) => `${backend.ip}:${backend.port}`));
      for (const [client, { backend }] of [...flows]) if (!current.has(`${backend.ip}:${backend.port}`)) end(client);
    },
    close() {
      for (const client of [...flows.keys()]) end(client);
      server.close();
    },
  };
}
