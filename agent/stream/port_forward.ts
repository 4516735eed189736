/**
 * Port-forward: each connection of the client's is a pair of streams (data, error) with a port. Over SPDY/3.1, on a socket of
 * its own or inside of a WebSocket (`SPDY/3.1+portforward.k8s.io`), and over the older WebSocket channels, which name their
 * ports in the request.
 */
import { getLogger } from "log";
import type { WebSocket } from "ws";
import type { Buffer } from "node:buffer";
import { streamBufferBytesMax, streamCreationMs } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { ByteQueue } from "./byte_queue.ts";
import { SpdyConnection, SpdyError, type SpdyStream } from "./spdy.ts";
import { sendMessage, type Transport } from "./transport.ts";
import { framing } from "./websocket_command.ts";

export interface ForwardTarget {
  /** `namespace/name` and uid, for what the client is told. */
  readonly pod: string;
  readonly dial: (port: number) => Promise<Deno.Conn>;
  readonly clock: Clock;
}

/** One connection of the client's. */
interface Leg {
  readonly input: AsyncIterable<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  /** Says why there is no connection, or nothing, and ends it. */
  end(error?: string): Promise<void>;
  /** The client has given it up. */
  readonly closed: Promise<void>;
}

/** Serves the connection until it ends. */
export async function forwardSpdy(transport: Transport, target: ForwardTarget): Promise<void> {
  const pairs = new Map<string, { data?: SpdyStream; error?: SpdyStream; cancel: () => void }>();
  const connection = new SpdyConnection(transport, (stream) => {
    const { streamtype: type, port: portText } = stream.headers;
    const port = Number(portText);
    if ((type !== "data" && type !== "error") || !Number.isInteger(port) || port < 1 || port > 65535) {
      return void stream.reset("refused");
    }
    // Clients before 1.3 had no request ids: their data stream is the next after its error stream.
    const id = stream.headers["requestid"] ?? String(type === "error" ? stream.id : stream.id - 2);
    const pair = pairs.get(id) ?? newPair(id);
    if (pair[type] !== undefined) return void stream.reset("refused");
    pair[type] = stream;
    if (type === "error") stream.ignoreInput();
    if (pair.data === undefined || pair.error === undefined) return;
    pairs.delete(id);
    pair.cancel();
    void forward(spdyLeg(pair.data, pair.error), port, target);
  });

  function newPair(id: string) {
    const cancel = target.clock.after(streamCreationMs, () => {
      const late = pairs.get(id);
      pairs.delete(id);
      void late?.data?.reset();
      void late?.error?.reset();
    });
    const pair: { data?: SpdyStream; error?: SpdyStream; cancel: () => void } = { cancel };
    pairs.set(id, pair);
    return pair;
  }

  try {
    await connection.run();
  } catch (error) {
    if (!(error instanceof SpdyError)) throw error;
    getLogger(["sauropod", "agent"]).warn("port-forward to {pod}: {error}", { pod: target.pod, error: error.message });
  } finally {
    for (const { cancel } of pairs.values()) cancel();
  }
}

function spdyLeg(data: SpdyStream, error: SpdyStream): Leg {
  return {
    input: data.input,
    write: (bytes) => data.write(bytes),
    async end(text) {
      if (text !== undefined) await error.write(new TextEncoder().encode(text));
      await error.end();
      await data.end();
    },
    closed: data.closed,
  };
}

/** The older protocol: for the n-th port, channel 2n is data and 2n+1 errors, each beginning with the port (16 bits, little end first). */
export async function forwardChannels(
  socket: WebSocket,
  options: ForwardTarget & { protocol: string; ports: readonly number[] },
): Promise<void> {
  const frame = framing(options.protocol);
  const queues = options.ports.map(() => new ByteQueue());
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => socket.terminate());
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    const message = frame.decode(data, isBinary);
    const queue = message === undefined || message.channel % 2 === 1 ? undefined : queues[message.channel / 2];
    if (message === undefined || queue === undefined) return;
    queue.push(message.data);
    if (queue.bytes > streamBufferBytesMax && !socket.isPaused) {
      socket.pause();
      void queue.room(streamBufferBytesMax / 2).then(() => socket.resume());
    }
  });
  void closed.then(() => queues.forEach((queue) => queue.end()));
  const legs = options.ports.map(async (port, i) => {
    const send = (channel: number, data: Uint8Array) => sendMessage(socket, frame.encode(channel, data));
    const portBytes = new Uint8Array([port & 255, port >> 8]);
    await send(2 * i, portBytes);
    await send(2 * i + 1, portBytes);
    await forward(
      {
        input: queues[i]!,
        write: (data) => send(2 * i, data),
        end: async (text) => text === undefined ? undefined : await send(2 * i + 1, new TextEncoder().encode(text)),
        closed,
      },
      port,
      options,
    );
  });
  await Promise.all(legs);
  socket.close(1000);
}

/** Carries bytes both ways until the pod's side ends or the client gives up. Never rejects. */
async function forward(leg: Leg, port: number, target: ForwardTarget): Promise<void> {
  let conn: Deno.Conn;
  try {
    conn = await target.dial(port);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await leg.end(`error forwarding port ${port} to pod ${target.pod}: ${reason}`);
    return;
  }
  let isOpen = true;
  const close = () => {
    if (isOpen) conn.close();
    isOpen = false;
  };
  void leg.closed.then(close);
  const out = copyIn(leg.input, conn);
  out.catch(close);
  try {
    await copyOut(conn, leg);
    await leg.end();
  } catch (error) {
    await leg.end(isOpen ? `error forwarding port ${port} to pod ${target.pod}: ${error}` : undefined);
  } finally {
    close();
  }
}

async function copyIn(from: AsyncIterable<Uint8Array>, to: Deno.Conn): Promise<void> {
  for await (const data of from) {
    for (let at = 0; at < data.length;) at += await to.write(data.subarray(at));
  }
  await to.closeWrite();
}

async function copyOut(from: Deno.Conn, to: Leg): Promise<void> {
  for (;;) {
    // A buffer of its own for each piece: what was written may still be on its way out.
    const buffer = new Uint8Array(32 * 1024);
    const n = await from.read(buffer);
    if (n === null) return;
    await to.write(buffer.subarray(0, n));
  }
}
