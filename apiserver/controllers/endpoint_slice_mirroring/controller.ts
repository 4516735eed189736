/** The controller that mirrors hand-made Endpoints to EndpointSlices, so that proxies need to watch those only. */
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf } from "../../../lib/kind.ts";
import type { EndpointSlice } from "../../../lib/types/discovery_v1.ts";
import { executeSlice, serviceKeyOf } from "../endpoint_slice/controller.ts";
import { managedByLabel } from "../endpoint_slice/plan.ts";
import type { Parts } from "../parts.ts";
import { isNamespaceTerminating } from "../pod_template.ts";
import { type MirrorAction, mirroringController, type MirrorView, planMirror } from "./plan.ts";

export function endpointSliceMirroringController(parts: Parts): Controller<MirrorView, MirrorAction> {
  const { services, endpoints, endpointSlices } = parts.informers;
  const isOurs = (slice: EndpointSlice) => slice.metadata.labels?.[managedByLabel] === mirroringController;
  return {
    name: "endpointslicemirroring-controller",
    sources: [
      source(endpoints, (object) => [keyOf(object)]),
      source(services, (service) => [keyOf(service)]),
      source(endpointSlices, (slice) => isOurs(slice) ? serviceKeyOf(slice) : []),
    ],
    view: (key) => ({
      service: services.get(key),
      endpoints: endpoints.get(key),
      slices: endpointSlices.by("service", key)
        .filter((slice) => isOurs(slice) && slice.metadata.deletionTimestamp === undefined),
    }),
    plan: planMirror,
    async execute(action, client, { endpoints }) {
      if (action.do === "warn") {
        parts.recorder.event(endpoints!, "Warning", "TooManyAddressesToMirror", action.message);
        return;
      }
      try {
        await executeSlice(action, client);
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
    },
  };
}
