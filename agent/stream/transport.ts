/** A two-way stream of bytes with back pressure: a socket, or the messages of a WebSocket. */
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { streamBufferBytesMax } from "../../lib/limits.ts";
import { readDuplex, writeDuplex } from "../engine/duplex.ts";
import { ByteQueue } from "./byte_queue.ts";

export interface Transport {
  /** Ends when the other side has left. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. A no-op once it is closed. */
  write(data: Uint8Array): Promise<void>;
  /** What was written still goes out. */
  close(): void;
  /** Resolves when it is closed, by whichever side. */
  readonly closed: Promise<void>;
}

export function socketTransport(socket: Duplex, head: Uint8Array): Transport {
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  // An error event that nobody hears ends the process; the close event that follows says enough.
  socket.on("error", () => socket.destroy());
  if (head.length > 0) socket.unshift(Buffer.from(head));
  return {
    input: readDuplex(socket),
    write: (data) => writeDuplex(socket, data),
    close: () => {
      if (!socket.destroyed && !socket.writableEnded) socket.end();
    },
    closed,
  };
}

/** Messages as the pieces of one stream of bytes (`SPDY/3.1+portforward.k8s.io`). */
export function webSocketTransport(socket: WebSocket): Transport {
  const queue = new ByteQueue();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => socket.terminate());
  socket.on("message", (data: Buffer) => {
    queue.push(new Uint8Array(data));
    if (queue.bytes > streamBufferBytesMax && !socket.isPaused) {
      socket.pause();
      void queue.room(streamBufferBytesMax / 2).then(() => socket.resume());
    }
  });
  void closed.then(() => queue.end());
  return {
    input: queue,
    write: (data) => sendMessage(socket, data),
    close: () => socket.close(1000),
    closed,
  };
}

/** Resolves when the message has been handed to the kernel. */
export function sendMessage(socket: WebSocket, data: Uint8Array | string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  return new Promise((resolve) => socket.send(data, () => resolve()));
}
