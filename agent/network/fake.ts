/** PodNetwork without a kernel: real addresses (ipam.ts), no links. For tests only. */
import type { Clock } from "../../lib/seams/clock.ts";
import { allocate, type Leases, noLeases, release, setHostPorts } from "./ipam.ts";
import { NetworkError, type NetworkPeer, type NetworkPlace, type PodAttachment, type PodNetwork } from "./network.ts";

export class FakeNetwork implements PodNetwork {
  /** Pods that are attached, by uid. */
  readonly attached = new Map<string, PodAttachment>();
  peers: readonly NetworkPeer[] = [];
  /** The next attach() of this pod fails so. */
  readonly faults = new Map<string, NetworkError>();
  #leases: Leases | undefined;

  constructor(readonly clock: Clock) {}

  async setup(options: { podCidr: string }): Promise<void> {
    if (this.#leases !== undefined && this.attached.size > 0 && this.#leases.podCidr !== options.podCidr) {
      throw new NetworkError("bad_config", `pods have addresses of ${this.#leases.podCidr}`);
    }
    if (this.#leases?.podCidr !== options.podCidr) this.#leases = noLeases(options.podCidr);
  }

  async attach(pod: PodAttachment): Promise<{ ip: string }> {
    if (this.#leases === undefined) throw new NetworkError("bad_config", "the pod network is not set up yet");
    const fault = this.faults.get(pod.uid);
    this.faults.delete(pod.uid);
    if (fault !== undefined) throw fault;
    const got = allocate(this.#leases, pod.uid, this.clock.now());
    if (got === undefined) throw new NetworkError("no_address", `all addresses of ${this.#leases.podCidr} are in use`);
    this.#leases = setHostPorts(got.leases, pod.uid, pod.hostPorts ?? []);
    this.attached.set(pod.uid, pod);
    return { ip: got.ip };
  }

  async detach(uid: string): Promise<void> {
    this.attached.delete(uid);
    if (this.#leases !== undefined) this.#leases = release(this.#leases, uid, this.clock.now());
  }

  addressOf(uid: string): string | undefined {
    return this.#leases?.pods[uid]?.ip;
  }

  async reconcile(live: readonly PodAttachment[]) {
    const uids = new Set(live.map((pod) => pod.uid));
    const removed = Object.keys(this.#leases?.pods ?? {}).filter((uid) => !uids.has(uid));
    for (const uid of removed) await this.detach(uid);
    // A link ends with the process that it leads to.
    const lost = live.filter((pod) => this.attached.get(pod.uid)?.pid !== pod.pid).map((pod) => pod.uid);
    return { lost, removed, repaired: [] };
  }

  async setPeers(peers: readonly NetworkPeer[]): Promise<void> {
    this.peers = peers;
  }

  async verify(): Promise<readonly string[]> {
    return [];
  }

  place(): NetworkPlace | undefined {
    return this.#leases === undefined ? undefined : { mode: "auto", subnet: "192.168.0.0/24", mtu: 1450 };
  }

  async teardown(): Promise<void> {
    this.attached.clear();
    this.#leases = undefined;
  }
}
