/**
 * The volumes of this node's pods: made before their containers, kept current, taken away after them. Pods' configmaps, secrets and
 * tokens live in one tmpfs; an emptyDir lives on disk, or in a tmpfs of its own. Kinds that are not here are refused with their name.
 */
import { bytes } from "../../lib/quantity.ts";
import type { Client } from "../../lib/client/client.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import type { Container, EmptyDirVolumeSource, Pod, Volume } from "../../lib/types/core_v1.ts";
import type { Bind } from "../engine/engine.ts";
import type { Surroundings } from "../pods/downward.ts";
import { expand } from "../pods/expansion.ts";
import { initContainers } from "../pods/pod_spec.ts";
import { writePayload } from "./atomic_writer.ts";
import {
  type AgentDirectories,
  emptyDirectory,
  memoryDirectory,
  payloadDirectory,
  podDirectory,
  podMemoryDirectory,
  podsDirectory,
  subPathTarget,
} from "./directories.ts";
import { prepareHostPath } from "./host_path.ts";
import type { Mounts } from "./mounts.ts";
import { payloadOf, type PayloadSources, tokenProjections, VolumeError } from "./payload.ts";
import { claimOf, resolveClaim } from "./persistent.ts";
import type { References } from "./references.ts";
import { mountSubPath } from "./sub_path.ts";
import type { Tokens } from "./tokens.ts";

export interface Volumes {
  /** Once at the start: the directories, and the tmpfs. */
  setup(): Promise<void>;
  /** Makes all of a pod's volumes; again after a restart, without harm. Throws VolumeError, naming the volume. */
  prepare(pod: Pod, around: Surroundings): Promise<void>;
  /** Writes anew what has changed in configmaps, secrets, tokens and the pod itself. Keeps the old files of what is missing now. */
  refresh(pod: Pod, around: Surroundings): Promise<void>;
  /** The mounts of one container; `env` is for subPathExpr. The volumes must be prepared. Throws VolumeError. */
  binds(pod: Pod, container: Container, env: ReadonlyMap<string, string>): Promise<Bind[]>;
  /** Unmounts and removes all that prepare() made. */
  release(uid: string): Promise<void>;
  /** Pods that have a directory. */
  known(): Promise<string[]>;
}

export interface VolumesOptions {
  readonly directories: AgentDirectories;
  readonly mounts: Mounts;
  readonly references: References;
  readonly tokens: Tokens;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  /** What a memory-backed emptyDir may take at most, bytes. */
  readonly memoryCapacityBytes: number;
}

export function createVolumes(options: VolumesOptions): Volumes {
  return new NodeVolumes(options);
}

class NodeVolumes implements Volumes {
  /** Where the claims of a pod's volumes lead: uid → volume → path. */
  readonly #claims = new Map<string, Map<string, string>>();

  constructor(readonly options: VolumesOptions) {}

  async setup(): Promise<void> {
    const { directories, mounts } = this.options;
    await Deno.mkdir(podsDirectory(directories), { recursive: true, mode: 0o750 });
    const memory = memoryDirectory(directories);
    await Deno.mkdir(memory, { recursive: true, mode: 0o750 });
    const there = (await mounts.list()).some(({ target }) => target === memory);
    if (!there) await mounts.tmpfs(memory, { mode: "0750" });
  }

