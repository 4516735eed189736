/**
 * A request body → an object: media type, syntax, kind and structure, and what `fieldValidation` makes of fields that
 * are unknown or repeated. Errors are StatusErrors in kube-apiserver's words. Protobuf bodies are protobuf.ts's.
 */
import { bodyBytesMax, strictProblemsMax } from "../limits.ts";
import { apiVersionOf } from "../kind.ts";
import { statusError } from "../status.ts";
import { JsonError, parseJson } from "./json.ts";
import { decodeMessage, ProtobufError, readEnvelope } from "./protobuf.ts";
import { type Definition, findDefinition, type GroupVersionKind } from "./schema.ts";
import { DecodeError, decodeObject } from "./validate.ts";
import { parseYaml, YamlError } from "./yaml.ts";

export const jsonType = "application/json";
export const yamlType = "application/yaml";
export const protobufType = "application/vnd.kubernetes.protobuf";
const accepted = [jsonType, yamlType, protobufType];

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface Decoded {
  readonly object: Record<string, unknown>;
  /** `unknown field "spec.foo"`, complete. */
  readonly unknown: readonly string[];
  /** `duplicate field "spec.replicas"`, complete. */
  readonly duplicates: readonly string[];
}

export interface Expected {
  /** What is asked for; a body that does not say its apiVersion and kind is taken to be that. */
  readonly kind: GroupVersionKind;
  readonly definition: Definition;
  /** Definitions of kinds that are not built in; they may be sent to the wrong place, too. */
  readonly find?: (kind: GroupVersionKind) => Definition | undefined;
}

/** The media type without parameters, in lower case; `application/json` where there is none. */
export function mediaTypeOf(contentType: string | null | undefined): string {
  return (contentType ?? "").split(";")[0]!.trim().toLowerCase() || jsonType;
}

/** Custom resources have no protobuf form. */
const acceptedBy = (definition: Definition) =>
  definition.package === "unstructured" ? accepted.filter((type) => type !== protobufType) : accepted;

/** Decodes the body of a create or an update. Throws StatusError: BadRequest, UnsupportedMediaType, RequestEntityTooLarge. */
export function decodeBody(body: Uint8Array, contentType: string | null | undefined, expected: Expected): Decoded {
  const type = mediaTypeOf(contentType);
  if (!acceptedBy(expected.definition).includes(type)) {
    const list = acceptedBy(expected.definition).join(", ");
    throw statusError(
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: ${list}`,
    );
  }
  if (body.length > bodyBytesMax) {
    throw statusError("RequestEntityTooLarge", `Request entity too large: limit is ${bodyBytesMax}`);
  }
  if (type === protobufType) {
    return { object: decodeBinary(body, expected), unknown: [], duplicates: [] };
  }
  const { value, duplicates } = parseText(body, type, expected);
  const kind = kindOf(value, body, expected);
  checkKind(kind, expected);
  return { ...structured(value, kind, expected), duplicates };
}

function decodeBinary(body: Uint8Array, expected: Expected): Record<string, unknown> {
  try {
    const { apiVersion, kind, raw } = readEnvelope(body);
    const gvk = parsedKind(apiVersion, kind, expected);
    checkKind(gvk, expected);
    const message = decodeMessage(raw, expected.definition);
    return { apiVersion: apiVersionOf(gvk), kind: gvk.kind, ...message };
  } catch (error) {
    if (error instanceof ProtobufError) throw unrecognized(body, expected, error.message);
    throw error;
  }
}

function parsedKind(apiVersion: string, kind: string, { kind: expected }: Expected): GroupVersionKind {
  const slash = apiVersion.indexOf("/");
  const { group, version } = apiVersion === ""
    ? expected
    : { group: apiVersion.slice(0, Math.max(0, slash)), version: apiVersion.slice(slash + 1) };
  return { group, version, kind: kind === "" ? expected.kind : kind };
}

/** Decodes a value that has been parsed already (the outcome of a patch). Throws DecodeError. */
export function decodeValue(value: unknown, definition: Definition): Omit<Decoded, "duplicates"> {
  const { object, unknown } = decodeObject(value, definition);
  return { object, unknown: unknown.map((path) => `unknown field ${JSON.stringify(path)}`) };
}

function structured(value: unknown, kind: GroupVersionKind, expected: Expected): Omit<Decoded, "duplicates"> {
  try {
    return decodeValue(value, expected.definition);
  } catch (error) {
    if (error instanceof DecodeError) throw cannotHandle(kind, expected.kind, error.message);
    throw error;
  }
}

const utf8 = new TextDecoder();

function parseText(body: Uint8Array, type: string, expected: Expected): { value: unknown; duplicates: string[] } {
  const text = utf8.decode(body);
  try {
    if (type === yamlType) {
      const { value, duplicates } = parseYaml(text);
      return { value, duplicates: duplicates.map((d) => `yaml: unmarshal errors:\n  ${d}`) };
    }
    const { value, duplicates } = parseJson(text);
    return { value, duplicates: duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`) };
  } catch (error) {
    if (error instanceof JsonError) {
      throw unrecognized(body, expected, `couldn't get version/kind; json parse error: ${error.message}`);
    }
    if (error instanceof YamlError) throw unrecognized(body, expected, error.message);
    throw error;
  }
}

