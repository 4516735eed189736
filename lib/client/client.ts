/**
 * The API client that every component uses, whatever carries its requests: HTTPS, or a function call into the API server's own
 * `handle(Request)`. One method per verb; every error answer is thrown as a StatusError.
 */
import { apiVersionOf, type Kind, type KubeObject, type New, type Ref } from "../kind.ts";
import { statusCodes, StatusError, statusError } from "../status.ts";
import type { Status } from "../status.ts";
import { LiveEvents } from "./live.ts";
import { type WatchEvent, watchEvents } from "./watch.ts";

/**
 * Carries one request. URLs are `http://apiserver/...`; the transport knows where that is. `live` comes with watches, for a server in this
 * process; others leave it alone.
 */
export type Transport = (request: Request, live?: LiveEvents) => Promise<Response>;

export interface List<T> {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

export interface ListOptions {
  namespace?: string;
  /** `app=web,tier in (a,b)` */
  labelSelector?: string;
  /** `spec.nodeName=n1` */
  fieldSelector?: string;
  /** `"0"`: whatever the server has at hand. Absent: the latest. */
  resourceVersion?: string;
  resourceVersionMatch?: "Exact" | "NotOlderThan";
  limit?: number;
  continue?: string;
}

export interface WatchOptions extends Omit<ListOptions, "limit" | "continue"> {
  /** After this the server ends the watch. Seconds. */
  timeoutSeconds?: number;
  allowWatchBookmarks?: boolean;
  sendInitialEvents?: boolean;
}

export interface WriteOptions {
  /** `"status"`, `"scale"`, `"binding"`, … */
  subresource?: string;
  fieldManager?: string;
  dryRun?: "All";
}

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  preconditions?: { uid?: string; resourceVersion?: string };
}

export type Patch =
  | { type: "json"; patch: readonly { op: string; path: string; value?: unknown; from?: string }[] }
  | { type: "merge"; patch: unknown }
  | { type: "strategic"; patch: unknown }
  | { type: "apply"; patch: unknown; force?: true };

const patchTypes: Record<Patch["type"], string> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

export interface Client {
  get<T extends KubeObject>(kind: Kind<T>, ref: Ref, options?: { subresource?: string }): Promise<T>;
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<List<T>>;
  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent<T>>;
  /** The namespace is the object's own. With a subresource, posts to it (`pods/binding`). */
  create<T extends KubeObject>(kind: Kind<T>, object: New<T>, options?: WriteOptions): Promise<T>;
  /** Fails with Conflict when the object's resourceVersion is not the stored one. */
  update<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(kind: Kind<T>, ref: Ref, patch: Patch, options?: WriteOptions): Promise<T>;
  /** NotFound is thrown like any other error. */
  delete<T extends KubeObject>(kind: Kind<T>, ref: Ref, options?: DeleteOptions): Promise<void>;
  /** Posts a body that is no object of `kind` to a subresource (`pods/eviction`, `pods/binding`). */
  post(kind: Kind, ref: Ref, subresource: string, body: unknown): Promise<unknown>;
  /** Any path of the API, `/readyz` say. Error answers are thrown. */
  raw(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response>;
  /** The same client, telling of every revision that it wrote. */
  recording(onWrite: (kind: Kind, revision: number) => void): Client;
}

/** The path of a kind, an object or a subresource below the server's root. */
export function pathOf(
  kind: Pick<Kind, "group" | "version" | "plural" | "namespaced">,
  ref: Partial<Ref>,
  subresource?: string,
): string {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const inside = kind.namespaced && ref.namespace !== undefined
    ? `/namespaces/${encodeURIComponent(ref.namespace)}`
    : "";
  const name = ref.name === undefined ? "" : `/${encodeURIComponent(ref.name)}`;
  return `${root}${inside}/${kind.plural}${name}${subresource === undefined ? "" : `/${subresource}`}`;
}

function query(values: object): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) params.set(name, String(value));
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** Throws what an error answer says; an answer that is no Status becomes one. */
export async function throwStatus(response: Response): Promise<never> {
  const text = await response.text();
  let status: Status | undefined;
  try {
    const parsed = JSON.parse(text);
    if (parsed?.kind === "Status") status = parsed;
  } catch {
    // Not JSON: a proxy or a load balancer between us and the server answered.
  }
  if (status !== undefined) throw new StatusError(status);
  const reason = Object.entries(statusCodes).find(([, code]) => code === response.status)?.[0] ?? "InternalError";
  throw statusError(
    reason as keyof typeof statusCodes,
    `HTTP ${response.status}: ${text.slice(0, 500)}`,
    undefined,
    response.status,
  );
}

