/** Answers that are the same for everybody until the set of kinds changes: discovery, OpenAPI, version. Made once, with an ETag. */
import { createHash } from "node:crypto";
import { type StatusError, statusError } from "../../lib/status.ts";
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from "./discovery.ts";
import { parseAccept } from "./negotiate.ts";
import { openapiDocumentOf, openapiIndexOf } from "./openapi.ts";
import type { ResourceSet } from "./resource_set.ts";
import type { VersionInfo } from "./rest.ts";
import { wholeAnswer } from "./stream.ts";

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const jsonType = "application/json";

interface Document {
  bytes: Uint8Array<ArrayBuffer>;
  /** In quotes, as the header has it. */
  etag: string;
}

export function unknownPath(): StatusError {
  return statusError("NotFound", "the server could not find the requested resource", {});
}

export class Documents {
  readonly #made = new Map<string, Document>();

  constructor(readonly set: ResourceSet, readonly version: VersionInfo) {}

  /** The answer for a path that is no resource. Throws NotFound, MethodNotAllowed, NotAcceptable. */
  answer(request: Request, url: URL): Response {
    const path = url.pathname.replace(/(.)\/$/, "$1");
    const [first, second, third, ...more] = path.slice(1).split("/").map(decodeURIComponent);
    const find = () => {
      if (path === "/") return this.#plain(request, path, () => this.#paths());
      if (path === "/version") return this.#plain(request, path, () => this.version);
      if (first === "openapi") return this.#openapi(request, url, path);
      if (more.length > 0) throw unknownPath();
      if (first === "api" && third === undefined) return this.#core(request, url, second);
      if (first === "apis") return this.#groups(request, path, [second, third]);
      throw unknownPath();
    };
    const response = find();
    if (request.method === "GET" || request.method === "HEAD") return response;
    throw statusError("MethodNotAllowed", "the server does not allow this method on the requested resource");
  }

