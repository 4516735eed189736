/** One resource on its walk: where it is, what its objects are, requests to it, and what every answer must be like. */
import assert from "assert";
import { apiVersionOf } from "../../../lib/kind.ts";
import { decodeMessage, readEnvelope } from "../../../lib/schema/protobuf.ts";
import { encodeProtobuf } from "../../../lib/schema/protobuf_encode.ts";
import { definition } from "../../../lib/schema/schema.ts";
import { definitionOf } from "../../../apiserver/rest/body.ts";
import type { Resource } from "../../../apiserver/rest/resource.ts";
import type { User } from "../../../apiserver/auth/user.ts";
import type { Handler } from "../../../apiserver/server.ts";
import type { Secured } from "../../harness/secured.ts";
import { type Json, type Sample, sampleOf } from "./samples.ts";

export type { Json } from "./samples.ts";

export const namespace = "walk";
export const types = {
  json: "application/json",
  yaml: "application/yaml",
  protobuf: "application/vnd.kubernetes.protobuf",
  table: "application/json;as=Table;v=v1;g=meta.k8s.io",
  partial: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  partialList: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  jsonPatch: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

export interface Answer {
  code: number;
  headers: Headers;
  bytes: Uint8Array;
  // deno-lint-ignore no-explicit-any -- whatever the server says; tests compare it
  body: any;
}

export interface SendOptions {
  /** Content-Type; JSON unless said otherwise. */
  type?: string;
  accept?: string;
  user?: User;
  signal?: AbortSignal;
}

const decoder = new TextDecoder();

export class Walker {
  readonly sample: Sample;
  readonly kind: string;
  readonly apiVersion: string;
  /** `deployments.apps`, as messages name it. */
  readonly qualified: string;
  readonly #handler: Handler;
  #names = 0;

  constructor(readonly api: Secured, readonly resource: Resource, readonly user: User) {
    this.sample = sampleOf(resource);
    this.kind = resource.kind;
    this.apiVersion = apiVersionOf(resource);
    this.qualified = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
    this.#handler = api.handler;
  }

  has(verb: string): boolean {
    return (this.resource.verbs as readonly string[]).includes(verb);
  }

  /** A name that no other object of the walk has. */
  name(): string {
    const n = this.#names++;
    const { group, version, plural } = this.resource;
    return this.sample.name?.(n) ?? `${plural}-${group.split(".")[0] || "core"}-${version}-${n}`;
  }

  /** The collection's path, an object's, or a subresource's. */
  path(name?: string, subresource?: string): string {
    const { group, version, plural, namespaced } = this.resource;
    const start = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const place = namespaced ? `${start}/namespaces/${namespace}/${plural}` : `${start}/${plural}`;
    return [place, name, subresource].filter((part) => part !== undefined).join("/");
  }

  object(name: string, labels: Record<string, string> = { made: "walk" }): Json & { metadata: Json } {
    const metadata: Json = { name, labels };
    if (this.resource.namespaced) metadata.namespace = namespace;
    return { apiVersion: this.apiVersion, kind: this.kind, metadata, ...structuredClone(this.sample.object) };
  }

  encode(object: object): Uint8Array {
    return encodeProtobuf(object, definitionOf(this.resource));
  }

  /** What a protobuf answer says, as JSON would. */
  decode(bytes: Uint8Array, as = definitionOf(this.resource)): Json {
    const { apiVersion, kind, raw } = readEnvelope(bytes);
    return { apiVersion, kind, ...decodeMessage(raw, as) };
  }

  open(method: string, path: string, body?: unknown, options: SendOptions = {}): Promise<Response> {
    const headers: Record<string, string> = { "user-agent": "walker/1.0" };
    if (body !== undefined) headers["content-type"] = options.type ?? types.json;
    if (options.accept !== undefined) headers.accept = options.accept;
    const isText = body === undefined || typeof body === "string" || body instanceof Uint8Array;
    const text = isText ? body as BodyInit : JSON.stringify(body);
    const url = new URL(`http://apiserver${path}`);
    const request = new Request(url, { method, headers, body: text, signal: options.signal });
    return this.#handler(request, { user: options.user ?? this.user });
  }

  async send(method: string, path: string, body?: unknown, options: SendOptions = {}): Promise<Answer> {
    const response = await this.open(method, path, body, options);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const json = response.headers.get("content-type")?.startsWith(types.json) && bytes.length > 0;
    const parsed = json ? JSON.parse(decoder.decode(bytes)) : undefined;
    return { code: response.status, headers: response.headers, bytes, body: parsed };
  }

  /** Sends what must be answered with this code. */
  async does(code: number, method: string, path: string, body?: unknown, options?: SendOptions): Promise<Answer> {
    const answer = await this.send(method, path, body, options);
    assert.equal(answer.code, code, `${method} ${path}: ${decoder.decode(answer.bytes).slice(0, 2000)}`);
    return answer;
  }

  /** Sends what must be refused, in the shape in which Kubernetes refuses. */
  async refuses(
    [code, reason, message]: [code: number, reason: string, message: RegExp | string],
    ...[method, path, body, options]: [method: string, path: string, body?: unknown, options?: SendOptions]
  ): Promise<Answer> {
    const answer = await this.does(code, method, path, body, options);
    const about = `${method} ${path}`;
    const { message: said, details: _, ...status } = answer.body;
    const wanted = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason, code };
    assert.deepEqual(status, wanted, about);
    if (typeof message === "string") assert.equal(said, message, about);
    else assert.match(said, message, about);
    return answer;
  }

  /** Makes an object; answers it. */
  async make(labels?: Record<string, string>, name = this.name()): Promise<Answer["body"]> {
    return (await this.does(201, "POST", this.path(), this.object(name, labels))).body;
  }

  async get(name: string): Promise<Answer["body"]> {
    return (await this.does(200, "GET", this.path(name))).body;
  }

  /** Takes an object away whatever holds it. */
  async remove(name: string): Promise<void> {
    await this.does(200, "DELETE", `${this.path(name)}?gracePeriodSeconds=0&propagationPolicy=Background`);
    await this.release(name);
  }

  /** What an object that is deleted still waits for, is done. */
  async release(name: string): Promise<void> {
    const { code, body } = await this.send("GET", this.path(name));
    if (code === 404) return;
    assert.ok(body.metadata.deletionTimestamp, `${name} is to be deleted`);
    if (body.metadata.finalizers !== undefined) {
      await this.does(200, "PATCH", this.path(name), { metadata: { finalizers: null } }, { type: types.merge });
    }
    if (this.resource.moreFinalizers !== undefined) {
      const finalize = { ...body, metadata: { name }, spec: { finalizers: [] } };
      await this.send("PUT", this.path(name, "finalize"), finalize);
    }
    await this.does(404, "GET", this.path(name));
  }

  revision(): Promise<number> {
    return this.api.fixture.store.revision();
  }

  /** Runs what must not be written, and must not be seen. */
  async unchanged<T>(run: () => Promise<T>): Promise<T> {
    const before = await this.revision();
    const result = await run();
    assert.equal(await this.revision(), before, "something was written");
    return result;
  }
}

export const metaDefinition = (kind: string) => definition(`io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`);

/** The content of an object: what is neither its identity nor the server's. */
export function contentOf(object: Json): Json {
  const { metadata: _, ...content } = object;
  return content;
}

/** Without what is 0, "", false or empty: what protobuf and Go don't tell from what is not there. */
export function withoutZeros(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => withoutZeros(item) ?? null);
  if (typeof value !== "object" || value === null) return value || undefined;
  const members = Object.entries(value).map(([key, member]) => [key, withoutZeros(member)]);
  const left = members.filter(([, member]) => member !== undefined);
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

/** Who owns what in an object: `walker Update`, `a Apply status`. */
export function managersOf(object: { metadata: Json }): string[] {
  const entries = (object.metadata.managedFields ?? []) as Record<string, string>[];
  for (const entry of entries) {
    assert.ok(entry.time && entry.apiVersion, "an entry says when and in which version");
    assert.equal(entry.fieldsType, "FieldsV1");
    assert.ok(Object.keys(entry.fieldsV1 as unknown as Json).length > 0, "an entry owns something");
  }
  return entries.map(({ manager, operation, subresource }) =>
    [manager, operation, subresource].filter((part) => part !== undefined).join(" ")
  );
}
