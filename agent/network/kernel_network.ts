/**
 * PodNetwork with ip and nft: addresses and links of pods here, the node's own part in node_network.ts. One operation at a time, since they
 * share the leases and the table.
 */
import { getLogger } from "log";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Processes } from "../../lib/seams/process.ts";
import { NetworkHost } from "./host.ts";
import { allocate, gatewayOf, type Leases, noLeases, release, setHostPorts } from "./ipam.ts";
import { parseCidr } from "./ipv4.ts";
import { leaseFile } from "./lease_file.ts";
import { networkNames, podLink } from "./names.ts";
import {
  NetworkError,
  type NetworkPeer,
  type PodAttachment,
  type PodNetwork,
  type PodNetworkMode,
  type ReconcileReport,
} from "./network.ts";
import { checked, NodeNetwork } from "./node_network.ts";
import type { NodeView } from "./node_plan.ts";
import { attachScript, isAttached, uidOf } from "./pod_plan.ts";

export interface PodNetworkOptions {
  readonly clusterId: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** The node's address, which may change. */
  readonly nodeIp: () => string;
  /** File of leases, under the data directory. */
  readonly leasesPath: string;
  /** File with what was changed on the host and has to be set back, beside it. */
  readonly changesPath: string;
  /** Of pods; absent: that of the node's link, less what tunnels need. */
  readonly mtu?: number;
  /** Absent: `auto`. */
  readonly mode?: PodNetworkMode;
  /** UDP port of tunnels, the same on all nodes; absent: 4789 (RFC 7348). */
  readonly tunnelPort?: number;
  readonly clock: Clock;
  readonly processes: Processes;
}

export function createPodNetwork(options: PodNetworkOptions): PodNetwork {
  const network = new KernelNetwork(options);
  const inTurn = turns();
  return {
    setup: (wish) => inTurn(() => network.setup(wish.podCidr)),
    attach: (pod) => inTurn(() => network.attach(pod)),
    detach: (uid) => inTurn(() => network.detach(uid)),
    addressOf: (uid) => network.addressOf(uid),
    reconcile: (live) => inTurn(() => network.reconcile(live)),
    setPeers: (peers) => inTurn(() => network.setPeers(peers)),
    verify: () => inTurn(() => network.verify()),
    place: () => network.node.place(),
    teardown: () => inTurn(() => network.teardown()),
  };
}

/** Runs what it is given one after the other. */
function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work, work);
    last = result.catch(() => {});
    return result;
  };
}

class KernelNetwork {
  readonly #log = getLogger(["sauropod", "agent", "network"]);
  readonly #host: NetworkHost;
  readonly #names;
  readonly #file;
  readonly node: NodeNetwork;
  #leases: Leases | undefined;
  /** The peers whose ways are there, and where they were made from. */
  #reached = "";

