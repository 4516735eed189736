/** The DNS server's sockets: one for UDP, TCP connections with limits, and the client side for upstream servers. */
import { Buffer } from "node:buffer";
import dgram from "node:dgram";
import net from "node:net";
import { getLogger } from "log";
import { dnsTcpConnectionsMax, dnsTcpIdleMs, dnsTcpPipelineMax } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Exchange } from "./forward.ts";
import type { Handler } from "./handler.ts";

const logger = getLogger(["sauropod", "proxy", "dns"]);

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves UDP and TCP on one address and port; port 0 picks one that is free for both. Rejects when it can't listen. */
export async function serveDns(
  handler: Handler,
  at: { address: string; port: number },
  clock: Clock,
): Promise<Listening> {
  const tcp = net.createServer({ noDelay: true, allowHalfOpen: true });
  const connections = new Set<net.Socket>();
  tcp.on("connection", (socket) => {
    if (connections.size >= dnsTcpConnectionsMax) return void socket.destroy();
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    serveConnection(socket, handler, clock);
  });
  await new Promise<void>((resolve, reject) => {
    tcp.once("error", reject);
    tcp.listen(at.port, at.address, resolve);
  });
  tcp.on("error", (error) => logger.error("DNS over TCP: {error}", { error: String(error) }));
  const { port } = tcp.address() as net.AddressInfo;
  const udp = dgram.createSocket("udp4");
  udp.on("message", (query, from) => {
    const answer = handler.handle(query, from.address, "udp");
    if (answer === undefined) return;
    if (answer instanceof Uint8Array) return send(udp, answer, from);
    void answer.then((bytes) => bytes !== undefined && send(udp, bytes, from));
  });
  try {
    await new Promise<void>((resolve, reject) => {
      udp.once("error", reject);
      udp.bind(port, at.address, resolve);
    });
  } catch (error) {
    tcp.close();
    throw error;
  }
  udp.on("error", (error) => logger.error("DNS over UDP: {error}", { error: String(error) }));
  return {
    port,
    async close() {
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => tcp.close(() => resolve())),
        new Promise<void>((resolve) => udp.close(() => resolve())),
      ]);
    },
  };
}

function send(udp: dgram.Socket, answer: Uint8Array, to: dgram.RemoteInfo): void {
  udp.send(answer, 0, answer.length, to.port, to.address, (error) => {
    if (error) {
      logger.debug("an answer to {address} was not sent: {error}", { address: to.address, error: String(error) });
    }
  });
}

/** Messages with their length in front (RFC 1035, 4.2.2); answers may overtake each other (RFC 7766). */
function serveConnection(socket: net.Socket, handler: Handler, clock: Clock): void {
  let buffered: Buffer = Buffer.alloc(0);
  let pending = 0;
  let ended = false;
  const from = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  // Only whole messages count as activity: a byte now and then must not hold a connection.
  let cancel = () => {};
  const arm = () => {
    cancel();
    cancel = clock.after(dnsTcpIdleMs, () => socket.destroy());
  };
  const reply = (answer: Uint8Array | undefined) => {
    pending--;
    if (socket.destroyed) return;
    if (answer === undefined) return void socket.destroy();
    const framed = Buffer.alloc(2 + answer.length);
    framed.writeUInt16BE(answer.length);
    framed.set(answer, 2);
    socket.write(framed);
    arm();
    if (ended && pending === 0) return void socket.end();
    socket.resume();
    take();
  };
  const take = () => {
    while (pending < dnsTcpPipelineMax && buffered.length >= 2) {
      const size = buffered.readUInt16BE(0);
      if (buffered.length < 2 + size) break;
      const query = buffered.subarray(2, 2 + size);
      buffered = buffered.subarray(2 + size);
      pending++;
      void Promise.resolve(handler.handle(query, from, "tcp")).then(reply);
    }
    if (pending >= dnsTcpPipelineMax) socket.pause();
  };
  arm();
  socket.on("data", (data) => {
    buffered = buffered.length === 0 ? data : Buffer.concat([buffered, data]);
    take();
  });
  socket.on("end", () => {
    ended = true;
    if (pending === 0) socket.end();
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => cancel());
}

/** The real exchange with an upstream server: a socket of its own for each question, so each has a port that nobody can guess. */
export function socketExchange(clock: Clock): Exchange {
  return (server, question, via, timeoutMs) =>
    via === "udp" ? udpExchange(clock, server, question, timeoutMs) : tcpExchange(clock, server, question, timeoutMs);
}

function udpExchange(
  clock: Clock,
  server: { address: string; port: number },
  question: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket("udp4");
    let settled = false;
    const finish = (then: () => void) => {
      if (settled) return;
      settled = true;
      cancel();
      socket.close();
      then();
    };
    const cancel = clock.after(timeoutMs, () => finish(() => reject(new Error(`no answer within ${timeoutMs} ms`))));
    socket.on("message", (answer, from) => {
      // Anyone can send to this port; only the server's answer to this id counts.
      if (from.address !== server.address || from.port !== server.port) return;
      if (answer.length < 12 || answer[0] !== question[0] || answer[1] !== question[1]) return;
      finish(() => resolve(new Uint8Array(answer)));
    });
    socket.on("error", (error) => finish(() => reject(error)));
    socket.bind(0, () => {
      if (settled) return;
      socket.send(question, 0, question.length, server.port, server.address, (error) => {
        if (error) finish(() => reject(error));
      });
    });
  });
}

function tcpExchange(
  clock: Clock,
  server: { address: string; port: number },
  question: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: server.address, port: server.port, noDelay: true });
    let buffered: Buffer = Buffer.alloc(0);
    const fail = (error: Error) => {
      cancel();
      socket.destroy();
      reject(error);
    };
    const cancel = clock.after(timeoutMs, () => fail(new Error(`no answer over TCP within ${timeoutMs} ms`)));
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("the server closed the connection")));
    socket.on("connect", () => {
      const framed = Buffer.alloc(2 + question.length);
      framed.writeUInt16BE(question.length);
      framed.set(question, 2);
      socket.write(framed);
    });
    socket.on("data", (data) => {
      buffered = Buffer.concat([buffered, data]);
      if (buffered.length < 2 || buffered.length < 2 + buffered.readUInt16BE(0)) return;
      cancel();
      const answer = new Uint8Array(buffered.subarray(2, 2 + buffered.readUInt16BE(0)));
      socket.destroy();
      resolve(answer);
    });
  });
}
