/**
 * The part of the pods' network that is the node's own: ways to the other nodes, forwarding, others' firewalls, the nft table. It looks,
 * plans (node_plan.ts, firewall.ts, host_changes.ts, ruleset.ts: pure) and executes. Not to be called twice at once.
 */
import { getLogger } from "log";
import { type FirewallView, type FirewallWish, planFirewall, planFirewallRemoval, trust } from "./firewall.ts";
import { FirewallEye } from "./firewall_view.ts";
import type { NetworkHost } from "./host.ts";
import { changesFile, type HostChanges, planSettings } from "./host_changes.ts";
import type { Leases } from "./ipam.ts";
import { cidrHas, parseCidr, parseIpv4 } from "./ipv4.ts";
import type { NetworkNames } from "./names.ts";
import { NetworkError, type NetworkPeer, type NetworkPlace, type PodNetworkMode } from "./network.ts";
import { type NodePlan, type NodeView, type PeerWay, planNode, routeProtocol } from "./node_plan.ts";
import { linkMtu, ownSubnet, podMtu, vxlanOverheadBytes, wayTo } from "./paths.ts";
import { uidOf } from "./pod_plan.ts";
import { networkRuleset } from "./ruleset.ts";

export interface NodeNetworkOptions {
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** It may change while the agent runs. */
  readonly nodeIp: () => string;
  readonly mode: PodNetworkMode;
  readonly tunnelPort: number;
  /** Of pods, bytes; absent: what the ways to the other nodes carry. */
  readonly mtu?: number;
  readonly changesPath: string;
}

export interface Applied {
  /** What was missing or in the way. */
  readonly repaired: readonly string[];
  /** Lines for other nodes that the kernel refused. */
  readonly failures: readonly string[];
}

/** What follows from the host as it is now. */
interface Situation {
  readonly view: NodeView;
  readonly nodeIp: string;
  /** The link with the node's address. */
  readonly link: string | undefined;
  readonly linkMtu: number;
  readonly place: NetworkPlace;
  readonly ways: readonly PeerWay[] | undefined;
}

export class NodeNetwork {
  readonly #log = getLogger(["sauropod", "agent", "network"]);
  readonly #eye: FirewallEye;
  readonly #file;
  readonly #said = new Set<string>();
  readonly #clusterCidr: string;
  #changes: HostChanges | undefined;
  #peers: readonly NetworkPeer[] | undefined;
  #situation: Situation | undefined;
  #firewallWish = "";
  /** The table as the kernel printed it after we loaded it, and the text that was loaded. */
  #table: { listing: string | undefined; text: string } | undefined;

  constructor(readonly options: NodeNetworkOptions, readonly host: NetworkHost, readonly names: NetworkNames) {
    this.#eye = new FirewallEye(host);
    this.#file = changesFile(options.changesPath);
    this.#clusterCidr = checked(() => parseCidr(options.clusterCidr).text);
  }

  /** Of pods, bytes. */
  get mtu(): number {
    return this.#situation?.place.mtu ?? 0;
  }

  place(): NetworkPlace | undefined {
    return this.#situation?.place;
  }

