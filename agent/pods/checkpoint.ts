/**
 * What this node was told to run, on its own disk: so that after a restart of the host without a control plane its pods are started again.
 * One file for each pod and for each configmap that pods use, one for the Services. No secrets. Written behind, the newest state winning.
 */
import { getLogger } from "log";
import { readText, writeAtomic } from "../../lib/seams/files.ts";
import type { ConfigMap, Pod, Service } from "../../lib/types/core_v1.ts";
import type { ConfigMapStore } from "../volumes/references.ts";

export interface Checkpoint {
  /** Reads all; damaged files are reported and left out. */
  load(): Promise<{ pods: Pod[]; services: Service[] | undefined }>;
  save(pod: Pod): void;
  remove(uid: string): void;
  saveServices(services: readonly Service[]): void;
  readonly configMaps: ConfigMapStore;
  /** Resolves when all is on disk. */
  flush(): Promise<void>;
}

const logger = getLogger(["sauropod", "agent", "checkpoint"]);

export function createCheckpoint(directory: string): Checkpoint {
  const pods = `${directory}/pods`;
  const maps = `${directory}/configmaps`;
  const loaded = new Map<string, ConfigMap>();
  /** Path → text, or undefined to remove it. */
  const waiting = new Map<string, string | undefined>();
  const last = new Map<string, string>();
  let writing: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (waiting.size > 0) {
      const [path, text] = waiting.entries().next().value!;
      waiting.delete(path);
      try {
        if (text === undefined) await Deno.remove(path);
        else await writeAtomic(path, text);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) logger.error("{path}: {error}", { path, error: String(error) });
      }
    }
  }
  function put(path: string, text: string | undefined): void {
    if (last.get(path) === text && !(text === undefined)) return;
    if (text === undefined) last.delete(path);
    else last.set(path, text);
    waiting.set(path, text);
    writing ??= drain().finally(() => writing = undefined);
  }
  async function readAll<T>(from: string): Promise<T[]> {
    const found: T[] = [];
    for await (const { name } of Deno.readDir(from)) {
      if (!name.endsWith(".json")) continue;
      const text = await readText(`${from}/${name}`);
      try {
        found.push(JSON.parse(text ?? ""));
      } catch (error) {
        logger.error("{file} is damaged and left out: {error}", { file: `${from}/${name}`, error: String(error) });
      }
    }
    return found;
  }
  const mapPath = (key: string) => `${maps}/${encodeURIComponent(key)}.json`;

  return {
    async load() {
      await Deno.mkdir(pods, { recursive: true, mode: 0o700 });
      await Deno.mkdir(maps, { recursive: true, mode: 0o700 });
      for (const map of await readAll<ConfigMap>(maps)) {
        loaded.set(`${map.metadata.namespace}/${map.metadata.name}`, map);
      }
      const text = await readText(`${directory}/services.json`);
      return { pods: await readAll<Pod>(pods), services: text === undefined ? undefined : JSON.parse(text) };
    },
    save(pod) {
      const { managedFields: _, ...metadata } = pod.metadata;
      put(`${pods}/${pod.metadata.uid}.json`, JSON.stringify({ ...pod, metadata }));
    },
    remove: (uid) => put(`${pods}/${uid}.json`, undefined),
    saveServices: (services) => put(`${directory}/services.json`, JSON.stringify(services)),
    configMaps: {
      load: (key) => loaded.get(key),
      save(key, object) {
        if (object === undefined) loaded.delete(key);
        else loaded.set(key, object);
        put(mapPath(key), object === undefined ? undefined : JSON.stringify(object));
      },
    },
    async flush() {
      while (writing !== undefined) await writing;
    },
  };
}
