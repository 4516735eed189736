/**
 * The objects behind the fake client: revisions, conflicts, generations, finalizers, graceful deletion and a history for watches, as
 * the API server keeps them. Leaves out validation, defaults, admission and authorisation.
 */
import { apiVersionOf, keyOf, type Kind, type KubeObject, type Ref } from "../../lib/kind.ts";
import type { DeleteOptions } from "../../lib/client/client.ts";
import { type Clock, rfc3339 } from "../../lib/seams/clock.ts";
import { nameSuffix, type Random } from "../../lib/seams/random.ts";
import { notFound, qualified, statusError } from "../../lib/status.ts";

export interface StoredEvent {
  type: "ADDED" | "MODIFIED" | "DELETED";
  kind: string;
  revision: number;
  object: KubeObject;
}

// deno-lint-ignore no-explicit-any
export type Loose = any;

const storeKey = (kind: Pick<Kind, "group" | "plural">) => qualified(kind);

export class FakeStore {
  revision = 100;
  readonly events: StoredEvent[] = [];
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  #listeners = new Set<() => void>();

  constructor(readonly clock: Clock, readonly random: Random) {}

  onEvent(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  all(kind: Pick<Kind, "group" | "plural">): Map<string, KubeObject> {
    const key = storeKey(kind);
    const found = this.#objects.get(key) ?? new Map<string, KubeObject>();
    this.#objects.set(key, found);
    return found;
  }

  find(kind: Kind, ref: Ref): KubeObject {
    const key = kind.namespaced ? `${ref.namespace}/${ref.name}` : ref.name;
    const found = this.all(kind).get(key);
    if (found === undefined) throw notFound(kind, ref.name);
    return found;
  }

  create(kind: Kind, object: Loose): KubeObject {
    const copy = structuredClone(object) as Loose;
    const meta = copy.metadata;
    if (!meta.name && meta.generateName) meta.name = meta.generateName + nameSuffix(this.random);
    if (!kind.namespaced) delete meta.namespace;
    if (this.all(kind).has(keyOf(copy))) {
      throw statusError("AlreadyExists", `${qualified(kind)} ${JSON.stringify(meta.name)} already exists`);
    }
    this.#refuseInTerminatingNamespace(kind, meta);
    meta.uid = this.random.uuid();
    meta.creationTimestamp = rfc3339(this.clock.now());
    if (copy.spec !== undefined) meta.generation = 1;
    copy.apiVersion = apiVersionOf(kind);
    copy.kind = kind.kind;
    if (kind.kind === "Pod") copy.status = { phase: "Pending", ...copy.status };
    else if (copy.spec !== undefined) copy.status ??= {};
    return this.#put(kind, "ADDED", copy);
  }

  #refuseInTerminatingNamespace(kind: Kind, meta: Loose): void {
    if (!kind.namespaced) return;
    const namespace = this.all({ group: "", plural: "namespaces" }).get(meta.namespace);
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    const message = `${qualified(kind)} ${JSON.stringify(meta.name)} is forbidden: unable to create new content in ` +
      `namespace ${meta.namespace} because it is being terminated`;
    throw statusError("Forbidden", message, { causes: [{ reason: "NamespaceTerminating", message: "", field: "" }] });
  }

