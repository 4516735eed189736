/** ConfigMap: texts and bytes under keys (pkg/apis/core/validation). */
import { objectDataBytesMax } from "../../../lib/limits.ts";
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { ConfigMap } from "../../../lib/types/core_v1.ts";
import { ConfigMap as kind } from "../../../lib/types/kinds.ts";
import { isConfigMapKey, isDNS1123Subdomain, utf8Length } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { base64Length } from "../meta/base64_length.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";

export const immutableDetail = "field is immutable when `immutable` is set";

function validate({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    for (const message of isConfigMapKey(key)) errors.push(fieldError.invalid(`data[${key}]`, key, message));
    if (Object.hasOwn(binaryData, key)) {
      errors.push(fieldError.invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
    }
    bytes += utf8Length(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    for (const message of isConfigMapKey(key)) errors.push(fieldError.invalid(`binaryData[${key}]`, key, message));
    bytes += base64Length(value);
  }
  // The path that Kubernetes gives when it means the whole object.
  if (bytes > objectDataBytesMax) errors.push(fieldError.tooLong("[]", objectDataBytesMax));
  return errors;
}

function validateUpdate(object: ConfigMap, old: ConfigMap): FieldError[] {
  if (!old.immutable) return [];
  const errors: FieldError[] = [];
  if (!object.immutable) errors.push(fieldError.forbidden("immutable", immutableDetail));
  for (const name of ["data", "binaryData"] as const) {
    if (!deepEqual(object[name], old[name])) errors.push(fieldError.forbidden(name, immutableDetail));
  }
  return errors;
}

export const configMap: Resource<ConfigMap> = defineResource<ConfigMap>(kind, {
  definition: "io.k8s.api.core.v1.ConfigMap",
  shortNames: ["cm"],
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    {
      name: "Data",
      type: "string",
      value: ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length,
    },
    ageColumn,
  ],
}, isDNS1123Subdomain);
