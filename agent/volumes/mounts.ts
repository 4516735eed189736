/** Mounts of this host: what is mounted where, and the two kinds that the agent makes. Through mount(8) and umount(8). */
import { output, type Processes } from "../../lib/seams/process.ts";

export interface MountPoint {
  readonly target: string;
  /** The part of its filesystem that is mounted there. */
  readonly root: string;
  /** `major:minor` of that filesystem. */
  readonly device: string;
  readonly type: string;
}

/** Of /proc/self/mountinfo (proc(5)), in the order of mounting. */
export function parseMountinfo(text: string): MountPoint[] {
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const [left = "", right = ""] = line.split(" - ");
    const fields = left.split(" ");
    return { device: fields[2]!, root: unescape(fields[3]!), target: unescape(fields[4]!), type: right.split(" ")[0]! };
  });
}

const unescape = (field: string) =>
  field.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));

export interface Mounts {
  list(): Promise<readonly MountPoint[]>;
  tmpfs(target: string, options: { sizeBytes?: number; mode: string }): Promise<void>;
  bind(source: string, target: string): Promise<void>;
  unmount(target: string): Promise<void>;
  /** Unmounts all below a directory, and the directory itself when it is one. */
  unmountBelow(directory: string): Promise<void>;
}

export function createMounts(processes: Processes): Mounts {
  const list = async () => parseMountinfo(await Deno.readTextFile("/proc/self/mountinfo"));
  const unmount = async (target: string) => {
    await output(processes, ["umount", "--", target]);
  };
  return {
    list,
    unmount,
    async tmpfs(target, { sizeBytes, mode }) {
      const size = sizeBytes === undefined ? "" : `,size=${sizeBytes}`;
      await output(processes, ["mount", "-t", "tmpfs", "-o", `mode=${mode}${size},nosuid,nodev`, "tmpfs", target]);
    },
    async bind(source, target) {
      await output(processes, ["mount", "--bind", "--", source, target]);
    },
    async unmountBelow(directory) {
      const inside = (await list()).filter(({ target }) => target === directory || target.startsWith(`${directory}/`));
      // Newest first: a mount hides what is under it.
      for (const { target } of inside.reverse()) await unmount(target);
    },
  };
}

/** The mount that a path is in: the longest target that holds it, the last of equals. */
export function mountOf(mounts: readonly MountPoint[], path: string): MountPoint | undefined {
  let best: MountPoint | undefined;
  for (const mount of mounts) {
    const prefix = mount.target === "/" ? "/" : `${mount.target}/`;
    if (mount.target !== path && !path.startsWith(prefix)) continue;
    if (best === undefined || mount.target.length >= best.target.length) best = mount;
  }
  return best;
}

/** Where a path is in its filesystem, whatever is mounted where. */
export function placeOf(mounts: readonly MountPoint[], path: string): { device: string; path: string } | undefined {
  const mount = mountOf(mounts, path);
  if (mount === undefined) return undefined;
  const rest = path.slice(mount.target === "/" ? 0 : mount.target.length);
  return { device: mount.device, path: `${mount.root === "/" ? "" : mount.root}${rest}` || "/" };
}
