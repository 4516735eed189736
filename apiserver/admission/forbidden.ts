/** How a plugin says no: 403 in Kubernetes' words (k8s.io/apiserver/pkg/admission, NewForbidden). */
import { type Details, qualified, type StatusError, statusError } from "../../lib/status.ts";
import type { Attributes } from "./plugin.ts";

export function forbidden(attributes: Attributes, why: string, details: Details = {}): StatusError {
  const { resource, object, name } = attributes;
  const shown = name || object?.metadata.generateName || "Unknown";
  return statusError("Forbidden", `${qualified(resource)} ${JSON.stringify(shown)} is forbidden: ${why}`, {
    name: shown,
    group: resource.group || undefined,
    kind: resource.plural,
    ...details,
  });
}

/** The pod that is written whole, if it is one. */
export function isPod({ resource, subresource }: Attributes): boolean {
  return resource.group === "" && resource.plural === "pods" && subresource === undefined;
}

/** A pod that is to have other resources in its place. */
export function isPodResize({ resource, subresource, operation }: Attributes): boolean {
  return resource.group === "" && resource.plural === "pods" && subresource === "resize" && operation === "UPDATE";
}
