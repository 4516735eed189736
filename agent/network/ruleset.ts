/**
 * The node's own nft table for pods, as text: masquerade of what leaves the cluster, unchanged source addresses inside it,
 * host ports. Pure. Services and policies are in the proxy's table.
 *
 * In postrouting, in this order:
 * - a pod that reaches itself through its host port, and loopback's connections: the answer must come back through here;
 * - another node's pod that came here for a Service (node port) and is sent on to a third: it has to see the answer come from here;
 * - what this host itself sends into the tunnel gets the tunnel's address: an answer to the node's own would go around it;
 * - pods' addresses are kept towards pods, Services and nodes on the same network, and nowhere else. Nodes behind tunnels see the node's
 *   address: their answer to a pod's would take the tunnel while the question did not, which stateful routers and rp_filter drop.
 *
 * Priorities: destinations are rewritten after the proxy (-110) has had its turn; sources at 95, which is after the proxy
 * (90) and before the engines (100), whose masquerade of pod traffic `snat to ip saddr` forestalls.
 */
import type { Leases } from "./ipam.ts";
import type { NetworkNames } from "./names.ts";
import type { HostPort } from "./network.ts";

export interface RulesetInput {
  readonly names: NetworkNames;
  readonly clusterCidr: string;
  readonly leases: Leases;
  /** Ranges and addresses that see pods' own addresses: pods, Services, nodes that answer to them directly. */
  readonly inside: readonly string[];
  readonly tunnelPort: number;
  /** Nodes whose tunnels end here; none, or not known yet: none are checked. */
  readonly tunnelPeers: readonly string[];
}

interface Forward {
  readonly uid: string;
  readonly ip: string;
  readonly port: HostPort;
}

/** The whole table; loading it replaces the old one in one transaction. */
export function networkRuleset(input: RulesetInput): string {
  const { names, clusterCidr, leases, inside, tunnelPort, tunnelPeers } = input;
  const { podCidr } = leases;
  const forwards = forwardsOf(leases);
  const everywhere = forwards.filter(({ port }) => anyAddress(port.hostIP));
  const somewhere = forwards.filter(({ port }) => !anyAddress(port.hostIP));
  const podLinks = `"${names.podLinkPrefix}*"`;
  const protocols = "meta l4proto { tcp, udp, sctp }";
  // The network identifier follows the 8 bytes of UDP and 4 of VXLAN: other people's tunnels on that port are none of our business.
  const tunnelled = `udp dport ${tunnelPort} @th,96,24 ${names.vni}`;
  return `add table ip ${names.table}
delete table ip ${names.table}
table ip ${names.table} {
	set hairpin {
		typeof ip saddr . ip daddr
${elements([...new Set(forwards.map(({ ip }) => `${ip} . ${ip}`))])}	}
	set inside {
		type ipv4_addr
		flags interval
		auto-merge
${elements(inside)}	}
	map host-ports {
		type inet_proto . inet_service : ipv4_addr . inet_service
${elements(everywhere.map((f) => `${protocol(f)} . ${f.port.hostPort} : ${f.ip} . ${f.port.containerPort}`))}	}
	map host-ports-at {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
${
    elements(
      somewhere.map((f) =>
        `${f.port.hostIP} . ${protocol(f)} . ${f.port.hostPort} : ${f.ip} . ${f.port.containerPort}`
      ),
    )
  }	}
	chain pod-guard {
		type filter hook prerouting priority -300; policy accept;
		iifname ${podLinks} ip daddr 127.0.0.0/8 drop
		iifname ${podLinks} ${tunnelled} drop
	}
${tunnelGuard(tunnelled, tunnelPeers)}	chain host-ports {
		${protocols} dnat ip to ip daddr . meta l4proto . th dport map @host-ports-at
		${protocols} fib daddr type local dnat ip to meta l4proto . th dport map @host-ports
	}
	chain prerouting {
		type nat hook prerouting priority -100; policy accept;
		jump host-ports
	}
	chain output {
		type nat hook output priority -100; policy accept;
		jump host-ports
	}
	chain postrouting {
		type nat hook postrouting priority 95; policy accept;
		ip saddr . ip daddr @hairpin masquerade
		ip saddr 127.0.0.0/8 oifname ${podLinks} masquerade
		ct status dnat ip saddr ${clusterCidr} ip saddr != ${podCidr} ip daddr != ${podCidr} masquerade
		oifname "${names.vxlan}" ip saddr != ${clusterCidr} masquerade
		ip saddr ${clusterCidr} ip daddr @inside snat to ip saddr
		ip saddr ${podCidr} ip daddr != @inside ip daddr != 224.0.0.0/4 masquerade fully-random
	}
}
`;
}

/** Who is no node of ours could put packets into the pods' network, with any source address. */
function tunnelGuard(tunnelled: string, peers: readonly string[]): string {
  if (peers.length === 0) return "";
  return `	chain tunnel-guard {
		type filter hook input priority -10; policy accept;
		${tunnelled} ip saddr != { ${peers.join(", ")} } drop
	}
`;
}

function elements(list: readonly string[]): string {
  return list.length === 0 ? "" : `\t\telements = { ${list.join(", ")} }\n`;
}

function protocol({ port }: Forward): string {
  return port.protocol.toLowerCase();
}

function anyAddress(hostIP: string | undefined): boolean {
  return hostIP === undefined || hostIP === "" || hostIP === "0.0.0.0";
}

/** Host ports of all pods in the order of their uids; of two that want the same, the first has it. */
function forwardsOf(leases: Leases): Forward[] {
  const seen = new Set<string>();
  const all = Object.keys(leases.pods).sort().flatMap((uid) => {
    const { ip, hostPorts } = leases.pods[uid]!;
    return hostPorts.map((port) => ({ uid, ip, port }));
  });
  return all.filter(({ port }) => {
    const key = `${anyAddress(port.hostIP) ? "" : port.hostIP} ${port.protocol} ${port.hostPort}`;
    return !seen.has(key) && seen.add(key);
  });
}
