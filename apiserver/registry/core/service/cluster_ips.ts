/** The cluster IP of a Service: what it asks for, or one that is picked (pkg/registry/core/service/ipallocator). */
import { fieldError, invalid, statusError } from "../../../../lib/status.ts";
import type { Service } from "../../../../lib/types/core_v1.ts";
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

/** Picks one if there is none. Throws Invalid for one outside of the range, InternalError when the range is used up. */
export function allocateClusterIPs(service: Service, old: Service | undefined, context: AllocateContext): Allocation[] {
  const { spec, metadata } = service;
  if (!needsClusterIP(service) || isHeadless(service)) return [];
  const take = (name: string) => ({ do: "take", space: clusterIPSpace, name, owner: metadata.uid } as const);
  const range = addressRange(context.config.serviceCidr);
  const asked = spec.clusterIPs ?? [];
  if (asked.length === 0) {
    const taken = context.taken(clusterIPSpace);
    const address = pick(range.bands, context.random, (n) => taken.has(addressText(n)));
    if (address === undefined) {
      throw statusError("InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full");
    }
    spec.clusterIP = addressText(address);
    spec.clusterIPs = [spec.clusterIP];
    return [{ claim: take(spec.clusterIP) }];
  }
  const held = heldClusterIPs(old);
  return asked.map((ip) => {
    const refused = (why: string) =>
      fieldError.invalid("spec.clusterIPs", asked, `failed to allocate IP ${ip}: ${why}`);
    const { first, last } = range.bands;
    const number = addressNumber(ip);
    if (!held.includes(ip) && (number < first || number > last)) {
      const why = `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${range.text}`;
      throw invalid(kind, metadata.name, [refused(why)]);
    }
    return { claim: take(ip), refused: refused("provided IP is already allocated") };
  });
}

interface AddressRange {
  readonly text: string;
  readonly bands: Bands;
}

const ranges = new Map<string, AddressRange>();

/** Without the address of the network and that of everybody. `cidr`: valid, IPv4. */
export function addressRange(cidr: string): AddressRange {
  const known = ranges.get(cidr);
  if (known !== undefined) return known;
  const [address = "", bits = "32"] = cidr.split("/");
  const size = 2 ** (32 - Number(bits));
  const base = Math.floor(addressNumber(address) / size) * size;
  const first = base + 1;
  const bands = { first, dynamic: Math.max(first, base + addressBand(size)), last: base + size - 2 };
  const range = { text: `${addressText(base)}/${bits}`, bands };
  // There is one in a process; tests have a few.
  ranges.set(cidr, range);
  return range;
}

/** NaN, which is in no range, for what is no IPv4 address. */
function addressNumber(text: string): number {
  return text.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
}

function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
