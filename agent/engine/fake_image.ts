/** Reads the archives that agent/images/archive.ts writes, for the fake engine. For tests only. */
import type { ImageInfo } from "./engine.ts";
import { normalizeReference } from "../images/reference.ts";
import { concat } from "../images/tar.ts";

/** The files of a tar archive, by path. */
export function readTar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (at: number, length: number) =>
    new TextDecoder().decode(archive.subarray(at, at + length)).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8);
    files.set(text(at, 100), archive.slice(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** The image in a docker-archive. Throws TypeError when there is none. */
export async function readImageArchive(source: Uint8Array | AsyncIterable<Uint8Array>): Promise<ImageInfo> {
  const archive = source instanceof Uint8Array ? source : concat(await Array.fromAsync(source));
  const files = readTar(archive);
  const read = (name: string) => {
    const data = files.get(name);
    if (data === undefined) throw new TypeError(`the archive has no ${name}`);
    return JSON.parse(new TextDecoder().decode(data));
  };
  const [manifest] = read("manifest.json");
  const config = read(manifest.Config).config;
  return {
    id: `sha256:${manifest.Config.replace(/\.json$/, "")}`,
    tags: manifest.RepoTags.map(normalizeReference),
    digests: [],
    sizeBytes: archive.length,
    createdMs: 0,
    config: {
      user: config.User ?? "",
      entrypoint: config.Entrypoint ?? [],
      cmd: config.Cmd ?? [],
      env: config.Env ?? [],
      workingDir: config.WorkingDir ?? "",
      stopSignal: config.StopSignal ?? "",
      exposedPorts: Object.keys(config.ExposedPorts ?? {}),
      volumes: Object.keys(config.Volumes ?? {}),
      labels: config.Labels ?? {},
    },
  };
}

/** An image by hand. */
export function fakeImage(ref: string, config: Partial<ImageInfo["config"]> = {}): ImageInfo {
  const name = normalizeReference(ref);
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  const id = hash.toString(16).padStart(8, "0").repeat(8);
  return {
    id: `sha256:${id}`,
    tags: name.includes("@") ? [] : [name],
    digests: [`${name.replace(/[@:][^/]*$/, "")}@sha256:${id}`],
    sizeBytes: 1_000_000,
    createdMs: 0,
    config: {
      user: "",
      entrypoint: [],
      cmd: ["serve"],
      env: [],
      workingDir: "",
      stopSignal: "",
      exposedPorts: [],
      volumes: [],
      labels: {},
      ...config,
    },
  };
}
