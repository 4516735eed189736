/**
 * Structural validation of a parsed body: types, ranges, times, quantities, unknown fields; in the words of Go's
 * decoder, which clients show to people. Compiled once per definition. Leaves out what a kind demands of its values
 * (enums, required fields, cross-field rules): that is the registry's, with 422 and all errors at once.
 */
import { strictProblemsMax } from "../limits.ts";
import { canonicalQuantity, QuantityError } from "../quantity.ts";
import { isPointer } from "./pointers.ts";
import type { Definition, Field } from "./schema.ts";
import { normalizeMicroTime, normalizeTime, TimeError } from "./time.ts";

/** The value does not fit the type; the message is Go's. Nothing of the value is to be used. */
export class DecodeError extends Error {
  override name = "DecodeError";
}

export interface DecodedObject {
  /** Without unknown fields and nulls; quantities and times in canonical form. */
  readonly object: Record<string, unknown>;
  /** Paths of fields that the type does not have, in the order in which they were met. */
  readonly unknown: readonly string[];
}

/** Where the decoder is. Map keys are objects, so that error messages can leave them out as Go does. */
type Step = string | number | { readonly key: string };

interface Context {
  readonly path: Step[];
  readonly unknown: string[];
  /** Go name of the innermost struct. */
  struct: string;
  readonly zeros: Zeros;
}

/**
 * What becomes of 0, "" and false in an optional field that is no pointer in Go: dropped, as when Go has written the object anew; or kept,
 * for who asks what was said.
 */
export type Zeros = "dropped" | "kept";

type Decoder = (value: unknown, context: Context) => unknown;
type Json = Record<string, unknown>;

/**
 * Checks a value and brings it into canonical form. The value is consumed: it may be changed in place and be part of
 * the answer. As in Go, null is absence, and empty lists and maps that may be omitted are omitted. Throws DecodeError.
 */
export function decodeObject(value: unknown, definition: Definition, zeros: Zeros = "dropped"): DecodedObject {
  const context: Context = { path: [], unknown: [], struct: "", zeros };
  const object = structDecoder(definition)(value === null ? {} : value, context) as Json;
  return { object, unknown: context.unknown };
}

const compiled = new WeakMap<Definition, Decoder>();

function structDecoder(definition: Definition): Decoder {
  const known = compiled.get(definition);
  if (known !== undefined) return known;
  let fields: Map<string, { decode: Decoder; omitEmpty: boolean; omitZero: boolean }> | undefined;
  const compile = () =>
    new Map([...definition.fields].map(([name, field]) => [name, {
      decode: fieldDecoder(field),
      omitEmpty: !field.required && (field.type === "array" || field.type === "map"),
      omitZero: isOmittedZero(definition, name, field),
    }]));
  const decoder: Decoder = (value, context) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw mismatch(value, `${definition.package}.${definition.name}`, context);
    }
    fields ??= compile();
    const object = value as Json;
    const outer = context.struct;
    const { path } = context;
    const at = path.length;
    let dropped: Set<string> | undefined;
    for (const key in object) {
      const field = fields.get(key);
      const given = object[key];
      path[at] = key;
      if (field === undefined) {
        if (definition.preserveUnknown) continue;
        if (context.unknown.length < strictProblemsMax) context.unknown.push(strictPath(path));
        (dropped ??= new Set()).add(key);
        continue;
      }
      if (given === null) {
        (dropped ??= new Set()).add(key);
        continue;
      }
      context.struct = definition.name;
      const decoded = field.decode(given, context);
      path.length = at + 1;
      if (
        decoded === undefined || (field.omitEmpty && isEmpty(decoded)) ||
        (field.omitZero && !decoded && context.zeros === "dropped")
      ) (dropped ??= new Set()).add(key);
      else if (decoded !== given) object[key] = decoded;
    }
    path.length = at;
    context.struct = outer;
    return dropped === undefined ? object : without(object, dropped);
  };
  compiled.set(definition, decoder);
  return decoder;
}

const scalars: ReadonlySet<string> = new Set(["string", "boolean", "int32", "int64", "number"]);

/** Whether Go leaves out the field's zero. Statuses count from 0, and most of their fields are always written. */
function isOmittedZero(definition: Definition, name: string, field: Field): boolean {
  if (field.required || !scalars.has(field.type) || definition.package === "unstructured") return false;
  if (/(Status|Condition)$/.test(definition.name) || alwaysWritten.has(`${definition.name}.${name}`)) return false;
  return !isPointer(definition.name, name);
}

