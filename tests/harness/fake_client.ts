/**
 * A Client over objects in memory, for tests of controllers and the scheduler without an API server. It behaves: revisions, conflicts,
 * watches that resume, status apart from spec, finalizers, graceful pod deletion, discovery. It never validates.
 */
import type {
  Client,
  DeleteOptions,
  List,
  ListOptions,
  Patch,
  WatchOptions,
  WriteOptions,
} from "../../lib/client/client.ts";
import type { WatchEvent } from "../../lib/client/watch.ts";
import { apiVersionOf, type Kind, type KubeObject, type New, type Ref } from "../../lib/kind.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { type Random, seededRandom } from "../../lib/seams/random.ts";
import { matchesLabels, parseLabelSelector } from "../../lib/selector/labels.ts";
import { notFound, qualified, statusError } from "../../lib/status.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { mergePatch } from "./fake_patch.ts";
import { FakeStore, type Loose } from "./fake_store.ts";

/** A write, as a test may look at it or refuse it. */
export interface FakeWrite {
  verb: "create" | "update" | "patch" | "delete" | "post";
  kind: Kind;
  ref: Partial<Ref>;
  subresource?: string;
  body?: unknown;
}

export interface FakeClientOptions {
  clock: Clock;
  random?: Random;
  /** Kinds that discovery shows; those of the stable groups by default. */
  served?: readonly Kind[];
}

const stable = [
  "",
  "apps",
  "batch",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
];
const defaultServed = (Object.values(kinds) as Kind[]).filter((kind) =>
  kind.version === "v1" && stable.includes(kind.group)
);

/** What all clients of one fake server share. */
export interface FakeServer {
  readonly store: FakeStore;
  readonly served: readonly Kind[];
  /** Throws to refuse a write. */
  refuse: (write: FakeWrite) => void;
  /** Every write that was let through, in order. */
  readonly writes: FakeWrite[];
}

export function createFakeClient(options: FakeClientOptions): FakeClient {
  const store = new FakeStore(options.clock, options.random ?? seededRandom(1));
  return new FakeClient({ store, served: options.served ?? defaultServed, refuse: () => {}, writes: [] }, () => {});
}

export class FakeClient implements Client {
  constructor(readonly server: FakeServer, readonly onWrite: (kind: Kind, revision: number) => void) {}

  get store(): FakeStore {
    return this.server.store;
  }

  recording(onWrite: (kind: Kind, revision: number) => void): Client {
    return new FakeClient(this.server, onWrite);
  }

  get<T extends KubeObject>(kind: Kind<T>, ref: Ref): Promise<T> {
    return attempt(() => this.store.find(kind as Kind, ref) as T);
  }

  list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<List<T>> {
    return attempt(() => {
      if (!this.server.served.some((other) => other.plural === kind.plural && other.group === kind.group)) {
        throw notFound(kind, "");
      }
      const items = [...this.store.all(kind).values()].filter(selects(options)) as T[];
      return { metadata: { resourceVersion: String(this.store.revision) }, items };
    });
  }

