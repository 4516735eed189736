/**
 * The node's own nft table for pods, as text: masquerade of what leaves the cluster, unchanged source addresses inside it,
 * host ports. Pure. Services and policies are in the proxy's table.
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
}

interface Forward {
  readonly uid: string;
  readonly ip: string;
  readonly port: HostPort;
}

/** The whole table; loading it replaces the old one in one transaction. */
export function networkRuleset(input: RulesetInput): string {
  const { names, clusterCidr, leases } = input;
  const forwards = forwardsOf(leases);
  const everywhere = forwards.filter(({ port }) => anyAddress(port.hostIP));
  const somewhere = forwards.filter(({ port }) => !anyAddress(port.hostIP));
  const podLinks = `"${names.podLinkPrefix}*"`;
  const protocols = "meta l4proto { tcp, udp, sctp }";
  return `add table ip ${names.table}
delete table ip ${names.table}
table ip ${names.table} {
	set hairpin {
		typeof ip saddr . ip daddr
${elements([...new Set(forwards.map(({ ip }) => `${ip} . ${ip}`))])}	}
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
	chain loopback-guard {
		type filter hook prerouting priority -300; policy accept;
		iifname ${podLinks} ip daddr 127.0.0.0/8 drop
	}
	chain host-ports {
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
		ip saddr ${clusterCidr} ip daddr ${clusterCidr} snat to ip saddr
		ip saddr ${leases.podCidr} ip daddr != { ${clusterCidr}, 224.0.0.0/4 } masquerade fully-random
	}
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
