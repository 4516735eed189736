/**
 * The cluster's names (Kubernetes DNS-Based Service Discovery 1.1), kept current Service by Service at the cost of what changed. Pure:
 * no socket, no clock. Answering questions from it is resolve.ts.
 */
import type { Service } from "../../lib/types/core_v1.ts";
import type { EndpointSlice } from "../../lib/types/discovery_v1.ts";
import { parseIpv4 } from "../ipv4.ts";
import { isHeadless } from "../model.ts";
import { types } from "./message.ts";
import { parentOf } from "./name.ts";
import { ipv6Bytes, reverseName } from "./rr.ts";

export interface SrvTarget {
  readonly port: number;
  readonly target: string;
}

/** One fact: the name has this. `type` 0: the name exists, nothing more. */
export interface Fact {
  readonly name: string;
  readonly type: number;
  /** An address, a name, or for SRV `port target`. */
  readonly value: string;
}

const addressType = (address: string) => parseIpv4(address) === undefined ? types.AAAA : types.A;
const isAddress = (text: string) => parseIpv4(text) !== undefined || ipv6Bytes(text) !== undefined;

/** All that a Service means for the zone. */
export function factsOf(service: Service, slices: readonly EndpointSlice[], domain: string): Fact[] {
  const { name, namespace } = service.metadata;
  const own = `${name}.${namespace}.svc.${domain}`;
  if (service.spec.type === "ExternalName") {
    const target = (service.spec.externalName ?? "").replace(/\.$/, "").toLowerCase();
    if (target === "") return [];
    // An address instead of a name was never meant to work, but can't be a CNAME in any case.
    return [
      isAddress(target)
        ? { name: own, type: addressType(target), value: target }
        : { name: own, type: types.CNAME, value: target },
    ];
  }
  if (isHeadless(service)) return headlessFacts(own, slices);
  const addresses = (service.spec.clusterIPs ?? [service.spec.clusterIP ?? ""]).filter(isAddress);
  if (addresses.length === 0) return [];
  const facts = addresses.flatMap((address): Fact[] => [
    { name: own, type: addressType(address), value: address },
    { name: reverseName(address)!, type: types.PTR, value: own },
  ]);
  for (const { name: port, protocol, port: number } of service.spec.ports ?? []) {
    if (port) facts.push({ name: srvName(own, port, protocol), type: types.SRV, value: `${number} ${own}` });
  }
  return facts;
}

const srvName = (own: string, port: string, protocol: string | undefined) =>
  `_${port.toLowerCase()}._${(protocol ?? "TCP").toLowerCase()}.${own}`;

function headlessFacts(own: string, slices: readonly EndpointSlice[]): Fact[] {
  // It exists, even while no endpoint is ready: clients must not remember that it does not.
  const facts: Fact[] = [{ name: own, type: 0, value: "" }];
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue;
      for (const address of endpoint.addresses.filter(isAddress)) {
        const host = `${(endpoint.hostname ?? address.replace(/[.:]/g, "-")).toLowerCase()}.${own}`;
        const type = addressType(address);
        facts.push(
          { name: own, type, value: address },
          { name: host, type, value: address },
          { name: reverseName(address)!, type: types.PTR, value: host },
        );
        for (const port of slice.ports ?? []) {
          if (!port.name || !port.port) continue;
          facts.push({ name: srvName(own, port.name, port.protocol), type: types.SRV, value: `${port.port} ${host}` });
        }
      }
    }
  }
  return facts;
}

/** What is known of a name: values by type, each with how many facts say so. */
type Node = { values: Map<number, Map<string, number>>; below: number };

export class Records {
  readonly #nodes = new Map<string, Node>();
  readonly #facts = new Map<string, Map<string, Fact>>();
  /** Rises with every change: what was computed before it may be wrong. */
  generation = 1;

  constructor(readonly domain: string, fixed: readonly Fact[] = []) {
    this.set("", fixed);
  }

  /** Replaces all facts of `owner`. */
  set(owner: string, facts: readonly Fact[]): void {
    const before = this.#facts.get(owner) ?? new Map<string, Fact>();
    const now = new Map(facts.map((fact) => [`${fact.name} ${fact.type} ${fact.value}`, fact]));
    let changed = false;
    for (const [id, fact] of now) if (!before.has(id)) changed = this.#add(fact) || changed;
    for (const [id, fact] of before) if (!now.has(id)) changed = this.#remove(fact) || changed;
    if (now.size === 0) this.#facts.delete(owner);
    else this.#facts.set(owner, now);
    if (changed) this.generation++;
  }

  setService(key: string, service: Service | undefined, slices: readonly EndpointSlice[]): void {
    this.set(`service ${key}`, service === undefined ? [] : factsOf(service, slices, this.domain));
  }

  /** A namespace exists, so its names below `svc` and `pod` do. */
  setNamespace(name: string, exists: "exists" | "gone"): void {
    const facts = ["svc", "pod"].map((zone) => ({ name: `${name}.${zone}.${this.domain}`, type: 0, value: "" }));
    this.set(`namespace ${name}`, exists === "exists" ? facts : []);
  }

  hasNamespace(name: string): boolean {
    return this.#nodes.has(`${name}.svc.${this.domain}`);
  }

  /** True when the name or one below it is known. In lower case. */
  has(name: string): boolean {
    return this.#nodes.has(name);
  }

  /** Values of a name for a type, in the order in which they came. */
  values(name: string, type: number): string[] {
    return [...this.#nodes.get(name)?.values.get(type)?.keys() ?? []];
  }

  /** Types that a name has values of. */
  types(name: string): number[] {
    return [...this.#nodes.get(name)?.values.keys() ?? []].filter((type) => type !== 0);
  }

  get size(): number {
    return this.#nodes.size;
  }

  #node(name: string): Node {
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = { values: new Map(), below: 0 };
      this.#nodes.set(name, node);
      const parent = parentOf(name);
      // Names between a name and the root exist too, without values (RFC 8020).
      if (parent !== undefined) this.#node(parent).below++;
    }
    return node;
  }

  #add({ name, type, value }: Fact): boolean {
    const { values } = this.#node(name);
    const counts = values.get(type) ?? new Map<string, number>();
    values.set(type, counts);
    const count = counts.get(value) ?? 0;
    counts.set(value, count + 1);
    return count === 0;
  }

  #remove({ name, type, value }: Fact): boolean {
    const counts = this.#nodes.get(name)!.values.get(type)!;
    const count = counts.get(value)!;
    if (count > 1) {
      counts.set(value, count - 1);
      return false;
    }
    counts.delete(value);
    if (counts.size === 0) this.#nodes.get(name)!.values.delete(type);
    this.#drop(name);
    return true;
  }

  #drop(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined || node.below > 0 || node.values.size > 0) return;
    this.#nodes.delete(name);
    const parent = parentOf(name);
    if (parent === undefined) return;
    this.#nodes.get(parent)!.below--;
    this.#drop(parent);
  }
}

/** Facts of the zone itself. */
export function zoneFacts(domain: string, dnsAddress: string | undefined): Fact[] {
  const facts: Fact[] = [
    { name: `dns-version.${domain}`, type: types.TXT, value: "1.1.0" },
    { name: domain, type: types.NS, value: `ns.dns.${domain}` },
    { name: `svc.${domain}`, type: 0, value: "" },
    { name: `pod.${domain}`, type: 0, value: "" },
    { name: `ns.dns.${domain}`, type: 0, value: "" },
  ];
  if (dnsAddress !== undefined) facts.push({ name: `ns.dns.${domain}`, type: types.A, value: dnsAddress });
  return facts;
}
