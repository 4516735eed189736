/** Objects and lists in the form that the client asked for. */
import { stringify } from "yaml";
import type { KubeObject } from "../../lib/kind.ts";
import { apiVersionOf } from "../../lib/kind.ts";
import { encodeMessage, encodeProtobuf } from "../../lib/schema/protobuf_encode.ts";
import { type Definition, definition } from "../../lib/schema/schema.ts";
import { statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import { definitionOf } from "./body.ts";
import { jsonList, type ListText, prettyList, yamlList } from "./list_text.ts";
import { type Accepted, mediaTypes } from "./negotiate.ts";
import { partialOf, partialText } from "./partial.ts";
import { protobufList } from "./protobuf_list.ts";
import type { Resource } from "./resource.ts";
import { streamAnswer, wholeAnswer } from "./stream.ts";
import { Item } from "./text.ts";
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
    // What was just written is sent to nobody else.
    const body = entry instanceof Item ? entry.text : entry.bytes;
    return wholeAnswer(request, body, { contentType: mediaTypes.json, code });
  }
  // The text's order of fields is the stored one, an object's may be that of its author.
  if (accepted.as === "object" && accepted.format !== "protobuf") {
    return answerText(request, entry.text, accepted, code);
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
    return wholeAnswer(request, bytes, { contentType: mediaTypes.protobuf, code });
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
  return wholeAnswer(request, text, { contentType: yaml ? mediaTypes.yaml : mediaTypes.json, code });
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
    const items = mapped(entries, (e) => rowText(resource, e, accepted.include, now));
    return textList(request, { head, items }, { accepted, made: true });
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
  const items = partial ? mapped(entries, (e) => partialText(e.object)) : mapped(entries, (e) => e.bytes);
  return textList(request, { head, items }, { accepted, made: partial });
}

function* mapped<T>(entries: readonly Entry[], make: (entry: Entry) => T): Generator<T> {
  for (const entry of entries) yield make(entry);
}

/** `made`: the items are made from parsed objects while they are sent. */
function textList(
  request: Request,
  list: ListText,
  { accepted, made }: { accepted: Accepted; made: boolean },
): Response {
  if (accepted.format === "yaml") {
    return streamAnswer(request, yamlList(list), { contentType: mediaTypes.yaml, chunkBytes: madeChunkBytes / 8 });
  }
  const pieces = accepted.pretty ? prettyList(list) : jsonList(list);
  const chunkBytes = made || accepted.pretty ? madeChunkBytes : undefined;
  return streamAnswer(request, pieces, { contentType: mediaTypes.json, chunkBytes });
}
