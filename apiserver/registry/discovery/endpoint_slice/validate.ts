/** What is demanded of an EndpointSlice (pkg/apis/discovery/validation). */
import { validateLabels } from "../../../../lib/selector/labels.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from "../../../../lib/types/discovery_v1.ts";
import {
  isDNS1123Label,
  isDNS1123Subdomain,
  isFullyQualifiedDomainName,
  isIPv4,
  isIPv6,
  isQualifiedName,
  isValidLabelValue,
  isValidPortNum,
} from "../../../../lib/validation.ts";
import { immutable } from "../../meta/immutable.ts";
import { validateNonSpecialIP } from "../../meta/ip_address.ts";
import { validateProtocol } from "../../meta/protocol.ts";

const addressTypes = ["FQDN", "IPv4", "IPv6"];
const endpointsMax = 1000;
const addressesMax = 100;
/** Kubernetes' own limit; 100 in its early days. */
const portsMax = 20000;
const hintsMax = 8;
const topologyLabelsMax = 16;

export function validateEndpointSlice({ addressType = "", endpoints = [], ports = [] }: EndpointSlice): FieldError[] {
  return [
    ...validateAddressType(addressType),
    ...validateEndpoints(endpoints, addressType),
    ...validatePorts(ports),
  ];
}

export function validateEndpointSliceUpdate(slice: EndpointSlice, old: EndpointSlice): FieldError[] {
  return immutable(slice.addressType, old.addressType, "addressType");
}

function validateAddressType(addressType: string): FieldError[] {
  if (addressType === "") return [fieldError.required("addressType")];
  return addressTypes.includes(addressType) ? [] : [fieldError.notSupported("addressType", addressType, addressTypes)];
}

function validateEndpoints(endpoints: readonly Endpoint[], addressType: string): FieldError[] {
  if (endpoints.length > endpointsMax) return [fieldError.tooMany("endpoints", endpoints.length, endpointsMax)];
  return endpoints.flatMap((endpoint, i) => {
    const path = `endpoints[${i}]`;
    return [
      ...validateAddresses(endpoint.addresses ?? [], `${path}.addresses`, addressType),
      ...validatePlace(endpoint, path),
    ];
  });
}

function validateAddresses(addresses: readonly string[], path: string, addressType: string): FieldError[] {
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(fieldError.required(path, "must contain at least 1 address"));
  if (addresses.length > addressesMax) errors.push(fieldError.tooMany(path, addresses.length, addressesMax));
  addresses.forEach((address, i) => errors.push(...validateAddress(address, `${path}[${i}]`, addressType)));
  return errors;
}

function validateAddress(address: string, path: string, addressType: string): FieldError[] {
  switch (addressType) {
    case "IPv4":
    case "IPv6": {
      const good = addressType === "IPv4" ? isIPv4(address) : isIPv6(address);
      const errors = good ? [] : [fieldError.invalid(path, address, `must be a valid ${addressType} address`)];
      return [...errors, ...validateNonSpecialIP(address, path)];
    }
    case "FQDN":
      if (address === "") return [fieldError.required(path)];
      return isFullyQualifiedDomainName(address).map((message) => fieldError.invalid(path, address, message));
    default:
      return [];
  }
}

function validatePlace({ nodeName, deprecatedTopology, hostname, hints }: Endpoint, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (nodeName !== undefined) {
    errors.push(...isDNS1123Subdomain(nodeName).map((m) => fieldError.invalid(`${path}.nodeName`, nodeName, m)));
  }
  const labels = Object.keys(deprecatedTopology ?? {}).length;
  if (labels > topologyLabelsMax) {
    errors.push(fieldError.tooMany(`${path}.deprecatedTopology`, labels, topologyLabelsMax));
  }
  errors.push(...validateLabels(deprecatedTopology, `${path}.deprecatedTopology`));
  if (hostname !== undefined) {
    errors.push(...isDNS1123Label(hostname).map((m) => fieldError.invalid(`${path}.hostname`, hostname, m)));
  }
  return hints === undefined ? errors : [...errors, ...validateHints(hints, `${path}.hints`)];
}

function validateHints({ forZones = [], forNodes = [] }: EndpointHints, path: string): FieldError[] {
  const lists = [["forZones", forZones, isValidLabelValue], ["forNodes", forNodes, isDNS1123Subdomain]] as const;
  return lists.flatMap(([name, hints, rule]) => {
    const at = `${path}.${name}`;
    if (hints.length > hintsMax) return [fieldError.tooMany(at, hints.length, hintsMax)];
    const seen = new Set<string>();
    return hints.flatMap(({ name: value = "" }, i) => {
      const field = `${at}[${i}].name`;
      const errors = seen.has(value) ? [fieldError.duplicate(field, value)] : [];
      seen.add(value);
      return [...errors, ...rule(value).map((message) => fieldError.invalid(field, value, message))];
    });
  });
}

function validatePorts(ports: readonly EndpointPort[]): FieldError[] {
  if (ports.length > portsMax) return [fieldError.tooMany("ports", ports.length, portsMax)];
  const names = new Set<string>();
  return ports.flatMap(({ name = "", port, protocol, appProtocol }, i) => {
    const path = `ports[${i}]`;
    const errors: FieldError[] = [];
    if (name !== "") errors.push(...isDNS1123Label(name).map((m) => fieldError.invalid(`${path}.name`, name, m)));
    if (names.has(name)) errors.push(fieldError.duplicate(`${path}.name`, name));
    names.add(name);
    if (port !== undefined) {
      errors.push(...isValidPortNum(port).map((m) => fieldError.invalid(`${path}.port`, port, m)));
    }
    errors.push(...validateProtocol(protocol, `${path}.protocol`));
    if (appProtocol === undefined) return errors;
    const wrong = isQualifiedName(appProtocol);
    return [...errors, ...wrong.map((m) => fieldError.invalid(`${path}.appProtocol`, appProtocol, m))];
  });
}
