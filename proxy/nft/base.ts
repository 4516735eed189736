/**
 * The part of the table that is the same for all Services: hooks, the order of lookups, and the declarations of the shared maps.
 *
 * How a connection finds its endpoint: `vips` or `node-ports` leads to the chain of the Service port, which has the one rule
 * "priority = my first number + (0 … N-1 in turn), goto pick"; `pick` rewrites the destination to what `endpoints` has under that
 * number. One map for all, because a map that 10,000 rules refer to takes nftables half a minute to load (it checks every pair), and a
 * chain per Service port, because its counter is what makes round robin exact for all ways in together.
 *
 * The number travels in the packet's priority (skb->priority), not in the mark: marks belong to others (policy routing, engines), while
 * the kernel itself resets the priority of what it forwards (ip_forward) right after us. What leaves from this host is reset in `post`.
 *
 * Of the mark one bit is used, 0x4000, as in Kubernetes: "masquerade this connection". It is set on a connection's first packet in
 * `services` and cleared in `post`.
 */
import { type Chain, type Field, match, rule, type SetType, type Statement } from "./rule.ts";

export interface NetOptions {
  /** Name of the table, which is this instance's alone. */
  readonly table: string;
  /** Range of the pods' addresses, `10.244.0.0/16`. */
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Where this node's DNS server listens; its traffic is not tracked. `undefined`: it does not run. */
  readonly dnsAddress: string | undefined;
  /** NodePorts also on 127.0.0.1. Needs the sysctl route_localnet, so packets that claim to be loopback's are dropped. */
  readonly loopbackNodePorts: boolean;
}

const destination: readonly Field[] = ["ip daddr", "meta l4proto", "th dport"];
const port: readonly Field[] = ["meta l4proto", "th dport"];

const endpointKey = "ipv4_addr . inet_proto . inet_service";

/** The shared sets and maps, in the order in which they are declared. */
export const setTypes: Readonly<Record<string, SetType>> = {
  /** Addresses of endpoints on this node, each twice: source . destination of a pod that reaches itself. */
  "local": { key: "ipv4_addr . ipv4_addr" },
  "cluster-ips": { key: "ipv4_addr" },
  /** Number of an endpoint → its address. */
  "endpoints": { key: "classid", data: "ipv4_addr . inet_service" },
  /** Number of an endpoint that remembers its clients → its chain. */
  "sticky": { key: "classid", data: "verdict" },
  "vips": { key: endpointKey, data: "verdict" },
  "node-ports": { key: "inet_proto . inet_service", data: "verdict" },
  /** Ways in that lead nowhere: refused, or dropped where policy Local finds none here. */
  "unserved": { key: endpointKey, data: "verdict" },
  "unserved-node-ports": { key: "inet_proto . inet_service", data: "verdict" },
  /** Load balancer addresses with source ranges. */
  "guarded": { key: endpointKey, data: "verdict" },
};

/** Chains that Services' chains and elements lead to. */
export const shared = { pick: "pick", spread: "spread", refuse: "refuse" } as const;

const jump = (chain: string): Statement => ({ do: "jump", chain });
const vmap = (map: string, fields: readonly Field[]): Statement => ({ do: "vmap", map, fields });

