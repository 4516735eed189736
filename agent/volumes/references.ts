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

export interface ReferencesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly store?: ConfigMapStore;
}

export function createReferences(options: ReferencesOptions): References {
  return new WatchedReferences(options);
}

const idOf = (kind: { plural: string }, key: string) => `${kind.plural}/${key}`;

class WatchedReferences implements References {
  readonly #watches = new Map<string, Watch>();
  readonly #listeners = new Set<(uid: string) => void>();

  constructor(readonly options: ReferencesOptions) {}

  hold(uid: string, namespace: string, { configMaps, secrets }: Names): void {
    const wanted = new Set([
      ...configMaps.map((name) => this.#watch(ConfigMapKind, namespace, name)),
      ...secrets.map((name) => this.#watch(SecretKind, namespace, name)),
    ]);
    for (const { holders } of wanted) holders.add(uid);
    this.#drop(uid, wanted);
  }

  release(uid: string): void {
    this.#drop(uid, new Set());
  }

  async settled(uid: string): Promise<void> {
    const held = [...this.#watches.values()].filter(({ holders, informer }) => holders.has(uid) && !informer.hasSynced);
    if (held.length === 0) return;
    let cancel = () => {};
    const timeout = new Promise<void>((resolve) => cancel = this.options.clock.after(referenceTimeoutMs, resolve));
    await Promise.race([Promise.all(held.map(({ informer }) => informer.synced)), timeout]);
    cancel();
  }

  configMap(namespace: string, name: string): Lookup<ConfigMap> {
    const found = this.#look(ConfigMapKind, namespace, name);
    if (found.state !== "unknown") return found;
    const stored = this.options.store?.load(`${namespace}/${name}`);
    return stored === undefined ? found : { state: "found", object: stored };
  }

  secret(namespace: string, name: string): Lookup<Secret> {
    return this.#look(SecretKind, namespace, name);
  }

  onChange(listener: (uid: string) => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    for (const { stop } of this.#watches.values()) stop.abort();
    this.#watches.clear();
  }

  #watch<T extends KubeObject>(kind: Kind<T>, namespace: string, name: string): Watch {
    const { client, clock, store } = this.options;
    const key = `${namespace}/${name}`;
    const existing = this.#watches.get(idOf(kind, key));
    if (existing !== undefined) return existing;
    const informer = createInformer(client, kind, { namespace, fieldSelector: `metadata.name=${name}`, clock });
    const stop = new AbortController();
    const watch: Watch = {
      informer: informer as unknown as ListWatchInformer<KubeObject>,
      stop,
      holders: new Set(),
    };
    this.#watches.set(idOf(kind, key), watch);
    informer.onChange(({ now }) => {
      if (kind.plural === ConfigMapKind.plural) store?.save(key, now as unknown as ConfigMap | undefined);
      for (const uid of watch.holders) for (const listener of this.#listeners) listener(uid);
    });
    void informer.run(stop.signal);
    return watch;
  }

  #drop(uid: string, keep: ReadonlySet<Watch>): void {
    for (const [id, watch] of this.#watches) {
      if (keep.has(watch) || !watch.holders.delete(uid) || watch.holders.size > 0) continue;
      watch.stop.abort();
      this.#watches.delete(id);
    }
  }

  #look<T extends KubeObject>(kind: Kind<T>, namespace: string, name: string): Lookup<T> {
    const key = keyOf({ metadata: { namespace, name } });
    const informer = this.#watches.get(idOf(kind, key))?.informer;
    if (informer?.hasSynced !== true) return { state: "unknown" };
    const object = informer.get(key) as unknown as T | undefined;
    return object === undefined ? { state: "missing" } : { state: "found", object };
  }
}