function kindOf(value: unknown, body: Uint8Array, expected: Expected): GroupVersionKind {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const word = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
    const type =
      'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
    const detail =
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${word} into Go value of type ${type}`;
    throw unrecognized(body, expected, detail);
  }
  const { apiVersion = "", kind = "" } = value as { apiVersion?: unknown; kind?: unknown };
  if (typeof apiVersion !== "string" || typeof kind !== "string") {
    const [name, given] = typeof kind !== "string" ? ["kind", kind] : ["apiVersion", apiVersion];
    const word = typeof given === "boolean" ? "bool" : Array.isArray(given) ? "array" : typeof given;
    const detail =
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${word} into Go struct field .${name} of type string`;
    throw unrecognized(body, expected, detail);
  }
  const result = parsedKind(apiVersion, kind, expected);
  const object = value as Record<string, unknown>;
  if (apiVersion === "") object.apiVersion = apiVersionOf(result);
  if (kind === "") object.kind = result.kind;
  return result;
}

/** Refuses a kind that exists nowhere, and one that belongs elsewhere. */
function checkKind(kind: GroupVersionKind, expected: Expected): void {
  const want = expected.kind;
  if (kind.group === want.group && kind.version === want.version && kind.kind === want.kind) return;
  const known = findDefinition(kind) ?? expected.find?.(kind);
  const version = apiVersionOf(kind);
  // DeleteOptions and the like come under any group version.
  if (known !== undefined && known === expected.definition) return;
  const detail = known === undefined
    ? `no kind ${JSON.stringify(kind.kind)} is registered for version ${
      JSON.stringify(version)
    } in scheme "pkg/api/legacyscheme/scheme.go:30"`
    : `converting (${kind.version}.${kind.kind}) to (${
      want.group.split(".")[0] || "core"
    }.${want.kind}): unknown conversion`;
  throw cannotHandle(kind, want, detail);
}

function cannotHandle(kind: GroupVersionKind, want: GroupVersionKind, detail: string): Error {
  return statusError(
    "BadRequest",
    `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${want.kind}: ${detail}`,
  );
}

function unrecognized(body: Uint8Array, expected: Expected, detail: string): Error {
  const what = `the object provided is unrecognized (must be of type ${expected.kind.kind})`;
  return statusError("BadRequest", `${what}: ${detail} (${summary(body)})`);
}

function summary(body: Uint8Array): string {
  if (body.length === 0) return "<empty>";
  const more = body.length > 30 ? " ..." : "";
  const head = body.subarray(0, 30);
  if (body[0] === 123) return utf8.decode(head) + more;
  return [...head].map((byte) => byte.toString(16).padStart(2, "0")).join("") + more;
}

/** All that `fieldValidation` is about, in the order in which Kubernetes names it. */
export function strictProblems(decoded: { unknown: readonly string[]; duplicates?: readonly string[] }): string[] {
  return [...(decoded.duplicates ?? []), ...decoded.unknown].slice(0, strictProblemsMax);
}

/** `strict decoding error: unknown field "spec.foo", …`; undefined when there is nothing to say. */
export function strictError(
  decoded: { unknown: readonly string[]; duplicates?: readonly string[] },
): string | undefined {
  const problems = strictProblems(decoded);
  return problems.length === 0 ? undefined : `strict decoding error: ${problems.join(", ")}`;
}

/**
 * What `fieldValidation` says of a decoded body: the warnings to send, none for Ignore. Throws BadRequest for Strict.
 * An empty value means Warn.
 */
export function checkFields(
  decoded: Decoded,
  kind: GroupVersionKind,
  validation: FieldValidation | "" | undefined,
): string[] {
  if (validation === "Ignore") return [];
  if (validation !== "Strict") return strictProblems(decoded);
  const error = strictError(decoded);
  if (error !== undefined) throw cannotHandle(kind, kind, error);
  return [];
}

/** The `fieldValidation` parameter. Throws BadRequest for what is none. */
export function parseFieldValidation(text: string | null | undefined): FieldValidation {
  if (text === null || text === undefined || text === "") return "Warn";
  if (text === "Strict" || text === "Warn" || text === "Ignore") return text;
  throw statusError(
    "Invalid",
    `FieldValidation is invalid: fieldValidation: Unsupported value: ${
      JSON.stringify(text)
    }: supported values: "Ignore", "Strict", "Warn"`,
  );
}
