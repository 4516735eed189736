/** NetworkPolicy: which pods may speak with whom. Enforcing it will be the proxy's: until it does, who writes one is warned. */
import { validateLabelSelector } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { NetworkPolicy as kind } from "../../../lib/types/kinds.ts";
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../../../lib/types/networking_v1.ts";
import { isDNS1123Subdomain, isValidPortName, isValidPortNum } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { formatLabelSelector } from "../meta/format.ts";
import { validateCIDR } from "../meta/ip_address.ts";
import { invalids } from "../meta/messages.ts";
import { contains, masked, parseCidr } from "./ip_network.ts";

const protocols = ["TCP", "UDP", "SCTP"];
const policyTypes = ["Ingress", "Egress"];

function defaults(object: NetworkPolicy): void {
  const spec = object.spec ??= {};
  // Always there: an empty one selects every pod of the namespace.
  spec.podSelector ??= {};
  const rules = [...spec.ingress ?? [], ...spec.egress ?? []];
  for (const port of rules.flatMap(({ ports }) => ports ?? [])) port.protocol ??= "TCP";
  if ((spec.policyTypes ?? []).length > 0) return;
  spec.policyTypes = (spec.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
}

function validate({ spec }: NetworkPolicy): FieldError[] {
  const errors = validateLabelSelector(spec.podSelector, "spec.podSelector");
  const rules = [
    ...(spec.ingress ?? []).map(({ ports, from }, i) => ({
      at: `spec.ingress[${i}]`,
      ports,
      peers: from,
      word: "from",
    })),
    ...(spec.egress ?? []).map(({ ports, to }, i) => ({ at: `spec.egress[${i}]`, ports, peers: to, word: "to" })),
  ];
  for (const { at, ports = [], peers = [], word } of rules) {
    ports.forEach((port, i) => errors.push(...validatePort(port, `${at}.ports[${i}]`)));
    peers.forEach((peer, i) => errors.push(...validatePeer(peer, `${at}.${word}[${i}]`)));
  }
  const types: readonly string[] = spec.policyTypes ?? [];
  if (types.length > policyTypes.length) {
    const detail = "may not specify more than two policyTypes";
    return [...errors, fieldError.invalid("spec.policyTypes", types, detail)];
  }
  types.forEach((type, i) => {
    if (!policyTypes.includes(type)) {
      errors.push(fieldError.notSupported(`spec.policyTypes[${i}]`, type, policyTypes));
    }
  });
  return errors;
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (protocol !== undefined && !protocols.includes(protocol)) {
    errors.push(fieldError.notSupported(`${path}.protocol`, protocol, protocols));
  }
  const wrongEnd = (detail: string) => errors.push(fieldError.invalid(`${path}.endPort`, endPort, detail));
  if (port === undefined) {
    if (endPort !== undefined) wrongEnd("may not be specified when `port` is not specified");
  } else if (typeof port === "string") {
    if (endPort !== undefined) wrongEnd("may not be specified when `port` is non-numeric");
    errors.push(...invalids(`${path}.port`, port, isValidPortName(port)));
  } else {
    errors.push(...invalids(`${path}.port`, port, isValidPortNum(port)));
    if (endPort === undefined) return errors;
    if (endPort < port) wrongEnd("must be greater than or equal to `port`");
    errors.push(...invalids(`${path}.endPort`, endPort, isValidPortNum(endPort)));
  }
  return errors;
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: string): FieldError[] {
  const errors = [
    ...validateLabelSelector(podSelector, `${path}.podSelector`),
    ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`),
  ];
  if (ipBlock !== undefined) errors.push(...validateBlock(ipBlock, `${path}.ipBlock`));
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (!selects && ipBlock === undefined) errors.push(fieldError.required(path, "must specify a peer"));
  else if (selects && ipBlock !== undefined) {
    errors.push(fieldError.forbidden(path, "may not specify both ipBlock and another peer"));
  }
  return errors;
}

function validateBlock({ cidr = "", except = [] }: IPBlock, path: string): FieldError[] {
  if (cidr === "") return [fieldError.required(`${path}.cidr`)];
  const errors = validateCIDR(cidr, `${path}.cidr`);
  const network = parseCidr(cidr);
  if (network === undefined) return errors;
  except.forEach((text, i) => {
    const at = `${path}.except[${i}]`;
    errors.push(...validateCIDR(text, at));
    const hole = parseCidr(text);
    if (hole === undefined) return;
    if (!contains(network, masked(hole)) || network.prefix >= hole.prefix) {
      errors.push(fieldError.invalid(at, text, "must be a strict subset of `cidr`"));
    }
  });
  return errors;
}

export const networkPolicy: Resource<NetworkPolicy> = defineResource<NetworkPolicy>(kind, {
  definition: "io.k8s.api.networking.v1.NetworkPolicy",
  shortNames: ["netpol"],
  generation: true,
  defaults,
  validate,
  warnings: () => ["NetworkPolicies are stored and not enforced yet"],
  columns: [
    nameColumn,
    { name: "Pod-Selector", type: "string", value: ({ spec }) => formatLabelSelector(spec.podSelector ?? {}) },
    ageColumn,
  ],
}, isDNS1123Subdomain);