/** Optional, and not `omitempty` in Go. */
const alwaysWritten: ReadonlySet<string> = new Set([
  "Event.reportingComponent",
  "Event.reportingInstance",
  "PriorityClass.value",
]);

/** A copy without some keys: `delete` would turn the object into a slow dictionary for the rest of its life. */
function without(object: Json, dropped: ReadonlySet<string>): Json {
  const rest: Json = {};
  for (const key in object) if (!dropped.has(key)) define(rest, key, object[key]);
  return rest;
}

/** Assignment that makes an own property even of `__proto__`. */
function define(object: Json, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  } else object[key] = value;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value as Json) return false;
  return true;
}

function fieldDecoder(field: Field): Decoder {
  switch (field.type) {
    case "string":
      return field.format === "byte" ? decodeBytes : decodeString;
    case "boolean":
      return decodeBoolean;
    case "int32":
      return integerDecoder("int32", -2147483648, 2147483647);
    case "int64":
      return integerDecoder("int64", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    case "number":
      return decodeNumber;
    case "time":
      return timeDecoder(normalizeTime);
    case "microtime":
      return timeDecoder(normalizeMicroTime);
    case "duration":
      return decodeString;
    case "quantity":
      return decodeQuantity;
    case "int-or-string":
      return decodeIntOrString;
    case "object":
    case "any":
      return (value) => value;
    case "array":
      return arrayDecoder(field);
    case "map":
      return mapDecoder(field);
    case "struct":
      return lazily(() => structDecoder(field.struct!));
    case "schema-or-bool":
      return unionDecoder(field, (value) => typeof value === "boolean");
    case "schema-or-array":
    case "schema-or-strings":
      return listUnionDecoder(field);
  }
}

/** Types contain themselves; so a struct's decoder is looked up when it is first needed. */
function lazily(make: () => Decoder): Decoder {
  let decoder: Decoder | undefined;
  return (value, context) => (decoder ??= make())(value, context);
}

const decodeString: Decoder = (value, context) => {
  if (typeof value === "string") return value;
  throw mismatch(value, "string", context);
};

const decodeBoolean: Decoder = (value, context) => {
  if (typeof value === "boolean") return value;
  throw mismatch(value, "bool", context);
};

const decodeNumber: Decoder = (value, context) => {
  if (typeof value === "number") return value;
  throw mismatch(value, "float64", context);
};

function integerDecoder(type: string, low: number, high: number): Decoder {
  return (value, context) => {
    if (typeof value !== "number") throw mismatch(value, type, context);
    // The comparison also refuses fractions and what JSON.parse made of 1e400.
    if (!Number.isInteger(value) || value < low || value > high) {
      throw new DecodeError(`json: cannot unmarshal number ${value} into ${target(type, context)}`);
    }
    return value;
  };
}

const decodeBytes: Decoder = (value, context) => {
  if (typeof value !== "string") throw mismatch(value, "[]uint8", context);
  const text = /[\r\n]/.test(value) ? value.replaceAll(/[\r\n]/g, "") : value;
  const bad = base64Error(text);
  if (bad >= 0) throw new DecodeError(`illegal base64 data at input byte ${bad}`);
  return text;
};

const base64 = /^[A-Za-z0-9+/]*/;

/** Where standard base64 with padding goes wrong, or -1. */
function base64Error(text: string): number {
  const digits = base64.exec(text)![0].length;
  const padding = text.length - digits;
  if (padding === 0 && digits % 4 === 0) return -1;
  if (digits + padding !== text.length || !/^={0,2}$/.test(text.slice(digits))) return digits;
  return text.length % 4 === 0 && digits % 4 >= 2 ? -1 : Math.min(digits, text.length - text.length % 4);
}

function timeDecoder(normalize: (text: string) => string): Decoder {
  return (value) => {
    if (typeof value !== "string") {
      throw new DecodeError(`json: cannot unmarshal ${wordOf(value)} into Go value of type string`);
    }
    try {
      return normalize(value);
    } catch (error) {
      if (error instanceof TimeError) throw new DecodeError(error.message);
      throw error;
    }
  };
}

const decodeQuantity: Decoder = (value) => {
  const text = typeof value === "string" ? value.trim() : JSON.stringify(value);
  try {
    return canonicalQuantity(text);
  } catch (error) {
    if (error instanceof QuantityError) throw new DecodeError(error.message);
    throw error;
  }
};

const decodeIntOrString: Decoder = (value) => {
  if (typeof value === "string") return value;
  if (typeof value !== "number") {
    throw new DecodeError(`json: cannot unmarshal ${wordOf(value)} into Go value of type int32`);
  }
  if (!Number.isInteger(value) || value < -2147483648 || value > 2147483647) {
    throw new DecodeError(`json: cannot unmarshal number ${value} into Go value of type int32`);
  }
  return value;
};

function arrayDecoder(field: Field): Decoder {
  const items = field.items!;
  const decode = fieldDecoder(items);
  const type = goType(field);
  return (value, context) => {
    if (!Array.isArray(value)) throw mismatch(value, type, context);
    const { path } = context;
    const at = path.length;
    for (let i = 0; i < value.length; i++) {
      path[at] = i;
      const given = value[i];
      const decoded = given === null ? zeroOf(items) : decode(given, context);
      path.length = at + 1;
      if (decoded !== given) value[i] = decoded;
    }
    path.length = at;
    return value;
  };
}

function mapDecoder(field: Field): Decoder {
  const values = field.values!;
  const decode = fieldDecoder(values);
  const type = goType(field);
  return (value, context) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw mismatch(value, type, context);
    const object = value as Json;
    const { path } = context;
    const at = path.length;
    for (const key in object) {
      path[at] = { key };
      const given = object[key];
      const decoded = given === null ? zeroOf(values) : decode(given, context);
      path.length = at + 1;
      if (decoded !== given) object[key] = decoded;
    }
    path.length = at;
    return object;
  };
}

