/**
 * The legacy Endpoints of Services with a selector (pkg/controller/endpoint). Endpoints of a Service without one are their author's;
 * they, too, go with their Service.
 */
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf, type New } from "../../../lib/kind.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import { isReason } from "../../../lib/status.ts";
import type { Endpoints, Pod, Service } from "../../../lib/types/core_v1.ts";
import { Endpoints as EndpointsKind } from "../../../lib/types/kinds.ts";
import { aspectOf, filtered } from "../changes.ts";
import { headlessLabel } from "../endpoint_slice/plan.ts";
import type { Parts } from "../parts.ts";
import { isNamespaceTerminating } from "../pod_template.ts";
import { same } from "../same.ts";
import { isHeadless, podAspect, podsOf, selectsPods, servicesOf } from "../service_pods.ts";
import { subsetsOf, truncated } from "./subsets.ts";

const managedByLabel = "endpoints.kubernetes.io/managed-by";
const manager = "endpoint-controller";
const overCapacityAnnotation = "endpoints.kubernetes.io/over-capacity";
/** Old leader elections keep their record in Endpoints that belong to no Service. */
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";

export interface EndpointsView {
  key: string;
  service: Service | undefined;
  pods: readonly Pod[];
  endpoints: Endpoints | undefined;
}

export type EndpointsAction =
  | { do: "create"; endpoints: New<Endpoints>; why: string }
  | { do: "update"; endpoints: Endpoints; why: string }
  | { do: "delete"; endpoints: Endpoints; why: string };

export function planEndpoints({ service, pods, endpoints }: EndpointsView, _now: Instant): readonly EndpointsAction[] {
  if (service === undefined) {
    if (endpoints === undefined || endpoints.metadata.annotations?.[leaderAnnotation] !== undefined) return [];
    return [{ do: "delete", endpoints, why: "their Service is gone" }];
  }
  if (service.spec.type === "ExternalName" || !selectsPods(service)) return [];
  const { subsets, isTruncated } = truncated(subsetsOf(service, pods));
  const labels = {
    ...service.metadata.labels,
    ...(isHeadless(service) ? { [headlessLabel]: "" } : {}),
    [managedByLabel]: manager,
  };
  const { [overCapacityAnnotation]: _, ...others } = endpoints?.metadata.annotations ?? {};
  const annotations = isTruncated ? { ...others, [overCapacityAnnotation]: "truncated" } : others;
  if (endpoints === undefined) {
    if (service.metadata.deletionTimestamp !== undefined) return [];
    const { name, namespace } = service.metadata;
    const metadata = { name, namespace, labels, annotations };
    return [{ do: "create", endpoints: { metadata, subsets }, why: "the Service has none" }];
  }
  const { metadata } = endpoints;
  const current = [endpoints.subsets ?? [], metadata.labels ?? {}, metadata.annotations ?? {}];
  if (same(current, [subsets, labels, annotations])) return [];
  return [{
    do: "update",
    endpoints: { ...endpoints, metadata: { ...metadata, labels, annotations }, subsets },
    why: "they differ from what the pods say",
  }];
}

export function endpointsController(parts: Parts): Controller<EndpointsView, EndpointsAction> {
  const { informers, recorder } = parts;
  const { services, pods, endpoints } = informers;
  // Looked at when they are deleted, and those of ours at the start: their Service may have gone while nobody looked.
  const leftovers = filtered(
    endpoints,
    ({ old, now }) => now === undefined || (old === undefined && now.metadata.labels?.[managedByLabel] === manager),
  );
  return {
    name: "endpoint-controller",
    sources: [
      source(services, (service) => [keyOf(service)]),
      source(aspectOf(pods, podAspect), (pod) => servicesOf(pod, informers)),
      source(leftovers, (object) => [keyOf(object)]),
    ],
    workers: 5,
    view(key) {
      const service = services.get(key);
      return {
        key,
        service,
        pods: service === undefined ? [] : podsOf(service, informers),
        endpoints: endpoints.get(key),
      };
    },
    plan: planEndpoints,
    async execute(action, client, { service }) {
      try {
        if (action.do === "create") await client.create(EndpointsKind, action.endpoints);
        else if (action.do === "update") await client.update(EndpointsKind, action.endpoints);
        else {await client.delete(EndpointsKind, action.endpoints.metadata, {
            preconditions: { uid: action.endpoints.metadata.uid },
          });}
      } catch (error) {
        if (isNamespaceTerminating(error) || (action.do === "delete" && isReason(error, "NotFound"))) return;
        if (service !== undefined && !isReason(error, "Conflict")) {
          const [reason, verb] = action.do === "create"
            ? ["FailedToCreateEndpoint", "create"]
            : ["FailedToUpdateEndpoint", "update"];
          const message = `Failed to ${verb} endpoint ${service.metadata.namespace}/${service.metadata.name}: ${
            (error as Error).message
          }`;
          recorder.event(service, "Warning", reason, message);
        }
        throw error;
      }
    },
  };
}
