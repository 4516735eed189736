/**
 * Which objects a node has to do with, from the watch cache: the pods bound to it, and what they refer to. The pods are found by an
 * index; what they refer to is looked up when it is asked for, which is right from any state and cheap for a node's hundred pods.
 */
import type { Cache } from "../cache/cache.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../lib/types/core_v1.ts";
import { type PodReferences, referencesOf, volumeSecretKeys } from "./pod_references.ts";

export type RelatedKind =
  | "secrets"
  | "configmaps"
  | "persistentvolumeclaims"
  | "persistentvolumes"
  | "serviceaccounts"
  | "pods";

export interface NodeObjects {
  /** Has a pod of the node to do with the object? `namespace` is undefined for kinds without. */
  relates(node: string, kind: RelatedKind, ref: { namespace?: string; name: string }): boolean;
  close(): void;
}

/** `declared`: the resources that the cache knows. Follows the cache from now on. */
export function createNodeObjects(cache: Cache, declared: readonly string[]): NodeObjects {
  return new IndexedNodeObjects(cache, new Set(declared));
}

class IndexedNodeObjects implements NodeObjects {
  readonly #byNode = new Map<string, Map<string, Pod>>();
  readonly #references = new WeakMap<Pod, PodReferences>();
  #stop = () => {};

  constructor(readonly cache: Cache, readonly declared: ReadonlySet<string>) {
    if (declared.has("pods")) this.#follow();
  }

  close(): void {
    this.#stop();
  }

  #follow(): void {
    const pods = this.cache.resource("pods");
    const snapshot = pods.snapshot();
    this.#byNode.clear();
    for (const entry of snapshot.entries()) {
      if (entry.unreadable === undefined) this.#add(entry.key, entry.object as unknown as Pod);
    }
    this.#stop = pods.watch(snapshot.revision, {
      onEvents: (events) => {
        for (const { type, entry, previous } of events) {
          if (previous !== undefined && previous.unreadable === undefined) {
            this.#remove(previous.key, previous.object as unknown as Pod);
          }
          if (entry.unreadable !== undefined) continue;
          if (type === "DELETED") this.#remove(entry.key, entry.object as unknown as Pod);
          else this.#add(entry.key, entry.object as unknown as Pod);
        }
      },
      onExpired: () => this.#follow(),
    });
  }

  #add(key: string, pod: Pod): void {
    const node = pod.spec.nodeName;
    if (!node) return;
    const pods = this.#byNode.get(node) ?? new Map<string, Pod>();
    this.#byNode.set(node, pods.set(key, pod));
  }

  #remove(key: string, pod: Pod): void {
    const pods = this.#byNode.get(pod.spec.nodeName ?? "");
    pods?.delete(key);
    if (pods?.size === 0) this.#byNode.delete(pod.spec.nodeName!);
  }

  relates(node: string, kind: RelatedKind, { namespace, name }: { namespace?: string; name: string }): boolean {
    const pods = this.#byNode.get(node);
    if (pods === undefined) return false;
    if (kind === "pods") return pods.has(`${namespace}/${name}`);
    for (const pod of pods.values()) if (this.#refers(pod, kind, namespace, name)) return true;
    return false;
  }

  #refers(pod: Pod, kind: RelatedKind, namespace: string | undefined, name: string): boolean {
    const refs = this.#referencesOf(pod);
    const sameNamespace = pod.metadata.namespace === namespace;
    switch (kind) {
      case "configmaps":
        return sameNamespace && refs.configMaps.has(name);
      case "persistentvolumeclaims":
        return sameNamespace && refs.claims.has(name);
      case "serviceaccounts":
        return sameNamespace && refs.serviceAccount === name;
      case "persistentvolumes":
        return this.#volumes(pod, refs).some((volume) => volume.metadata.name === name);
      case "secrets": {
        if (sameNamespace && refs.secrets.has(name)) return true;
        const key = `${namespace}/${name}`;
        return this.#volumes(pod, refs).some((volume) => volumeSecretKeys(volume).includes(key));
      }
      default:
        return false;
    }
  }

  #referencesOf(pod: Pod): PodReferences {
    let refs = this.#references.get(pod);
    if (refs === undefined) this.#references.set(pod, refs = referencesOf(pod));
    return refs;
  }

  /** The volumes that are bound to the pod's claims, as both sides say. */
  #volumes(pod: Pod, { claims }: PodReferences): PersistentVolume[] {
    const { namespace } = pod.metadata;
    const found: PersistentVolume[] = [];
    for (const name of claims) {
      const claim = this.#get<PersistentVolumeClaim>("persistentvolumeclaims", `${namespace}/${name}`);
      const volume = claim && this.#get<PersistentVolume>("persistentvolumes", claim.spec.volumeName ?? "");
      const bound = volume?.spec.claimRef;
      if (volume !== undefined && bound?.name === name && bound.namespace === namespace) found.push(volume);
    }
    return found;
  }

  #get<T>(storage: string, key: string): T | undefined {
    if (!this.declared.has(storage)) return undefined;
    return this.cache.resource(storage).get(key)?.object as unknown as T | undefined;
  }
}
