/**
 * The configmaps and secrets that pods of this node refer to, each watched by its name alone, so that an authoriser can grant an agent
 * exactly these. Watched as long as a pod holds them; what was seen last is kept for when the API is away. Leaves out what to do with them.
 */
import type { Client } from "../../lib/client/client.ts";
import { createInformer, type ListWatchInformer } from "../../lib/informer/informer.ts";
import { keyOf, type Kind, type KubeObject } from "../../lib/kind.ts";
import { referenceTimeoutMs } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { ConfigMap, Secret } from "../../lib/types/core_v1.ts";
import { ConfigMap as ConfigMapKind, Secret as SecretKind } from "../../lib/types/kinds.ts";

/** `unknown`: the API has not said yet. */
export type Lookup<T> =
  | { readonly state: "found"; readonly object: T }
  | { readonly state: "missing" }
  | { readonly state: "unknown" };

export interface Names {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
}

/** What survives a restart of the host while the API is away. Configmaps only: secrets are not written to disks. */
export interface ConfigMapStore {
  load(key: string): ConfigMap | undefined;
  save(key: string, object: ConfigMap | undefined): void;
}

export interface References {
  /** Watches these for a pod, instead of what it held before. */
  hold(uid: string, namespace: string, names: Names): void;
  release(uid: string): void;
  /** Resolves once the API has answered for all that the pod holds, or after referenceTimeoutMs. */
  settled(uid: string): Promise<void>;
  configMap(namespace: string, name: string): Lookup<ConfigMap>;
  secret(namespace: string, name: string): Lookup<Secret>;
  /** Called with the uid of each pod that holds an object that changed. */
  onChange(listener: (uid: string) => void): void;
  close(): void;
}

interface Watch {
  readonly informer: ListWatchInformer<KubeObject>;
  readonly stop: AbortController;
  readonly holders: Set<string>;
}

export function createReferences(
  { client, clock, store }: { client: Client; clock: Clock; store?: ConfigMapStore },
): References {
  const watches = new Map<string, Watch>();
  const listeners = new Set<(uid: string) => void>();
  const idOf = (kind: { plural: string }, key: string) => `${kind.plural}/${key}`;

  function watch<T extends KubeObject>(kind: Kind<T>, namespace: string, name: string): Watch {
    const key = `${namespace}/${name}`;
    const existing = watches.get(idOf(kind, key));
    if (existing !== undefined) return existing;
    const informer = createInformer(client, kind, { namespace, fieldSelector: `metadata.name=${name}`, clock });
    const stop = new AbortController();
    const made: Watch = {
      informer: informer as unknown as ListWatchInformer<KubeObject>,
      stop,
      holders: new Set(),
    };
    watches.set(idOf(kind, key), made);
    informer.onChange(({ now }) => {
      if (kind.plural === ConfigMapKind.plural) store?.save(key, now as unknown as ConfigMap | undefined);
      for (const uid of made.holders) for (const listener of listeners) listener(uid);
    });
    void informer.run(stop.signal);
    return made;
  }

  function drop(uid: string, keep: ReadonlySet<Watch>): void {
    for (const [id, watched] of watches) {
      if (keep.has(watched) || !watched.holders.delete(uid) || watched.holders.size > 0) continue;
      watched.stop.abort();
      watches.delete(id);
    }
  }

  function look<T extends KubeObject>(kind: Kind<T>, namespace: string, name: string): Lookup<T> {
    const key = keyOf({ metadata: { namespace, name } });
    const informer = watches.get(idOf(kind, key))?.informer;
    if (informer?.hasSynced !== true) return { state: "unknown" };
    const object = informer.get(key) as unknown as T | undefined;
    return object === undefined ? { state: "missing" } : { state: "found", object };
  }

  return {
    hold(uid, namespace, { configMaps, secrets }) {
      const wanted = new Set([
        ...configMaps.map((name) => watch(ConfigMapKind, namespace, name)),
        ...secrets.map((name) => watch(SecretKind, namespace, name)),
      ]);
      for (const { holders } of wanted) holders.add(uid);
      drop(uid, wanted);
    },
    release: (uid) => drop(uid, new Set()),
    async settled(uid) {
      const held = [...watches.values()].filter(({ holders, informer }) => holders.has(uid) && !informer.hasSynced);
      if (held.length === 0) return;
      let cancel = () => {};
      const timeout = new Promise<void>((resolve) => cancel = clock.after(referenceTimeoutMs, resolve));
      await Promise.race([Promise.all(held.map(({ informer }) => informer.synced)), timeout]);
      cancel();
    },
    configMap(namespace, name) {
      const found = look(ConfigMapKind, namespace, name);
      if (found.state !== "unknown") return found;
      const stored = store?.load(`${namespace}/${name}`);
      return stored === undefined ? found : { state: "found", object: stored };
    },
    secret: (namespace, name) => look(SecretKind, namespace, name),
    onChange: (listener) => void listeners.add(listener),
    close() {
      for (const { stop } of watches.values()) stop.abort();
      watches.clear();
    },
  };
}
