/**
 * SPDY/3.1 as Kubernetes clients use it for exec, attach and port-forward: streams over one connection, without flow control
 * windows (github.com/moby/spdystream has none). Back pressure is the connection's: when a stream's reader is slow, the
 * connection is read no further.
 *
 * Left out: server push, priorities, settings, WINDOW_UPDATE (read and ignored).
 */
import { createInflate } from "node:zlib";
import { Buffer } from "node:buffer";
import { getLogger } from "log";
import { spdyFrameBytesMax, spdyHeaderBytesMax, spdyStreamsMax, streamBufferBytesMax } from "../../lib/limits.ts";
import { concat } from "../images/tar.ts";
import { ByteQueue } from "./byte_queue.ts";
import { spdyDictionary } from "./spdy_dictionary.ts";
import type { Transport } from "./transport.ts";

const frameTypes = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
};
const flagFin = 1;
const resetCodes = { refused: 3, internal: 6 } as const;
/** A data frame of ours: what Go's reader takes at once. */
const writeBytesMax = 32 * 1024;

/** The other side does not speak SPDY/3.1. */
export class SpdyError extends Error {
  override name = "SpdyError";
}

export class SpdyStream {
  /** What the other side sends; ends with its FIN, or when the connection does. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly #queue = new ByteQueue();
  #sentFin = false;
  #gotFin = false;
  /** Resolves when neither side sends any more. */
  readonly closed: Promise<void>;
  #close!: () => void;

  constructor(
    private readonly connection: SpdyConnection,
    readonly id: number,
    readonly headers: Readonly<Record<string, string>>,
  ) {
    this.input = this.#queue;
    this.closed = new Promise((resolve) => this.#close = resolve);
  }

  /** Resolves when there is room for more. A no-op after end() or reset(). */
  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length && !this.#sentFin; at += writeBytesMax) {
      await this.connection.sendData(this.id, data.subarray(at, at + writeBytesMax), 0);
    }
  }

  /** What the other side sends is not wanted: it is dropped, so that it holds nobody up. */
  ignoreInput(): void {
    this.#queue.discard();
  }

  /** Nothing more will be sent on it. */
  async end(): Promise<void> {
    if (this.#sentFin) return;
    this.#sentFin = true;
    await this.connection.sendData(this.id, new Uint8Array(0), flagFin);
    this.#settle();
  }

  /** Both directions end at once. */
  async reset(code: keyof typeof resetCodes = "internal"): Promise<void> {
    if (this.#sentFin && this.#gotFin) return;
    this.abandon();
    await this.connection.sendReset(this.id, resetCodes[code]);
  }

  /** For the connection: a piece has come. Resolves when more may. */
  async receive(data: Uint8Array, fin: boolean): Promise<void> {
    if (this.#gotFin) return;
    this.#queue.push(data);
    if (fin) {
      this.#gotFin = true;
      this.#queue.end();
      this.#settle();
    }
    if (this.#queue.bytes > streamBufferBytesMax) await this.#queue.room(streamBufferBytesMax);
  }

  /** For the connection: nothing comes and nothing goes any more. */
  abandon(): void {
    this.#sentFin = true;
    this.#gotFin = true;
    this.#queue.end();
    this.#settle();
  }

  #settle(): void {
    if (!this.#sentFin || !this.#gotFin) return;
    this.connection.forget(this.id);
    this.#close();
  }
}

export class SpdyConnection {
  readonly #streams = new Map<number, SpdyStream>();
  readonly #inflate = createInflate({ dictionary: spdyDictionary() });
  readonly #inflated: Uint8Array[] = [];
  #inflatedBytes = 0;
  #sentHeaders = false;
  #nextId = 1;
  #leaving = false;

  /** `onStream` is called for each stream that the other side opens, in order. */
  constructor(readonly transport: Transport, readonly onStream: (stream: SpdyStream) => void) {
    this.#inflate.on("data", (data: Uint8Array) => this.#keep(data));
    // A reader that has stalled must not keep the connection's loop from seeing its end.
    void transport.closed.then(() => {
      for (const stream of [...this.#streams.values()]) stream.abandon();
    });
    this.#inflate.on("error", () => this.transport.close());
  }

  /** Reads until the connection ends; then all streams have ended. Rejects with SpdyError for what is not SPDY. */
  async run(): Promise<void> {
    try {
      for await (const { word, flags, payload } of frames(this.transport.input)) {
        if ((word & 0x80000000) === 0) await this.#streams.get(word)?.receive(payload, (flags & flagFin) !== 0);
        else await this.#control(word & 0xffff, flags, payload);
        if (this.#leaving && this.#streams.size === 0) break;
      }
    } finally {
      for (const stream of [...this.#streams.values()]) stream.abandon();
      this.#inflate.close();
      this.transport.close();
    }
  }

  /** A small block may inflate to a thousand times its size. */
  #keep(data: Uint8Array): void {
    this.#inflatedBytes += data.length;
    if (this.#inflatedBytes > spdyHeaderBytesMax) {
      this.#inflate.destroy(new Error(`more than ${spdyHeaderBytesMax} bytes`));
    } else this.#inflated.push(data);
  }

  /** A stream of our own, as a client has them. */
  async open(headers: Readonly<Record<string, string>>): Promise<SpdyStream> {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    await this.#send(frameTypes.synStream, 0, concat([numbers(id, 0), new Uint8Array(2), this.#deflate(headers)]));
    return stream;
  }

  async sendData(id: number, data: Uint8Array, flags: number): Promise<void> {
    await this.transport.write(concat([numbers(id, ((flags << 24) | data.length) >>> 0), data]));
  }

  async sendReset(id: number, code: number): Promise<void> {
    await this.#send(frameTypes.rstStream, 0, numbers(id, code));
  }

  forget(id: number): void {
    this.#streams.delete(id);
  }

  async #send(type: number, flags: number, payload: Uint8Array): Promise<void> {
    const head = numbers((0x80030000 | type) >>> 0, ((flags << 24) | payload.length) >>> 0);
    await this.transport.write(concat([head, payload]));
  }

  async #control(type: number, flags: number, payload: Uint8Array): Promise<void> {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const needed = {
      [frameTypes.synStream]: 10,
      [frameTypes.rstStream]: 8,
      [frameTypes.ping]: 4,
      [frameTypes.headers]: 4,
    };
    if (payload.length < (needed[type] ?? 0)) {
      throw new SpdyError(`a frame of type ${type} has only ${payload.length} bytes`);
    }
    switch (type) {
      case frameTypes.synStream:
        return await this.#accept(view.getUint32(0) & 0x7fffffff, flags, payload.subarray(10));
      case frameTypes.synReply:
        // Its headers are of one compressed stream with all others, so they must be read.
        await this.#headers(payload.subarray(4));
        return;
      case frameTypes.headers:
        await this.#headers(payload.subarray(4));
        return;
      case frameTypes.rstStream:
        this.#streams.get(view.getUint32(0) & 0x7fffffff)?.abandon();
        return;
      case frameTypes.ping:
        // A client's pings are odd; an answer to ours would be even, and we send none.
        if (view.getUint32(0) % 2 === 1) await this.#send(frameTypes.ping, 0, payload);
        return;
      case frameTypes.goAway:
        this.#leaving = true;
        return;
    }
  }

  async #accept(id: number, flags: number, block: Uint8Array): Promise<void> {
    const headers = await this.#headers(block);
    if (this.#streams.size >= spdyStreamsMax || this.#streams.has(id)) {
      return await this.sendReset(id, resetCodes.refused);
    }
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    await this.#send(frameTypes.synReply, 0, concat([numbers(id), this.#deflate({})]));
    if ((flags & flagFin) !== 0) await stream.receive(new Uint8Array(0), true);
    this.onStream(stream);
  }

  /** Blocks are pieces of one zlib stream, so they are inflated one after the other. */
  async #headers(block: Uint8Array): Promise<Record<string, string>> {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error) => reject(new SpdyError(`bad header block: ${error.message}`));
      this.#inflate.once("error", fail);
      this.#inflate.write(Buffer.from(block));
      this.#inflate.flush(() => {
        this.#inflate.off("error", fail);
        resolve();
      });
    });
    this.#inflatedBytes = 0;
    return parseHeaders(concat(this.#inflated.splice(0)));
  }

  /**
   * One zlib stream of stored (not compressed) blocks, which needs no dictionary. The empty block at the end is zlib's
   * "flush": Go's reader waits for it.
   */
  #deflate(headers: Readonly<Record<string, string>>): Uint8Array {
    const block = formatHeaders(headers);
    const begin = this.#sentHeaders ? [] : [0x78, 0x01];
    this.#sentHeaders = true;
    const length = [block.length & 255, block.length >> 8, ~block.length & 255, (~block.length >> 8) & 255];
    return concat([new Uint8Array([...begin, 0, ...length]), block, new Uint8Array([0, 0, 0, 255, 255])]);
  }
}

