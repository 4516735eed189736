/** RuntimeClass: a way of running containers that a node's engine knows by its handler. What it adds to pods is admission's. */
import { validateLabels } from "../../../lib/selector/mod.ts";
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { Toleration } from "../../../lib/types/core_v1.ts";
import { RuntimeClass as kind } from "../../../lib/types/kinds.ts";
import type { RuntimeClass } from "../../../lib/types/node_v1.ts";
import { isDNS1123Label, isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { validateRequirements } from "../core/pod_spec/resources.ts";
import { validateTolerations } from "../core/pod_spec/tolerations.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { deprecatedNodeLabel } from "../meta/deprecated_node_label.ts";
import { immutable } from "../meta/immutable.ts";
import { invalids } from "../meta/messages.ts";
import { roundResources } from "../meta/resource_list.ts";

const tolerationsPath = "scheduling.tolerations";

function validate({ handler = "", overhead, scheduling }: RuntimeClass): FieldError[] {
  return [
    ...invalids("handler", handler, isDNS1123Label(handler)),
    // Overhead is looked at as limits of a container are, and its errors say so.
    ...validateRequirements({ limits: overhead?.podFixed }, { claims: new Set() }, "overhead"),
    ...validateLabels(scheduling?.nodeSelector, "scheduling.nodeSelector"),
    ...validateTolerations(scheduling?.tolerations, tolerationsPath),
    ...duplicates(scheduling?.tolerations ?? []),
  ];
}

function duplicates(tolerations: readonly Toleration[]): FieldError[] {
  return tolerations.flatMap((toleration, i) => {
    const repeated = tolerations.slice(0, i).some((other) => deepEqual(other, toleration));
    return repeated ? [fieldError.duplicate(`${tolerationsPath}[${i}]`, toleration)] : [];
  });
}

function warnings({ scheduling }: RuntimeClass): string[] {
  return Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
    const message = deprecatedNodeLabel(key);
    return message === undefined ? [] : [`scheduling.nodeSelector: ${message}`];
  });
}

export const runtimeClass: Resource<RuntimeClass> = defineResource<RuntimeClass>(kind, {
  definition: "io.k8s.api.node.v1.RuntimeClass",
  createOnUpdate: true,
  unconditionalUpdate: false,
  defaults: ({ overhead }) => roundResources(overhead?.podFixed),
  validate,
  validateUpdate: ({ handler }, old) => immutable(handler, old.handler, "handler"),
  warnings,
  columns: [nameColumn, { name: "Handler", type: "string", value: ({ handler }) => handler }, ageColumn],
}, isDNS1123Subdomain);
