/** Forwards UDP datagrams in this process: each client has a socket of its own to its endpoint, for as long as something is said. */
import dgram from "node:dgram";
import { getLogger } from "log";
import { userspaceFlowIdleMs, userspaceFlowsMax } from "../../lib/limits.ts";
import type { Backend } from "../model.ts";
import type { Forwarding, Listener } from "./forwarding.ts";

const logger = getLogger(["sauropod", "proxy", "userspace"]);

interface Flow {
  readonly client: dgram.RemoteInfo;
  readonly backend: Backend;
  readonly socket: dgram.Socket;
  cancel(): void;
}

/** Rejects when the address and port can't be had. */
export async function listenUdp(at: { address: string; port: number }, forwarding: Forwarding): Promise<Listener> {
  const server = dgram.createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.bind(at.port, at.address, () => resolve());
  });
  server.removeAllListeners("error");
  server.on("error", (error) => logger.error("UDP {address}:{port}: {error}", { ...at, error: String(error) }));
  return new UdpForwarder(server, forwarding);
}

class UdpForwarder implements Listener {
  /** By client, the one that was silent for longest first. */
  readonly #flows = new Map<string, Flow>();

  constructor(readonly server: dgram.Socket, readonly forwarding: Forwarding) {
    server.on("message", (message, from) => this.#take(message, from));
  }

  /** Flows to an endpoint that is gone find another one with their next datagram. */
  changed(): void {
    for (const [key, { client, backend }] of [...this.#flows]) {
      if (!this.forwarding.allows(client.address, backend)) this.#end(key);
    }
  }

  /** Flows can't go on without the socket that they came in by. */
  async close(): Promise<void> {
    for (const key of [...this.#flows.keys()]) this.#end(key);
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  #take(message: Uint8Array, from: dgram.RemoteInfo): void {
    const key = `${from.address}:${from.port}`;
    const flow = this.#flows.get(key) ?? this.#begin(key, from);
    if (flow === undefined) return;
    this.#keep(key, flow);
    flow.socket.send(message, flow.backend.port, flow.backend.ip);
  }

  #begin(key: string, client: dgram.RemoteInfo): Flow | undefined {
    const backend = this.forwarding.choose(client.address);
    if (backend === undefined || !this.#hasRoom()) return undefined;
    const flow: Flow = { client, backend, socket: dgram.createSocket("udp4"), cancel() {} };
    const isOpen = () => this.#flows.get(key) === flow;
    flow.socket.on("message", (answer, by) => {
      if (by.address !== backend.ip || by.port !== backend.port || !isOpen()) return;
      this.#keep(key, flow);
      this.server.send(answer, client.port, client.address);
    });
    flow.socket.on("error", () => isOpen() && this.#end(key));
    this.#flows.set(key, flow);
    this.forwarding.load.flows++;
    return flow;
  }

  /** Most flows are a question and its answer: one that has been silent is likelier to be over than the next one is. */
  #hasRoom(): boolean {
    const { load } = this.forwarding;
    if (load.flows < userspaceFlowsMax) return true;
    load.refused++;
    const [oldest] = this.#flows.keys();
    if (oldest !== undefined) this.#end(oldest);
    return oldest !== undefined;
  }

  #keep(key: string, flow: Flow): void {
    this.#flows.delete(key);
    this.#flows.set(key, flow);
    flow.cancel();
    flow.cancel = this.forwarding.clock.after(userspaceFlowIdleMs, () => this.#end(key));
  }

  #end(key: string): void {
    const flow = this.#flows.get(key);
    if (flow === undefined) return;
    this.#flows.delete(key);
    this.forwarding.load.flows--;
    flow.cancel();
    flow.socket.close();
  }
}
