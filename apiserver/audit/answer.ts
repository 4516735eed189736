/** The object of an answer, for the audit log, whatever form it was sent in; the answer goes on as it was. */
import type { Buffer } from "node:buffer";
import { gunzip } from "node:zlib";
import { auditBodyBytesMax } from "../../lib/limits.ts";
import { mediaTypeOf, protobufType } from "../../lib/schema/decode.ts";
import { decodeMessage, readEnvelope } from "../../lib/schema/protobuf.ts";
import { findDefinition } from "../../lib/schema/schema.ts";
import { parseYaml } from "../../lib/schema/yaml.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface Read {
  /** To be sent in the place of the one that was read. */
  readonly response: Response;
  /** `undefined`: it has none, or is too big or in a form that can't be written down. */
  readonly object: unknown;
}

/** Reads the answer up to a limit. Beyond it the answer is passed on while it comes, and told nothing of. */
export async function readAnswer(response: Response): Promise<Read> {
  if (response.body === null) return { response, object: undefined };
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Bytes>;
  const chunks: Bytes[] = [];
  let total = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    chunks.push(value);
    total += value.length;
    if (total > auditBodyBytesMax) return { response: again(response, goOn(chunks, reader)), object: undefined };
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { response: again(response, bytes), object: await decoded(bytes, response.headers) };
}

function again({ status, headers }: Response, body: Bytes | ReadableStream<Bytes>): Response {
  return new Response(body, { status, headers });
}

function goOn(chunks: Bytes[], reader: ReadableStreamDefaultReader<Bytes>): ReadableStream<Bytes> {
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const early = chunks.shift();
      if (early !== undefined) return controller.enqueue(early);
      const { value, done } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

async function decoded(bytes: Bytes, headers: Headers): Promise<unknown> {
  try {
    const plain = headers.get("content-encoding") === "gzip" ? await unzipped(bytes) : bytes;
    const type = mediaTypeOf(headers.get("content-type"));
    if (type === protobufType) return fromProtobuf(plain);
    if (type === "application/json") return JSON.parse(new TextDecoder().decode(plain));
    return type === "application/yaml" ? parseYaml(new TextDecoder().decode(plain)).value : undefined;
  } catch {
    // It was for the client to read. That it could not be written down is said in the event.
    return undefined;
  }
}

function unzipped(bytes: Bytes): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: auditBodyBytesMax }, (error: Error | null, plain: Buffer) => {
      if (error === null) resolve(plain);
      else reject(error);
    });
  });
}

function fromProtobuf(bytes: Uint8Array): unknown {
  const { apiVersion, kind, raw } = readEnvelope(bytes);
  const slash = apiVersion.indexOf("/");
  const definition = findDefinition({
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
  });
  return definition === undefined ? undefined : { kind, apiVersion, ...decodeMessage(raw, definition) };
}
