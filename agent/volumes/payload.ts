/**
 * The files of configMap, secret, downwardAPI and projected volumes. Pure: what is referenced arrives as functions.
 * clusterTrustBundle and podCertificate projections are refused.
 */
import { Buffer } from "node:buffer";
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from "../../lib/types/core_v1.ts";
import { fieldValue, resourceValue, type Surroundings } from "../pods/downward.ts";
import { members } from "../pods/pod_spec.ts";
import type { Lookup } from "./references.ts";

/** Why a volume cannot be made; the text of its FailedMount event. */
export class VolumeError extends Error {
  override name = "VolumeError";
}

export interface PayloadFile {
  readonly data: Uint8Array;
  readonly mode: number;
}

/** By path relative to the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>;

export interface PayloadSources {
  configMap(name: string): Lookup<ConfigMap>;
  secret(name: string): Lookup<Secret>;
  /** A token that is valid now; undefined when the API can't be asked and the pod may start without. */
  token(projection: ServiceAccountTokenProjection): string | undefined;
  readonly around: Surroundings;
}

const defaultMode = 0o644;
const utf8 = new TextEncoder();

/** Undefined for a volume that is none of these. Throws VolumeError. */
export function payloadOf(pod: Pod, volume: Volume, sources: PayloadSources): Payload | undefined {
  const files = new Map<string, PayloadFile>();
  const into = new Writer(pod, sources, files);
  if (volume.configMap !== undefined) {
    into.mode = volume.configMap.defaultMode ?? defaultMode;
    into.configMap(volume.configMap);
  } else if (volume.secret !== undefined) {
    into.mode = volume.secret.defaultMode ?? defaultMode;
    into.secret({ ...volume.secret, name: volume.secret.secretName });
  } else if (volume.downwardAPI !== undefined) {
    into.mode = volume.downwardAPI.defaultMode ?? defaultMode;
    into.downward(volume.downwardAPI.items ?? []);
  } else if (volume.projected !== undefined) {
    into.mode = volume.projected.defaultMode ?? defaultMode;
    for (const source of volume.projected.sources ?? []) into.projection(source);
  } else return undefined;
  return files;
}

class Writer {
  mode = defaultMode;
  constructor(readonly pod: Pod, readonly sources: PayloadSources, readonly files: Map<string, PayloadFile>) {}

  configMap({ name = "", items, optional }: { name?: string; items?: KeyToPath[]; optional?: boolean }): void {
    const found = required(this.sources.configMap(name), "configmap", name, optional === true);
    const data = new Map<string, Uint8Array>([
      ...Object.entries(found?.data ?? {}).map(([key, text]) => [key, utf8.encode(text)] as const),
      ...Object.entries(found?.binaryData ?? {}).map(([key, text]) => [key, bytesOf(text)] as const),
    ]);
    this.pick(data, items, optional === true, (key) => `configmap references non-existent config key: ${key}`);
  }

  secret({ name = "", items, optional }: { name?: string; items?: KeyToPath[]; optional?: boolean }): void {
    const found = required(this.sources.secret(name), "secret", name, optional === true);
    const data = new Map(Object.entries(found?.data ?? {}).map(([key, text]) => [key, bytesOf(text)] as const));
    this.pick(data, items, optional === true, (key) => `references non-existent secret key: ${key}`);
  }

  downward(items: readonly DownwardAPIVolumeFile[]): void {
    for (const { path, fieldRef, resourceFieldRef, mode } of items) {
      const text = fieldRef !== undefined
        ? fieldValue(this.pod, fieldRef, this.sources.around)
        : resourceFieldRef !== undefined
        ? this.resource(resourceFieldRef)
        : "";
      this.put(path, utf8.encode(text), mode);
    }
  }

  projection(source: VolumeProjection): void {
    if (source.configMap !== undefined) this.configMap(source.configMap);
    else if (source.secret !== undefined) this.secret(source.secret);
    else if (source.downwardAPI !== undefined) this.downward(source.downwardAPI.items ?? []);
    else if (source.serviceAccountToken !== undefined) {
      const token = this.sources.token(source.serviceAccountToken);
      if (token === undefined) return;
      // With an fsGroup the group may read it, and nobody else; without, whoever the container runs as must.
      const mode = this.pod.spec.securityContext?.fsGroup === undefined ? this.mode : 0o600;
      this.put(source.serviceAccountToken.path, utf8.encode(token), mode);
    } else {
      throw new VolumeError(
        `projection ${Object.keys(source).join(", ") || "without a source"} is not supported by this agent`,
      );
    }
  }

  private resource(selector: NonNullable<DownwardAPIVolumeFile["resourceFieldRef"]>): string {
    const found = members(this.pod).find(({ container }) => container.name === selector.containerName);
    if (found === undefined) throw new VolumeError(`container ${selector.containerName} not found`);
    return resourceValue(found.container, selector, this.sources.around);
  }

  private pick(
    data: ReadonlyMap<string, Uint8Array>,
    items: readonly KeyToPath[] | undefined,
    optional: boolean,
    missing: (key: string) => string,
  ): void {
    if (items === undefined || items.length === 0) {
      for (const [key, bytes] of data) this.put(key, bytes, undefined);
      return;
    }
    for (const { key, path, mode } of items) {
      const bytes = data.get(key);
      if (bytes !== undefined) this.put(path, bytes, mode);
      else if (!optional) throw new VolumeError(missing(key));
    }
  }

  private put(path: string, data: Uint8Array, mode: number | undefined): void {
    this.files.set(safePath(path), { data, mode: mode ?? this.mode });
  }
}

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

/** The API validates paths; a name that got past it must still not lead out of the volume. */
function safePath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.length === 0 || parts.includes("..") || parts[0]!.startsWith("..")) {
    throw new VolumeError(`invalid path: must be relative and contain no '..': ${path}`);
  }
  return parts.join("/");
}

function required<T>(found: Lookup<T>, what: string, name: string, optional: boolean): T | undefined {
  if (found.state === "found") return found.object;
  if (found.state === "unknown") {
    throw new VolumeError(`failed to sync ${what} cache: timed out waiting for the condition`);
  }
  if (optional) return undefined;
  throw new VolumeError(`${what} ${JSON.stringify(name)} not found`);
}

/** Names of the configmaps and secrets that a pod's volumes are made from. */
export function volumeReferences(pod: Pod): { configMaps: string[]; secrets: string[] } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMap, secret, projected } of pod.spec.volumes ?? []) {
    if (configMap?.name !== undefined) configMaps.add(configMap.name);
    if (secret?.secretName !== undefined) secrets.add(secret.secretName);
    for (const source of projected?.sources ?? []) {
      if (source.configMap?.name !== undefined) configMaps.add(source.configMap.name);
      if (source.secret?.name !== undefined) secrets.add(source.secret.name);
    }
  }
  return { configMaps: [...configMaps], secrets: [...secrets] };
}

/** The tokens that a pod's volumes hold. */
export function tokenProjections(pod: Pod): ServiceAccountTokenProjection[] {
  return (pod.spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? [])
    .map(({ serviceAccountToken }) => serviceAccountToken).filter((token) => token !== undefined);
}
