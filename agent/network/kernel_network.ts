/**
 * PodNetwork with ip and nft. Each operation looks, plans (node_plan.ts, pod_plan.ts, firewall.ts, ruleset.ts: pure) and
 * executes; one at a time, since they share the leases and the table.
 */
import { getLogger } from "log";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Processes } from "../../lib/seams/process.ts";
import { planFirewall, planFirewallRemoval } from "./firewall.ts";
import { NetworkHost } from "./host.ts";
import { allocate, gatewayOf, type Leases, noLeases, release, setHostPorts } from "./ipam.ts";
import { parseCidr, parseIpv4 } from "./ipv4.ts";
import { leaseFile } from "./lease_file.ts";
import { networkNames, podLink } from "./names.ts";
import {
  NetworkError,
  type NetworkPeer,
  type PodAttachment,
  type PodNetwork,
  type ReconcileReport,
} from "./network.ts";
import { type NodeView, type Overlay, planNode, podMtu, routeProtocol } from "./node_plan.ts";
import { attachScript, isAttached, uidOf } from "./pod_plan.ts";
import { networkRuleset } from "./ruleset.ts";

export interface PodNetworkOptions {
  readonly clusterId: string;
  readonly clusterCidr: string;
  readonly nodeIp: string;
  /** File of leases, under the data directory. */
  readonly leasesPath: string;
  /** Of pods; absent: that of the node's link, less the overlay's 50 bytes. */
  readonly mtu?: number;
  /** Absent: `auto`, port 4789. */
  readonly overlay?: Partial<Overlay>;
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
  readonly #log = getLogger(["sauropod", "agent"]);
  readonly #host: NetworkHost;
  readonly #names;
  readonly #file;
  readonly #clusterCidr: string;
  readonly #overlay: Overlay;
  #leases: Leases | undefined;
  #peers: readonly NetworkPeer[] = [];
  #mtu = 0;
  /** The table as the kernel printed it after we loaded it, and the text that was loaded. */
  #table: { listing: string | undefined; text: string } | undefined;

  constructor(readonly options: PodNetworkOptions) {
    this.#host = new NetworkHost(options.processes, options.clock);
    this.#names = networkNames(options.clusterId);
    this.#file = leaseFile(options.leasesPath);
    this.#overlay = { mode: options.overlay?.mode ?? "auto", port: options.overlay?.port ?? 4789 };
    this.#clusterCidr = checked(() => parseCidr(options.clusterCidr).text);
    checked(() => parseIpv4(options.nodeIp));
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
    await this.#repair();
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

  /** Makes the node's own setup what it should be, and says what was not. */
  async #repair(): Promise<string[]> {
    const view = await this.#host.view(this.#names.vxlan);
    this.#mtu = this.options.mtu ?? podMtu(this.options.nodeIp, view);
    const repaired = await this.#applyNode(view);
    const forward = await this.#host.must(["cat", "/proc/sys/net/ipv4/ip_forward"]);
    if (forward.trim() !== "1") {
      await this.#host.script("echo 1 > /proc/sys/net/ipv4/ip_forward\n");
      repaired.push("net.ipv4.ip_forward");
    }
    const wish = { clusterCidr: this.#clusterCidr, comment: this.#names.comment };
    for (const command of planFirewall(wish, await this.#host.firewall())) {
      await this.#host.must(command);
      repaired.push(command.join(" "));
    }
    const listing = await this.#host.table(this.#names.table);
    if (this.#table === undefined || listing !== this.#table.listing) {
      await this.#loadTable({ force: true });
      repaired.push(`nft table ${this.#names.table}`);
    }
    return repaired;
  }

  async #applyNode(view: NodeView): Promise<string[]> {
    const plan = planNode({
      names: this.#names,
      podCidr: this.#need().podCidr,
      clusterCidr: this.#clusterCidr,
      nodeIp: this.options.nodeIp,
      mtu: this.#mtu,
      overlay: this.#overlay,
      peers: this.#peers,
    }, view);
    await this.#host.batch("ip", plan.ip);
    await this.#host.batch("bridge", plan.bridge);
    return [...plan.why];
  }

  async #loadTable(options: { force: boolean }): Promise<void> {
    const text = networkRuleset({ names: this.#names, clusterCidr: this.#clusterCidr, leases: this.#need() });
    if (!options.force && this.#table?.text === text) return;
    await this.#host.must(["nft", "-f", "-"], text);
    this.#table = { text, listing: await this.#host.table(this.#names.table) };
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
      mtu: this.#mtu,
    };
    if (have === undefined || !have.includes(`"${got.ip}"`) || !await this.#hostSideIs(pod.uid, got.ip)) {
      await this.#makeLink(pod, attachScript(wish));
    }
    await this.#loadTable({ force: false });
    if (!same) await this.#forgetFlows(hostPorts);
    return { ip: got.ip };
  }

  async #hostSideIs(uid: string, ip: string): Promise<boolean> {
    return isAttached(this.#names, { uid, ip }, await this.#host.view(this.#names.vxlan));
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
    await this.#loadTable({ force: false });
    await this.#forgetFlows(lease.hostPorts);
  }

  async reconcile(live: readonly PodAttachment[]): Promise<ReconcileReport> {
    const now = this.options.clock.now();
    const uids = new Set(live.map((pod) => pod.uid));
    const view = await this.#host.view(this.#names.vxlan);
    const removed: string[] = [];
    let leases = this.#need();
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
    await this.#keep(leases);
    await this.#loadTable({ force: false });
    const repaired = await this.#repair();
    const lost = live.filter(({ uid }) => {
      const ip = leases.pods[uid]?.ip;
      return ip === undefined || !isAttached(this.#names, { uid, ip }, view);
    }).map((pod) => pod.uid);
    if (removed.length + repaired.length > 0) {
      this.#log.info("pod network reconciled", { removed, repaired, lost });
    }
    return { lost, removed, repaired };
  }

  async setPeers(peers: readonly NetworkPeer[]): Promise<void> {
    for (const peer of peers) {
      checked(() => parseCidr(peer.podCidr));
      checked(() => parseIpv4(peer.nodeIp));
    }
    this.#peers = peers;
    if (this.#leases !== undefined) await this.#applyNode(await this.#host.view(this.#names.vxlan));
  }

  async teardown(): Promise<void> {
    const view = await this.#host.view(this.#names.vxlan);
    for (const link of view.links) {
      if (uidOf(this.#names, link) !== undefined || link.name === this.#names.vxlan) {
        await this.#host.may(["ip", "link", "del", link.name]);
      }
    }
    const cluster = parseCidr(this.#clusterCidr);
    for (const { destination, type } of view.routes) {
      const base = parseCidr(destination).base;
      if (base < cluster.base || base >= cluster.base + cluster.size) continue;
      await this.#host.may([
        "ip",
        "route",
        "del",
        ...(type === undefined ? [] : [type]),
        destination,
        "proto",
        routeProtocol,
      ]);
    }
    await this.#host.may(["nft", "delete", "table", "ip", this.#names.table]);
    const wish = { clusterCidr: this.#clusterCidr, comment: this.#names.comment };
    for (const command of planFirewallRemoval(wish, await this.#host.firewall())) await this.#host.may(command);
    await this.#file.remove();
    this.#leases = undefined;
    this.#table = undefined;
  }
}

/** A bad address or range, as NetworkError. */
function checked<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NetworkError("bad_config", error.message, { cause: error });
  }
}