/** A client over `transport`. `userAgent` names the component in the server's log. */
export function createClient(transport: Transport, options: { userAgent?: string } = {}): Client {
  return new ApiClient(transport, options.userAgent ?? "sauropod", () => {});
}

class ApiClient implements Client {
  constructor(
    readonly transport: Transport,
    readonly userAgent: string,
    readonly onWrite: (kind: Kind, revision: number) => void,
  ) {}

  recording(onWrite: (kind: Kind, revision: number) => void): Client {
    return new ApiClient(this.transport, this.userAgent, onWrite);
  }

  raw(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    return this.#ask(method, path, { body, signal });
  }

  async #ask(
    method: string,
    path: string,
    { body, contentType = "application/json", signal, live }: {
      body?: unknown;
      contentType?: string;
      signal?: AbortSignal;
      live?: LiveEvents;
    },
  ): Promise<Response> {
    const headers: Record<string, string> = { accept: "application/json", "user-agent": this.userAgent };
    if (body !== undefined) headers["content-type"] = contentType;
    const response = await this.transport(
      new Request(`http://apiserver${path}`, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
      }),
      live,
    );
    if (!response.ok) await throwStatus(response);
    return response;
  }

  async get<T extends KubeObject>(kind: Kind<T>, ref: Ref, options: { subresource?: string } = {}): Promise<T> {
    return await (await this.raw("GET", pathOf(kind, ref, options.subresource))).json();
  }

  async list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<List<T>> {
    const { namespace, ...rest } = options;
    return await (await this.raw("GET", pathOf(kind, { namespace }) + query(rest))).json();
  }

  async *watch<T extends KubeObject>(
    kind: Kind<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>> {
    const { namespace, ...rest } = options;
    const path = pathOf(kind, { namespace }) + query({ watch: true, ...rest });
    const live = new LiveEvents();
    const response = await this.#ask("GET", path, { signal, live });
    yield* live.taken ? live.read<T>() : watchEvents<T>(response, signal);
  }

  async create<T extends KubeObject>(kind: Kind<T>, object: New<T>, options: WriteOptions = {}): Promise<T> {
    const { subresource, ...rest } = options;
    const { name, namespace } = object.metadata;
    const path = pathOf(kind, { namespace, name: subresource === undefined ? undefined : name }, subresource);
    const body = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object };
    return this.#wrote(kind, await (await this.raw("POST", path + query(rest), body)).json());
  }

  async update<T extends KubeObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { subresource, ...rest } = options;
    const path = pathOf(kind, object.metadata, subresource);
    const body = { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind };
    return this.#wrote(kind, await (await this.raw("PUT", path + query(rest), body)).json());
  }

  async patch<T extends KubeObject>(kind: Kind<T>, ref: Ref, patch: Patch, options: WriteOptions = {}): Promise<T> {
    const { subresource, ...rest } = options;
    const force = patch.type === "apply" && patch.force ? { force: true } : {};
    const path = pathOf(kind, ref, subresource) + query({ ...rest, ...force });
    const asked = { body: patch.patch, contentType: patchTypes[patch.type] };
    return this.#wrote(kind, await (await this.#ask("PATCH", path, asked)).json());
  }

  async delete<T extends KubeObject>(kind: Kind<T>, ref: Ref, options: DeleteOptions = {}): Promise<void> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", ...options };
    const answer = await (await this.raw("DELETE", pathOf(kind, ref), body)).json();
    if (answer.kind === kind.kind) this.#wrote(kind, answer);
  }

  async post(kind: Kind, ref: Ref, subresource: string, body: unknown): Promise<unknown> {
    return await (await this.raw("POST", pathOf(kind, ref, subresource), body)).json();
  }

  #wrote<T extends KubeObject>(kind: Kind<T>, object: T): T {
    const revision = Number(object.metadata?.resourceVersion);
    if (revision > 0) this.onWrite(kind as Kind, revision);
    return object;
  }
}
