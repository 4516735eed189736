/**
 * Makes an image of one layer as a docker-archive: what `docker load` and Podman's equal read. For images that the agent
 * makes itself (infra.ts) and those of tests. Left out: more layers, compression, reading.
 */
import { tar, type TarEntry } from "./tar.ts";

export interface ImageContent {
  /** With registry and tag: `localhost/thing:1`. */
  readonly ref: string;
  /** As Kubernetes and OCI say it: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly files: readonly TarEntry[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly stopSignal?: string;
  /** `80/tcp` */
  readonly exposedPorts?: readonly string[];
  readonly volumes?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** The archive, ready for Engine.imageLoad(). Equal content makes equal bytes, and so an equal image id. */
export async function imageArchive(content: ImageContent): Promise<Uint8Array<ArrayBuffer>> {
  const layer = tar(content.files);
  const layerDigest = await sha256(layer);
  const config = JSON.stringify({
    architecture: content.architecture,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: {
      Env: content.env ?? ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      Entrypoint: content.entrypoint,
      Cmd: content.cmd,
      User: content.user,
      WorkingDir: content.workingDir,
      StopSignal: content.stopSignal,
      ExposedPorts: keys(content.exposedPorts),
      Volumes: keys(content.volumes),
      Labels: content.labels,
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${layerDigest}`] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "sauropod" }],
  });
  const configName = `${await sha256(new TextEncoder().encode(config))}.json`;
  const layerName = `${layerDigest}/layer.tar`;
  return tar([
    { path: configName, data: config },
    { path: layerDigest, kind: "directory" },
    { path: layerName, data: layer },
    {
      path: "manifest.json",
      data: JSON.stringify([{ Config: configName, RepoTags: [content.ref], Layers: [layerName] }]),
    },
  ]);
}

function keys(names: readonly string[] | undefined): Record<string, object> | undefined {
  return names === undefined ? undefined : Object.fromEntries(names.map((name) => [name, {}]));
}

async function sha256(data: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
