/** StorageClass: how volumes are made. Which class is the default is admission's business. */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { StorageClass as kind } from "../../../lib/types/kinds.ts";
import type { StorageClass } from "../../../lib/types/storage_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { deprecatedNodeLabel } from "../meta/deprecated_node_label.ts";
import { immutable } from "../meta/immutable.ts";
import { validateParameters, validateProvisioner } from "./parameters.ts";
import { validateTopologies } from "./topology.ts";

const defaultAnnotations = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];
const reclaimPolicies = ["Delete", "Retain"];
const bindingModes = ["Immediate", "WaitForFirstConsumer"];

function validate(object: StorageClass): FieldError[] {
  const { reclaimPolicy, volumeBindingMode } = object;
  const errors = [
    ...validateProvisioner(object.provisioner, "provisioner"),
    ...validateParameters(object.parameters, "parameters"),
  ];
  if (reclaimPolicy && !reclaimPolicies.includes(reclaimPolicy)) {
    errors.push(fieldError.notSupported("reclaimPolicy", reclaimPolicy, reclaimPolicies));
  }
  if (volumeBindingMode === undefined) errors.push(fieldError.required("volumeBindingMode"));
  else if (!bindingModes.includes(volumeBindingMode)) {
    errors.push(fieldError.notSupported("volumeBindingMode", volumeBindingMode, bindingModes));
  }
  return [...errors, ...validateTopologies(object.allowedTopologies, "allowedTopologies")];
}

/** Volumes don't remember what their class said when they were made. */
function validateUpdate(object: StorageClass, old: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["parameters", "provisioner", "reclaimPolicy"] as const) {
    if (deepEqual(object[name], old[name])) continue;
    errors.push(fieldError.forbidden(name, `updates to ${name} are forbidden.`));
  }
  return [...errors, ...immutable(object.volumeBindingMode, old.volumeBindingMode, "volumeBindingMode")];
}

function warnings({ allowedTopologies = [] }: StorageClass): string[] {
  return allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
    matchLabelExpressions.flatMap(({ key }, j) => {
      const message = deprecatedNodeLabel(key);
      return message === undefined ? [] : [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${message}`];
    })
  );
}

/** `standard (default)` for the class that claims without one get. */
function nameOf({ metadata: { name, annotations } }: StorageClass): string {
  return defaultAnnotations.some((key) => annotations?.[key] === "true") ? `${name} (default)` : name;
}

export const storageClass: Resource<StorageClass> = defineResource<StorageClass>(kind, {
  definition: "io.k8s.api.storage.v1.StorageClass",
  shortNames: ["sc"],
  returnsDeleted: true,
  defaults(object) {
    object.reclaimPolicy ??= "Delete";
    object.volumeBindingMode ??= "Immediate";
  },
  validate,
  validateUpdate,
  warnings,
  columns: [
    { ...nameColumn, value: nameOf },
    { name: "Provisioner", type: "string", value: ({ provisioner }) => provisioner },
    { name: "ReclaimPolicy", type: "string", value: ({ reclaimPolicy = "Delete" }) => reclaimPolicy },
    { name: "VolumeBindingMode", type: "string", value: ({ volumeBindingMode = "Immediate" }) => volumeBindingMode },
    { name: "AllowVolumeExpansion", type: "string", value: ({ allowVolumeExpansion = false }) => allowVolumeExpansion },
    ageColumn,
  ],
}, isDNS1123Subdomain);
