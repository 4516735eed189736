/** The part of the table that one Service is responsible for. Pure: its entry and its pools in, chains and elements out. */
import { outermost, rangeHas } from "../ipv4.ts";
import type { PortEntry, ServiceEntry } from "../model.ts";
import { affinitySetName, endpointChains, stickyRules } from "./affinity.ts";
import { shared } from "./base.ts";
import { offsetOf, type Pool, type PoolKind, poolName } from "./pool.ts";
import { type Chain, match, type MemorySet, type Rule, rule, type Statement } from "./rule.ts";

export interface Fragment {
  readonly chains: Map<string, Chain>;
  readonly memory: Map<string, MemorySet>;
  /** Elements by the name of their set or map, then by key; the value of a set's element is "". */
  readonly elements: Map<string, Map<string, string>>;
}

export type Pools = ReadonlyMap<string, Pool>;

/** Packet priorities are written `major:minor`, in hexadecimal. */
export function classId(number: number): string {
  return `${Math.floor(number / 65536).toString(16)}:${(number % 65536).toString(16)}`;
}

export const noFragment: Fragment = { chains: new Map(), memory: new Map(), elements: new Map() };

/** What of the surroundings Services' rules depend on. */
export interface Surroundings {
  readonly clusterCidr: string;
  /** IPv4 addresses of this node. */
  readonly nodeAddresses: readonly string[];
}

/** `pools` by poolName(); a pool without endpoints is not in it. */
export function fragmentOf(entry: ServiceEntry, pools: Pools, around: Surroundings): Fragment {
  const fragment: Fragment = { chains: new Map(), memory: new Map(), elements: new Map() };
  for (const port of entry.ports) {
    for (const kind of ["cluster", "local"] as const) addPool(fragment, port, kind, pools);
    for (const backend of [...port.cluster, ...port.local]) {
      if (backend.local) add(fragment, "local", `${backend.ip} . ${backend.ip}`);
    }
    addInternal(fragment, port);
    addExternal(fragment, port, around);
    addGuards(fragment, port, around);
  }
  return fragment;
}

function add(fragment: Fragment, set: string, key: string, value = ""): void {
  const elements = fragment.elements.get(set) ?? new Map<string, string>();
  fragment.elements.set(set, elements.set(key, value));
}

const key = (ip: string, port: PortEntry) => `${ip} . ${port.protocol} . ${port.port}`;
const goto = (chain: string): Statement => ({ do: "goto", chain });

function addPool(fragment: Fragment, port: PortEntry, kind: PoolKind, pools: Pools): void {
  const name = poolName(port, kind);
  const pool = pools.get(name);
  if (pool === undefined) return;
  const turn: Statement = { do: "turn", modulus: pool.slots.length, offset: offsetOf(pool) };
  if (port.affinitySeconds === undefined) {
    pool.slots.forEach((backend, i) => {
      add(fragment, "endpoints", classId(offsetOf(pool) + i), `${backend.ip} . ${backend.port}`);
    });
    fragment.chains.set(name, { rules: [rule([], turn, goto(shared.pick))] });
    return;
  }
  pool.slots.forEach((backend, i) => {
    add(fragment, "sticky", classId(offsetOf(pool) + i), `goto ${affinitySetName(port, backend)}`);
    fragment.memory.set(affinitySetName(port, backend), { seconds: port.affinitySeconds! });
  });
  for (const [chain, rules] of endpointChains(port, pool.slots)) fragment.chains.set(chain, { rules });
  fragment.chains.set(name, { rules: [...stickyRules(port, pool.slots), rule([], turn, goto(shared.spread))] });
}

/** The cluster IPs. */
function addInternal(fragment: Fragment, port: PortEntry): void {
  const backends = port.internalLocal ? port.local : port.cluster;
  for (const ip of port.clusterIps) {
    add(fragment, "cluster-ips", ip);
    if (backends.length > 0) {
      add(fragment, "vips", key(ip, port), `goto ${poolName(port, port.internalLocal ? "local" : "cluster")}`);
    } else add(fragment, "unserved", key(ip, port), nowhere(port));
  }
}

/** What has no endpoint anywhere is refused; where only this node has none, another one may be asked: no answer. */
const nowhere = (port: PortEntry) => port.anyBackend ? "drop" : `goto ${shared.refuse}`;

/** Node port, external IPs, load balancer addresses: one chain for them all. */
function addExternal(fragment: Fragment, port: PortEntry, around: Surroundings): void {
  const addresses = [...new Set([...port.externalIps, ...port.loadBalancerIps])];
  if (addresses.length === 0 && port.nodePort === undefined) return;
  const chain = `ext/${port.id}`;
  const nodeKey = `${port.protocol} . ${port.nodePort}`;
  const rules = port.externalLocal ? localRules(port, around) : clusterRules(port);
  if (rules.length > 0) {
    fragment.chains.set(chain, { rules });
    for (const ip of addresses) add(fragment, "vips", key(ip, port), `goto ${chain}`);
    if (port.nodePort !== undefined) add(fragment, "node-ports", nodeKey, `goto ${chain}`);
  }
  if ((port.externalLocal ? port.local : port.cluster).length > 0) return;
  for (const ip of addresses) add(fragment, "unserved", key(ip, port), nowhere(port));
  if (port.nodePort !== undefined) add(fragment, "unserved-node-ports", nodeKey, nowhere(port));
}

const masquerade: Statement = { do: "mark", set: true };

function clusterRules(port: PortEntry): Rule[] {
  return port.cluster.length === 0 ? [] : [rule([], masquerade, goto(poolName(port, "cluster")))];
}

/** Pods and this host itself reach all endpoints, as through the cluster IP; others those of this node, with their own address. */
function localRules(port: PortEntry, around: Surroundings): Rule[] {
  const rules: Rule[] = [];
  if (port.cluster.length > 0) {
    rules.push(
      rule([match.from(around.clusterCidr)], goto(poolName(port, "cluster"))),
      rule([match.ownSource], masquerade, goto(poolName(port, "cluster"))),
    );
  }
  if (port.local.length > 0) rules.push(rule([], goto(poolName(port, "local"))));
  return rules;
}

/** Source ranges hold for the load balancer's addresses, not for node ports (kube-proxy: firewall-ips). */
function addGuards(fragment: Fragment, port: PortEntry, { nodeAddresses }: Surroundings): void {
  const admitted = [...port.sourceRanges];
  if (admitted.length === 0 || admitted.includes("0.0.0.0/0") || port.loadBalancerIps.length === 0) return;
  const chain = `lbs/${port.id}`;
  // An address that this node routes to itself comes back with itself as its source.
  if (nodeAddresses.some((address) => admitted.some((range) => rangeHas(range, address)))) {
    admitted.push(...port.loadBalancerIps.map((ip) => `${ip}/32`));
  }
  fragment.chains.set(chain, { rules: [rule([match.notFrom(...outermost(admitted))], { do: "drop" })] });
  for (const ip of port.loadBalancerIps) add(fragment, "guarded", key(ip, port), `goto ${chain}`);
}
