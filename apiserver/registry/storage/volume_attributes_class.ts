/** VolumeAttributesClass: properties of volumes that may change while they live. */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { VolumeAttributesClass as kind } from "../../../lib/types/kinds.ts";
import type { VolumeAttributesClass } from "../../../lib/types/storage_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { validateParameters, validateProvisioner } from "./parameters.ts";

const defaultAnnotation = "volumeattributesclass.alpha.kubernetes.io/is-default-class";

function validate({ driverName, parameters }: VolumeAttributesClass): FieldError[] {
  const errors = [
    ...validateProvisioner(driverName, "driverName"),
    ...validateParameters(parameters, "parameters"),
  ];
  if (Object.keys(parameters ?? {}).length > 0) return errors;
  return [...errors, fieldError.required("parameters", "must contain at least one key/value pair")];
}

function validateUpdate(object: VolumeAttributesClass, old: VolumeAttributesClass): FieldError[] {
  const changed = (["driverName", "parameters"] as const).filter((name) => !deepEqual(object[name], old[name]));
  return changed.map((name) => fieldError.forbidden(name, `updates to ${name} are forbidden.`));
}

function nameOf({ metadata: { name, annotations } }: VolumeAttributesClass): string {
  return annotations?.[defaultAnnotation] === "true" ? `${name} (default)` : name;
}

export const volumeAttributesClass: Resource<VolumeAttributesClass> = defineResource<VolumeAttributesClass>(kind, {
  definition: "io.k8s.api.storage.v1.VolumeAttributesClass",
  shortNames: ["vac"],
  returnsDeleted: true,
  validate,
  validateUpdate,
  columns: [
    { ...nameColumn, value: nameOf },
    { name: "DriverName", type: "string", value: ({ driverName }) => driverName },
    ageColumn,
  ],
}, isDNS1123Subdomain);
