/** Decides which EndpointSlices a Service with a selector needs. Pure. Source: k8s.io/endpointslice reconciler.go. */
import type { Kind, New } from "../../../lib/kind.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Node, Pod, Service } from "../../../lib/types/core_v1.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../../lib/types/discovery_v1.ts";
import { Service as ServiceKind } from "../../../lib/types/kinds.ts";
import { controllerReference } from "../owner.ts";
import { isFinished, podCondition } from "../pod_state.ts";
import { same } from "../same.ts";
import { addressesOf, isHeadless } from "../service_pods.ts";
import { type AddressType, endpointKey, endpointOf, portsKey, portsOf } from "./endpoint.ts";
import { pack } from "./pack.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const headlessLabel = "service.kubernetes.io/headless";
export const sliceController = "endpointslice-controller.k8s.io";
const triggerAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";
const reserved = [serviceNameLabel, managedByLabel, headlessLabel];

export interface SlicesView {
  service: Service;
  pods: readonly Pod[];
  /** Those of our own making, without those being deleted. */
  slices: readonly EndpointSlice[];
  node(name: string): Node | undefined;
}

export type SliceAction =
  | { do: "createSlice"; slice: New<EndpointSlice>; why: string }
  | { do: "updateSlice"; slice: EndpointSlice; why: string }
  | { do: "deleteSlice"; slice: EndpointSlice; why: string };

interface Changes {
  create: Pick<EndpointSlice, "addressType" | "endpoints" | "ports">[];
  update: EndpointSlice[];
  delete: EndpointSlice[];
}

export function planSlices(view: SlicesView, _now: Instant): readonly SliceAction[] {
  const { service, slices } = view;
  const families = familiesOf(service);
  const changes: Changes = { create: [], update: [], delete: [] };
  for (const family of families) planFamily(view, family, changes);
  changes.delete.push(...slices.filter((slice) => !families.includes(slice.addressType as AddressType)));
  reuse(changes, service);
  const trigger = triggerOf(view);
  const labels = labelsOf(service);
  const actions: SliceAction[] = [];
  // A Service that is being deleted gets no new slices: they would outlive the collection of its dependents.
  const create = service.metadata.deletionTimestamp === undefined ? changes.create : [];
  for (const made of create) {
    actions.push({ do: "createSlice", slice: newSlice(service, made, trigger), why: "endpoints are in no slice" });
  }
  for (const slice of changes.update) {
    const annotations = { ...slice.metadata.annotations, ...trigger };
    const metadata = { ...slice.metadata, labels, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) };
    actions.push({ do: "updateSlice", slice: { ...slice, metadata }, why: "its endpoints or labels changed" });
  }
  for (const slice of changes.delete) actions.push({ do: "deleteSlice", slice, why: "no endpoint is left in it" });
  return actions;
}

/** The families that the Service has; a Service from before they were chosen counts as its cluster IP says. */
function familiesOf({ spec }: Service): AddressType[] {
  const families = (spec.ipFamilies ?? []).filter((family) => family !== "") as AddressType[];
  if (families.length > 0) return families;
  return [spec.clusterIP?.includes(":") ? "IPv6" : "IPv4"];
}

function planFamily(view: SlicesView, family: AddressType, changes: Changes): void {
  const { service } = view;
  const existing = view.slices.filter((slice) => slice.addressType === family);
  const byPorts = new Map<string, EndpointSlice[]>();
  for (const slice of existing) {
    const key = portsKey(slice.ports);
    byPorts.set(key, [...byPorts.get(key) ?? [], slice]);
  }
  const labels = labelsOf(service);
  const outdated = (slice: EndpointSlice) => !same(slice.metadata.labels ?? {}, labels);
  let created = 0;
  const deleted: EndpointSlice[] = [];
  const wanted = desiredEndpoints(view, family);
  for (const [key, { ports, endpoints }] of wanted) {
    const packing = pack(byPorts.get(key) ?? [], [...endpoints.values()], outdated);
    created += packing.create.length;
    changes.create.push(...packing.create.map((endpoints) => ({ addressType: family, endpoints, ports })));
    changes.update.push(...packing.update.map(({ slice, endpoints }) => ({ ...slice, endpoints })));
    deleted.push(...packing.delete);
  }
  for (const [key, slices] of byPorts) if (!wanted.has(key)) deleted.push(...slices);
  // A Service always has a slice, so that a watcher can tell "no endpoints" from "not yet looked at".
  if (existing.length === deleted.length && created === 0) {
    const [only] = deleted;
    const isPlaceholder = deleted.length === 1 && (only!.endpoints ?? []).length === 0 &&
      (only!.ports ?? []).length === 0;
    if (isPlaceholder) {
      deleted.pop();
      if (outdated(only!)) changes.update.push(only!);
    } else changes.create.push({ addressType: family, endpoints: [], ports: [] });
  }
  changes.delete.push(...deleted);
}

