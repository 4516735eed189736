/** IngressClass: which controller serves an Ingress. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { IngressClass as kind } from "../../../lib/types/kinds.ts";
import type { IngressClass, IngressClassParametersReference } from "../../../lib/types/networking_v1.ts";
import { isDNS1123Label, isDNS1123Subdomain, isDomainPrefixedPath, utf8Length } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { immutable } from "../meta/immutable.ts";
import { invalids } from "../meta/messages.ts";
import { validateTypedReference } from "./object_reference.ts";

const controllerBytesMax = 250;
const scopes = ["Cluster", "Namespace"];

function validate({ spec }: IngressClass): FieldError[] {
  const errors = validateController(spec.controller ?? "", "spec.controller");
  if (spec.parameters === undefined) return errors;
  return [...errors, ...validateParameters(spec.parameters, "spec.parameters")];
}

function validateController(controller: string, path: string): FieldError[] {
  if (controller === "") return [fieldError.required(path)];
  const errors: FieldError[] = [];
  if (utf8Length(controller) > controllerBytesMax) errors.push(fieldError.tooLong(path, controllerBytesMax));
  const slash = controller.indexOf("/");
  for (const message of isDomainPrefixedPath(controller)) {
    // Each half is shown where it is the wrong one.
    const half = message.startsWith("Invalid path") ? controller.slice(slash + 1) : controller.slice(0, slash);
    const value = message.startsWith("must be a domain-prefixed path") ? controller : half;
    errors.push(fieldError.invalid(path, value, message));
  }
  return errors;
}

function validateParameters(parameters: IngressClassParametersReference, path: string): FieldError[] {
  const errors = validateTypedReference(parameters, path);
  const { scope, namespace } = parameters;
  if (scope === undefined) return [...errors, fieldError.required(`${path}.scope`)];
  if (!scopes.includes(scope)) return [...errors, fieldError.notSupported(`${path}.scope`, scope, scopes)];
  if (scope === "Cluster") {
    if (namespace === undefined) return errors;
    return [...errors, fieldError.forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'")];
  }
  if (namespace === undefined) {
    return [...errors, fieldError.required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'")];
  }
  return [...errors, ...invalids(`${path}.namespace`, namespace, isDNS1123Label(namespace))];
}

function formatParameters({ spec: { parameters } }: IngressClass): string {
  if (parameters === undefined) return "<none>";
  const group = parameters.apiGroup === undefined ? "" : `.${parameters.apiGroup}`;
  return `${parameters.kind}${group}/${parameters.name}`;
}

export const ingressClass: Resource<IngressClass> = defineResource<IngressClass>(kind, {
  definition: "io.k8s.api.networking.v1.IngressClass",
  generation: true,
  defaults(object) {
    const { parameters } = object.spec ??= {};
    if (parameters !== undefined) parameters.scope ??= "Cluster";
  },
  validate,
  validateUpdate: ({ spec }, old) => immutable(spec.controller, old.spec.controller, "spec.controller"),
  columns: [
    nameColumn,
    { name: "Controller", type: "string", value: ({ spec }) => spec.controller ?? "" },
    { name: "Parameters", type: "string", value: formatParameters },
    ageColumn,
  ],
}, isDNS1123Subdomain);
