/** Service: an address for pods that come and go (pkg/registry/core/service). */
import type { Service } from "../../../lib/types/core_v1.ts";
import { Service as kind } from "../../../lib/types/kinds.ts";
import { isDNS1035Label } from "../../../lib/validation.ts";
import { type AllocateContext, type Allocation, defineResource, type Resource } from "../../rest/resource.ts";
import { allocateClusterIPs, clusterIPSpace, heldClusterIPs } from "./service/cluster_ips.ts";
import { serviceColumns } from "./service/columns.ts";
import { serviceProxy } from "./service/connect.ts";
import { defaultService } from "./service/defaults.ts";
import { allocateNodePorts, heldNodePorts, nodePortSpace } from "./service/node_ports.ts";
import { prepareNewService, prepareService } from "./service/prepare.ts";
import { isHeadless } from "./service/traits.ts";
import { validateService, validateServiceStatus, validateServiceUpdate } from "./service/validate.ts";

/** Takes what the Service has from now on, and gives back what it no longer has. */
function allocate(service: Service | undefined, old: Service | undefined, context: AllocateContext): Allocation[] {
  const taken = service === undefined
    ? []
    : [...allocateClusterIPs(service, old, context), ...allocateNodePorts(service, old, context)];
  if (old === undefined) return taken;
  const kept = (space: string, name: string) => taken.some(({ claim }) => claim.space === space && claim.name === name);
  const held = [
    ...heldClusterIPs(old).map((name) => ({ space: clusterIPSpace, name })),
    ...heldNodePorts(old).map((name) => ({ space: nodePortSpace, name })),
  ];
  const released = held.filter(({ space, name }) => !kept(space, name)).map(({ space, name }): Allocation => ({
    claim: { do: "release", space, name, owner: old.metadata.uid },
  }));
  return [...released, ...taken];
}

function warnings(service: Service): string[] {
  if (!isHeadless(service)) return [];
  const { loadBalancerIP, externalIPs = [], sessionAffinity } = service.spec;
  const ignored: string[] = [];
  if (loadBalancerIP) ignored.push("spec.loadBalancerIP");
  if (externalIPs.length > 0) ignored.push("spec.externalIPs");
  if (sessionAffinity !== "None") ignored.push("spec.SessionAffinity");
  return ignored.map((name) => `${name} is ignored for headless services`);
}

export const service: Resource<Service> = defineResource<Service>(kind, {
  definition: "io.k8s.api.core.v1.Service",
  shortNames: ["svc"],
  categories: ["all"],
  status: true,
  generation: false,
  returnsDeleted: true,
  createOnUpdate: true,
  defaults: defaultService,
  prepareCreate: prepareNewService,
  prepareUpdate: prepareService,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  validateStatus: validateServiceStatus,
  allocate,
  warnings,
  subresources: { proxy: serviceProxy },
  columns: serviceColumns,
  fields: {
    "spec.clusterIP": ({ spec }) => spec?.clusterIP ?? "",
    "spec.type": ({ spec }) => spec?.type ?? "",
  },
}, isDNS1035Label);
