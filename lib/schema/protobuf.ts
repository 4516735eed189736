/**
 * `application/vnd.kubernetes.protobuf`: objects from and to Kubernetes' protobuf form, driven by the definitions'
 * field numbers alone. kubectl ≥ 1.32 sends some bodies so, and client-go reads answers cheaper. Leaves out Tables and
 * custom resources, which have no such form.
 */
import { formatGoDuration } from "../go_duration.ts";
import { protobufDepthMax } from "../limits.ts";
import { canonicalQuantity, QuantityError } from "../quantity.ts";
import { rfc3339 } from "../seams/clock.ts";
import { encodeBase64 } from "./base64.ts";
import { JsonError, parseJson } from "./json.ts";
import { isPointer } from "./pointers.ts";
import { type Definition, type Field, findDefinition } from "./schema.ts";
import { ProtobufError, Reader, wire } from "./proto_wire.ts";

export { ProtobufError } from "./proto_wire.ts";

type Json = Record<string, unknown>;

/** `k8s` and a zero byte. */
export const magic: Uint8Array = Uint8Array.of(0x6b, 0x38, 0x73, 0);

export interface Envelope {
  /** May be empty: then the request says what it is. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

export function hasMagic(body: Uint8Array): boolean {
  return body.length >= 4 && magic.every((byte, i) => body[i] === byte);
}

/** Opens `k8s\0` + runtime.Unknown. Throws ProtobufError. */
export function readEnvelope(body: Uint8Array): Envelope {
  if (!hasMagic(body)) {
    throw new ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  let [apiVersion, kind, encoding] = ["", "", ""];
  let raw: Uint8Array = new Uint8Array(0);
  eachField(new Reader(body.subarray(4)), (tag, reader) => {
    if (tag === 1) {
      eachField(new Reader(reader.slice()), (inner, meta) => {
        if (inner === 1) apiVersion = meta.string();
        else if (inner === 2) kind = meta.string();
        else return false;
        return true;
      });
    } else if (tag === 2) raw = reader.slice();
    else if (tag === 3) encoding = reader.string();
    else return false;
    return true;
  });
  if (encoding !== "") throw new ProtobufError(`the encoding ${JSON.stringify(encoding)} is not supported`);
  return { apiVersion, kind, raw };
}

/** Calls for each field; the callback answers whether it has read it. Fields of length-delimited type only. */
function eachField(reader: Reader, read: (tag: number, reader: Reader, type: number) => boolean): void {
  while (!reader.done) {
    const { tag, type } = reader.tag();
    if (type !== wire.bytes || !read(tag, reader, type)) reader.skip(type);
  }
}

interface Plan {
  readonly byTag: ReadonlyMap<number, { name: string; field: Field; dropZero: boolean }>;
  readonly embedded: ReadonlyMap<number, Definition>;
}

const plans = new WeakMap<Definition, Plan>();

function planOf(definition: Definition): Plan {
  const known = plans.get(definition);
  if (known !== undefined) return known;
  const byTag = new Map<number, { name: string; field: Field; dropZero: boolean }>();
  for (const [name, field] of definition.fields) {
    if (field.tag === undefined) continue;
    byTag.set(field.tag, { name, field, dropZero: !field.required && !isPointer(definition.name, name) });
  }
  const plan = { byTag, embedded: new Map(definition.embedded.map(({ tag, struct }) => [tag, struct])) };
  plans.set(definition, plan);
  return plan;
}

/** A message as JSON. Zeros of fields that are no pointers in Go are dropped, as in Go's JSON. Throws ProtobufError. */
export function decodeMessage(bytes: Uint8Array, definition: Definition): Json {
  const object: Json = {};
  decodeInto(object, new Reader(bytes), definition, 0);
  return object;
}

function decodeInto(object: Json, reader: Reader, definition: Definition, depth: number): void {
  if (depth > protobufDepthMax) throw new ProtobufError(`proto: exceeded max depth of ${protobufDepthMax}`);
  const plan = planOf(definition);
  while (!reader.done) {
    const { tag, type } = reader.tag();
    const known = plan.byTag.get(tag);
    if (known !== undefined) {
      readField(object, known, reader, type, depth);
      continue;
    }
    const struct = plan.embedded.get(tag);
    if (struct !== undefined && type === wire.bytes) decodeInto(object, new Reader(reader.slice()), struct, depth + 1);
    else reader.skip(type);
  }
}

function readField(
  object: Json,
  { name, field, dropZero }: { name: string; field: Field; dropZero: boolean },
  reader: Reader,
  type: number,
  depth: number,
): void {
  if (field.type === "array" && !field.protoWrapped) {
    const list = (object[name] ??= []) as unknown[];
    readItems(list, field.items!, reader, type, depth);
  } else if (field.type === "map") {
    const map = (object[name] ??= {}) as Json;
    readEntry(map, field.values!, reader, type, depth);
  } else {
    const value = readValue(field, reader, type, depth);
    if (value === undefined) return;
    if (dropZero && (value === "" || value === 0 || value === false)) return;
    object[name] = value;
  }
}

const packable = new Set(["boolean", "int32", "int64", "number"]);

function readItems(list: unknown[], items: Field, reader: Reader, type: number, depth: number): void {
  if (type === wire.bytes && packable.has(items.type)) {
    const packed = new Reader(reader.slice());
    while (!packed.done) list.push(readScalar(items, packed));
    return;
  }
  list.push(readValue(items, reader, type, depth) ?? null);
}

function readEntry(map: Json, values: Field, reader: Reader, type: number, depth: number): void {
  expect(type, wire.bytes);
  const entry = new Reader(reader.slice());
  let key = "";
  let value: unknown;
  while (!entry.done) {
    const next = entry.tag();
    if (next.tag === 1 && next.type === wire.bytes) key = entry.string();
    else if (next.tag === 2) value = readValue(values, entry, next.type, depth);
    else entry.skip(next.type);
  }
  value ??= emptyValue(values);
  Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
}

/** What a map entry without a value holds. */
function emptyValue(values: Field): unknown {
  if (values.type === "array") return [];
  if (values.type === "struct") return {};
  if (values.type === "quantity") return "0";
  return packable.has(values.type) ? values.type === "boolean" ? false : 0 : "";
}

function expect(type: number, wanted: number): void {
  if (type !== wanted) throw new ProtobufError(`proto: wrong wireType = ${type}`);
}

function readScalar(field: Field, reader: Reader): unknown {
  switch (field.type) {
    case "boolean":
      return reader.bool();
    case "int32":
      return reader.int32();
    case "int64":
      return reader.int64();
    default: {
      const value = reader.double();
      if (!Number.isFinite(value)) throw new ProtobufError(`json: unsupported value: ${value}`);
      return value;
    }
  }
}

/** One value; undefined for a time that is not set and a raw value without bytes. */
function readValue(field: Field, reader: Reader, type: number, depth: number): unknown {
  if (packable.has(field.type)) {
    expect(type, field.type === "number" ? wire.fixed64 : wire.varint);
    return readScalar(field, reader);
  }
  expect(type, wire.bytes);
  switch (field.type) {
    case "string":
      return field.format === "byte" ? encodeBase64(reader.slice()) : reader.string();
    case "struct": {
      const object: Json = {};
      decodeInto(object, new Reader(reader.slice()), field.struct!, depth + 1);
      return object;
    }
    case "quantity":
      return readQuantity(reader.slice());
    case "time":
    case "microtime":
      return readTime(reader.slice(), field.type);
    case "duration":
      return readDuration(reader.slice());
    case "int-or-string":
      return readIntOrString(reader.slice());
    case "object":
    case "any":
      return readRaw(reader.slice(), depth);
    case "array": // wrapped: message { repeated items = 1 }
      return readList(reader.slice(), field.items!, depth);
    case "schema-or-bool":
    case "schema-or-array":
    case "schema-or-strings":
      return readUnion(reader.slice(), field, depth);
    default:
      throw new ProtobufError(`proto: ${field.type} has no protobuf form`);
  }
}

function readList(bytes: Uint8Array, items: Field, depth: number): unknown[] {
  const list: unknown[] = [];
  const reader = new Reader(bytes);
  while (!reader.done) {
    const { tag, type } = reader.tag();
    if (tag === 1) readItems(list, items, reader, type, depth + 1);
    else reader.skip(type);
  }
  return list;
}

function readQuantity(bytes: Uint8Array): string {
  let text = "";
  eachField(new Reader(bytes), (tag, reader) => {
    if (tag !== 1) return false;
    text = reader.string();
    return true;
  });
  try {
    return text === "" ? "0" : canonicalQuantity(text);
  } catch (error) {
    if (error instanceof QuantityError) throw new ProtobufError(error.message);
    throw error;
  }
}

function readIntOrString(bytes: Uint8Array): number | string {
  const reader = new Reader(bytes);
  let [kind, int, text] = [0, 0, ""];
  while (!reader.done) {
    const { tag, type } = reader.tag();
    if (tag === 1 && type === wire.varint) kind = reader.int64();
    else if (tag === 2 && type === wire.varint) int = reader.int32();
    else if (tag === 3 && type === wire.bytes) text = reader.string();
    else reader.skip(type);
  }
  return kind === 0 ? int : text;
}

/** Years 0 to 9999, which RFC 3339 can say. */
const secondsMin = -62167219200;
const secondsMax = 253402300799;

function readTime(bytes: Uint8Array, kind: "time" | "microtime"): string | undefined {
  if (bytes.length === 0) return undefined;
  const reader = new Reader(bytes);
  let [seconds, nanos] = [0, 0];
  while (!reader.done) {
    const { tag, type } = reader.tag();
    if (tag === 1 && type === wire.varint) seconds = reader.int64();
    else if (tag === 2 && type === wire.varint) nanos = reader.int32();
    else reader.skip(type);
  }
  if (seconds < secondsMin || seconds > secondsMax || nanos < 0 || nanos > 999_999_999) {
    throw new ProtobufError("Time.MarshalJSON: year outside of range [0,9999]");
  }
  const text = rfc3339(seconds * 1000);
  return kind === "time" ? text : text.replace("Z", `.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z`);
}

/** metav1.Duration: nanoseconds. */
function readDuration(bytes: Uint8Array): string {
  const reader = new Reader(bytes);
  let nanos = 0;
  while (!reader.done) {
    const { tag, type } = reader.tag();
    if (tag === 1 && type === wire.varint) nanos = reader.int64();
    else reader.skip(type);
  }
  return formatGoDuration(nanos / 1e6);
}

const utf8 = new TextDecoder();

/** RawExtension, FieldsV1 and JSON: JSON text, or an object in protobuf again. */
function readRaw(bytes: Uint8Array, depth: number): unknown {
  let raw: Uint8Array = new Uint8Array(0);
  eachField(new Reader(bytes), (tag, reader) => {
    if (tag !== 1) return false;
    raw = reader.slice();
    return true;
  });
  if (raw.length === 0) return undefined;
  if (hasMagic(raw)) return decodeNested(raw, depth);
  try {
    return parseJson(utf8.decode(raw)).value;
  } catch (error) {
    if (error instanceof JsonError) throw new ProtobufError(error.message);
    throw error;
  }
}

function decodeNested(body: Uint8Array, depth: number): Json {
  const { apiVersion, kind, raw } = readEnvelope(body);
  const slash = apiVersion.indexOf("/");
  const group = apiVersion.slice(0, Math.max(0, slash));
  const definition = findDefinition({ group, version: apiVersion.slice(slash + 1), kind });
  if (definition === undefined) {
    throw new ProtobufError(`no kind ${JSON.stringify(kind)} is registered for ${apiVersion}`);
  }
  const object: Json = { apiVersion, kind };
  decodeInto(object, new Reader(raw), definition, depth + 1);
  return object;
}

/** JSONSchemaPropsOrBool {allows=1, schema=2}, …OrArray {schema=1, jSONSchemas=2}, …OrStringArray {schema=1, property=2}. */
function readUnion(bytes: Uint8Array, field: Field, depth: number): unknown {
  const reader = new Reader(bytes);
  const schemaTag = field.type === "schema-or-bool" ? 2 : 1;
  let schema: Json | undefined;
  let allows = false;
  const list: unknown[] = [];
  while (!reader.done) {
    const { tag, type } = reader.tag();
    if (tag === 1 && type === wire.varint && field.type === "schema-or-bool") allows = reader.bool();
    else if (type !== wire.bytes || tag > 2) reader.skip(type);
    else if (tag === 2 && field.type === "schema-or-strings") list.push(reader.string());
    else {
      const object: Json = {};
      decodeInto(object, new Reader(reader.slice()), field.struct!, depth + 1);
      if (tag === schemaTag) schema = object;
      else list.push(object);
    }
  }
  if (schema !== undefined) return schema;
  return field.type === "schema-or-bool" ? allows : list;
}