  /** Stores `next` in the place of what is there; `subresource` says which half of it counts. */
  replace(kind: Kind, next: Loose, subresource?: string): KubeObject {
    const before = this.find(kind, next.metadata) as Loose;
    const wanted = next.metadata.resourceVersion;
    if (
      (wanted !== undefined && wanted !== "" && wanted !== before.metadata.resourceVersion) || differs(next, before)
    ) {
      throw statusError(
        "Conflict",
        `Operation cannot be fulfilled on ${qualified(kind)} ${JSON.stringify(before.metadata.name)}: ` +
          "the object has been modified; please apply your changes to the latest version and try again",
      );
    }
    const copy = structuredClone(next) as Loose;
    if (subresource === "status") copy.spec = before.spec;
    else if (subresource !== "finalize" && before.status !== undefined) copy.status = before.status;
    copy.metadata.generation = before.metadata.generation;
    copy.metadata.deletionTimestamp = before.metadata.deletionTimestamp;
    copy.metadata.uid = before.metadata.uid;
    const changed = JSON.stringify(strip(copy)) !== JSON.stringify(strip(before));
    if (JSON.stringify(copy.spec) !== JSON.stringify(before.spec) && before.metadata.generation !== undefined) {
      copy.metadata.generation++;
    }
    if (!changed) return before;
    if (this.#finished(kind, copy)) return this.#remove(kind, copy);
    return this.#put(kind, "MODIFIED", copy);
  }

  /** Nothing holds a deleted object any more. */
  #finished(kind: Kind, object: Loose): boolean {
    if (object.metadata.deletionTimestamp === undefined || (object.metadata.finalizers ?? []).length > 0) return false;
    if (kind.kind === "Namespace") return (object.spec?.finalizers ?? []).length === 0;
    return object.metadata.deletionGracePeriodSeconds === undefined || object.metadata.deletionGracePeriodSeconds === 0;
  }

  delete(kind: Kind, ref: Ref, options: DeleteOptions = {}): KubeObject {
    const before = this.find(kind, ref) as Loose;
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (uid !== undefined && uid !== before.metadata.uid) {
      throw statusError(
        "Conflict",
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid}`,
      );
    }
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      throw statusError("Conflict", "Precondition failed: ResourceVersion differs");
    }
    const copy = structuredClone(before) as Loose;
    const finalizers = new Set<string>(copy.metadata.finalizers ?? []);
    if (options.propagationPolicy !== undefined) {
      finalizers.delete("foregroundDeletion");
      finalizers.delete("orphan");
      if (options.propagationPolicy === "Foreground") finalizers.add("foregroundDeletion");
      if (options.propagationPolicy === "Orphan") finalizers.add("orphan");
    }
    copy.metadata.finalizers = finalizers.size === 0 ? undefined : [...finalizers];
    if (kind.kind === "Namespace") copy.status = { ...copy.status, phase: "Terminating" };
    const graceful = kind.kind === "Pod" && copy.spec.nodeName !== undefined &&
      !["Succeeded", "Failed"].includes(copy.status?.phase);
    const grace = graceful ? options.gracePeriodSeconds ?? copy.spec.terminationGracePeriodSeconds ?? 30 : 0;
    if (graceful || kind.kind === "Pod") copy.metadata.deletionGracePeriodSeconds = grace;
    copy.metadata.deletionTimestamp ??= rfc3339(this.clock.now() + grace * 1000);
    if (this.#finished(kind, copy)) return this.#remove(kind, copy);
    if (JSON.stringify(strip(copy)) === JSON.stringify(strip(before))) return before;
    return this.#put(kind, "MODIFIED", copy);
  }

  #put(kind: Kind, type: StoredEvent["type"], object: Loose): KubeObject {
    object.metadata.resourceVersion = String(++this.revision);
    this.all(kind).set(keyOf(object), object);
    this.#emit({ type, kind: storeKey(kind), revision: this.revision, object });
    return object;
  }

  #remove(kind: Kind, object: Loose): KubeObject {
    object.metadata.resourceVersion = String(++this.revision);
    this.all(kind).delete(keyOf(object));
    this.#emit({ type: "DELETED", kind: storeKey(kind), revision: this.revision, object });
    return object;
  }

  #emit(event: StoredEvent): void {
    this.events.push(event);
    for (const listener of this.#listeners) listener();
  }
}

const strip = (object: Loose) => ({ ...object, metadata: { ...object.metadata, resourceVersion: undefined } });

const differs = (next: Loose, before: Loose) =>
  next.metadata.uid !== undefined && next.metadata.uid !== "" && next.metadata.uid !== before.metadata.uid;
