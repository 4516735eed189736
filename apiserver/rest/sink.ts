/**
 * Where a watch's bytes go: straight to the connection (the same bytes for all watchers, no copies), or into the
 * ReadableStream of a Response, for tests. For clients of this process it is the objects that go, not bytes. All say how much the other
 * side has yet to take.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { LiveEvents, LiveFrame } from "../../lib/client/live.ts";

export interface Sink<Frame = Uint8Array> {
  /** Bytes, or characters of objects, that were written and not taken yet. */
  readonly pending: number;
  readonly closed: boolean;
  write(frame: Frame): void;
  /** What `write` writes goes out as one. */
  together(write: () => void): void;
  /** Resolves when there is room again, or nobody is there any more. */
  drained(): Promise<void>;
  /** Ends the answer in good order, after what was written. */
  end(): void;
  /** Cuts the client off: it was too slow, and what it missed can't be sent. */
  cut(): void;
  /** Called once, whoever ended it. */
  onClosed(listener: () => void): void;
}

/** A sink, and the Response that the server passes on. */
export interface Opened<Frame = Uint8Array> {
  sink: Sink<Frame>;
  response: Response;
}

export interface SinkOptions {
  contentType: string;
  outgoing?: ServerResponse;
  headers?: Readonly<Record<string, string>>;
}

/** Below this a sink has room again. */
const lowWaterBytes = 64 * 2 ** 10;

export function openSink(options: SinkOptions): Opened {
  const headers = { "content-type": options.contentType, "cache-control": "no-cache, private", ...options.headers };
  return options.outgoing === undefined ? openStream(headers) : openConnection(options.outgoing, headers);
}

class Closing {
  closed = false;
  #listeners: (() => void)[] = [];

  onClosed(listener: () => void): void {
    if (this.closed) listener();
    else this.#listeners.push(listener);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

/**
 * Chunks of HTTP/1.1, each made once for all watchers that are sent it. Left to node:http every watcher pays for three small buffers, a
 * cork and a tick; this way it is one write of bytes that are there.
 */
const chunks = new WeakMap<Uint8Array, Uint8Array>();
const encoder = new TextEncoder();

function chunkOf(bytes: Uint8Array): Uint8Array {
  let chunk = chunks.get(bytes);
  if (chunk === undefined) {
    const head = encoder.encode(`${bytes.length.toString(16)}\r\n`);
    chunk = new Uint8Array(head.length + bytes.length + 2);
    chunk.set(head);
    chunk.set(bytes, head.length);
    chunk.set([13, 10], head.length + bytes.length);
    chunks.set(bytes, chunk);
  }
  return chunk;
}

class ConnectionSink extends Closing implements Sink {
  /** Set when this answer is the one that the connection is at: its chunks may go straight there. */
  readonly #socket: Socket | undefined;

  constructor(readonly outgoing: ServerResponse) {
    super();
    outgoing.on("close", () => this.close());
    outgoing.on("error", () => this.close());
    if (outgoing.chunkedEncoding && outgoing.socket) this.#socket = outgoing.socket;
  }

  get pending(): number {
    return this.outgoing.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (this.closed) return;
    if (this.#socket === undefined) this.outgoing.write(bytes);
    else this.#socket.write(chunkOf(bytes));
  }

  together(write: () => void): void {
    this.#socket?.cork();
    try {
      write();
    } finally {
      this.#socket?.uncork();
    }
  }

  drained(): Promise<void> {
    const stream = this.#socket ?? this.outgoing;
    if (this.closed || !stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      stream.once("drain", () => resolve());
      this.onClosed(resolve);
    });
  }

  end(): void {
    if (this.closed) return;
    this.outgoing.end();
    this.close();
  }

  cut(): void {
    this.outgoing.destroy();
    this.close();
  }
}

function openConnection(outgoing: ServerResponse, headers: Record<string, string>): Opened {
  outgoing.writeHead(200, headers);
  // A client waits for the headers before it believes in the watch, and the first event may be hours away.
  outgoing.flushHeaders();
  return { sink: new ConnectionSink(outgoing), response: RESPONSE_ALREADY_SENT };
}

class StreamSink extends Closing implements Sink {
  controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #waiting: (() => void)[] = [];

  get pending(): number {
    return this.closed ? 0 : lowWaterBytes - (this.controller.desiredSize ?? lowWaterBytes);
  }

  write(bytes: Uint8Array): void {
    if (!this.closed) this.controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
  }

  together(write: () => void): void {
    write();
  }

  drained(): Promise<void> {
    if (this.closed || this.pending < lowWaterBytes) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  pulled(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  override close(): void {
    super.close();
    this.pulled();
  }

  end(): void {
    if (this.closed) return;
    this.controller.close();
    this.close();
  }

  cut(): void {
    if (this.closed) return;
    this.controller.error(new Error("the watch was cut off: its events were not read in time"));
    this.close();
  }
}

function openStream(headers: Record<string, string>): Opened {
  const sink = new StreamSink();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      sink.controller = controller;
    },
    pull: () => sink.pulled(),
    cancel: () => sink.close(),
  }, { highWaterMark: lowWaterBytes, size: (bytes) => bytes.length });
  return { sink, response: new Response(body, { headers }) };
}

class LiveSink extends Closing implements Sink<LiveFrame> {
  constructor(readonly live: LiveEvents) {
    super();
    live.take(() => this.close());
  }

  get pending(): number {
    return this.live.pending;
  }

  write(frame: LiveFrame): void {
    this.live.write(frame);
  }

  together(write: () => void): void {
    write();
  }

  drained(): Promise<void> {
    if (this.closed || this.pending < lowWaterBytes) return Promise.resolve();
    return new Promise((resolve) => this.live.onRead(resolve));
  }

  end(): void {
    this.live.end();
    this.close();
  }

  cut(): void {
    this.live.cut();
    this.close();
  }
}

/** For a client of this process. */
export function openLive(live: LiveEvents): Opened<LiveFrame> {
  return { sink: new LiveSink(live), response: new Response() };
}