  constructor(readonly options: PodNetworkOptions) {
    this.#host = new NetworkHost(options.processes, options.clock);
    this.#names = networkNames(options.clusterId);
    this.#file = leaseFile(options.leasesPath);
    const { mode = "auto", tunnelPort = 4789 } = options;
    this.node = new NodeNetwork({ ...options, mode, tunnelPort }, this.#host, this.#names);
  }

  async setup(podCidr: string): Promise<void> {
    const cidr = checked(() => parseCidr(podCidr));
    if (cidr.size < 8) {
      throw new NetworkError("bad_config", `the node's pod CIDR ${podCidr} is too small: /29 is the least`);
    }
    const kept = this.#leases ?? await this.#file.load() ?? noLeases(cidr.text);
    if (kept.podCidr !== cidr.text && Object.keys(kept.pods).length > 0) {
      throw new NetworkError(
        "bad_config",
        `pods have addresses of ${kept.podCidr}; remove them before the node's pod CIDR becomes ${cidr.text}`,
      );
    }
    this.#leases = kept.podCidr === cidr.text ? kept : noLeases(cidr.text);
    await this.node.apply(this.#leases);
  }

  #need(): Leases {
    if (this.#leases === undefined) {
      throw new NetworkError("bad_config", "the pod network is not set up yet: the node has no pod CIDR");
    }
    return this.#leases;
  }

  addressOf(uid: string): string | undefined {
    return this.#leases?.pods[uid]?.ip;
  }

  async verify(): Promise<readonly string[]> {
    if (this.#leases === undefined) return [];
    const { repaired } = await this.node.apply(this.#leases);
    if (repaired.length > 0) this.#log.info("pod network: put right {repaired}", { repaired });
    return repaired;
  }

  async #keep(leases: Leases): Promise<void> {
    if (leases === this.#leases) return;
    this.#leases = leases;
    await this.#file.save(leases);
  }

  async attach(pod: PodAttachment): Promise<{ ip: string }> {
    const got = allocate(this.#need(), pod.uid, this.options.clock.now());
    if (got === undefined) {
      throw new NetworkError(
        "no_address",
        `all addresses of ${this.#need().podCidr} are in use: this node can't run more pods`,
      );
    }
    const hostPorts = pod.hostPorts ?? [];
    const same = JSON.stringify(got.leases.pods[pod.uid]!.hostPorts) === JSON.stringify(hostPorts);
    const isNew = this.#leases?.pods[pod.uid] === undefined;
    // Before the link is made: an address in use that is not on record could be given away twice.
    await this.#keep(same ? got.leases : setHostPorts(got.leases, pod.uid, hostPorts));
    const have = isNew ? undefined : await this.#host.may([
      "nsenter",
      "-t",
      String(pod.pid),
      "-n",
      "ip",
      "-j",
      "-4",
      "addr",
      "show",
      "dev",
      "eth0",
    ]);
    const wish = {
      names: this.#names,
      uid: pod.uid,
      pid: pod.pid,
      ip: got.ip,
      gateway: gatewayOf(this.#need().podCidr),
      mtu: this.node.mtu,
    };
    if (have === undefined || !have.includes(`"${got.ip}"`) || !await this.#hostSideIs(pod.uid, got.ip)) {
      await this.#makeLink(pod, attachScript(wish));
    }
    await this.node.loadTable(this.#need(), { again: false });
    if (!same) await this.#forgetFlows(hostPorts);
    return { ip: got.ip };
  }

  async #hostSideIs(uid: string, ip: string): Promise<boolean> {
    return isAttached(this.#names, { uid, ip }, await this.node.view());
  }

  async #makeLink(pod: PodAttachment, script: string): Promise<void> {
    try {
      await this.#host.script(script);
    } catch (error) {
      const alive = await this.#host.may(["test", "-e", `/proc/${pod.pid}/ns/net`]);
      await this.#host.may(["ip", "link", "del", podLink(this.#names, pod.uid)]);
      if (alive !== undefined) throw error;
      throw new NetworkError(
        "pod_gone",
        `pod ${pod.uid}: its infra container (process ${pod.pid}) ended before it got its network`,
        { cause: error },
      );
    }
  }

  /** UDP flows of a host port that were made before would go on past a new rule. */
  async #forgetFlows(ports: NonNullable<PodAttachment["hostPorts"]>): Promise<void> {
    for (const { protocol, hostPort } of ports) {
      if (protocol !== "UDP") continue;
      await this.#host.may(["conntrack", "-D", "-p", "udp", "--orig-port-dst", String(hostPort)]);
    }
  }

  async detach(uid: string): Promise<void> {
    const leases = this.#need();
    await this.#host.may(["ip", "link", "del", podLink(this.#names, uid)]);
    const lease = leases.pods[uid];
    if (lease === undefined) return;
    await this.#keep(release(leases, uid, this.options.clock.now()));
    await this.node.loadTable(this.#need(), { again: false });
    await this.#forgetFlows(lease.hostPorts);
  }

  /** Also without setup(), where an agent has been: then only what is left of pods is removed. */
  async reconcile(live: readonly PodAttachment[]): Promise<ReconcileReport> {
    const isSetUp = this.#leases !== undefined;
    this.#leases ??= await this.#file.load();
    const report = await this.#removeOthers(live);
    if (this.#leases === undefined) return { lost: [], removed: report.removed, repaired: [] };
    await this.node.loadTable(this.#leases, { again: false });
    if (!isSetUp) return { lost: [], removed: report.removed, repaired: [] };
    const { view, removed } = report;
    const repaired = [...(await this.node.apply(this.#leases)).repaired];
    repaired.push(...await this.#resize(live, view));
    const { pods } = this.#leases;
    const lost = live.filter(({ uid }) => {
      const ip = pods[uid]?.ip;
      return ip === undefined || !isAttached(this.#names, { uid, ip }, view);
    }).map((pod) => pod.uid);
    if (removed.length + repaired.length > 0) {
      this.#log.info("pod network reconciled", { removed, repaired, lost });
    }
    return { lost, removed, repaired };
  }

  /** Links and leases of all pods but those. */
  async #removeOthers(live: readonly PodAttachment[]): Promise<{ removed: string[]; view: NodeView }> {
    const now = this.options.clock.now();
    const uids = new Set(live.map((pod) => pod.uid));
    const view = await this.node.view();
    const removed: string[] = [];
    let leases = this.#leases ?? noLeases(this.options.clusterCidr);
    for (const uid of Object.keys(leases.pods)) {
      if (uids.has(uid)) continue;
      leases = release(leases, uid, now);
      removed.push(uid);
    }
    for (const link of view.links) {
      const uid = uidOf(this.#names, link);
      if (uid === undefined || uids.has(uid)) continue;
      await this.#host.may(["ip", "link", "del", link.name]);
      if (!removed.includes(uid)) removed.push(uid || link.name);
    }
    for (const pod of live) {
      const known = leases.pods[pod.uid];
      if (known === undefined || pod.hostPorts === undefined) continue;
      if (JSON.stringify(known.hostPorts) !== JSON.stringify(pod.hostPorts)) {
        leases = setHostPorts(leases, pod.uid, pod.hostPorts);
      }
    }
    if (this.#leases !== undefined) await this.#keep(leases);
    return { removed, view };
  }

  /** The node's link has another size, or pods are allowed another: both ends of their links follow. */
  async #resize(live: readonly PodAttachment[], { links }: NodeView): Promise<string[]> {
    const { mtu } = this.node;
    const resized: string[] = [];
    for (const { uid, pid } of live) {
      const name = podLink(this.#names, uid);
      const link = links.find((one) => one.name === name);
      if (link === undefined || link.mtu === mtu) continue;
      const inside = ["nsenter", "-t", String(pid), "-n", "ip", "link", "set", "eth0", "mtu", String(mtu)];
      // A pod that is ending has no such end any more.
      if (await this.#host.may(inside) === undefined) continue;
      await this.#host.may(["ip", "link", "set", name, "mtu", String(mtu)]);
      resized.push(`link of pod ${uid}: ${mtu} bytes`);
    }
    return resized;
  }

  async setPeers(peers: readonly NetworkPeer[]): Promise<void> {
    const wanted = JSON.stringify([this.options.nodeIp(), peers]);
    if (wanted === this.#reached) return;
    this.node.setPeers(peers);
    if (this.#leases === undefined) return;
    const { failures } = await this.node.apply(this.#leases);
    if (failures.length > 0) throw new NetworkError("command", failures.join("; "));
    this.#reached = wanted;
  }

  async teardown(): Promise<void> {
    await this.node.teardown();
    await this.#file.remove();
    this.#leases = undefined;
    this.#reached = "";
  }
}
