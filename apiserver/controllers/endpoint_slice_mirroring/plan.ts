/** EndpointSlices that say what hand-made Endpoints say (pkg/controller/endpointslicemirroring). Pure. */
import { mirroredAddressesMax } from "../../../lib/limits.ts";
import type { Kind, New } from "../../../lib/kind.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { EndpointAddress, Endpoints, EndpointSubset, Service } from "../../../lib/types/core_v1.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../../lib/types/discovery_v1.ts";
import { Endpoints as EndpointsKind } from "../../../lib/types/kinds.ts";
import { type AddressType, portsKey } from "../endpoint_slice/endpoint.ts";
import { pack } from "../endpoint_slice/pack.ts";
import { managedByLabel, serviceNameLabel, type SliceAction } from "../endpoint_slice/plan.ts";
import { controllerReference } from "../owner.ts";
import { same } from "../same.ts";
import { isIPv6, selectsPods } from "../service_pods.ts";

export const mirroringController = "endpointslicemirroring-controller.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
const appliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

export interface MirrorView {
  service: Service | undefined;
  endpoints: Endpoints | undefined;
  /** Those that mirror this Service's Endpoints. */
  slices: readonly EndpointSlice[];
}

export type MirrorAction = SliceAction | { do: "warn"; message: string; why: string };

/** Whether Endpoints are mirrored: made by hand, for a Service without a selector. */
export function isMirrored({ service, endpoints }: MirrorView): boolean {
  if (service === undefined || endpoints === undefined || selectsPods(service)) return false;
  const { labels, annotations, deletionTimestamp } = endpoints.metadata;
  return labels?.[skipLabel] !== "true" && annotations?.[leaderAnnotation] === undefined &&
    deletionTimestamp === undefined;
}

export function planMirror(view: MirrorView, _now: Instant): readonly MirrorAction[] {
  const { endpoints, slices } = view;
  if (!isMirrored(view)) {
    return slices.map((slice) => ({ do: "deleteSlice", slice, why: "there are no Endpoints to mirror" }));
  }
  const { groups, skipped } = groupsOf(endpoints!);
  const labels = labelsOf(endpoints!);
  const annotations = annotationsOf(endpoints!);
  const actions: MirrorAction[] = [];
  const mine = (slice: EndpointSlice) =>
    (slice.metadata.ownerReferences ?? []).some((owner) => owner.uid === endpoints!.metadata.uid);
  const outdated = (slice: EndpointSlice) =>
    !same(slice.metadata.labels ?? {}, labels) || !same(slice.metadata.annotations ?? {}, annotations) || !mine(slice);
  const metadata = (slice: EndpointSlice) => ({
    ...slice.metadata,
    labels,
    annotations,
    ownerReferences: [controllerReference(EndpointsKind as Kind, endpoints!)],
  });
  const left = new Set(slices);
  for (const [key, { family, ports, list }] of groups) {
    const existing = slices.filter((slice) => groupKey(slice.addressType as AddressType, slice.ports ?? []) === key);
    existing.forEach((slice) => left.delete(slice));
    const packing = pack(existing, list, outdated);
    for (const list of packing.create) {
      actions.push(create(endpoints!, { addressType: family, ports, endpoints: list }));
    }
    for (const { slice, endpoints: list } of packing.update) {
      actions.push({
        do: "updateSlice",
        slice: { ...slice, metadata: metadata(slice), endpoints: list },
        why: "the Endpoints changed",
      });
    }
    packing.delete.forEach((slice) => left.add(slice));
  }
  for (const slice of left) actions.push({ do: "deleteSlice", slice, why: "the Endpoints no longer have this" });
  if (skipped > 0) {
    const message =
      `A max of ${mirroredAddressesMax} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
    actions.push({ do: "warn", message, why: "too many addresses" });
  }
  return actions;
}

const groupKey = (family: AddressType, ports: readonly EndpointPort[]) => `${family}\n${portsKey(ports)}`;

interface Group {
  family: AddressType;
  ports: EndpointPort[];
  list: Endpoint[];
}

function groupsOf({ subsets = [] }: Endpoints): { groups: Map<string, Group>; skipped: number } {
  const groups = new Map<string, Group>();
  let skipped = 0;
  for (const subset of subsets) {
    const ports = portsOf(subset);
    const all = [
      ...(subset.addresses ?? []).map((address) => endpointOf(address, { ready: true })),
      ...(subset.notReadyAddresses ?? []).map((address) => endpointOf(address, { ready: false })),
    ];
    skipped += Math.max(0, all.length - mirroredAddressesMax);
    for (const endpoint of all.slice(0, mirroredAddressesMax)) {
      const family = isIPv6(endpoint.addresses[0]!) ? "IPv6" : "IPv4";
      const key = groupKey(family, ports);
      const group = groups.get(key) ?? { family, ports, list: [] };
      groups.set(key, group);
      group.list.push(endpoint);
    }
  }
  return { groups, skipped };
}

function portsOf({ ports = [] }: EndpointSubset): EndpointPort[] {
  return ports.map(({ name, port, protocol = "TCP", appProtocol }) => ({
    name: name ?? "",
    port,
    protocol,
    ...(appProtocol ? { appProtocol } : {}),
  }));
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, { ready }: { ready: boolean }): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(targetRef === undefined ? {} : { targetRef }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(hostname ? { hostname } : {}),
  };
}

function labelsOf({ metadata }: Endpoints): Record<string, string> {
  return { ...metadata.labels, [serviceNameLabel]: metadata.name, [managedByLabel]: mirroringController };
}

function annotationsOf({ metadata }: Endpoints): Record<string, string> {
  const { [appliedAnnotation]: _, ...annotations } = metadata.annotations ?? {};
  return annotations;
}

function create(endpoints: Endpoints, made: Pick<EndpointSlice, "addressType" | "ports" | "endpoints">): SliceAction {
  const { namespace, name } = endpoints.metadata;
  const slice: New<EndpointSlice> = {
    metadata: {
      namespace,
      generateName: `${name}-`,
      labels: labelsOf(endpoints),
      annotations: annotationsOf(endpoints),
      ownerReferences: [controllerReference(EndpointsKind as Kind, endpoints)],
    },
    ...made,
  };
  return { do: "createSlice", slice, why: "addresses are in no slice" };
}
