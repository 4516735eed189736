/**
 * A part of a volume as a mount of its own. A container that can write to the volume could point a symbolic link out of it, also
 * between our check and the engine's mount: so the part is bind-mounted first, the kernel is asked what got mounted, and the engine is
 * given that mount.
 */
import { type Mounts, placeOf } from "./mounts.ts";
import { VolumeError } from "./payload.ts";

export interface SubPath {
  /** Absolute path of the volume, free of symbolic links. */
  readonly volume: string;
  readonly subPath: string;
  /** Where to mount it: a path of the agent's own. */
  readonly target: string;
}

/** Makes the mount, and in the volume the directories that are not there yet. Throws VolumeError. */
export async function mountSubPath(mounts: Mounts, { volume, subPath, target }: SubPath): Promise<void> {
  const parts = subPath.split("/").filter((part) => part !== "" && part !== ".");
  if (subPath.startsWith("/") || parts.includes("..")) {
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} must be relative and must not contain '..'`);
  }
  const source = await resolveInside(volume, parts);
  const { isDirectory } = await Deno.stat(source);
  await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true, mode: 0o750 });
  if ((await mounts.list()).some((mount) => mount.target === target)) await mounts.unmount(target);
  if (isDirectory) await Deno.mkdir(target, { recursive: true, mode: 0o750 });
  else await Deno.writeFile(target, new Uint8Array(), { mode: 0o600 });
  await mounts.bind(source, target);
  const now = await mounts.list();
  const got = now.findLast((mount) => mount.target === target);
  const allowed = placeOf(now, volume);
  const inside = got !== undefined && allowed !== undefined && got.device === allowed.device &&
    (got.root === allowed.path || got.root.startsWith(allowed.path === "/" ? "/" : `${allowed.path}/`));
  // A filesystem that is mounted inside of the volume is another device: that is the node's administrator's doing, and allowed.
  const nested = got !== undefined &&
    now.some((mount) =>
      mount.target.startsWith(`${volume}/`) && mount.device === got.device && got.root.startsWith(mount.root)
    );
  if (inside || nested) return;
  await mounts.unmount(target);
  throw new VolumeError(`subPath ${JSON.stringify(subPath)} leads out of its volume`);
}

/** Follows the path, making what is missing; refuses to leave the volume. */
async function resolveInside(volume: string, parts: readonly string[]): Promise<string> {
  let path = volume;
  for (const part of parts) {
    const next = `${path}/${part}`;
    try {
      path = await Deno.realPath(next);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      await makeLike(next, path);
      path = await Deno.realPath(next);
    }
    if (path !== volume && !path.startsWith(`${volume}/`)) {
      throw new VolumeError(`subPath ${JSON.stringify(parts.join("/"))} leads out of its volume`);
    }
  }
  return path;
}

/** A new directory has the rights and the owner of the one that it is in. */
async function makeLike(path: string, parent: string): Promise<void> {
  const { mode, uid, gid } = await Deno.stat(parent);
  await Deno.mkdir(path);
  await Deno.chown(path, uid, gid);
  await Deno.chmod(path, (mode ?? 0o755) & 0o7777);
}
