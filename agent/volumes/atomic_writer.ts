/**
 * Writes a volume's files so that a reader sees all of the old ones or all of the new ones (k8s.io/kubernetes/pkg/volume/util:
 * AtomicWriter): they live in a directory of their own, `..data` is a symbolic link to it that is swapped by a rename, and each visible
 * name is a link through `..data`.
 */
import type { Payload, PayloadFile } from "./payload.ts";

const dataLink = "..data";

export interface WriteOptions {
  /** Name of the new directory: unique, beginning with `..`. */
  readonly version: string;
  /** Group that files and directories get, with the right to read them. */
  readonly group?: number;
}

/** Answers whether anything was changed. */
export async function writePayload(directory: string, payload: Payload, options: WriteOptions): Promise<boolean> {
  const old = await currentVersion(directory);
  if (old !== undefined && await holds(`${directory}/${old}`, payload, options)) return false;
  const fresh = `${directory}/${options.version}`;
  await Deno.mkdir(fresh, { mode: 0o755 });
  await ownDirectory(fresh, options.group);
  for (const [path, file] of payload) await writeFile(fresh, path, file, options.group);
  await Deno.symlink(options.version, `${directory}/${dataLink}_tmp`);
  await Deno.rename(`${directory}/${dataLink}_tmp`, `${directory}/${dataLink}`);
  const visible = new Set([...payload.keys()].map((path) => path.split("/")[0]!));
  for (const name of visible) await link(directory, name);
  for await (const { name } of Deno.readDir(directory)) {
    // Only what this writer made is taken away.
    if (!name.startsWith("..") && !visible.has(name)) await Deno.remove(`${directory}/${name}`);
    else if (name.startsWith("..2") && name !== options.version) {
      await Deno.remove(`${directory}/${name}`, { recursive: true });
    }
  }
  return true;
}

async function writeFile(root: string, path: string, { data, mode }: PayloadFile, group?: number): Promise<void> {
  const parts = path.split("/");
  let directory = root;
  for (const part of parts.slice(0, -1)) {
    directory = `${directory}/${part}`;
    await Deno.mkdir(directory, { mode: 0o755, recursive: true });
    await ownDirectory(directory, group);
  }
  const file = `${root}/${path}`;
  await Deno.writeFile(file, data, { mode: 0o600 });
  if (group !== undefined) await Deno.chown(file, null, group);
  await Deno.chmod(file, effectiveMode(mode, group));
}

const effectiveMode = (mode: number, group: number | undefined) => group === undefined ? mode : mode | 0o440;

async function ownDirectory(path: string, group: number | undefined): Promise<void> {
  if (group !== undefined) await Deno.chown(path, null, group);
  // Not the process's umask decides who may read a volume.
  await Deno.chmod(path, group === undefined ? 0o755 : 0o2755);
}

async function link(directory: string, name: string): Promise<void> {
  try {
    await Deno.symlink(`${dataLink}/${name}`, `${directory}/${name}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

async function currentVersion(directory: string): Promise<string | undefined> {
  try {
    return await Deno.readLink(`${directory}/${dataLink}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function holds(root: string, payload: Payload, { group }: WriteOptions): Promise<boolean> {
  const there = new Set<string>();
  const walk = async (prefix: string): Promise<void> => {
    for await (const entry of Deno.readDir(`${root}/${prefix}`)) {
      if (entry.isDirectory) await walk(`${prefix}${entry.name}/`);
      else there.add(`${prefix}${entry.name}`);
    }
  };
  try {
    await walk("");
    if (there.size !== payload.size) return false;
    for (const [path, { data, mode }] of payload) {
      if (!there.has(path)) return false;
      const { mode: now } = await Deno.stat(`${root}/${path}`);
      if (((now ?? 0) & 0o7777) !== effectiveMode(mode, group)) return false;
      if (!equal(await Deno.readFile(`${root}/${path}`), data)) return false;
    }
    return true;
  } catch (error) {
    // A version that was half removed (a crash) is written anew.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