/** The pods' endpoints, grouped by the ports that they are reached at: a named port may differ from pod to pod. */
function desiredEndpoints({ service, pods, node }: SlicesView, family: AddressType) {
  const groups = new Map<string, { ports: EndpointPort[]; endpoints: Map<string, Endpoint> }>();
  for (const pod of pods) {
    if (isFinished(pod) || addressesOf(pod).length === 0) continue;
    const host = pod.spec.nodeName === undefined ? undefined : node(pod.spec.nodeName);
    // The pod of a Node that is gone will be collected; meanwhile nothing is sent there.
    if (host === undefined && service.spec.publishNotReadyAddresses !== true) continue;
    const ports = portsOf(service, pod);
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: new Map() };
    groups.set(key, group);
    const endpoint = endpointOf(pod, host, service, family);
    if (endpoint !== undefined) group.endpoints.set(endpointKey(endpoint), endpoint);
  }
  return groups;
}

/** What would be deleted becomes what would be created: one write instead of two, and no moment without endpoints. */
function reuse(changes: Changes, service: Service): void {
  changes.delete = changes.delete.filter((slice) => {
    const owned = (slice.metadata.ownerReferences ?? []).some((owner) => owner.uid === service.metadata.uid);
    const at = owned ? changes.create.findIndex((made) => made.addressType === slice.addressType) : -1;
    if (at < 0) return true;
    const [made] = changes.create.splice(at, 1);
    changes.update.push({ ...slice, ...made });
    return false;
  });
}

/** The Service's own labels and ours. */
export function labelsOf(service: Service, manager: string = sliceController): Record<string, string> {
  const own = Object.entries(service.metadata.labels ?? {}).filter(([key]) => !reserved.includes(key));
  return {
    ...Object.fromEntries(own),
    ...(isHeadless(service) ? { [headlessLabel]: "" } : {}),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: manager,
  };
}

function newSlice(
  service: Service,
  made: Changes["create"][number],
  trigger: Record<string, string>,
): New<EndpointSlice> {
  const { name, namespace } = service.metadata;
  return {
    metadata: {
      namespace,
      generateName: `${name}-`,
      labels: labelsOf(service),
      ...(Object.keys(trigger).length > 0 ? { annotations: trigger } : {}),
      ownerReferences: [controllerReference(ServiceKind as Kind, service)],
    },
    ...made,
  };
}

/**
 * The earliest change that no slice tells of yet: network programming latency is measured from there. A pod's readiness and the
 * Service's creation say when they changed; the latest time that a slice has says what was told.
 */
function triggerOf({ service, pods, slices }: SlicesView): Record<string, string> {
  const told = Math.max(
    0,
    ...slices.map((slice) => Date.parse(slice.metadata.annotations?.[triggerAnnotation] ?? "") || 0),
  );
  const times = pods.map((pod) => Date.parse(podCondition(pod, "Ready")?.lastTransitionTime ?? ""));
  if (slices.length === 0) times.push(Date.parse(service.metadata.creationTimestamp));
  const news = times.filter((time) => time > told);
  if (news.length === 0) return {};
  return { [triggerAnnotation]: new Date(Math.min(...news)).toISOString().replace(".000Z", "Z") };
}
