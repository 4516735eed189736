/** A host's mounts in memory, for tests of the agent. */
import type { MountPoint, Mounts } from "../../agent/volumes/mounts.ts";

/** Mounts that are only written down: what is in the directories is there anyway. */
export class FakeMounts implements Mounts {
  #mounts: MountPoint[] = [{ target: "/", root: "/", device: "8:1", type: "ext4" }];
  #device = 1;

  async list(): Promise<readonly MountPoint[]> {
    return [...this.#mounts];
  }

  async tmpfs(target: string): Promise<void> {
    this.#mounts.push({ target, root: "/", device: `0:${this.#device++}`, type: "tmpfs" });
  }

  async bind(source: string, target: string): Promise<void> {
    const from = this.#mounts.findLast((mount) => source === mount.target || source.startsWith(`${mount.target}/`)) ??
      this.#mounts[0]!;
    const rest = from.target === "/" ? source : source.slice(from.target.length);
    this.#mounts.push({ ...from, target, root: `${from.root === "/" ? "" : from.root}${rest}` || "/" });
  }

  async unmount(target: string): Promise<void> {
    const at = this.#mounts.findLastIndex((mount) => mount.target === target);
    if (at >= 0) this.#mounts.splice(at, 1);
  }

  async unmountBelow(directory: string): Promise<void> {
    this.#mounts = this.#mounts.filter(({ target }) => target !== directory && !target.startsWith(`${directory}/`));
  }
}
