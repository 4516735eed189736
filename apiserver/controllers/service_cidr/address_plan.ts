/**
 * Decides what an IPAddress needs: there is one for each cluster IP of a Service, and none that names a Service which does not have it
 * (pkg/registry/core/service/ipallocator/controller/repairip.go). The address itself is taken with the Service's write. Pure.
 */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import type { New } from "../../../lib/kind.ts";
import { strayAddressMs } from "../../../lib/limits.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Service } from "../../../lib/types/core_v1.ts";
import type { IPAddress, ParentReference } from "../../../lib/types/networking_v1.ts";

const familyLabel = "ipaddress.kubernetes.io/ip-family";
const managerLabel = "ipaddress.kubernetes.io/managed-by";
const manager = "ipallocator.k8s.io";

export interface AddressView {
  /** `10.96.0.1` */
  name: string;
  address: IPAddress | undefined;
  /** The Service that has it. */
  holder: Service | undefined;
}

export type AddressAction =
  | { do: "createAddress"; object: New<IPAddress>; why: string }
  /** `stray`: somebody should hear of it. */
  | { do: "deleteAddress"; address: IPAddress; stray: boolean; why: string };

/** It was made for a Service, here. */
export const isOfService = ({ metadata }: IPAddress): boolean => metadata.labels?.[managerLabel] === manager;

/** Addresses that a Service has. */
export const addressesOf = ({ spec }: Service): string[] =>
  (spec.clusterIPs ?? []).filter((address) => address !== "" && address !== "None");

export function planAddress(
  { name, address, holder }: AddressView,
  now: Instant,
): readonly (AddressAction | WakeAt)[] {
  if (address === undefined) return holder === undefined ? [] : [creation(name, holder)];
  if (address.metadata.deletionTimestamp !== undefined) return [];
  const managedBy = address.metadata.labels?.[managerLabel];
  // Somebody else keeps it: nobody's Service gets it.
  if (managedBy !== undefined && managedBy !== manager) return [];
  if (holder !== undefined && isOf(address.spec?.parentRef, holder)) return [];
  if (managedBy === manager && holder === undefined) {
    return [{ do: "deleteAddress", address, stray: false, why: "no Service has the address any more" }];
  }
  const why = `IPAddress ${name} is not that of a Service that has it: cleaning up`;
  const gone: AddressAction = { do: "deleteAddress", address, stray: true, why };
  if (holder !== undefined) return [gone];
  // Made by hand: its Service may be about to come.
  const at = Date.parse(address.metadata.creationTimestamp) + strayAddressMs;
  return at > now ? [{ do: "wakeAt", at, why: "its Service may be about to come" }] : [gone];
}

function creation(name: string, { metadata }: Service): AddressAction {
  const labels = { [familyLabel]: name.includes(":") ? "IPv6" : "IPv4", [managerLabel]: manager };
  const parentRef = { group: "", resource: "services", namespace: metadata.namespace, name: metadata.name };
  return {
    do: "createAddress",
    object: { metadata: { name, labels }, spec: { parentRef } },
    why: "a Service has the address",
  };
}

function isOf(parent: ParentReference | undefined, { metadata }: Service): boolean {
  return parent?.resource === "services" && !parent.group && parent.namespace === metadata.namespace &&
    parent.name === metadata.name;
}
