/**
 * Which pod has which address. Pure: leases in, leases out; lease_file.ts keeps them. The first address of the range is the
 * VXLAN device's, the second the pods' gateway, the last is left free.
 */
import { podAddressReuseMs } from "../../lib/limits.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { cidrHas, formatIpv4, parseCidr, parseIpv4 } from "./ipv4.ts";
import type { HostPort } from "./network.ts";

export interface Lease {
  readonly ip: string;
  readonly hostPorts: readonly HostPort[];
}

export interface Leases {
  readonly podCidr: string;
  /** By pod uid. */
  readonly pods: Readonly<Record<string, Lease>>;
  /** Address → when it was given back. */
  readonly released: Readonly<Record<string, Instant>>;
  /** Where the search goes on, so that addresses are used in turn. */
  readonly next: number;
}

export function noLeases(podCidr: string): Leases {
  return { podCidr: parseCidr(podCidr).text, pods: {}, released: {}, next: 2 };
}

export function gatewayOf(podCidr: string): string {
  return formatIpv4(parseCidr(podCidr).base + 1);
}

/**
 * An address for a pod: the one that it has, else one that was never used or not for a while, else the one that was given
 * back first. Undefined when all are in use.
 */
export function allocate(leases: Leases, uid: string, now: Instant): { leases: Leases; ip: string } | undefined {
  const known = leases.pods[uid];
  if (known !== undefined) return { leases, ip: known.ip };
  const cidr = parseCidr(leases.podCidr);
  const usable = cidr.size - 3;
  const taken = new Set(Object.values(leases.pods).map((lease) => lease.ip));
  let oldest: string | undefined;
  for (let i = 0; i < usable; i++) {
    const offset = 2 + ((leases.next - 2 + i) % usable);
    const ip = formatIpv4(cidr.base + offset);
    if (taken.has(ip)) continue;
    const released = leases.released[ip];
    if (released === undefined || now - released >= podAddressReuseMs) return take(leases, uid, ip, offset);
    if (oldest === undefined || released < leases.released[oldest]!) oldest = ip;
  }
  return oldest === undefined ? undefined : take(leases, uid, oldest, leases.next - 1);
}

function take(leases: Leases, uid: string, ip: string, offset: number): { leases: Leases; ip: string } {
  const { [ip]: _, ...released } = leases.released;
  const pods = { ...leases.pods, [uid]: { ip, hostPorts: [] } };
  return { leases: { ...leases, pods, released, next: offset + 1 }, ip };
}

export function setHostPorts(leases: Leases, uid: string, hostPorts: readonly HostPort[]): Leases {
  const lease = leases.pods[uid];
  return lease === undefined ? leases : { ...leases, pods: { ...leases.pods, [uid]: { ...lease, hostPorts } } };
}

/** The same leases when the pod has none. */
export function release(leases: Leases, uid: string, now: Instant): Leases {
  const { [uid]: lease, ...pods } = leases.pods;
  if (lease === undefined) return leases;
  const recent = Object.entries(leases.released).filter(([, at]) => now - at < podAddressReuseMs);
  return { ...leases, pods, released: { ...Object.fromEntries(recent), [lease.ip]: now } };
}

/** Reads what was kept; undefined when it is not of this shape, or not of its own range. */
export function parseLeases(text: string): Leases | undefined {
  let value: Leases;
  try {
    value = JSON.parse(text);
    const cidr = parseCidr(value.podCidr);
    const own = Object.values(value.pods).every((lease) =>
      cidrHas(cidr, parseIpv4(lease.ip)) && Array.isArray(lease.hostPorts)
    );
    return own && typeof value.released === "object" && Number.isInteger(value.next) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}
