/**
 * RemoteCommand over a WebSocket: each message begins with the number of its channel (0 stdin, 1 stdout, 2 stderr, 3 error,
 * 4 sizes); in version 5 `255 n` closes channel n. The base64 protocols have text messages with a digit.
 */
import type { Buffer } from "node:buffer";
import type { WebSocket } from "ws";
import { streamBufferBytesMax } from "../../lib/limits.ts";
import type { Status } from "../../lib/status.ts";
import { ByteQueue } from "./byte_queue.ts";
import { type CommandOptions, type RemoteCommand, sizes } from "./remote_command.ts";
import { statusText } from "./spdy_command.ts";
import { sendMessage } from "./transport.ts";

/** In the order of preference; the empty one is for clients that name none. */
export const webSocketCommandProtocols = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
] as const;

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export function webSocketCommand(socket: WebSocket, options: CommandOptions & { protocol: string }): RemoteCommand {
  const frame = framing(options.protocol);
  const input = new ByteQueue();
  const resizes = new ByteQueue();
  if (!options.stdin) input.end();
  socket.on("error", () => socket.terminate());
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    const message = frame.decode(data, isBinary);
    if (message === undefined) return;
    if (message.channel === channels.stdin) input.push(message.data);
    else if (message.channel === channels.resize) resizes.push(message.data);
    else if (message.channel === channels.close && message.data[0] === channels.stdin) input.end();
    if (input.bytes > streamBufferBytesMax && !socket.isPaused) {
      socket.pause();
      void input.room(streamBufferBytesMax / 2).then(() => socket.resume());
    }
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  void closed.then(() => {
    input.end();
    resizes.end();
  });
  if (!options.protocol.startsWith("v5.")) void greet(socket, options, frame);
  return {
    stdin: input,
    resize: sizes(resizes),
    async write(stream, data) {
      if (options[stream]) await sendMessage(socket, frame.encode(channels[stream], data));
    },
    async finish(status: Status) {
      const text = statusText(status, options.protocol);
      if (text !== "") await sendMessage(socket, frame.encode(channels.error, new TextEncoder().encode(text)));
      socket.close(1000);
    },
    closed,
  };
}

/** The kubelet's sign that the connection stands: an empty message on the first channel that it writes to. */
async function greet(socket: WebSocket, options: CommandOptions, frame: Framing): Promise<void> {
  const channel = options.stdout ? channels.stdout : options.stderr ? channels.stderr : channels.error;
  await sendMessage(socket, frame.encode(channel, new Uint8Array(0)));
}

export interface Framing {
  encode(channel: number, data: Uint8Array): Uint8Array | string;
  /** Undefined for a message of the wrong kind. */
  decode(message: Uint8Array, isBinary: boolean): { channel: number; data: Uint8Array } | undefined;
}

/** How a protocol puts channels into messages. */
export function framing(protocol: string): Framing {
  return protocol.includes("base64") ? base64 : binary;
}

const binary: Framing = {
  encode(channel, data) {
    const message = new Uint8Array(data.length + 1);
    message[0] = channel;
    message.set(data, 1);
    return message;
  },
  decode(message) {
    return message.length === 0 ? undefined : { channel: message[0]!, data: new Uint8Array(message.subarray(1)) };
  },
};

const base64: Framing = {
  encode: (channel, data) => `${channel}${btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""))}`,
  decode(message) {
    const text = new TextDecoder().decode(message);
    if (!/^\d[A-Za-z0-9+/=]*$/.test(text)) return undefined;
    try {
      const data = Uint8Array.from(atob(text.slice(1)), (character) => character.charCodeAt(0));
      return { channel: Number(text[0]), data };
    } catch (error) {
      if (error instanceof DOMException) return undefined;
      throw error;
    }
  },
};