interface Frame {
  /** Control bit and version and type, or the stream's id. */
  readonly word: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

async function* frames(input: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let parts: Uint8Array[] = [];
  let have = 0;
  let need = 8;
  for await (const part of input) {
    parts.push(part);
    have += part.length;
    if (have < need) continue;
    let bytes = concat(parts);
    for (;;) {
      need = 8;
      if (bytes.length < need) break;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const length = view.getUint32(4) & 0xffffff;
      if (length > spdyFrameBytesMax) throw new SpdyError(`a frame of ${length} bytes`);
      need = 8 + length;
      if (bytes.length < need) break;
      yield { word: view.getUint32(0), flags: bytes[4]!, payload: bytes.subarray(8, need) };
      bytes = bytes.subarray(need);
    }
    parts = bytes.length === 0 ? [] : [bytes];
    have = bytes.length;
  }
  if (have > 0) getLogger(["sauropod", "agent"]).debug("a SPDY connection ended within a frame");
}

function numbers(...values: number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setUint32(i * 4, value));
  return bytes;
}

/** Number of pairs, then name and value of each, with their lengths. Names are lower case; a value may hold several (\0). */
export function formatHeaders(headers: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const texts = Object.entries(headers).flat().map((text) => encoder.encode(text));
  return concat([numbers(texts.length / 2), ...texts.flatMap((text) => [numbers(text.length), text])]);
}

function parseHeaders(raw: Uint8Array): Record<string, string> {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const decoder = new TextDecoder();
  let at = 0;
  const number = () => {
    if (at + 4 > raw.length) throw new SpdyError("a header block ends too soon");
    at += 4;
    return view.getUint32(at - 4);
  };
  const text = () => {
    const length = number();
    if (at + length > raw.length) throw new SpdyError("a header block ends too soon");
    at += length;
    return decoder.decode(raw.subarray(at - length, at));
  };
  const headers: Record<string, string> = {};
  for (let pairs = number(); pairs > 0; pairs--) headers[text().toLowerCase()] = text();
  return headers;
}
