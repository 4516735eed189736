/** Small files that must be whole or not there. */

/** The text of a file, `undefined` when there is none. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Writes beside the file, syncs, and renames: a reader sees the old text or the new one, also after a power cut. */
export async function writeAtomic(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.new`;
  const file = await Deno.open(temporary, { write: true, create: true, truncate: true, mode });
  try {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
    await file.sync();
  } finally {
    file.close();
  }
  await Deno.chmod(temporary, mode);
  await Deno.rename(temporary, path);
}

/** Removes a directory with all that is in it. One that is a mount point stays, empty. */
export async function removeTree(path: string): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(path)) await Deno.remove(`${path}/${name}`, { recursive: true });
    await Deno.remove(path);
  } catch (error) {
    const isMountPoint = (error as { code?: string }).code === "EBUSY";
    if (!(error instanceof Deno.errors.NotFound) && !isMountPoint) throw error;
  }
}
