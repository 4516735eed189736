/** ServiceCIDRs and IPAddresses: the ranges of Services' addresses, and who has which. What they need is in range_plan.ts and address_plan.ts. */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import type { Service } from "../../../lib/types/core_v1.ts";
import { IPAddress as AddressKind, ServiceCIDR as RangeKind } from "../../../lib/types/kinds.ts";
import type { IPAddress, ServiceCIDR } from "../../../lib/types/networking_v1.ts";
import { aspectOf, createBell } from "../changes.ts";
import type { Parts } from "../parts.ts";
import { type AddressAction, addressesOf, type AddressView, isOfService, planAddress } from "./address_plan.ts";
import {
  defaultRangeName,
  type DefaultRangeView,
  planDefaultRange,
  planRange,
  type RangeAction,
  type RangeView,
} from "./range_plan.ts";

const nameOf = ({ metadata }: ServiceCIDR | IPAddress) => [metadata.name];

export function defaultRangeController(
  { informers, config, recorder }: Parts,
): Controller<DefaultRangeView, RangeAction> {
  const { serviceCidrs } = informers;
  return {
    name: "default-service-cidr",
    sources: [
      createBell("default-service-cidr", [defaultRangeName]).source,
      source(serviceCidrs, ({ metadata }) => metadata.name === defaultRangeName ? [defaultRangeName] : []),
    ],
    view: (key) => serviceCidrs.isServed ? { found: serviceCidrs.get(key), configured: config.serviceCidr } : undefined,
    plan: planDefaultRange,
    async execute(action, client, { found }) {
      if (action.do === "create") await client.create(RangeKind, action.object);
      else if (action.do === "warn") {
        recorder.event(found!, "Warning", "KubernetesDefaultServiceCIDRInconsistent", action.message);
      }
    },
  };
}

export function serviceCidrController({ informers, config }: Parts): Controller<RangeView, RangeAction> {
  const { serviceCidrs, ipAddresses } = informers;
  /** What one no longer needs to cover another may have to: those that go are looked at again. */
  const leaving = () =>
    [...serviceCidrs.list()].filter(({ metadata }) => metadata.deletionTimestamp !== undefined).flatMap(nameOf);
  return {
    name: "service-cidrs-controller",
    sources: [
      source(serviceCidrs, (range) => [...nameOf(range), ...leaving()]),
      source(ipAddresses, leaving),
    ],
    view(key) {
      const range = serviceCidrs.get(key);
      if (range === undefined) return undefined;
      const others = [...serviceCidrs.list()].filter(({ metadata }) => metadata.name !== key);
      const leaves = range.metadata.deletionTimestamp !== undefined;
      const addresses = leaves ? [...ipAddresses.list()].filter(isOfService).flatMap(nameOf) : [];
      return { range, others, addresses, clusterCidr: config.clusterCidr };
    },
    plan: planRange,
    execute: executeRange,
  };
}

async function executeRange(action: RangeAction, client: Client, { range }: RangeView): Promise<void> {
  const { name, resourceVersion } = range.metadata;
  if (action.do === "setFinalizers") {
    // With the revision: another's finalizer may have come meanwhile.
    const patch = { metadata: { resourceVersion, finalizers: [...action.finalizers] } };
    await client.patch(RangeKind, { name }, { type: "merge", patch });
  } else if (action.do === "setReady") {
    const patch = { status: { conditions: [action.condition] } };
    await client.patch(RangeKind, { name }, { type: "strategic", patch }, { subresource: "status" });
  }
}

export function serviceAddressController(
  { informers, recorder }: Parts,
): Controller<AddressView, AddressAction> {
  const { ipAddresses } = informers;
  const services = aspectOf(informers.services, ({ spec }: Service) => spec.clusterIPs);
  return {
    name: "service-address-controller",
    sources: [source(services, addressesOf), source(ipAddresses, nameOf)],
    view: (name) =>
      ipAddresses.isServed
        ? { name, address: ipAddresses.get(name), holder: services.by("address", name)[0] }
        : undefined,
    plan: planAddress,
    async execute(action, client) {
      if (action.do === "createAddress") {
        await client.create(AddressKind, action.object);
        return;
      }
      const { metadata } = action.address;
      if (action.stray) recorder.event(action.address, "Warning", "IPAddressNotAllocated", action.why);
      await client.delete(AddressKind, metadata, { preconditions: { uid: metadata.uid } });
    },
  };
}
