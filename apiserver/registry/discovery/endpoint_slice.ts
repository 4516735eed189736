/** EndpointSlice: a part of a Service's endpoints (pkg/registry/discovery/endpointslice). */
import type { EndpointSlice } from "../../../lib/types/discovery_v1.ts";
import { EndpointSlice as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { validateEndpointSlice, validateEndpointSliceUpdate } from "./endpoint_slice/validate.ts";

const shownMax = 3;

function defaultEndpointSlice({ ports = [] }: EndpointSlice): void {
  for (const port of ports) {
    port.name ??= "";
    port.protocol ??= "TCP";
  }
}

/** The topology of before v1 can be read but not written in v1. */
function dropTopology({ endpoints = [] }: EndpointSlice): void {
  for (const endpoint of endpoints) delete endpoint.deprecatedTopology;
}

/** The first three, and how many more there are. */
function listText(list: readonly (string | number)[]): string {
  if (list.length === 0) return "<unset>";
  const text = list.slice(0, shownMax).join(",");
  return list.length > shownMax ? `${text} + ${list.length - shownMax} more...` : text;
}

export const endpointSlice: Resource<EndpointSlice> = defineResource<EndpointSlice>(kind, {
  definition: "io.k8s.api.discovery.v1.EndpointSlice",
  generation: true,
  defaults: defaultEndpointSlice,
  prepareCreate: dropTopology,
  prepareUpdate: dropTopology,
  validate: validateEndpointSlice,
  validateUpdate: validateEndpointSliceUpdate,
  warnings: ({ addressType }) => addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : [],
  columns: [
    nameColumn,
    { name: "AddressType", type: "string", value: ({ addressType }) => addressType },
    { name: "Ports", type: "string", value: ({ ports }) => listText((ports ?? []).map(({ port }) => port ?? "*")) },
    {
      name: "Endpoints",
      type: "string",
      value: ({ endpoints }) => listText((endpoints ?? []).flatMap(({ addresses }) => addresses)),
    },
    ageColumn,
  ],
}, isDNS1123Subdomain);
