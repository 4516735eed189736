/** Endpoints: the old list of a Service's addresses (pkg/registry/core/endpoint, ValidateEndpoints). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset } from "../../../lib/types/core_v1.ts";
import { Endpoints as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Label, isDNS1123Subdomain, isQualifiedName, isValidPortNum } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { validateIP, validateNonSpecialIP } from "../meta/ip_address.ts";
import { omitEmpty } from "../meta/omit_empty.ts";
import { validateProtocol } from "../meta/protocol.ts";
import { repackSubsets } from "./endpoints/repack.ts";

const shownMax = 3;
const deprecation = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

function defaultEndpoints({ subsets = [] }: Endpoints): void {
  for (const subset of subsets) {
    for (const port of subset.ports ?? []) {
      omitEmpty(port, "name");
      port.protocol ||= "TCP";
    }
    for (const address of [...subset.addresses ?? [], ...subset.notReadyAddresses ?? []]) {
      omitEmpty(address, "hostname");
    }
  }
}

/** Only what is right can be put in order. */
function prepare(endpoints: Endpoints): void {
  if (endpoints.subsets === undefined || validate(endpoints).length > 0) return;
  endpoints.subsets = repackSubsets(endpoints.subsets);
}

function validate({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap((subset, i) => validateSubset(subset, `subsets[${i}]`));
}

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, path: string) {
  const errors: FieldError[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.push(fieldError.required(path, "must specify `addresses` or `notReadyAddresses`"));
  }
  errors.push(
    ...addresses.flatMap((address, i) => validateAddress(address, `${path}.addresses[${i}]`)),
    ...notReadyAddresses.flatMap((address, i) => validateAddress(address, `${path}.notReadyAddresses[${i}]`)),
    ...ports.flatMap((port, i) => validatePort(port, `${path}.ports[${i}]`, { nameRequired: ports.length > 1 })),
  );
  return errors;
}

function validateAddress({ ip = "", hostname = "", nodeName }: EndpointAddress, path: string): FieldError[] {
  const errors = validateIP(ip, `${path}.ip`);
  if (hostname !== "") {
    errors.push(...isDNS1123Label(hostname).map((m) => fieldError.invalid(`${path}.hostname`, hostname, m)));
  }
  if (nodeName !== undefined) {
    errors.push(...isDNS1123Subdomain(nodeName).map((m) => fieldError.invalid(`${path}.nodeName`, nodeName, m)));
  }
  return [...errors, ...validateNonSpecialIP(ip, `${path}.ip`)];
}

function validatePort(port: EndpointPort, path: string, { nameRequired }: { nameRequired: boolean }): FieldError[] {
  const errors: FieldError[] = [];
  const { name = "", port: number = 0, protocol, appProtocol } = port;
  if (nameRequired && name === "") errors.push(fieldError.required(`${path}.name`));
  else if (name !== "") errors.push(...isDNS1123Label(name).map((m) => fieldError.invalid(`${path}.name`, name, m)));
  errors.push(...isValidPortNum(number).map((m) => fieldError.invalid(`${path}.port`, number, m)));
  errors.push(...validateProtocol(protocol, `${path}.protocol`));
  if (appProtocol !== undefined) {
    errors.push(...isQualifiedName(appProtocol).map((m) => fieldError.invalid(`${path}.appProtocol`, appProtocol, m)));
  }
  return errors;
}

/** The first three, and how many more there are. */
function endpointsText({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return "<none>";
  const all = subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(({ ip }) => ip);
    return ports.flatMap(({ port }) =>
      addresses.map(({ ip }) => ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`)
    );
  });
  const text = all.slice(0, shownMax).join(",");
  return all.length > shownMax ? `${text} + ${all.length - shownMax} more...` : text;
}

export const endpoints: Resource<Endpoints> = defineResource<Endpoints>(kind, {
  definition: "io.k8s.api.core.v1.Endpoints",
  shortNames: ["ep"],
  createOnUpdate: true,
  defaults: defaultEndpoints,
  prepareCreate: prepare,
  prepareUpdate: prepare,
  validate,
  warnings: () => [deprecation],
  columns: [nameColumn, { name: "Endpoints", type: "string", value: endpointsText }, ageColumn],
}, isDNS1123Subdomain);
