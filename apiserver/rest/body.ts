/** Request bodies: read within the limit, then decoded and checked by lib/schema against the kind that is expected. */
import { bodyBytesMax } from "../../lib/limits.ts";
import type { KubeObject } from "../../lib/kind.ts";
import { checkFields, decodeBody, type Expected } from "../../lib/schema/decode.ts";
import { type Definition, definition, type GroupVersionKind } from "../../lib/schema/schema.ts";
import { statusError } from "../../lib/status.ts";
import type { FieldValidation } from "./options.ts";
import type { Resource } from "./resource.ts";

function tooLarge() {
  return statusError("RequestEntityTooLarge", `Request entity too large: limit is ${bodyBytesMax}`);
}

/** All bytes of the body. Throws RequestEntityTooLarge without having read more than the limit, BadRequest when it is cut off. */
export async function readBody(request: Request): Promise<Uint8Array> {
  const encoding = request.headers.get("content-encoding");
  // What a few bytes may swell to is nobody's business to find out: no body of a client of Kubernetes comes compressed.
  if (encoding !== null && encoding !== "" && encoding.toLowerCase() !== "identity") {
    throw statusError(
      "UnsupportedMediaType",
      `the body's Content-Encoding ${JSON.stringify(encoding)} is not supported`,
    );
  }
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > bodyBytesMax) throw tooLarge();
  try {
    // A declared length has been checked, and the connection's parser holds the client to it. `body` is not even looked at: behind a
    // connection that alone would cost as much as the rest of a small request.
    if (declared !== null) return new Uint8Array(await request.arrayBuffer());
    if (request.body === null) return new Uint8Array();
    return await readStream(request.body);
  } catch (error) {
    if (error instanceof BodyTooLarge) throw tooLarge();
    throw statusError("BadRequest", `the request's body could not be read: ${(error as Error).message}`);
  }
}

class BodyTooLarge extends Error {}

async function readStream(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > bodyBytesMax) {
      await reader.cancel().catch(() => {}); // what is left is of no interest, and neither is why it can't be told so
      throw new BodyTooLarge();
    }
    chunks.push(value);
  }
  if (chunks.length === 1) return chunks[0]!;
  const all = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** The schema of a resource's objects. */
export function definitionOf(resource: Pick<Resource, "definition" | "schema">): Definition {
  return resource.schema ?? definition(resource.definition);
}

export interface DecodeOptions {
  expected: Expected;
  contentType: string | null;
  validation: FieldValidation;
  warn(message: string): void;
}

/** An object of the expected kind. Throws BadRequest, UnsupportedMediaType. */
export function decode(body: Uint8Array, options: DecodeOptions): KubeObject {
  const decoded = decodeBody(body, options.contentType, options.expected);
  for (const warning of checkFields(decoded, options.expected.kind, options.validation)) options.warn(warning);
  const object = decoded.object as unknown as KubeObject;
  object.metadata ??= {} as KubeObject["metadata"];
  return object;
}

/** What a body of the resource's own kind must be. */
export function expectedOf(resource: Resource, find?: Expected["find"]): Expected {
  return { kind: gvkOf(resource), definition: definitionOf(resource), find };
}

export function gvkOf({ group, version, kind }: GroupVersionKind): GroupVersionKind {
  return { group, version, kind };
}