  async prepare(pod: Pod, around: Surroundings): Promise<void> {
    const { uid } = pod.metadata;
    await Deno.mkdir(`${podDirectory(this.options.directories, uid)}/volumes`, { recursive: true, mode: 0o755 });
    await this.options.references.settled(uid);
    await this.#requestTokens(pod);
    for (const volume of pod.spec.volumes ?? []) {
      try {
        await this.#prepareOne(pod, volume, around);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        throw new VolumeError(`MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : ${text}`, {
          cause: error,
        });
      }
    }
  }

  async #requestTokens(pod: Pod): Promise<void> {
    for (const projection of tokenProjections(pod)) await this.options.tokens.request(pod, projection);
  }

  async #prepareOne(pod: Pod, volume: Volume, around: Surroundings): Promise<void> {
    const { directories, client } = this.options;
    const { uid, namespace } = pod.metadata;
    if (volume.emptyDir !== undefined) return await this.#emptyDir(pod, volume.name, volume.emptyDir);
    if (volume.hostPath !== undefined) return await prepareHostPath(volume.hostPath);
    const claim = claimOf(pod, volume);
    if (claim !== undefined) {
      const source = await resolveClaim(client, namespace, claim.name);
      await prepareHostPath(source);
      this.#claims.set(uid, (this.#claims.get(uid) ?? new Map()).set(volume.name, source.path));
      return;
    }
    const payload = payloadOf(pod, volume, this.#sources(pod, around));
    if (payload === undefined) throw unsupported(volume);
    const directory = payloadDirectory(directories, uid, volume.name);
    await Deno.mkdir(directory, { recursive: true, mode: 0o755 });
    const group = pod.spec.securityContext?.fsGroup;
    // The pod's own directory must let the container's user pass, whoever that is; the tmpfs above it lets only root.
    await Deno.chmod(directory, group === undefined ? 0o755 : 0o2755);
    if (group !== undefined) await Deno.chown(directory, null, group);
    await writePayload(directory, payload, { version: this.#version(), ...(group === undefined ? {} : { group }) });
  }

  /** `..2026_01_02_03_04_05.1234567`, as Kubernetes names them. */
  #version(): string {
    const { clock, random } = this.options;
    const stamp = new Date(clock.now()).toISOString().slice(0, 19).replace(/[-T:]/g, "_");
    return `..${stamp}.${Math.floor(random.number() * 1e9)}`;
  }

  #sources(pod: Pod, around: Surroundings): PayloadSources {
    const { references, tokens } = this.options;
    const { namespace } = pod.metadata;
    return {
      configMap: (name) => references.configMap(namespace, name),
      secret: (name) => references.secret(namespace, name),
      token: (projection) => tokens.current(pod, projection),
      around,
    };
  }

  async #emptyDir(pod: Pod, name: string, { medium = "", sizeLimit }: EmptyDirVolumeSource): Promise<void> {
    const { directories, mounts, memoryCapacityBytes } = this.options;
    if (medium !== "" && medium !== "Memory") {
      throw new VolumeError(`emptyDir medium ${JSON.stringify(medium)} is not supported by this agent`);
    }
    const path = emptyDirectory(directories, pod.metadata.uid, name);
    await Deno.mkdir(path, { recursive: true });
    if (medium === "Memory" && !(await mounts.list()).some(({ target }) => target === path)) {
      const limits = [memoryCapacityBytes, podMemoryLimit(pod), sizeLimit === undefined ? undefined : bytes(sizeLimit)];
      const sizeBytes = Math.min(...limits.filter((limit) => limit !== undefined && limit > 0) as number[]);
      await mounts.tmpfs(path, { sizeBytes, mode: "0777" });
    }
    const group = pod.spec.securityContext?.fsGroup;
    if (group !== undefined) await Deno.chown(path, null, group);
    await Deno.chmod(path, group === undefined ? 0o777 : 0o2777);
  }

  async refresh(pod: Pod, around: Surroundings): Promise<void> {
    await this.#requestTokens(pod);
    for (const volume of pod.spec.volumes ?? []) {
      if (!(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected)) continue;
      await this.#prepareOne(pod, volume, around);
    }
  }

  async binds(pod: Pod, container: Container, env: ReadonlyMap<string, string>): Promise<Bind[]> {
    const binds: Bind[] = [];
    for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
      const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
      if (volume === undefined) throw new VolumeError(`volume ${JSON.stringify(mount.name)} is not one of the pod's`);
      if (mount.recursiveReadOnly === "Enabled") {
        throw new VolumeError(`recursiveReadOnly of ${JSON.stringify(mount.mountPath)} is not supported by this agent`);
      }
      const { path, readOnly } = this.#place(pod, volume);
      const part = mount.subPathExpr !== undefined && mount.subPathExpr !== ""
        ? expandSubPath(mount.subPathExpr, env)
        : mount.subPath ?? "";
      const source = part === "" ? path : await this.#subPath(pod, container.name, index, path, part);
      binds.push({
        source,
        target: mount.mountPath,
        readOnly: readOnly || mount.readOnly === true,
        propagation: mount.mountPropagation === "Bidirectional"
          ? "rshared"
          : mount.mountPropagation === "HostToContainer"
          ? "rslave"
          : "rprivate",
      });
    }
    return binds;
  }

  async #subPath(pod: Pod, container: string, index: number, volume: string, subPath: string): Promise<string> {
    const target = subPathTarget(this.options.directories, pod.metadata.uid, container, index);
    await mountSubPath(this.options.mounts, { volume: await Deno.realPath(volume), subPath, target });
    return target;
  }

  #place(pod: Pod, volume: Volume): { path: string; readOnly: boolean } {
    const { directories } = this.options;
    const { uid } = pod.metadata;
    if (volume.emptyDir !== undefined) return { path: emptyDirectory(directories, uid, volume.name), readOnly: false };
    if (volume.hostPath !== undefined) return { path: volume.hostPath.path, readOnly: false };
    const claim = claimOf(pod, volume);
    if (claim === undefined) return { path: payloadDirectory(directories, uid, volume.name), readOnly: true };
    const path = this.#claims.get(uid)?.get(volume.name);
    if (path === undefined) throw new VolumeError(`volume ${JSON.stringify(volume.name)} is not mounted`);
    return { path, readOnly: claim.readOnly };
  }

  async release(uid: string): Promise<void> {
    const { directories, mounts, tokens } = this.options;
    this.#claims.delete(uid);
    tokens.forget(uid);
    for (const directory of [podDirectory(directories, uid), podMemoryDirectory(directories, uid)]) {
      await mounts.unmountBelow(directory);
      // Removing what is still a bind of the host's would remove the host's files.
      const left = (await mounts.list()).find(({ target }) =>
        target === directory || target.startsWith(`${directory}/`)
      );
      if (left !== undefined) throw new VolumeError(`${left.target} is still mounted: nothing is removed`);
      await Deno.remove(directory, { recursive: true }).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }

  async known(): Promise<string[]> {
    const found: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(podsDirectory(this.options.directories))) {
      if (isDirectory) found.push(name);
    }
    return found;
  }
}

/** Every reference must be known: a directory named `$(POD_NAME)` helps nobody. */
function expandSubPath(expression: string, env: ReadonlyMap<string, string>): string {
  let missing: string | undefined;
  const path = expand(expression, (name) => {
    if (!env.has(name)) missing = name;
    return env.get(name);
  });
  if (missing !== undefined) throw new VolumeError(`missing value for ${JSON.stringify(missing)} in subPathExpr`);
  if (path === "") throw new VolumeError(`subPathExpr ${JSON.stringify(expression)} expands to nothing`);
  return path;
}

/** All containers' limits together, when every one has a limit. */
function podMemoryLimit(pod: Pod): number | undefined {
  let sum = 0;
  for (const { resources } of [...pod.spec.containers, ...initContainers(pod)]) {
    const limit = resources?.limits?.memory;
    if (limit === undefined) return undefined;
    sum += bytes(limit);
  }
  return sum;
}

function unsupported(volume: Volume): VolumeError {
  const kind = Object.keys(volume).find((key) => key !== "name") ?? "without a source";
  return new VolumeError(`volumes of type ${kind} are not supported by this agent`);
}
