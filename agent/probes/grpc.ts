/**
 * gRPC health probes (grpc.health.v1.Health/Check) over HTTP/2 without TLS: exactly the frames that one call needs. Not node:http2,
 * whose library can abort the process when a peer says goodbye. Leaves out flow control beyond the initial window (an answer has
 * a few bytes) and the decoding of header blocks (the answer's message says all; without one the call failed).
 */
import net from "node:net";
import { Buffer } from "node:buffer";
import { probeOutputBytesMax } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Outcome } from "./machine.ts";
import { hostPort } from "./target.ts";
import { dialError } from "./dial_error.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const;
const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;
const servingStatus = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

function frame(type: number, flag: number, stream: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8);
  bytes[3] = type;
  bytes[4] = flag;
  view.setUint32(5, stream);
  bytes.set(payload, 9);
  return bytes;
}

/** Takes whole frames off the front; answers the rest. */
export function takeFrames(buffer: Uint8Array): { frames: Frame[]; rest: Uint8Array } {
  const frames: Frame[] = [];
  let at = 0;
  while (buffer.length - at >= 9) {
    const length = (buffer[at]! << 16) | (buffer[at + 1]! << 8) | buffer[at + 2]!;
    if (buffer.length - at < 9 + length) break;
    const view = new DataView(buffer.buffer, buffer.byteOffset + at);
    frames.push({
      type: buffer[at + 3]!,
      flags: buffer[at + 4]!,
      stream: view.getUint32(5) & 0x7fffffff,
      payload: buffer.slice(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return { frames, rest: buffer.slice(at) };
}

/** A string of HPACK (RFC 7541, 5.2) without Huffman coding: a 7-bit prefixed length, then the bytes. */
function hpackString(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  if (bytes.length < 127) return [bytes.length, ...bytes];
  const length: number[] = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push(rest % 128 + 128);
  return [...length, rest, ...bytes];
}

/** Each header as a literal that is not indexed, its name spelled out: needs no table. */
function headerBlock(headers: readonly (readonly [string, string])[]): Uint8Array {
  return Uint8Array.from(headers.flatMap(([name, value]) => [0, ...hpackString(name), ...hpackString(value)]));
}

/** HealthCheckRequest{service = 1} as a length-prefixed gRPC message. */
function requestMessage(service: string): Uint8Array {
  const name = new TextEncoder().encode(service);
  const body = name.length === 0 ? new Uint8Array() : Uint8Array.from([0x0a, ...varint(name.length), ...name]);
  const message = new Uint8Array(5 + body.length);
  new DataView(message.buffer).setUint32(1, body.length);
  message.set(body, 5);
  return message;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return [...bytes, value];
}

/** HealthCheckResponse{status = 1}; undefined when the message is not whole. Proto3 leaves out a zero. */
export function responseStatus(data: Uint8Array): string | undefined {
  if (data.length < 5) return undefined;
  const length = new DataView(data.buffer, data.byteOffset).getUint32(1);
  if (data.length < 5 + length) return undefined;
  const status = length >= 2 && data[5] === 0x08 ? data[6]! : 0;
  return servingStatus[status] ?? `${status}`;
}

export function callFrames(authority: string, service: string): Uint8Array {
  const headers = headerBlock([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", "/grpc.health.v1.Health/Check"],
    [":authority", authority],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ["user-agent", "kube-probe/1.36"],
  ]);
  return Buffer.concat([
    Buffer.from(preface),
    frame(frameTypes.settings, 0, 0, new Uint8Array()),
    frame(frameTypes.headers, flags.endHeaders, 1, headers),
    frame(frameTypes.data, flags.endStream, 1, requestMessage(service)),
  ]);
}

export function probeGrpc(
  { host, port, service }: { host: string; port: number; service: string },
  { timeoutMs, clock }: { timeoutMs: number; clock: Clock },
): Promise<Outcome> {
  const address = hostPort(host, port);
  const fail = (message: string): Outcome => ({ result: "failure", message });
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    let buffer: Uint8Array = new Uint8Array();
    let data: Uint8Array = new Uint8Array();
    const end = (outcome: Outcome) => {
      cancel();
      socket.destroy();
      resolve(outcome);
    };
    const cancel = clock.after(
      timeoutMs,
      () =>
        end(
          fail(
            `timeout: failed to connect service ${JSON.stringify(address)} within ${
              timeoutMs / 1000
            }s: context deadline exceeded`,
          ),
        ),
    );
    const handle = ({ type, flags: flag, stream, payload }: Frame): Outcome | undefined => {
      if (type === frameTypes.settings && (flag & flags.ack) === 0) {
        socket.write(frame(frameTypes.settings, flags.ack, 0, new Uint8Array()));
      } else if (type === frameTypes.ping && (flag & flags.ack) === 0) {
        socket.write(frame(frameTypes.ping, flags.ack, 0, payload));
      } else if (type === frameTypes.goaway) return fail("error: health rpc failed: the server went away");
      if (stream !== 1) return undefined;
      if (type === frameTypes.reset) return fail("error: health rpc failed: the stream was reset");
      if (type === frameTypes.data) data = Buffer.concat([data, unpadded(flag, payload)]);
      const status = responseStatus(data);
      if (status === "SERVING") return { result: "success", message: "service healthy" };
      if (status !== undefined) return fail(`service unhealthy (responded with ${JSON.stringify(status)})`);
      if ((flag & flags.endStream) !== 0 && (type === frameTypes.data || type === frameTypes.headers)) {
        return fail("error: this server does not implement the grpc health protocol (grpc.health.v1.Health)");
      }
      return undefined;
    };
    socket.on("connect", () => socket.write(callFrames(address, service)));
    socket.on("data", (chunk: Uint8Array) => {
      const taken = takeFrames(Buffer.concat([buffer, chunk]));
      buffer = taken.rest;
      for (const one of taken.frames) {
        const outcome = handle(one);
        if (outcome !== undefined) return end(outcome);
      }
      if (buffer.length > probeOutputBytesMax) end(fail("error: health rpc failed: the answer is too long"));
    });
    socket.on("error", (error) => end(fail(dialError(error, address))));
    socket.on("close", () => end(fail("error: health rpc failed: connection closed before the answer")));
  });
}

function unpadded(flag: number, payload: Uint8Array): Uint8Array {
  return (flag & flags.padded) === 0 ? payload : payload.subarray(1, payload.length - payload[0]!);
}
