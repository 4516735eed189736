/** Node: a host of the cluster (pkg/registry/core/node, ValidateNode). */
import { type FieldError, fieldError, statusError } from "../../../lib/status.ts";
import type { Node } from "../../../lib/types/core_v1.ts";
import { Node as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { validateCIDR } from "../meta/ip_address.ts";
import { omitEmpty } from "../meta/omit_empty.ts";
import { proxyPath, splitProxyName } from "../meta/proxy_name.ts";
import { roundResources, validateQuantity } from "../meta/resource_list.ts";
import { validateNodeAnnotations } from "./node/annotations.ts";
import { nodeColumns } from "./node/columns.ts";
import { validateConfigSource, validateConfigStatus } from "./node/config_source.ts";
import { validateTaints } from "./node/taints.ts";

function defaultNode(node: Node): void {
  node.spec ??= {};
  node.status ??= {};
  const { spec, status } = node;
  omitEmpty(spec, "podCIDR", "providerID", "externalID", "unschedulable");
  // The singular is the first of the plural; who changes only the singular means both.
  const { podCIDR, podCIDRs = [] } = spec;
  if (podCIDR !== undefined && podCIDR !== podCIDRs[0]) spec.podCIDRs = [podCIDR];
  if (spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0];
  roundResources(status.capacity);
  if (status.allocatable === undefined && status.capacity !== undefined) status.allocatable = { ...status.capacity };
  roundResources(status.allocatable);
}

function validate(node: Node): FieldError[] {
  return [
    ...validateNodeAnnotations(node.metadata.annotations),
    ...validateTaints(node.spec.taints, "metadata.taints"),
    ...validateResources(node),
  ];
}

function validateResources({ status }: Node): FieldError[] {
  return (["capacity", "allocatable"] as const).flatMap((list) =>
    Object.entries(status[list] ?? {}).flatMap(([name, quantity]) =>
      validateQuantity(name, quantity, `status.${list}.${name}`)
    )
  );
}

function validatePodCIDRs({ spec: { podCIDRs = [] } }: Node): FieldError[] {
  const path = "spec.podCIDRs";
  const errors = podCIDRs.flatMap((cidr, i) => validateCIDR(cidr, `${path}[${i}]`));
  if (podCIDRs.length < 2) return errors;
  const families = new Set(podCIDRs.map((cidr) => cidr.includes(":")));
  if (families.size < 2 || podCIDRs.length > 2) {
    errors.push(fieldError.invalid(path, podCIDRs, "may specify no more than one CIDR for each IP family"));
  }
  podCIDRs.forEach((cidr, i) => {
    if (podCIDRs.indexOf(cidr) < i) errors.push(fieldError.duplicate(`${path}[${i}]`, cidr));
  });
  return errors;
}

/** Of the spec and of the status alike: Kubernetes has one rule for both. */
function validateUpdate(node: Node, old: Node): FieldError[] {
  return [
    ...validateAddresses(node),
    ...unchangedPodCIDRs(node, old),
    ...unchangedOnceSet(node, old),
    ...validateConfigSource(node.spec.configSource, "spec.configSource", "spec"),
    ...validateConfigStatus(node.status.config),
  ];
}

function validateAddresses({ status }: Node): FieldError[] {
  const seen = new Set<string>();
  return (status.addresses ?? []).flatMap(({ type, address }, i) => {
    const key = `${type} ${address}`;
    if (seen.has(key)) return [fieldError.duplicate(`status.addresses[${i}]`, { Type: type, Address: address })];
    seen.add(key);
    return [];
  });
}

function unchangedPodCIDRs({ spec: { podCIDRs = [] } }: Node, { spec: { podCIDRs: old = [] } }: Node): FieldError[] {
  if (old.length === 0) return [];
  const error = fieldError.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid');
  if (old.length !== podCIDRs.length) return [error];
  return old.filter((cidr, i) => cidr !== podCIDRs[i]).map(() => error);
}

function unchangedOnceSet({ spec }: Node, { spec: old }: Node): FieldError[] {
  const errors: FieldError[] = [];
  if (old.providerID && old.providerID !== spec.providerID) {
    const detail = 'node updates may not change providerID except from "" to valid';
    errors.push(fieldError.forbidden("spec.providerID", detail));
  }
  if ((spec.externalID ?? "") !== (old.externalID ?? "")) {
    errors.push(fieldError.forbidden("spec.externalID", "may not be updated"));
  }
  return errors;
}

const deprecated = [
  ["configSource", "spec.configSource: the feature is no longer available"],
  ["externalID", "spec.externalID: this field is deprecated, and is unused by Kubernetes"],
] as const;

export const node: Resource<Node> = defineResource<Node>(kind, {
  definition: "io.k8s.api.core.v1.Node",
  shortNames: ["no"],
  status: true,
  createsWithStatus: true,
  generation: false,
  defaults: defaultNode,
  validate,
  validateCreate: validatePodCIDRs,
  validateUpdate,
  validateStatus: (object, old) => [...validate(object), ...validateUpdate(object, old)],
  warnings: ({ spec }) => deprecated.filter(([name]) => spec[name] !== undefined).map(([, warning]) => warning),
  subresources: {
    proxy: {
      do: "connect",
      verbs: ["create", "delete", "get", "patch", "update"],
      kind: { group: "", version: "v1", kind: "NodeProxyOptions" },
      nameIn: (id) => splitProxyName(id, "node").name,
      locate({ metadata, status }, query, path, id) {
        const { port } = splitProxyName(id, "node");
        const own = status.daemonEndpoints?.kubeletEndpoint?.Port;
        // Only the kubelet's own port: a node has others that nobody meant to offer.
        if (port !== "" && Number(port) !== own) {
          throw statusError("BadRequest", `node ${metadata.name}: only the kubelet's port can be reached, ${own}`);
        }
        return { to: "node", node: metadata.name, path: proxyPath(path, query) };
      },
    },
  },
  columns: nodeColumns,
  fields: { "spec.unschedulable": ({ spec }) => String(spec?.unschedulable ?? false) },
}, isDNS1123Subdomain);
