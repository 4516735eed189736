/** The controller of the EndpointSlices of Services with a selector. */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf } from "../../../lib/kind.ts";
import { isReason } from "../../../lib/status.ts";
import type { EndpointSlice } from "../../../lib/types/discovery_v1.ts";
import { EndpointSlice as SliceKind } from "../../../lib/types/kinds.ts";
import { aspectOf } from "../changes.ts";
import type { Parts } from "../parts.ts";
import { isNamespaceTerminating } from "../pod_template.ts";
import { nodeAspect, podAspect, podsOf, selectsPods, servicesOf, servicesOnNode } from "../service_pods.ts";
import {
  managedByLabel,
  planSlices,
  serviceNameLabel,
  type SliceAction,
  sliceController,
  type SlicesView,
} from "./plan.ts";

export function endpointSliceController(parts: Parts): Controller<SlicesView, SliceAction> {
  const { informers, recorder } = parts;
  const { services, pods, nodes, endpointSlices } = informers;
  const isOurs = (slice: EndpointSlice) => slice.metadata.labels?.[managedByLabel] === sliceController;
  return {
    name: "endpointslice-controller",
    sources: [
      source(services, (service) => [keyOf(service)]),
      source(aspectOf(pods, podAspect), (pod) => servicesOf(pod, informers)),
      source(aspectOf(nodes, nodeAspect), (node) => servicesOnNode(node, informers)),
      source(endpointSlices, (slice) => isOurs(slice) ? serviceKeyOf(slice) : []),
    ],
    workers: 5,
    backoff: { baseMs: 100, maxMs: 100_000 },
    view(key) {
      const service = services.get(key);
      // An ExternalName Service has a name instead of endpoints; one without a selector is somebody else's to fill.
      if (service === undefined || service.spec.type === "ExternalName" || !selectsPods(service)) return undefined;
      const slices = endpointSlices.by("service", key)
        .filter((slice) => isOurs(slice) && slice.metadata.deletionTimestamp === undefined);
      return { service, pods: podsOf(service, informers), slices, node: (name) => nodes.get(name) };
    },
    plan: planSlices,
    async execute(action, client, { service }) {
      try {
        await executeSlice(action, client);
      } catch (error) {
        if (isNamespaceTerminating(error)) return;
        const { namespace, name } = service.metadata;
        const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${(error as Error).message}`;
        if (!isReason(error, "Conflict")) recorder.event(service, "Warning", "FailedToUpdateEndpointSlices", message);
        throw error;
      }
    },
  };
}

export function serviceKeyOf(slice: EndpointSlice): readonly string[] {
  const name = slice.metadata.labels?.[serviceNameLabel];
  return name === undefined ? [] : [`${slice.metadata.namespace}/${name}`];
}

export async function executeSlice(action: SliceAction, client: Client): Promise<void> {
  switch (action.do) {
    case "createSlice":
      await client.create(SliceKind, action.slice);
      return;
    case "updateSlice":
      await client.update(SliceKind, action.slice);
      return;
    case "deleteSlice":
      try {
        await client.delete(SliceKind, action.slice.metadata);
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
  }
}
