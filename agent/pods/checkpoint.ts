/**
 * What this node was told to run, on its own disk: so that after a restart of the host without a control plane its pods are started again.
 * One file for each pod and for each configmap that pods use, one for the Services, one for the node's addresses. No secrets. Written behind, the newest state winning.
 */
import { getLogger } from "log";
import { readText, writeAtomic } from "../../lib/seams/files.ts";
import type { ConfigMap, Pod, Service } from "../../lib/types/core_v1.ts";
import type { NetworkPeer } from "../network/network.ts";
import type { ConfigMapStore } from "../volumes/references.ts";

/** What the node's network is made from. */
export interface SavedNode {
  readonly podCidr: string;
  readonly peers: readonly NetworkPeer[];
}

export interface Saved {
  readonly pods: readonly Pod[];
  readonly services: readonly Service[] | undefined;
  readonly node: SavedNode | undefined;
}

export interface Checkpoint {
  /** Reads all; damaged files are reported and left out. */
  load(): Promise<Saved>;
  saveNode(node: SavedNode): void;
  save(pod: Pod): void;
  remove(uid: string): void;
  saveServices(services: readonly Service[]): void;
  readonly configMaps: ConfigMapStore;
  /** Resolves when all is on disk. */
  flush(): Promise<void>;
}

const logger = getLogger(["sauropod", "agent", "checkpoint"]);

export function createCheckpoint(directory: string): Checkpoint {
  return new FileCheckpoint(directory);
}

class FileCheckpoint implements Checkpoint {
  readonly configMaps: ConfigMapStore = {
    load: (key) => this.#maps.get(key),
    save: (key, object) => this.#saveMap(key, object),
  };
  readonly #maps = new Map<string, ConfigMap>();
  /** Path → text, or undefined to remove it. */
  readonly #waiting = new Map<string, string | undefined>();
  readonly #last = new Map<string, string>();
  #writing: Promise<void> | undefined;

  constructor(readonly directory: string) {}

  async load(): Promise<Saved> {
    for (const room of ["pods", "configmaps"]) {
      await Deno.mkdir(`${this.directory}/${room}`, { recursive: true, mode: 0o700 });
    }
    for (const map of await this.#readAll<ConfigMap>("configmaps")) {
      this.#maps.set(`${map.metadata.namespace}/${map.metadata.name}`, map);
    }
    return {
      pods: await this.#readAll<Pod>("pods"),
      services: await this.#read<Service[]>("services.json"),
      node: await this.#read<SavedNode>("node.json"),
    };
  }

  saveNode(node: SavedNode): void {
    this.#put("node.json", JSON.stringify(node));
  }

  async #read<T>(name: string): Promise<T | undefined> {
    const path = `${this.directory}/${name}`;
    const text = await readText(path);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      logger.error("{path} is damaged and left out: {error}", { path, error: String(error) });
      return undefined;
    }
  }

  async #readAll<T>(room: string): Promise<T[]> {
    const found: T[] = [];
    for await (const { name } of Deno.readDir(`${this.directory}/${room}`)) {
      const object = name.endsWith(".json") ? await this.#read<T>(`${room}/${name}`) : undefined;
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  save(pod: Pod): void {
    const { managedFields: _, ...metadata } = pod.metadata;
    this.#put(`pods/${pod.metadata.uid}.json`, JSON.stringify({ ...pod, metadata }));
  }

  remove(uid: string): void {
    this.#put(`pods/${uid}.json`, undefined);
  }

  saveServices(services: readonly Service[]): void {
    this.#put("services.json", JSON.stringify(services));
  }

  #saveMap(key: string, object: ConfigMap | undefined): void {
    if (object === undefined) this.#maps.delete(key);
    else this.#maps.set(key, object);
    const name = `configmaps/${encodeURIComponent(key)}.json`;
    this.#put(name, object === undefined ? undefined : JSON.stringify(object));
  }

  #put(name: string, text: string | undefined): void {
    if (text !== undefined && this.#last.get(name) === text) return;
    if (text === undefined) this.#last.delete(name);
    else this.#last.set(name, text);
    this.#waiting.set(name, text);
    this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.size > 0) {
      const [name, text] = this.#waiting.entries().next().value!;
      this.#waiting.delete(name);
      const path = `${this.directory}/${name}`;
      try {
        if (text === undefined) await Deno.remove(path);
        else await writeAtomic(path, text);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) logger.error("{path}: {error}", { path, error: String(error) });
      }
    }
    // In the same turn as the last look: nothing that waits is overseen.
    this.#writing = undefined;
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }
}
