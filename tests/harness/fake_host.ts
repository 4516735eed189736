/** A host's pod network and mounts in memory, for tests of the agent. */
import type { NetworkPeer, PodAttachment, PodNetwork } from "../../agent/network/network.ts";
import type { MountPoint, Mounts } from "../../agent/volumes/mounts.ts";

/** Addresses without a kernel. */
export class FakeNetwork implements PodNetwork {
  podCidr: string | undefined;
  readonly attached = new Map<string, { ip: string; pid: number }>();
  peers: readonly NetworkPeer[] = [];
  /** The next attach() fails with this. */
  failure: Error | undefined;
  #next = 2;

  async setup({ podCidr }: { podCidr: string }): Promise<void> {
    this.podCidr = podCidr;
  }

  async attach({ uid, pid }: PodAttachment): Promise<{ ip: string }> {
    const failure = this.failure;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    const ip = this.attached.get(uid)?.ip ?? `10.244.0.${this.#next++}`;
    this.attached.set(uid, { ip, pid });
    return { ip };
  }

  async detach(uid: string): Promise<void> {
    this.attached.delete(uid);
  }

  addressOf(uid: string): string | undefined {
    return this.attached.get(uid)?.ip;
  }

  async reconcile() {
    return { lost: [], removed: [], repaired: [] };
  }

  async setPeers(peers: readonly NetworkPeer[]): Promise<void> {
    this.peers = peers;
  }

  async teardown(): Promise<void> {
    this.attached.clear();
  }
}

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
