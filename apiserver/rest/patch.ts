/** PATCH: JSON patch, merge patch, strategic merge patch and server-side apply, of an object or of its status. */
import { apiVersionOf, type KubeObject } from "../../lib/kind.ts";
import { isObject, type Json } from "../../lib/patch/equal.ts";
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch } from "../../lib/patch/mod.ts";
import { checkFields, decodeValue, mediaTypeOf } from "../../lib/schema/decode.ts";
import { JsonError, type ParsedJson, parseJson } from "../../lib/schema/json.ts";
import type { Definition } from "../../lib/schema/schema.ts";
import { DecodeError } from "../../lib/schema/validate.ts";
import { parseYaml, YamlError } from "../../lib/schema/yaml.ts";
import { fieldError, invalid, isReason, notFound, type StatusError, statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import { answerEntry } from "./answer.ts";
import { applyPatch } from "./apply.ts";
import { definitionOf, gvkOf, readBody } from "./body.ts";
import { type Call, keyFor } from "./call.ts";
import { negotiate } from "./negotiate.ts";
import { type FieldValidation, managerOf, writeOptions } from "./options.ts";
import { checkPlace, checkRevision } from "./preconditions.ts";
import type { Resource } from "./resource.ts";
import type { RequestRecord } from "./rest.ts";
import { write } from "./write.ts";

export type PatchKind = "json" | "merge" | "strategic" | "apply";

const patchTypes: Readonly<Record<string, PatchKind>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** Which kind of patch the body is. Throws UnsupportedMediaType. */
export function patchKind(request: Request, resource: Pick<Resource, "strategicMerge">): PatchKind {
  const contentType = request.headers.get("content-type");
  const kind = contentType === null ? undefined : patchTypes[mediaTypeOf(contentType)];
  if (kind !== undefined && (kind !== "strategic" || resource.strategicMerge)) return kind;
  const offered = Object.keys(patchTypes).filter((type) => patchTypes[type] !== "strategic" || resource.strategicMerge);
  const message = `the body of the request was in an unknown format - accepted media types include: ${
    offered.join(", ")
  }`;
  throw statusError("UnsupportedMediaType", message);
}

export async function patch(call: Call, part: "all" | "status" = "all"): Promise<Response> {
  const { request, resource } = call;
  const kind = patchKind(request, resource);
  const options = writeOptions(call.query, "PatchOptions", { apply: kind === "apply" });
  const accepted = negotiate(request, call.query, "object");
  const body = await readPatch(call);
  const name = call.info.name!;
  const subresource = part === "status" ? "status" : undefined;
  const manager = managerOf(options, request);
  const next = kind === "apply"
    ? applyPatch(call, { body, options, manager, subresource })
    : patched(call, patcher(kind, body, definitionOf(resource)), options.fieldValidation);
  const { entry, did } = await write(call, keyFor(call, name), {
    part,
    subresource,
    dryRun: options.dryRun,
    // An apply records what it owns itself.
    manager: kind === "apply" ? undefined : manager,
    next,
  });
  const code = did === "create" ? 201 : 200;
  return answerEntry(request, resource, entry, { accepted, now: call.core.clock.now(), code });
}

/** The patch's text; what it says is told to who writes it down. */
export async function readPatch({ request, context }: Pick<Call, "request" | "context">): Promise<Uint8Array> {
  const body = await readBody(request);
  if (context.record !== undefined) tell(context.record, body);
  return body;
}

function tell(record: RequestRecord, body: Uint8Array): void {
  try {
    const { value } = parseYaml(utf8.decode(body));
    if (typeof value === "object" && value !== null) record.requested(value);
  } catch (error) {
    // It will be refused with its reason.
    if (!(error instanceof YamlError)) throw error;
  }
}

function patched(
  call: Call,
  patcher: Patcher,
  validation: FieldValidation,
): (old: Entry | undefined) => KubeObject {
  return (old) => {
    if (old === undefined) throw notFound(call.resource, call.info.name!);
    const object = decodePatched(call, patcher, old, validation);
    checkPlace(call, object);
    checkRevision(call, object, old);
    return object;
  };
}

/** A patch as a function of objects, its text having been checked. */
export interface Patcher {
  change(object: Json): Json;
  /** Keys that the patch's text has twice, complete. */
  readonly duplicates: readonly string[];
}

/** Throws BadRequest in Go's words. */
export function patcher(kind: Exclude<PatchKind, "apply">, body: Uint8Array, definition: Definition): Patcher {
  const bad = (why: string) => statusError("BadRequest", kind === "strategic" ? why : `error decoding patch: ${why}`);
  const { value, duplicates: paths } = parsePatch(body, bad);
  const duplicates = paths.map((path) => `duplicate field ${JSON.stringify(path)}`);
  if (kind === "json") {
    if (!Array.isArray(value)) throw bad(cannotUnmarshal(value, "[]interface {}"));
    return { change: (object) => applyJsonPatch(object, value), duplicates };
  }
  if (!isObject(value)) throw bad(cannotUnmarshal(value, "map[string]interface {}"));
  if (kind === "merge") return { change: (object) => applyMergePatch(object, value), duplicates };
  return { change: (object) => applyStrategicMergePatch(object, value, definition), duplicates };
}

function cannotUnmarshal(value: unknown, into: string): string {
  const type = Array.isArray(value)
    ? "array"
    : value === null
    ? "null"
    : typeof value === "boolean"
    ? "bool"
    : typeof value;
  return `json: cannot unmarshal ${type} into Go value of type ${into}`;
}

const utf8 = new TextDecoder();

function parsePatch(body: Uint8Array, bad: (why: string) => StatusError): ParsedJson {
  try {
    return parseJson(utf8.decode(body));
  } catch (error) {
    if (error instanceof JsonError) throw bad(error.message);
    throw error;
  }
}

/** What came of a patch, as an object of the kind. Throws Invalid: the patch is at fault, not the body's syntax. */
function decodePatched(call: Call, patcher: Patcher, old: Entry, validation: FieldValidation): KubeObject {
  const { resource } = call;
  const { duplicates } = patcher;
  const patched = patcher.change(old.object as unknown as Json);
  if (patched.apiVersion !== apiVersionOf(resource) || patched.kind !== resource.kind) {
    throw statusError("BadRequest", "a patch may not change apiVersion or kind");
  }
  const as = { definition: definitionOf(resource), resource, validation, duplicates };
  return decodeAs(call, patched, as) as unknown as KubeObject;
}

export interface DecodeAs {
  definition: Definition;
  resource: Pick<Resource, "group" | "version" | "kind">;
  validation: FieldValidation;
  /** Of the patch. */
  duplicates: readonly string[];
}

export function decodeAs(call: Pick<Call, "warn">, patched: Json, as: DecodeAs): Json {
  const wrong = (message: string) => {
    const shown = JSON.stringify(patched).slice(0, 2000);
    return invalid({ group: "", kind: "" }, "", [fieldError.invalid("patch", shown, message)]);
  };
  try {
    const decoded = { ...decodeValue(patched, as.definition), duplicates: as.duplicates };
    for (const warning of checkFields(decoded, gvkOf(as.resource), as.validation)) call.warn(warning);
    decoded.object.metadata ??= {};
    return decoded.object;
  } catch (error) {
    if (error instanceof DecodeError) throw wrong(error.message);
    // Strict: the unknown fields came with the patch.
    if (isReason(error, "BadRequest")) throw wrong(error.message.replace(/^.*?(?=strict decoding error)/, ""));
    throw error;
  }
}
