/** Objects and lists in the form that the client asked for. */
import { stringify } from "yaml";
import type { KubeObject } from "../../lib/kind.ts";
import { apiVersionOf } from "../../lib/kind.ts";
import { encodeMessage, encodeProtobuf } from "../../lib/schema/protobuf_encode.ts";
import { type Definition, definition } from "../../lib/schema/schema.ts";
import { statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import { definitionOf } from "./body.ts";
import { type Accepted, mediaTypes } from "./negotiate.ts";
import { partialOf, partialText } from "./partial.ts";
import { protobufList } from "./protobuf_list.ts";
import type { Resource } from "./resource.ts";
import { bytesAnswer, type Pieces, streamAnswer } from "./stream.ts";
import { columnDefinitionsText, rowText, tableHead, tableTail } from "./table.ts";

const partialDefinition = "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata";
/** Rows and other texts that are made from parsed objects: about 3 ms of work. */
const madeChunkBytes = 64 * 2 ** 10;

export interface ListMeta {
  /** Absent where nothing is stored. */
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
}

const encoder = new TextEncoder();

/** One object of a resource. `now` in ms, for the ages in tables. */
export function answerEntry(
  request: Request,
  resource: Resource,
  entry: Entry,
  options: { accepted: Accepted; now: number; code?: number },
): Response {
  const { accepted, code, now } = options;
  if (accepted.as === "table") {
    const meta: ListMeta = { resourceVersion: String(entry.revision) };
    const head = tableHead(meta, columnDefinitionsText(resource));
    const text = head + rowText(resource, entry, accepted.include, now) + tableTail;
    return answerText(request, text, accepted, code);
  }
  if (accepted.as === "object" && accepted.format === "json" && !accepted.pretty) {
    return bytesAnswer(request, entry.bytes, { contentType: mediaTypes.json, code });
  }
  const object = accepted.as === "partial" ? partialOf(entry.object) : entry.object;
  const schema = accepted.as === "partial" ? definition(partialDefinition) : definitionOf(resource);
  return answerObject(request, object, { accepted, code, definition: schema });
}

/** Any object: a Status, a Scale, a review's answer. Without a definition there is no protobuf form, and JSON is sent. */
export function answerObject(
  request: Request,
  object: object,
  options: { accepted: Accepted; code?: number; definition?: Definition },
): Response {
  const { accepted, code } = options;
  if (accepted.format === "protobuf" && options.definition !== undefined) {
    if (options.definition.package === "unstructured") throw noProtobuf();
    const bytes = encodeProtobuf(object, options.definition);
    return bytesAnswer(request, bytes, { contentType: mediaTypes.protobuf, code });
  }
  return answerText(request, JSON.stringify(object), accepted, code);
}

function noProtobuf() {
  const types = `${mediaTypes.json}, ${mediaTypes.yaml}`;
  return statusError("NotAcceptable", `only the following media types are accepted: ${types}`);
}

function answerText(request: Request, json: string, accepted: Accepted, code?: number): Response {
  const yaml = accepted.format === "yaml";
  const text = yaml
    ? stringify(JSON.parse(json))
    : accepted.pretty
    ? JSON.stringify(JSON.parse(json), null, 2) + "\n"
    : json;
  return bytesAnswer(request, encoder.encode(text), { contentType: yaml ? mediaTypes.yaml : mediaTypes.json, code });
}

/** Many objects. `entries` are in the resource's own version. */
export async function answerList(
  request: Request,
  resource: Resource,
  page: { metadata: ListMeta; entries: readonly Entry[] },
  options: { accepted: Accepted; now: number },
): Promise<Response> {
  const { accepted, now } = options;
  const { metadata, entries } = page;
  if (accepted.as === "table") {
    const head = tableHead(metadata, columnDefinitionsText(resource));
    const pieces = joined(head, mapped(entries, (e) => rowText(resource, e, accepted.include, now)), tableTail);
    return textList(request, pieces, accepted);
  }
  const partial = accepted.as === "partial";
  const kind = partial ? "PartialObjectMetadataList" : `${resource.kind}List`;
  const apiVersion = partial ? "meta.k8s.io/v1" : apiVersionOf(resource);
  if (accepted.format === "protobuf") {
    const schema = partial ? definition(partialDefinition) : definitionOf(resource);
    if (schema.package === "unstructured") throw noProtobuf();
    const encode = (object: KubeObject) => encodeMessage(partial ? partialOf(object) : object, schema);
    const pieces = await protobufList({ apiVersion, kind, metadata }, entries, encode);
    return streamAnswer(request, pieces, { contentType: mediaTypes.protobuf });
  }
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":"${apiVersion}","metadata":${
    JSON.stringify(metadata)
  },"items":[`;
  if (partial) return textList(request, joined(head, mapped(entries, (e) => partialText(e.object)), "]}"), accepted);
  if (accepted.format === "yaml") return yamlList(request, { apiVersion, kind, metadata }, entries);
  const pieces = joined(head, mapped(entries, (e) => e.bytes), "]}");
  if (accepted.pretty) return textList(request, pieces, accepted);
  return streamAnswer(request, pieces, { contentType: mediaTypes.json });
}

function* mapped<T>(entries: readonly Entry[], make: (entry: Entry) => T): Generator<T> {
  for (const entry of entries) yield make(entry);
}

function* joined(head: string, items: Iterable<Uint8Array | string>, tail: string): Generator<Uint8Array | string> {
  yield head;
  let separator = "";
  for (const item of items) {
    if (separator !== "") yield separator;
    separator = ",";
    yield item;
  }
  yield tail;
}

/** A list that is JSON text; made whole first when it has to be written in another way. */
function textList(request: Request, pieces: Pieces, accepted: Accepted): Response {
  if (!accepted.pretty && accepted.format === "json") {
    return streamAnswer(request, pieces, { contentType: mediaTypes.json, chunkBytes: madeChunkBytes });
  }
  const decoder = new TextDecoder();
  let text = "";
  for (const piece of pieces) text += typeof piece === "string" ? piece : decoder.decode(piece);
  return answerText(request, text, accepted);
}

function yamlList(request: Request, list: object, entries: readonly Entry[]): Response {
  const items = function* () {
    yield stringify(list) + (entries.length === 0 ? "items: []\n" : "items:\n");
    for (const entry of entries) yield stringify([entry.object]);
  };
  return streamAnswer(request, items(), { contentType: mediaTypes.yaml, chunkBytes: madeChunkBytes / 8 });
}