/** JSONSchemaPropsOrBool: a schema, or something else that is taken as it is. */
function unionDecoder(field: Field, other: (value: unknown) => boolean): Decoder {
  const schema = lazily(() => structDecoder(field.struct!));
  return (value, context) => other(value) ? value : schema(value, context);
}

/** JSONSchemaPropsOrArray and JSONSchemaPropsOrStringArray. */
function listUnionDecoder(field: Field): Decoder {
  const schema = lazily(() => structDecoder(field.struct!));
  const item = field.type === "schema-or-array" ? schema : decodeString;
  return (value, context) => Array.isArray(value) ? value.map((v) => item(v, context)) : schema(value, context);
}

/** What Go has where a list or a map has null: the type's zero value. */
function zeroOf(field: Field): unknown {
  switch (field.type) {
    case "string":
    case "duration":
      return "";
    case "boolean":
      return false;
    case "int32":
    case "int64":
    case "number":
    case "int-or-string":
      return 0;
    case "quantity":
      return "0";
    case "array":
      return [];
    case "map":
    case "struct":
      return {};
    default:
      return null;
  }
}

/** Go's name of a field's type. Named strings (enums) are called string: their names are in no schema. */
function goType(field: Field): string {
  switch (field.type) {
    case "array":
      return `[]${goType(field.items!)}`;
    case "map":
      return `map[string]${goType(field.values!)}`;
    case "struct":
      return `${field.struct!.package}.${field.struct!.name}`;
    case "string":
      return field.format === "byte" ? "[]uint8" : "string";
    case "boolean":
      return "bool";
    case "number":
      return "float64";
    case "quantity":
      return "resource.Quantity";
    case "int-or-string":
      return "intstr.IntOrString";
    case "time":
      return "v1.Time";
    case "microtime":
      return "v1.MicroTime";
    case "object":
      return "runtime.RawExtension";
    case "int32":
    case "int64":
      return field.type;
    default:
      return "v1.JSON";
  }
}

function wordOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function target(type: string, context: Context): string {
  const names = context.path.filter((step) => typeof step === "string");
  if (names.length === 0) return `Go value of type ${type}`;
  return `Go struct field ${context.struct}.${names.join(".")} of type ${type}`;
}

function mismatch(value: unknown, type: string, context: Context): DecodeError {
  return new DecodeError(`json: cannot unmarshal ${wordOf(value)} into ${target(type, context)}`);
}

function strictPath(path: readonly Step[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${typeof step === "string" ? step : step.key}`;
  }
  return text;
}