export function baseChains(options: NetOptions): Map<string, Chain> {
  const loopback = "127.0.0.0/8";
  return new Map<string, Chain>([
    ["refuse", {
      rules: [
        rule([], { do: "reset" }),
        rule([], { do: "reject" }),
      ],
    }],
    ["pick", {
      rules: [rule([{ if: "protocol", protocols: ["tcp", "udp"] }], { do: "dnat-map", map: "endpoints" })],
    }],
    ["spread", { rules: [rule([], vmap("sticky", ["meta priority"]))] }],
    ["services", { rules: serviceRules(options, loopback) }],
    ["unserved", {
      rules: [
        rule([], vmap("unserved", destination)),
        rule([match.ownDestination], vmap("unserved-node-ports", port)),
        // A port that the Service does not have, and an address that no Service has (kube-proxy: cluster-ips-check).
        rule([match.element("cluster-ips", "ip daddr")], { do: "goto", chain: "refuse" }),
        rule([
          match.to(options.serviceCidr),
          ...(options.dnsAddress === undefined ? [] : [match.notTo(`${options.dnsAddress}/32`)]),
        ], { do: "drop" }),
      ],
    }],
    ["raw-pre", {
      hook: { type: "filter", at: "prerouting", priority: -300 },
      rules: [
        // With route_localnet a neighbour could reach what listens on loopback (CVE-2020-8558).
        ...(options.loopbackNodePorts
          ? [
            rule([match.notLoopback, match.to(loopback)], { do: "drop" }),
            rule([match.notLoopback, match.from(loopback)], { do: "drop" }),
          ]
          : []),
        ...untracked(options.dnsAddress),
      ],
    }],
    ["raw-out", {
      hook: { type: "filter", at: "output", priority: -300 },
      rules: untracked(options.dnsAddress),
    }],
    // Before the destination is rewritten: source ranges are about the address that the client used.
    ["guard-pre", {
      hook: { type: "filter", at: "prerouting", priority: -120 },
      rules: [rule([match.opening], vmap("guarded", destination))],
    }],
    ["guard-out", {
      hook: { type: "filter", at: "output", priority: -120 },
      rules: [rule([match.opening], vmap("guarded", destination))],
    }],
    // Before the engines' own (-100).
    ["pre", { hook: { type: "nat", at: "prerouting", priority: -110 }, rules: [rule([], jump("services"))] }],
    ["out", { hook: { type: "nat", at: "output", priority: -110 }, rules: [rule([], jump("services"))] }],
    // Here and not in forward and input: a host without a route to the Service range never gets there.
    ["unserved-pre", {
      hook: { type: "filter", at: "prerouting", priority: -90 },
      rules: [rule([match.opening], jump("unserved"))],
    }],
    ["unserved-out", {
      hook: { type: "filter", at: "output", priority: -90 },
      rules: [rule([match.opening], jump("unserved"))],
    }],
    ["post", { hook: { type: "nat", at: "postrouting", priority: 90 }, rules: postRules(options, loopback) }],
  ]);
}

function serviceRules(options: NetOptions, loopback: string) {
  return [
    // Who is neither a pod nor leaves through us gets no answer from a pod elsewhere, unless it sees our address.
    rule([match.notFrom(options.clusterCidr), match.element("cluster-ips", "ip daddr")], { do: "mark", set: true }),
    rule([], vmap("vips", destination)),
    rule([
      ...(options.loopbackNodePorts ? [] : [match.notTo(loopback)]),
      match.ownDestination,
    ], vmap("node-ports", port)),
  ];
}

function postRules(options: NetOptions, loopback: string) {
  return [
    rule([match.ownSource, match.rewritten], { do: "priority-none" }),
    // A pod that reaches itself: the answer must come back through here.
    rule([match.rewritten, match.element("local", "ip saddr", "ip daddr")], { do: "mark", set: false }, {
      do: "masquerade",
    }),
    rule([match.unmarked], { do: "return" }),
    rule([], { do: "mark", set: false }),
    // The answer of an endpoint on this node passes here anyway: the client's address is kept. Not where the endpoint could answer
    // without us (a client among the pods) or not at all (a client on loopback).
    rule([
      match.element("local", "ip daddr", "ip daddr"),
      match.notFrom(options.clusterCidr, loopback),
    ], { do: "return" }),
    rule([], { do: "masquerade" }),
  ];
}

/** DNS to and from our own server takes no connection tracking: no entry, no race on it, no full table. */
function untracked(address: string | undefined) {
  if (address === undefined) return [];
  const range = `${address}/32`;
  return (["udp", "tcp"] as const).flatMap((protocol) => [
    rule([match.to(range), { if: "port", protocol, port: "dport", is: 53 }], { do: "notrack" }),
    rule([match.from(range), { if: "port", protocol, port: "sport", is: 53 }], { do: "notrack" }),
  ]);
}