  view(): Promise<NodeView> {
    return this.host.view(this.names.vxlan, this.#clusterCidr);
  }

  /** Throws NetworkError `bad_config` for what is no IPv4. */
  setPeers(peers: readonly NetworkPeer[]): void {
    for (const peer of peers) {
      checked(() => parseCidr(peer.podCidr));
      checked(() => parseIpv4(peer.nodeIp));
      if (peer.subnet !== undefined) checked(() => parseCidr(peer.subnet!));
    }
    const own = this.options.nodeIp();
    this.#peers = peers.filter(({ nodeIp }) => nodeIp !== own);
  }

  /** Makes the node's setup what it should be. Throws NetworkError when its own pods would have no network. */
  async apply(leases: Leases): Promise<Applied> {
    const now = this.#assess(await this.view());
    this.#situation = now;
    const plan = this.#planNode(now, leases);
    await this.host.batch("ip", plan.own);
    const repaired = [...plan.why, ...await this.#applySettings(now)];
    const firewall = await this.#applyFirewall(now);
    repaired.push(...firewall.repaired);
    const listing = await this.host.table(this.names.table);
    if (this.#table === undefined || listing !== this.#table.listing) repaired.push(`nft table ${this.names.table}`);
    await this.loadTable(leases, { again: listing !== this.#table?.listing });
    const failures = await this.host.tryBatch("ip", plan.peers);
    failures.push(...await this.host.tryBatch("bridge", plan.bridge));
    this.#say([...plan.problems, ...firewall.problems, ...failures]);
    return { repaired, failures };
  }

  #assess(view: NodeView): Situation {
    const nodeIp = this.options.nodeIp();
    const { mode, mtu } = this.options;
    if (cidrHas(parseCidr(this.#clusterCidr), checked(() => parseIpv4(nodeIp)))) {
      throw new NetworkError(
        "bad_config",
        `the node's address ${nodeIp} is in --cluster-cidr ${this.#clusterCidr}, which is for pods: choose another`,
      );
    }
    const subnet = ownSubnet(nodeIp, view);
    const carried = linkMtu(nodeIp, view);
    const own = { mode, nodeIp, subnet };
    return {
      view,
      nodeIp,
      link: view.addresses.find(({ ip }) => ip === nodeIp)?.link,
      linkMtu: carried,
      place: { mode, ...(subnet === undefined ? {} : { subnet }), mtu: mtu ?? podMtu(mode, carried) },
      ways: this.#peers?.map((peer) => ({ peer, way: wayTo(peer, own) })),
    };
  }

  #planNode({ view, nodeIp, link, linkMtu, place, ways }: Situation, { podCidr }: Leases): NodePlan {
    return planNode({
      names: this.names,
      podCidr,
      mtu: place.mtu,
      linkMtu,
      tunnel: {
        port: this.options.tunnelPort,
        mtu: linkMtu - vxlanOverheadBytes,
        local: link === undefined ? undefined : nodeIp,
      },
      peers: ways,
    }, view);
  }

  async #applySettings({ view, link }: Situation): Promise<string[]> {
    const forwarding = (name: string) => `net/ipv4/conf/${name}/forwarding`;
    const tunnels = view.links.filter(({ name }) => name === this.names.vxlan).map(({ name }) => forwarding(name));
    // The first one switches all the others on.
    const paths = [
      "net/ipv4/ip_forward",
      ...(link === undefined || link === "lo" ? [] : [forwarding(link)]),
      ...tunnels,
    ];
    const set: string[] = [];
    for (const path of paths) {
      const noted = this.#changes ??= await this.#file.load();
      const plan = planSettings({ [path]: "1" }, await this.host.settings([path]), noted);
      if (plan.set.length === 0) continue;
      // The tunnel's device is ours: it goes with its settings.
      if (!tunnels.includes(path)) await this.#note(plan.changes);
      await this.host.set(path, "1");
      set.push(path.replaceAll("/", "."));
    }
    return set;
  }

  async #note(changes: HostChanges): Promise<void> {
    if (changes === this.#changes) return;
    await this.#file.save(changes);
    this.#changes = changes;
  }

  async #applyFirewall({ ways }: Situation): Promise<{ repaired: string[]; problems: string[] }> {
    const all = ways?.map(({ peer }) => peer.nodeIp);
    const wish: FirewallWish = {
      clusterCidr: this.#clusterCidr,
      comment: this.names.comment,
      tunnelPort: this.options.tunnelPort,
      nodes: all && ways && { all, tunnelled: addresses(ways, "vxlan") },
    };
    const text = JSON.stringify(wish);
    if (text !== this.#firewallWish) this.#eye.unsettle();
    this.#firewallWish = text;
    const { trusted } = this.#changes ??= await this.#file.load();
    const plan = planFirewall(wish, await this.#eye.look(trusted));
    const [repaired, problems] = [[] as string[], [...plan.problems]];
    for (const command of plan.commands) {
      try {
        await this.#noteTrust(command);
        await this.host.must(command);
        repaired.push(command.join(" "));
      } catch (error) {
        // Pods on this host reach one another and the outside all the same.
        if (!(error instanceof NetworkError)) throw error;
        problems.push(`an exception for pods in this host's firewall could not be made: ${error.message}`);
      }
    }
    if (problems.length === plan.problems.length) this.#eye.settled();
    return { repaired, problems };
  }

  async #noteTrust(command: readonly string[]): Promise<void> {
    const noted = this.#changes ??= await this.#file.load();
    const named = (verb: string) =>
      command.filter((word) => word.startsWith(`--${verb}-source=`)).map((word) => word.slice(word.indexOf("=") + 1));
    const [added, removed] = [named("add"), named("remove")];
    if (added.length + removed.length === 0) return;
    const others = noted.trusted.filter((source) => !added.includes(source) && !removed.includes(source));
    await this.#note({ ...noted, trusted: [...others, ...added] });
  }

  /** The table anew, when its text has changed, or `again` when the kernel's has. */
  async loadTable(leases: Leases, options: { again: boolean }): Promise<void> {
    const ways = this.#situation?.ways ?? [];
    const text = networkRuleset({
      names: this.names,
      clusterCidr: this.#clusterCidr,
      leases,
      inside: [this.#clusterCidr, this.options.serviceCidr, ...addresses(ways, "direct")],
      tunnelPort: this.options.tunnelPort,
      tunnelPeers: addresses(ways, "vxlan"),
    });
    if (!options.again && this.#table?.text === text) return;
    await this.host.must(["nft", "-f", "-"], text);
    this.#table = { text, listing: await this.host.table(this.names.table) };
  }

  /** Each problem once, until it has gone. */
  #say(problems: readonly string[]): void {
    for (const problem of problems) if (!this.#said.has(problem)) this.#log.warn("{problem}", { problem });
    this.#said.clear();
    for (const problem of problems) this.#said.add(problem);
  }

  /** Removes all of it, single pods' links included. */
  async teardown(): Promise<void> {
    const view = await this.view();
    for (const link of view.links) {
      if (uidOf(this.names, link) !== undefined || link.name === this.names.vxlan) {
        await this.host.may(["ip", "link", "del", link.name]);
      }
    }
    for (const { destination, type, protocol } of view.routes) {
      if (protocol !== routeProtocol) continue;
      const words = [...(type === undefined ? [] : [type]), destination, "proto", routeProtocol];
      await this.host.may(["ip", "route", "del", ...words]);
    }
    await this.host.may(["nft", "delete", "table", "ip", this.names.table]);
    const firewall = await this.#eye.look([]);
    await this.#setBack(firewall, view);
    this.#table = undefined;
    this.#situation = undefined;
    this.#peers = undefined;
  }

  async #setBack(firewall: FirewallView, view: NodeView): Promise<void> {
    for (const command of planFirewallRemoval(this.names.comment, firewall)) await this.host.may(command);
    const { settings, trusted } = this.#changes ?? await this.#file.load();
    for (const command of trust("remove", trusted)) await this.host.may(command);
    // Whoever has a bridge forwards for others: containers of the engine's own, virtual machines.
    const bridges = view.links.filter(({ kind }) => kind === "bridge").map(({ name }) => name);
    for (const [path, value] of Object.entries(settings).reverse()) {
      if (bridges.length > 0) {
        const [setting, links] = [path.replaceAll("/", "."), bridges.join(", ")];
        this.#log.warn("{setting} was {value} and stays 1: {links} may need it", { setting, value, links });
      } else if ((await this.host.settings([path])).has(path)) await this.host.set(path, value);
    }
    await this.#file.remove();
    this.#changes = undefined;
  }
}

function addresses(ways: readonly PeerWay[], wanted: PeerWay["way"]): string[] {
  return [...new Set(ways.filter(({ way }) => way === wanted).map(({ peer }) => peer.nodeIp))];
}

/** A bad address or range, as NetworkError. */
export function checked<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NetworkError("bad_config", `${error.message}: the pod network is IPv4 only`, { cause: error });
  }
}
