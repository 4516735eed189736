/**
 * Answers that are put together from pieces. Small ones are one buffer; big ones are streamed in chunks, with a turn of the
 * event loop between two of them, so that a list of 10,000 objects holds up nobody. Compressed for who asks for it.
 */
import { createGzip } from "node:zlib";
import type { Buffer } from "node:buffer";
import { answerChunkBytes, compressBytesMin, compressLevel } from "../../lib/limits.ts";
import { nextTurn } from "../../lib/seams/turn.ts";

type Bytes = Uint8Array<ArrayBuffer>;
export type Pieces = Iterable<Uint8Array | string>;

const encoder = new TextEncoder();

/** Pieces put together to chunks of about `chunkBytes`. */
function* chunksOf(pieces: Pieces, chunkBytes: number): Generator<Bytes> {
  let chunk = new Uint8Array(chunkBytes);
  let used = 0;
  for (const piece of pieces) {
    const bytes = typeof piece === "string" ? encoder.encode(piece) : piece;
    if (used + bytes.length > chunk.length) {
      if (used > 0) yield chunk.subarray(0, used);
      chunk = new Uint8Array(Math.max(chunkBytes, bytes.length));
      used = 0;
    }
    chunk.set(bytes, used);
    used += bytes.length;
  }
  if (used > 0) yield chunk.subarray(0, used);
}

export interface AnswerOptions {
  contentType: string;
  code?: number;
  /** Smaller where each byte costs more work, so that a chunk stays some milliseconds of work at most. */
  chunkBytes?: number;
  headers?: Readonly<Record<string, string>>;
}

/** An answer of any size. The pieces are made while they are sent. */
export function streamAnswer(request: Request, pieces: Pieces, options: AnswerOptions): Response {
  const chunks = chunksOf(pieces, options.chunkBytes ?? answerChunkBytes);
  const first = chunks.next();
  const second = first.done ? first : chunks.next();
  const headers: Record<string, string> = {
    "content-type": options.contentType,
    "cache-control": "no-cache, private",
    ...options.headers,
  };
  const status = options.code ?? 200;
  const head = first.done ? [] : [first.value];
  if (second.done) {
    const only = head[0] ?? new Uint8Array();
    if (only.length < compressBytesMin || !wantsGzip(request)) return new Response(only, { status, headers });
  } else head.push(second.value);
  if (!wantsGzip(request)) return new Response(toStream(head, chunks), { status, headers });
  headers["content-encoding"] = "gzip";
  headers.vary = "Accept-Encoding";
  return new Response(gzipped(head, chunks), { status, headers });
}

/** One piece that exists already. A text goes out together with the headers; of bytes, which others are sent as well, no copy is made. */
export function wholeAnswer(request: Request, body: Uint8Array | string, options: AnswerOptions): Response {
  if (body.length >= compressBytesMin && wantsGzip(request)) return streamAnswer(request, [body], options);
  return new Response(body as Bytes | string, {
    status: options.code ?? 200,
    headers: { "content-type": options.contentType, "cache-control": "no-cache, private", ...options.headers },
  });
}

function wantsGzip(request: Request): boolean {
  const accepted = request.headers.get("accept-encoding");
  return accepted !== null && /(^|[\s,])gzip(\s*;\s*q=(1|0\.0*[1-9]))?\s*(,|$)/i.test(accepted);
}

function toStream(head: Bytes[], chunks: Iterator<Bytes>): ReadableStream<Bytes> {
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const early = head.shift();
      if (early !== undefined) return controller.enqueue(early);
      await nextTurn();
      const next = chunks.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
  }, { highWaterMark: 1 });
}

/** Level 1: on a local network more compression takes longer than it saves (kube-apiserver does the same). */
function gzipped(head: Bytes[], chunks: Iterator<Bytes>): ReadableStream<Bytes> {
  const gzip = createGzip({ level: compressLevel });
  let cancelled = false;
  const feed = async () => {
    for (let next = head.shift(); next !== undefined && !cancelled;) {
      if (!gzip.write(next)) await new Promise<void>((resolve) => gzip.once("drain", () => resolve()));
      await nextTurn();
      const following = head.shift() ?? chunks.next();
      next = following instanceof Uint8Array ? following : following.done ? undefined : following.value;
    }
    gzip.end();
  };
  return new ReadableStream<Bytes>({
    start(controller) {
      gzip.on("data", (data: Buffer<ArrayBuffer>) => {
        if (cancelled) return;
        controller.enqueue(data);
        if ((controller.desiredSize ?? 1) <= 0) gzip.pause();
      });
      gzip.on("end", () => cancelled || controller.close());
      gzip.on("error", (error: Error) => cancelled || controller.error(error));
      feed().catch((error) => gzip.destroy(error as Error));
    },
    pull() {
      gzip.resume();
    },
    cancel() {
      cancelled = true;
      gzip.destroy();
    },
  }, { highWaterMark: 4 });
}
