/** hostPath volumes: the checks that their type asks for (k8s.io/kubernetes/pkg/volume/hostpath). */
import type { HostPathVolumeSource } from "../../lib/types/core_v1.ts";
import { VolumeError } from "./payload.ts";

async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const checks: Record<string, [test: (info: Deno.FileInfo) => boolean, what: string]> = {
  Directory: [(info) => info.isDirectory, "directory"],
  File: [(info) => info.isFile, "file"],
  Socket: [(info) => info.isSocket === true, "socket file"],
  CharDevice: [(info) => info.isCharDevice === true, "character device"],
  BlockDevice: [(info) => info.isBlockDevice === true, "block device"],
};

/** Makes what an …OrCreate type allows to be made. Throws VolumeError when the path is not what it has to be. */
export async function prepareHostPath({ path, type = "" }: HostPathVolumeSource): Promise<void> {
  if (path.split("/").includes("..")) throw new VolumeError("hostPath must not contain '..'");
  const found = await stat(path);
  if (type === "DirectoryOrCreate" && found === undefined) {
    return await Deno.mkdir(path, { recursive: true, mode: 0o755 });
  }
  if (type === "FileOrCreate" && found === undefined) {
    // The directory is not made: that is what Kubernetes documents.
    return await Deno.writeFile(path, new Uint8Array(), { mode: 0o644, createNew: true }).catch((error) => {
      throw new VolumeError(`hostPath type check failed: ${path}: ${error.message}`);
    });
  }
  // Without a type nothing is checked, and engines make a missing directory, as container runtimes do.
  if (type === "") return found === undefined ? await Deno.mkdir(path, { recursive: true, mode: 0o755 }) : undefined;
  const check = checks[type.replace("OrCreate", "")];
  if (check === undefined) throw new VolumeError(`hostPath type ${JSON.stringify(type)} is not known`);
  if (found === undefined || !check[0](found)) {
    throw new VolumeError(`hostPath type check failed: ${path} is not a ${check[1]}`);
  }
}
