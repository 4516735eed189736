/** The query of every verb, read and checked as Kubernetes does (ListOptions, CreateOptions, PatchOptions …). */
import { fieldManagerBytesMax } from "../../lib/limits.ts";
import { type FieldSelector, parseFieldSelector } from "../../lib/selector/fields.ts";
import { parseLabelSelector, type Selector } from "../../lib/selector/labels.ts";
import { type FieldError, fieldError, invalid, statusError } from "../../lib/status.ts";
import { utf8Length } from "../../lib/validation.ts";
import { isTrue } from "./request_info.ts";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface ListOptions {
  labels: Selector;
  fields: FieldSelector;
  /** undefined: not given. 0: whatever is at hand. */
  resourceVersion: number | undefined;
  match: "Exact" | "NotOlderThan" | undefined;
  /** 0: no limit. */
  limit: number;
  continue: string;
  timeoutSeconds: number | undefined;
  allowBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
}

export interface WriteOptions {
  dryRun: boolean;
  /** `""`: the user agent's name is taken. */
  fieldManager: string;
  fieldValidation: FieldValidation;
  /** Server-side apply takes over what others own. */
  force: boolean;
}

function refuse(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", errors);
}

/** Throws BadRequest in the words of Go's strconv. */
export function intParam(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const failed = (why: string) =>
    statusError("BadRequest", `strconv.ParseInt: parsing ${JSON.stringify(text.slice(0, 50))}: ${why}`);
  if (!/^[+-]?\d+$/.test(text)) throw failed("invalid syntax");
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw failed("value out of range");
  return value;
}

export function boolParam(query: URLSearchParams, name: string): boolean | undefined {
  return query.has(name) ? isTrue(query.get(name)) : undefined;
}

/** A resourceVersion of the query; undefined when it is not given. Throws BadRequest for what is no revision. */
export function revisionParam(query: URLSearchParams): number | undefined {
  const text = query.get("resourceVersion");
  if (text === null || text === "") return undefined;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  const detail = `strconv.ParseUint: parsing ${JSON.stringify(text.slice(0, 50))}: invalid syntax`;
  const { field, message } = fieldError.invalid("resourceVersion", text.slice(0, 50), detail);
  throw statusError("BadRequest", `${field}: ${message}`);
}

/** Options of list, watch and deletecollection. `watching`: the rules for watches hold. */
export function listOptions(query: URLSearchParams, options: { watching?: boolean } = {}): ListOptions {
  if (query.get("shardSelector")) throw statusError("BadRequest", "shardSelector is not supported by this server");
  const match = query.get("resourceVersionMatch") ?? "";
  const sendInitialEvents = boolParam(query, "sendInitialEvents");
  const found: ListOptions = {
    labels: parseLabelSelector(query.get("labelSelector") ?? ""),
    fields: parseFieldSelector(query.get("fieldSelector") ?? ""),
    resourceVersion: undefined,
    match: match === "" ? undefined : match as ListOptions["match"],
    limit: Math.max(0, intParam(query, "limit") ?? 0),
    continue: query.get("continue") ?? "",
    timeoutSeconds: intParam(query, "timeoutSeconds"),
    allowBookmarks: boolParam(query, "allowWatchBookmarks") ?? false,
    sendInitialEvents,
  };
  refuse("ListOptions", options.watching ? watchErrors(query, match, sendInitialEvents) : listErrors(query, match));
  found.resourceVersion = revisionParam(query);
  if (!options.watching && found.continue !== "" && (found.resourceVersion ?? 0) !== 0) {
    throw statusError("BadRequest", "specifying resource version is not allowed when using continue");
  }
  return found;
}

/** metainternalversion validation.ValidateListOptions */
function listErrors(query: URLSearchParams, match: string): FieldError[] {
  const errors: FieldError[] = [];
  const forbid = (detail: string) => errors.push(fieldError.forbidden("resourceVersionMatch", detail));
  if (match !== "") {
    if (!query.get("resourceVersion")) forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (query.get("continue")) forbid("resourceVersionMatch is forbidden when continue is provided");
    if (match !== "Exact" && match !== "NotOlderThan") {
      errors.push(fieldError.notSupported("resourceVersionMatch", match, ["Exact", "NotOlderThan", ""]));
    }
    if (match === "Exact" && query.get("resourceVersion") === "0") {
      forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (query.has("sendInitialEvents")) {
    errors.push(fieldError.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
  return errors;
}

/** metainternalversion validation.validateWatchOptions */
function watchErrors(query: URLSearchParams, match: string, initial: boolean | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const forbid = (detail: string) => errors.push(fieldError.forbidden("resourceVersionMatch", detail));
  if (initial !== undefined && match !== "NotOlderThan") {
    forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (match !== "") {
    if (initial === undefined) {
      forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    }
    if (match !== "NotOlderThan") {
      errors.push(fieldError.notSupported("resourceVersionMatch", match, ["NotOlderThan"]));
    }
    if (query.get("continue")) forbid("resourceVersionMatch is forbidden when continue is provided");
  }
  return errors;
}

/** Errors of a dryRun list; `All` is the only stage there is. */
export function dryRunErrors(values: readonly string[]): FieldError[] {
  if (values.every((value) => value === "All")) return [];
  return [fieldError.notSupported("dryRun", values, ["All"])];
}

/** Options of create, update and patch. */
export function writeOptions(
  query: URLSearchParams,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  options: { apply?: boolean } = {},
): WriteOptions {
  const dryRun = query.getAll("dryRun").filter((value) => value !== "");
  const fieldManager = query.get("fieldManager") ?? "";
  const fieldValidation = query.get("fieldValidation") ?? "";
  const force = boolParam(query, "force");
  const errors = dryRunErrors(dryRun);
  if (options.apply && fieldManager === "") {
    errors.push(fieldError.required("fieldManager", "is required for apply patch"));
  }
  if (kind === "PatchOptions" && !options.apply && force !== undefined) {
    errors.push(fieldError.forbidden("force", "may not be specified for non-apply patch"));
  }
  if (utf8Length(fieldManager) > fieldManagerBytesMax) {
    errors.push(fieldError.tooLong("fieldManager", fieldManagerBytesMax));
  }
  if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(fieldManager)) {
    errors.push(fieldError.invalid("fieldManager", fieldManager, "should only contain printable characters"));
  }
  if (!["", "Ignore", "Strict", "Warn"].includes(fieldValidation)) {
    const supported = ["", "Ignore", "Strict", "Warn"];
    errors.push(fieldError.notSupported("fieldValidation", fieldValidation, supported));
  }
  refuse(kind, errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: fieldValidation === "" ? "Warn" : fieldValidation as FieldValidation,
    force: force ?? false,
  };
}

/** Who is recorded as the manager of what a write sets: what was asked for, or the user agent's name. */
export function managerOf(options: Pick<WriteOptions, "fieldManager">, request: Request): string {
  if (options.fieldManager !== "") return options.fieldManager;
  const agent = request.headers.get("user-agent") ?? "";
  const name = agent.split("/")[0]!.replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, "");
  return name.slice(0, fieldManagerBytesMax) || "unknown";
}
