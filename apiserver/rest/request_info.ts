/**
 * What a URL and a method ask for (k8s.io/apiserver/pkg/endpoints/request, RequestInfoFactory). Pure. Every filter and the
 * REST machinery read this one answer, so that what was authorised is what is done.
 * Leaves out whether the resource exists: that is for ResourceSet to say.
 */
import { statusError } from "../../lib/status.ts";
import { isValidPathSegmentName } from "../../lib/validation.ts";
import { parseFieldSelector, requiredFieldValue } from "../../lib/selector/fields.ts";

export interface RequestInfo {
  /** False for discovery, health and everything else that is no object of the API. */
  readonly isResource: boolean;
  /** Decoded, `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  /**
   * get, list, watch, create, update, patch, delete or deletecollection; of other paths the method in lower case.
   * Empty for methods that no resource has.
   */
  readonly verb: string;
  /** `api` or `apis`. */
  readonly apiPrefix?: string;
  /** `""` for the core group. */
  readonly group?: string;
  readonly version?: string;
  /** Of a Namespace itself: its own name. */
  readonly namespace?: string;
  readonly resource?: string;
  readonly subresource?: string;
  /** Also set when a list or watch selects `metadata.name=x`. */
  readonly name?: string;
  /** The path's segments from the resource on. */
  readonly parts: readonly string[];
}

const verbs: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Segments after `/namespaces/{name}/` that belong to the Namespace itself. */
const namespaceSubresources = new Set(["status", "finalize"]);

/** Throws BadRequest for paths that could mean one thing here and another elsewhere. */
export function parseRequestInfo(method: string, url: URL): RequestInfo {
  const segments = splitPath(url);
  const path = "/" + segments.join("/") + (url.pathname.length > 1 && url.pathname.endsWith("/") ? "/" : "");
  const plain: RequestInfo = { isResource: false, path, verb: method.toLowerCase(), parts: [] };
  const [prefix] = segments;
  if ((prefix !== "api" && prefix !== "apis") || segments.length < (prefix === "api" ? 3 : 4)) return plain;
  const rest = segments.slice(prefix === "api" ? 1 : 2);
  const version = rest.shift()!;
  const group = prefix === "api" ? "" : segments[1]!;
  let verb = verbs[method] ?? "";
  let special = false;
  if (rest[0] === "watch") {
    // The old form /api/v1/watch/pods of ?watch=true.
    if (rest.length < 2 || verb !== "get") return plain;
    rest.shift();
    verb = "watch";
    special = true;
  }
  const { namespace, parts } = inNamespace(rest);
  const [resource, name, subresource] = parts;
  const found = {
    isResource: true,
    path,
    apiPrefix: prefix,
    group,
    version,
    namespace,
    resource,
    name,
    subresource: special ? undefined : subresource,
    parts,
  };
  return { ...found, ...verbWithoutName(verb, name, url) };
}

/** `/namespaces/{namespace}/{resource}/…` is relative to the resource; `/namespaces/{name}` and its subresources are not. */
function inNamespace(rest: string[]): { namespace?: string; parts: string[] } {
  if (rest[0] !== "namespaces" || rest[1] === undefined) return { parts: rest };
  const nested = rest[2] !== undefined && !namespaceSubresources.has(rest[2]);
  return { namespace: rest[1], parts: nested ? rest.slice(2) : rest };
}

/** get without a name is list or watch, delete without one is deletecollection. */
function verbWithoutName(verb: string, name: string | undefined, url: URL): { verb: string; name?: string } {
  if (name !== undefined) return { verb, name };
  if (verb === "delete") return { verb: "deletecollection" };
  if (verb !== "get" && verb !== "watch") return { verb };
  const watching = verb === "watch" || isTrue(url.searchParams.get("watch"));
  return { verb: watching ? "watch" : "list", name: selectedName(url.searchParams.get("fieldSelector")) };
}

/** How Kubernetes reads a boolean of the query: present is true, unless it is `false` or `0`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}

function selectedName(fieldSelector: string | null): string | undefined {
  if (fieldSelector === null || !fieldSelector.includes("metadata.name")) return undefined;
  try {
    const name = requiredFieldValue(parseFieldSelector(fieldSelector), "metadata.name");
    return name !== undefined && name !== "" && isValidPathSegmentName(name).length === 0 ? name : undefined;
  } catch {
    // A selector that can't be read names nothing; reading the list's options will refuse it with its reason.
    return undefined;
  }
}

function splitPath(url: URL): string[] {
  const trimmed = url.pathname.replace(/^\/|\/$/g, "");
  if (trimmed === "") return [];
  return trimmed.split("/").map((raw, index, all) => {
    const segment = decode(raw, url);
    // What follows a subresource (services/web/proxy/…) is somebody else's path, where empty segments are allowed.
    const foreign = index >= 5 && all.includes("proxy");
    if (segment === "" && !foreign) throw bad(url, "an empty segment");
    if (segment === "." || segment === "..") throw bad(url, `the segment ${JSON.stringify(segment)}`);
    if (!foreign && /[/%\\]/.test(segment)) throw bad(url, "an encoded slash, backslash or percent sign");
    // deno-lint-ignore no-control-regex -- exactly those are refused
    if (/[\u0000-\u001f\u007f]/.test(segment)) throw bad(url, "a control character");
    return segment;
  });
}

function decode(segment: string, url: URL): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw bad(url, "a malformed percent encoding");
  }
}

function bad(url: URL, what: string) {
  return statusError("BadRequest", `the path ${JSON.stringify(url.pathname.slice(0, 200))} has ${what}`);
}
