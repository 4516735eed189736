/** Objects to Kubernetes' protobuf form: single objects and lists in their envelope, and watch events in their frames. */
import { parseGoDuration } from "../go_duration.ts";
import { decodeBase64 } from "./base64.ts";
import { magic } from "./protobuf.ts";
import { wire, Writer } from "./proto_wire.ts";
import type { Definition, Field } from "./schema.ts";

type Json = Record<string, unknown>;

/** metav1.Duration is a number of nanoseconds. */
const nanosPerMs = 1e6;

/** `k8s\0` + runtime.Unknown with the object's own apiVersion and kind. The object must be valid. */
export function encodeProtobuf(object: object, definition: Definition): Uint8Array<ArrayBuffer> {
  const { apiVersion = "", kind = "" } = object as { apiVersion?: string; kind?: string };
  const writer = new Writer();
  // From the end: Unknown's contentType and contentEncoding, which Go always writes, then raw, then typeMeta.
  writer.message(4, () => {});
  writer.message(3, () => {});
  writer.message(2, () => writeMessage(writer, object as Json, definition));
  writer.message(1, () => {
    writer.message(2, () => writer.string(kind));
    writer.message(1, () => writer.string(apiVersion));
  });
  writer.raw(magic);
  return writer.finish();
}

/**
 * One event of a watch that was asked for as `application/vnd.kubernetes.protobuf;stream=watch`: a big-endian 32-bit
 * length and a bare WatchEvent, whose object is in its envelope (`encodeProtobuf()`'s answer).
 */
export function encodeWatchFrame(type: string, encodedObject: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.message(2, () => writer.message(1, () => writer.raw(encodedObject)));
  writer.message(1, () => writer.string(type));
  const { length } = writer;
  writer.raw(Uint8Array.of(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff));
  return writer.finish();
}

/** A message without an envelope. */
export function encodeMessage(object: object, definition: Definition): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writeMessage(writer, object as Json, definition);
  return writer.finish();
}

type Step = { readonly tag: number; readonly name: string; readonly field: Field } | {
  readonly tag: number;
  readonly struct: Definition;
};

const plans = new WeakMap<Definition, readonly Step[]>();

/** Fields and embedded messages by falling number: the writer starts at the end. */
function planOf(definition: Definition): readonly Step[] {
  const known = plans.get(definition);
  if (known !== undefined) return known;
  const fields = [...definition.fields].filter(([, field]) => field.tag !== undefined);
  const steps: Step[] = [
    ...fields.map(([name, field]) => ({ tag: field.tag!, name, field })),
    ...definition.embedded.map(({ tag, struct }) => ({ tag, struct })),
  ].sort((a, b) => b.tag - a.tag);
  plans.set(definition, steps);
  return steps;
}

function writeMessage(writer: Writer, object: Json, definition: Definition): void {
  for (const step of planOf(definition)) {
    if ("struct" in step) {
      writer.message(step.tag, () => writeMessage(writer, object, step.struct));
      continue;
    }
    const value = object[step.name];
    if (value === undefined || value === null) continue;
    writeField(writer, step.tag, step.field, value);
  }
}

function writeField(writer: Writer, tag: number, field: Field, value: unknown): void {
  if (field.type === "array") {
    const items = value as unknown[];
    if (field.protoWrapped) writer.message(tag, () => writeItems(writer, 1, field.items!, items));
    else writeItems(writer, tag, field.items!, items);
  } else if (field.type === "map") {
    for (const [key, item] of Object.entries(value as Json).sort(([a], [b]) => a < b ? 1 : -1)) {
      writer.message(tag, () => {
        if (item !== null) writeField(writer, 2, field.values!, item);
        writer.message(1, () => writer.string(key));
      });
    }
  } else writeValue(writer, tag, field, value);
}

function writeItems(writer: Writer, tag: number, items: Field, list: readonly unknown[]): void {
  for (let i = list.length - 1; i >= 0; i--) writeField(writer, tag, items, list[i]);
}

function writeValue(writer: Writer, tag: number, field: Field, value: unknown): void {
  switch (field.type) {
    case "boolean":
      return writeVarint(writer, tag, value === true ? 1 : 0);
    case "int32":
    case "int64":
      return writeVarint(writer, tag, value as number);
    case "number":
      writer.double(value as number);
      return writer.tag(tag, wire.fixed64);
    case "string":
      if (field.format !== "byte") return writer.message(tag, () => writer.string(value as string));
      return writer.message(tag, () => writer.raw(decodeBase64(value as string)));
    case "struct":
      return writer.message(tag, () => writeMessage(writer, value as Json, field.struct!));
    case "quantity":
      return writer.message(tag, () => writer.message(1, () => writer.string(String(value))));
    case "time":
    case "microtime":
      return writer.message(tag, () => writeTime(writer, value as string));
    case "duration":
      return writer.message(tag, () => writeVarint(writer, 1, (parseGoDuration(value as string) ?? 0) * nanosPerMs));
    case "int-or-string":
      return writer.message(tag, () => writeIntOrString(writer, value as number | string));
    case "object":
    case "any":
      return writer.message(tag, () => writer.message(1, () => writer.string(JSON.stringify(value))));
    case "schema-or-bool":
    case "schema-or-array":
    case "schema-or-strings":
      return writer.message(tag, () => writeUnion(writer, field, value));
    default:
      throw new Error(`lib/schema: ${field.type} has no protobuf form`);
  }
}

function writeVarint(writer: Writer, tag: number, value: number): void {
  writer.varint(value);
  writer.tag(tag, wire.varint);
}

function writeTime(writer: Writer, text: string): void {
  const micros = Number((/\.(\d{1,6})/.exec(text)?.[1] ?? "").padEnd(6, "0"));
  writeVarint(writer, 2, micros * 1000);
  writeVarint(writer, 1, Math.floor(Date.parse(text) / 1000));
}

function writeIntOrString(writer: Writer, value: number | string): void {
  const isString = typeof value === "string";
  writer.message(3, () => writer.string(isString ? value : ""));
  writeVarint(writer, 2, isString ? 0 : value);
  writeVarint(writer, 1, isString ? 1 : 0);
}

function writeUnion(writer: Writer, field: Field, value: unknown): void {
  const schema = (tag: number, object: unknown) =>
    writer.message(tag, () => writeMessage(writer, object as Json, field.struct!));
  if (field.type === "schema-or-bool") {
    if (typeof value !== "boolean") schema(2, value);
    // Go's JSON of a schema here means that it allows: true.
    return writeVarint(writer, 1, value === false ? 0 : 1);
  }
  if (!Array.isArray(value)) return schema(1, value);
  for (let i = value.length - 1; i >= 0; i--) {
    if (field.type === "schema-or-array") schema(2, value[i]);
    else writer.message(2, () => writer.string(value[i] as string));
  }
}