  async *watch<T extends KubeObject>(
    kind: Kind<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>> {
    const matches = selects(options);
    const mine = qualified(kind);
    const from = Number(options.resourceVersion ?? this.store.revision);
    // Found from the end: most watches start near it.
    let at = this.store.events.length;
    while (at > 0 && this.store.events[at - 1]!.revision > from) at--;
    let wake = () => {};
    const unsubscribe = this.store.onEvent(() => wake());
    signal.addEventListener("abort", () => wake(), { once: true });
    const known = new Set<string>();
    try {
      while (!signal.aborted) {
        for (; at < this.store.events.length; at++) {
          const event = this.store.events[at]!;
          if (event.kind !== mine) continue;
          const { uid } = event.object.metadata;
          const matching = event.type !== "DELETED" && matches(event.object);
          if (matching) {
            const type = event.type;
            known.add(uid);
            yield { type, object: event.object as T };
          } else if (event.type === "DELETED" || known.has(uid) || event.type === "MODIFIED") {
            known.delete(uid);
            yield { type: "DELETED", object: event.object as T };
          }
        }
        if (this.store.events.length === at) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (signal.aborted) resolve();
          });
        }
      }
    } finally {
      unsubscribe();
    }
  }

  create<T extends KubeObject>(kind: Kind<T>, object: New<T>, options: WriteOptions = {}): Promise<T> {
    return this.#write(
      { verb: "create", kind: kind as Kind, ref: object.metadata as Ref, body: object, ...options },
      () => {
        if (options.subresource === "binding") return this.#bind(object.metadata as Ref, object);
        return this.store.create(kind as Kind, object);
      },
    ) as Promise<T>;
  }

  update<T extends KubeObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#write(
      { verb: "update", kind: kind as Kind, ref: object.metadata, body: object, ...options },
      () => this.store.replace(kind as Kind, object, options.subresource),
    ) as Promise<T>;
  }

  patch<T extends KubeObject>(kind: Kind<T>, ref: Ref, patch: Patch, options: WriteOptions = {}): Promise<T> {
    return this.#write({ verb: "patch", kind: kind as Kind, ref, body: patch, ...options }, () => {
      const before = this.store.find(kind as Kind, ref);
      if (patch.type === "json" || patch.type === "apply") {
        throw statusError("UnsupportedMediaType", `the fake client has no ${patch.type} patches`);
      }
      const next = mergePatch(before, patch.patch, patch.type === "strategic" ? { strategic: true } : {});
      return this.store.replace(kind as Kind, next, options.subresource);
    }) as Promise<T>;
  }

  async delete<T extends KubeObject>(kind: Kind<T>, ref: Ref, options: DeleteOptions = {}): Promise<void> {
    await this.#write(
      { verb: "delete", kind: kind as Kind, ref, body: options },
      () => this.store.delete(kind as Kind, ref, options),
    );
  }

  post(kind: Kind, ref: Ref, subresource: string, body: unknown): Promise<unknown> {
    return this.#write({ verb: "post", kind, ref, subresource, body }, () => {
      if (subresource === "binding") return this.#bind(ref, body);
      throw notFound(kind, `${ref.name}/${subresource}`);
    });
  }

  #bind(ref: Ref, body: Loose): KubeObject {
    const pod = this.store.find(kinds.Pod as Kind, ref) as Loose;
    if (pod.spec.nodeName) {
      throw statusError("Conflict", `pod ${ref.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
    }
    const copy = {
      ...pod,
      metadata: { ...pod.metadata, resourceVersion: undefined },
      spec: { ...pod.spec, nodeName: body.target.name },
    };
    return this.store.replace(kinds.Pod as Kind, copy);
  }

  raw(method: string, path: string, body?: unknown): Promise<Response> {
    return attempt(() => Response.json(this.#raw(method, path.split("?")[0]!, body)));
  }

  #raw(method: string, path: string, body: Loose): unknown {
    if (path === "/api") return { versions: ["v1"] };
    if (path === "/apis") return { groups: this.#groups() };
    const parts = path.split("/").filter((part) => part !== "");
    const [group, version, rest] = parts[0] === "api"
      ? ["", parts[1]!, parts.slice(2)]
      : [parts[1]!, parts[2]!, parts.slice(3)];
    const here = this.server.served.filter((kind) => kind.group === group && kind.version === version);
    if (here.length === 0) throw statusError("NotFound", "the server could not find the requested resource");
    if (rest.length === 0) return { groupVersion: parts.slice(1).join("/"), resources: here.map(apiResource) };
    const namespaced = rest[0] === "namespaces" && rest.length > 2 && here.some((kind) => kind.plural === rest[2]);
    const [namespace, plural, name, subresource] = namespaced
      ? [rest[1], rest[2], rest[3], rest[4]]
      : [undefined, rest[0], rest[1], rest[2]];
    const kind = here.find((kind) => kind.plural === plural);
    if (kind === undefined) throw statusError("NotFound", "the server could not find the requested resource");
    if (name !== undefined) return this.#rawObject(method, kind, { namespace, name }, subresource, body);
    const items = [...this.store.all(kind).values()].filter((object) =>
      namespace === undefined || object.metadata.namespace === namespace
    );
    if (method === "DELETE") { for (const object of items) this.store.delete(kind, object.metadata, body ?? {}); }
    return {
      apiVersion: apiVersionOf(kind),
      kind: `${kind.kind}List`,
      metadata: { resourceVersion: String(this.store.revision) },
      items,
    };
  }

  #rawObject(method: string, kind: Kind, ref: Ref, subresource: string | undefined, body: Loose): unknown {
    switch (method) {
      case "GET":
        return this.store.find(kind, ref);
      case "PUT":
        return this.store.replace(kind, body, subresource);
      case "DELETE":
        return this.store.delete(kind, ref, body ?? {});
      case "PATCH":
        return this.store.replace(kind, mergePatch(this.store.find(kind, ref), body), subresource);
      default:
        throw statusError("MethodNotAllowed", `the fake client has no ${method}`);
    }
  }

  #groups() {
    const names = [...new Set(this.server.served.map((kind) => kind.group))].filter((group) => group !== "");
    return names.map((name) => {
      const versions = [
        ...new Set(this.server.served.filter((kind) => kind.group === name).map((kind) => kind.version)),
      ].map(
        (version) => ({ groupVersion: `${name}/${version}`, version }),
      );
      return { name, versions, preferredVersion: versions[0] };
    });
  }

  #write(write: FakeWrite, run: () => KubeObject): Promise<KubeObject> {
    return attempt(() => {
      this.server.refuse(write);
      this.server.writes.push(write);
      const object = run();
      this.onWrite(write.kind, Number(object.metadata.resourceVersion));
      return object;
    });
  }
}

/** Runs at the next turn of the microtask queue, errors as rejections: as a real client would. */
async function attempt<T>(run: () => T): Promise<T> {
  await Promise.resolve();
  return run();
}

const apiResource = (kind: Kind) => ({
  name: kind.plural,
  kind: kind.kind,
  namespaced: kind.namespaced,
  verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
});

function selects({ namespace, labelSelector, fieldSelector }: ListOptions): (object: KubeObject) => boolean {
  const labels = labelSelector === undefined ? undefined : parseLabelSelector(labelSelector);
  const fields = (fieldSelector ?? "").split(",").filter((part) => part !== "").map((part) => {
    const [, path, operator, value] = /^([^!=]+)(!=|==|=)(.*)$/.exec(part)!;
    return { path: path!.split("."), equal: operator !== "!=", value };
  });
  return (object) => {
    if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
    if (labels !== undefined && !matchesLabels(labels, object.metadata.labels)) return false;
    return fields.every(({ path, equal, value }) => {
      const actual = path.reduce((at: Loose, name) => at?.[name], object) ?? "";
      return (String(actual) === value) === equal;
    });
  };
}
