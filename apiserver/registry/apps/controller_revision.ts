/** ControllerRevisions (pkg/registry/apps/controllerrevision): what a StatefulSet or a DaemonSet was before. */
import { isObject } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { ControllerRevision } from "../../../lib/types/kinds.ts";
import type { ControllerRevision as Revision } from "../../../lib/types/apps_v1.ts";
import type { OwnerReference } from "../../../lib/types/meta_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { immutable } from "../meta/immutable.ts";
import { nonNegative } from "../meta/non_negative.ts";

export const controllerRevision = defineResource<Revision>(ControllerRevision, {
  definition: "io.k8s.api.apps.v1.ControllerRevision",
  defaults(object) {
    object.revision ??= 0;
  },
  validate: (object) => [...nonNegative(object.revision, "revision"), ...dataErrors(object.data)],
  validateUpdate: (object, old) => immutable(object.data, old.data, "data"),
  columns: [
    nameColumn,
    {
      name: "Controller",
      type: "string",
      value: ({ metadata }) => ownerText(metadata.ownerReferences?.find((owner) => owner.controller)),
    },
    { name: "Revision", type: "integer", value: ({ revision }) => revision },
    ageColumn,
  ],
}, isDNS1123Subdomain);

function dataErrors(data: unknown): FieldError[] {
  if (data === undefined || data === null) return [fieldError.required("data", "data is mandatory")];
  return isObject(data) ? [] : [fieldError.required("data", "data must be a valid JSON object")];
}

/** `statefulset.apps/web` */
function ownerText(owner: OwnerReference | undefined): string {
  if (owner === undefined) return "<none>";
  const slash = owner.apiVersion.indexOf("/");
  const group = slash < 0 ? "" : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}
