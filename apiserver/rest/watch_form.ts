/**
 * How a watch's events look on the wire: the object, a table of one row, or its metadata; as JSON lines or protobuf frames. For a client of
 * this process: the objects themselves.
 */
import type { LiveFrame } from "../../lib/client/live.ts";
import { apiVersionOf, type KubeObject } from "../../lib/kind.ts";
import { answerChunkBytes } from "../../lib/limits.ts";
import { encodeProtobuf, encodeWatchFrame } from "../../lib/schema/protobuf_encode.ts";
import { definition } from "../../lib/schema/schema.ts";
import { type StatusError, statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import { definitionOf } from "./body.ts";
import { type Accepted, mediaTypes } from "./negotiate.ts";
import { partialKind, partialOf, partialText } from "./partial.ts";
import type { Resource } from "./resource.ts";
import { columnDefinitionsText, rowText, tableHead, tableTail } from "./table.ts";

export type EventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";

/** Of objects that are parsed and made into something else. */
const madeTurnCharacters = answerChunkBytes / 8;

const encoder = new TextEncoder();
const metaV1 = "io.k8s.apimachinery.pkg.apis.meta.v1";
const prefixes = new Map<string, Uint8Array>();
const suffix = encoder.encode("}\n");

/** `{"type":"ADDED","object":` … `}\n` around bytes that exist already. */
function framed(type: string, bytes: Uint8Array): Uint8Array {
  let prefix = prefixes.get(type);
  if (prefix === undefined) prefixes.set(type, prefix = encoder.encode(`{"type":"${type}","object":`));
  const frame = new Uint8Array(prefix.length + bytes.length + suffix.length);
  frame.set(prefix);
  frame.set(bytes, prefix.length);
  frame.set(suffix, prefix.length + bytes.length);
  return frame;
}

export interface WatchForm<Frame> {
  /** Characters of objects that are written in one turn: some milliseconds of work. */
  readonly turnCharacters: number;
  /**
   * The same for watchers whose frames are the same. `first`: the first event of a table names the columns. Absent where a frame is made
   * with less work than it is found again.
   */
  name?(first: boolean): string;
  encode(type: EventType, entry: Entry, options: { first: boolean; now: number }): Frame;
  /** Says how far the watch has got. */
  bookmark(revision: number, annotations?: Record<string, string>): Frame;
  error(error: StatusError): Frame;
}

/** On a connection. */
export interface WireForm extends WatchForm<Uint8Array> {
  readonly contentType: string;
}

/** Throws NotAcceptable for protobuf of a kind that has none. */
export function watchForm(resource: Resource, accepted: Accepted): WireForm {
  if (accepted.format === "protobuf") return protobufForm(resource, accepted);
  return {
    contentType: mediaTypes.json,
    turnCharacters: accepted.as === "object" ? answerChunkBytes : madeTurnCharacters,
    name: (first) =>
      accepted.as === "table"
        ? `${apiVersionOf(resource)} table ${accepted.include} ${first}`
        : formName(resource, accepted),
    encode(type, entry, { first, now }) {
      if (accepted.as === "object") return framed(type, entry.bytes);
      const text = accepted.as === "partial"
        ? partialText(entry.object)
        : tableHead({ resourceVersion: String(entry.revision) }, first ? columnDefinitionsText(resource) : null) +
          rowText(resource, entry, accepted.include, now) + tableTail;
      return framed(type, encoder.encode(text));
    },
    bookmark(revision, annotations) {
      const object = bookmarkObject(resource, accepted.as, revision, annotations);
      if (accepted.as !== "table") return framed("BOOKMARK", encoder.encode(JSON.stringify(object)));
      const row = JSON.stringify({ cells: [], object: { ...object, ...partialKind } });
      const text = tableHead({ resourceVersion: String(revision) }, null) + row + tableTail;
      return framed("BOOKMARK", encoder.encode(text));
    },
    error: (error) => framed("ERROR", encoder.encode(JSON.stringify(error.status))),
  };
}

const formName = (resource: Resource, accepted: Accepted) =>
  `${apiVersionOf(resource)} ${accepted.format} ${accepted.as}`;

/** For a client of this process, which asks for objects. */
export function liveForm(resource: Resource): WatchForm<LiveFrame> {
  return {
    turnCharacters: answerChunkBytes,
    encode: (type, { object, length }) => ({ type, object, length }),
    bookmark: (revision, annotations) => ({
      type: "BOOKMARK",
      object: bookmarkObject(resource, "object", revision, annotations) as KubeObject,
      length: 0,
    }),
    error: ({ status }) => ({ type: "ERROR", object: status, length: 0 }),
  };
}

function bookmarkObject(
  resource: Resource,
  as: Accepted["as"],
  revision: number,
  annotations?: Record<string, string>,
): object {
  const kind = as === "partial" ? partialKind : { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const metadata = { resourceVersion: String(revision), creationTimestamp: null, annotations };
  return { ...kind, metadata };
}

function protobufForm(resource: Resource, accepted: Accepted): WireForm {
  const schema = accepted.as === "partial" ? definition(`${metaV1}.PartialObjectMetadata`) : definitionOf(resource);
  if (schema.package === "unstructured") {
    throw statusError("NotAcceptable", `only the following media types are accepted: ${mediaTypes.json}`);
  }
  const encode = (type: string, object: object) => encodeWatchFrame(type, encodeProtobuf(object, schema));
  const shown = (object: KubeObject) => accepted.as === "partial" ? partialOf(object) : object;
  return {
    turnCharacters: madeTurnCharacters,
    contentType: `${mediaTypes.protobuf};stream=watch`,
    name: () => formName(resource, accepted),
    encode: (type, entry) => encode(type, shown(entry.object)),
    bookmark: (revision, annotations) =>
      encode("BOOKMARK", bookmarkObject(resource, accepted.as, revision, annotations)),
    error: (error) => encodeWatchFrame("ERROR", encodeProtobuf(error.status, definition(`${metaV1}.Status`))),
  };
}