  #paths(): object {
    const groups = this.set.groups.flatMap(({ name, versions }) => {
      if (name === "") return ["/api", ...versions.map((v) => `/api/${v.version}`)];
      return [`/apis/${name}`, ...versions.map((v) => `/apis/${name}/${v.version}`)];
    });
    const own = ["/apis", "/healthz", "/livez", "/metrics", "/openapi/v3", "/readyz", "/version"];
    return { paths: [...groups, ...own].sort() };
  }

  #core(request: Request, url: URL, version: string | undefined): Response {
    if (version === undefined) {
      if (wantsAggregated(request)) return this.#aggregated(request, "api");
      return this.#plain(request, `/api ${url.host}`, () => apiVersions(this.set, url.host));
    }
    return this.#resources(request, "", version);
  }

  #groups(request: Request, path: string, [group, version]: [string | undefined, string | undefined]): Response {
    if (group === undefined) {
      if (wantsAggregated(request)) return this.#aggregated(request, "apis");
      return this.#plain(request, path, () => apiGroupList(this.set));
    }
    if (version !== undefined) return this.#resources(request, group, version);
    const found = group === "" ? undefined : this.set.group(group);
    if (found === undefined) throw unknownPath();
    return this.#plain(request, path, () => apiGroup(found));
  }

  #resources(request: Request, group: string, version: string): Response {
    const found = this.set.version(group, version);
    if (found === undefined) throw unknownPath();
    return this.#plain(request, `${group}/${version}`, () => apiResourceList(group, found));
  }

  #aggregated(request: Request, of: "api" | "apis"): Response {
    const document = this.#make(`aggregated ${of}`, () => aggregatedDiscovery(this.set, of));
    return answer(request, document, { contentType: aggregatedType, vary: "Accept" });
  }

  #openapi(request: Request, url: URL, path: string): Response {
    if (path === "/openapi/v3") {
      const hashOf = (of: string) => this.#openapiDocument(of)!.etag.slice(1, -1);
      return this.#plain(request, path, () => openapiIndexOf(this.set, hashOf));
    }
    if (path === "/openapi/v2" && wantsOpenapi2(request)) return this.#openapi2(request);
    const document = path.startsWith("/openapi/v3/") ? this.#openapiDocument(path.slice(12)) : undefined;
    if (document === undefined) throw unknownPath();
    checkJson(request);
    const hash = url.searchParams.get("hash");
    if (hash === null) return answer(request, document, { contentType: jsonType });
    const current = document.etag.slice(1, -1);
    if (hash !== current) {
      return new Response(null, { status: 301, headers: { location: `${url.pathname}?hash=${current}` } });
    }
    // The hash is part of the address: what is there never changes.
    const cacheControl = "public, immutable";
    return answer(request, document, { contentType: jsonType, cacheControl, expires: farFuture });
  }

  /**
   * OpenAPI 2 without a definition, and as protobuf only (clients that ask for JSON do without). For a kind that version 3 doesn't have, as
   * that of a misspelt manifest, kubectl looks here; finding the kind nowhere, it says that it is not known.
   */
  #openapi2(request: Request): Response {
    const text = (field: number, value: string) => [field << 3 | 2, value.length, ...new TextEncoder().encode(value)];
    // gnostic's openapi.v2.Document: swagger = 1, info = 2 { title = 1, version = 2 }, paths = 8.
    const info = [...text(1, "Kubernetes"), ...text(2, this.version.gitVersion ?? "")];
    const bytes = new Uint8Array([...text(1, "2.0"), 2 << 3 | 2, info.length, ...info, 8 << 3 | 2, 0]);
    const etag = `"${createHash("sha256").update(bytes).digest("hex").toUpperCase()}"`;
    return answer(request, { bytes, etag }, { contentType: openapi2Type, vary: "Accept" });
  }

  /** `path` is `api/v1` or `apis/{group}/{version}`; undefined when that is not served. */
  #openapiDocument(path: string): Document | undefined {
    const [prefix, ...rest] = path.split("/");
    const [group, version] = prefix === "api" ? ["", rest[0]] : [rest[0], rest[1]];
    const wellFormed = (prefix === "api" && rest.length === 1) || (prefix === "apis" && rest.length === 2 && group);
    if (!wellFormed || this.set.version(group!, version!) === undefined) return undefined;
    return this.#make(`openapi ${path}`, () => openapiDocumentOf(this.set, group!, version!));
  }

  #plain(request: Request, name: string, make: () => object): Response {
    checkJson(request);
    return answer(request, this.#make(name, make), { contentType: jsonType, vary: "Accept" });
  }

  #make(name: string, make: () => object): Document {
    let document = this.#made.get(name);
    if (document === undefined) {
      const bytes = new TextEncoder().encode(JSON.stringify(make()));
      const etag = `"${createHash("sha256").update(bytes).digest("hex").toUpperCase()}"`;
      document = { bytes, etag };
      // The host of `/api` is the client's word: not a key to keep thousands of.
      if (!name.startsWith("/api ")) this.#made.set(name, document);
    }
    return document;
  }
}

/** A fixed date far off (RFC 9111 wants one; kube-apiserver sends a year from now). */
const farFuture = "Thu, 31 Dec 2099 23:59:59 GMT";

/** Clients write an @ where the server writes a dot. */
const openapi2Type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

function wantsOpenapi2(request: Request): boolean {
  return parseAccept(request.headers.get("accept") ?? "").some(({ type }) => type.replace("@", ".") === openapi2Type);
}

function wantsAggregated(request: Request): boolean {
  return parseAccept(request.headers.get("accept") ?? "").some(({ type, params }) =>
    type === jsonType && params.g === "apidiscovery.k8s.io" && params.v === "v2" &&
    params.as === "APIGroupDiscoveryList"
  );
}

function checkJson(request: Request): void {
  const header = request.headers.get("accept") ?? "";
  if (header === "") return;
  const types = [jsonType, "*/*", "application/*"];
  if (parseAccept(header).some(({ type }) => types.includes(type))) return;
  throw statusError("NotAcceptable", `only the following media types are accepted: ${jsonType}`);
}

function answer(
  request: Request,
  document: Document,
  options: { contentType: string; vary?: string; cacheControl?: string; expires?: string },
): Response {
  const headers: Record<string, string> = {
    etag: document.etag,
    "cache-control": options.cacheControl ?? "public",
    ...(options.vary === undefined ? {} : { vary: options.vary }),
    ...(options.expires === undefined ? {} : { expires: options.expires }),
  };
  const known = request.headers.get("if-none-match");
  if (known !== null && known.split(",").some((tag) => tag.trim() === document.etag)) {
    return new Response(null, { status: 304, headers });
  }
  return wholeAnswer(request, document.bytes, { contentType: options.contentType, headers });
}
