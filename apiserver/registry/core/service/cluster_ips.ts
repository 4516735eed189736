/** The cluster IP of a Service: what it asks for, or one that is picked (pkg/registry/core/service/ipallocator). */
import type { KubeObject } from "../../../../lib/kind.ts";
import { fieldError, invalid, statusError } from "../../../../lib/status.ts";
import type { Service } from "../../../../lib/types/core_v1.ts";
import type { ServiceCIDR } from "../../../../lib/types/networking_v1.ts";
import { Service as kind } from "../../../../lib/types/kinds.ts";
import type { AllocateContext, Allocation } from "../../../rest/resource.ts";
import { addressBand, type Bands, pick } from "./bands.ts";
import { isHeadless, needsClusterIP } from "./traits.ts";

/** Names in it are addresses: `10.96.0.1`. */
export const clusterIPSpace = "clusterips";

/** Cluster IPs that a Service holds. */
export function heldClusterIPs(service: Service | undefined): string[] {
  if (service === undefined || !needsClusterIP(service) || isHeadless(service)) return [];
  return [...service.spec.clusterIPs ?? []];
}

/** Picks one if there is none. Throws Invalid for one outside of the ranges, InternalError when they are used up. */
export function allocateClusterIPs(service: Service, old: Service | undefined, context: AllocateContext): Allocation[] {
  const { spec, metadata } = service;
  if (!needsClusterIP(service) || isHeadless(service)) return [];
  const take = (name: string) => ({ do: "take", space: clusterIPSpace, name, owner: metadata.uid } as const);
  const asked = spec.clusterIPs ?? [];
  if (asked.length === 0) {
    spec.clusterIP = pickAddress(context);
    spec.clusterIPs = [spec.clusterIP];
    return [{ claim: take(spec.clusterIP) }];
  }
  const held = heldClusterIPs(old);
  const ranges = addressRanges(context);
  return asked.map((ip) => {
    const refused = (why: string) =>
      fieldError.invalid("spec.clusterIPs", asked, `failed to allocate IP ${ip}: ${why}`);
    const number = addressNumber(ip);
    const inside = ranges.some(({ bands: { first, last } }) => number >= first && number <= last);
    if (!held.includes(ip) && !inside) {
      const valid = ranges.map(({ text }) => text).join(", ");
      const why = `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${valid}`;
      throw invalid(kind, metadata.name, [refused(why)]);
    }
    return { claim: take(ip), refused: refused("provided IP is already allocated") };
  });
}

function pickAddress(context: AllocateContext): string {
  const taken = context.taken(clusterIPSpace);
  for (const { bands } of addressRanges(context)) {
    const address = pick(bands, context.random, (n) => taken.has(addressText(n)));
    if (address !== undefined) return addressText(address);
  }
  throw statusError("InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full");
}

const rangeStorage = "networking.k8s.io/servicecidrs";
const defaultRangeName = "kubernetes";
const isLeaving = ({ metadata }: KubeObject) => metadata.deletionTimestamp !== undefined;
const isReady = ({ status }: ServiceCIDR) =>
  status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");

/** That of the cluster first: it may be used before it has an object. Then those of the other ServiceCIDRs that are ready. */
function addressRanges({ config, objects }: AllocateContext): AddressRange[] {
  const found = objects(rangeStorage) as readonly ServiceCIDR[];
  const usual = found.some((range) => range.metadata.name === defaultRangeName && isLeaving(range))
    ? []
    : [config.serviceCidr];
  const more = found.filter((range) => isReady(range) && !isLeaving(range)).flatMap(({ spec }) => spec.cidrs ?? []);
  return [...new Set([...usual, ...more])].map(addressRange);
}

interface AddressRange {
  readonly text: string;
  readonly bands: Bands;
}

/** Without the address of the network and that of everybody. `cidr`: valid, IPv4. */
export function addressRange(cidr: string): AddressRange {
  const [address = "", bits = "32"] = cidr.split("/");
  const size = 2 ** (32 - Number(bits));
  const base = Math.floor(addressNumber(address) / size) * size;
  const first = base + 1;
  const bands = { first, dynamic: Math.max(first, base + addressBand(size)), last: base + size - 2 };
  return { text: `${addressText(base)}/${bits}`, bands };
}

/** NaN, which is in no range, for what is no IPv4 address. */
function addressNumber(text: string): number {
  return text.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
}

function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
