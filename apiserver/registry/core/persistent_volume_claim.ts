/** PersistentVolumeClaim: a namespace's wish for storage (pkg/registry/core/persistentvolumeclaim). */
import { clone, deepEqual } from "../../../lib/patch/equal.ts";
import { compareQuantities } from "../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "../../../lib/types/core_v1.ts";
import { PersistentVolumeClaim as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain, isQualifiedName } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { diffText } from "../meta/diff.ts";
import { immutable } from "../meta/immutable.ts";
import { invalids } from "../meta/messages.ts";
import { nonNegativeQuantity, type ResourceList, roundResources, validateQuantity } from "../meta/resource_list.ts";
import { isNativeResource } from "../meta/resource_name.ts";
import { agreeOnDataSources, defaultClaimSpec, validateClaimSpec } from "./claim_spec.ts";
import { accessModesText, classAnnotation, classOf } from "./persistent_volume/access_modes.ts";

const storagePath = "spec.resources.requests.storage";
const attributes = "volumeAttributesClassName";
const resizeStatuses = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
  "NodeResizePending",
];

function defaultClaim(claim: PersistentVolumeClaim): void {
  claim.spec ??= {};
  claim.status ??= {};
  claim.status.phase ||= "Pending";
  defaultClaimSpec(claim.spec);
  roundResources(claim.status.capacity);
  roundResources(claim.status.allocatedResources);
}

/** A source in another namespace needs a feature that Kubernetes has off; it is dropped there, too. */
function prepareSpec(spec: PersistentVolumeClaimSpec, old?: PersistentVolumeClaimSpec): void {
  if (spec.dataSourceRef?.namespace && !old?.dataSourceRef?.namespace) delete spec.dataSourceRef;
  agreeOnDataSources(spec);
}

/** Nothing but the size and the attributes of a bound claim may change, once it has a volume. */
function validateUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const [spec, oldSpec] = [clone(claim.spec), clone(old.spec)];
  const errors: FieldError[] = [];
  if (!oldSpec.volumeName && spec.volumeName) oldSpec.volumeName = spec.volumeName;
  errors.push(...validateClass(claim, old, spec));
  if (claim.status.phase === "Bound") {
    if (spec.resources?.requests !== undefined) keep(spec.resources.requests, oldSpec.resources?.requests, "storage");
    if (spec[attributes] !== undefined) keep(spec, oldSpec, attributes);
  }
  if (!deepEqual(spec, oldSpec)) {
    const detail =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound " +
      `claims\n${diffText(oldSpec, spec, "spec")}`;
    errors.push(fieldError.forbidden("spec", detail));
  }
  errors.push(...validateSize(claim, old));
  errors.push(...immutable(claim.spec.volumeMode, old.spec.volumeMode, "volumeMode"));
  return [...errors, ...validateAttributesClass(claim.spec, old.spec)];
}

function keep<T extends object>(to: T, from: T | undefined, name: keyof T): void {
  if (from?.[name] === undefined) delete to[name];
  else to[name] = from[name];
}

/** The class may be said once; that of the annotation may become that of the field. Changes `spec` to what it then counts as. */
function validateClass(
  claim: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  spec: PersistentVolumeClaimSpec,
): FieldError[] {
  const [annotation, before] = [claim, old].map(({ metadata }) => metadata.annotations?.[classAnnotation]);
  const isFirst = old.spec.storageClassName === undefined && spec.storageClassName !== undefined;
  const isFromAnnotation = isFirst && before !== undefined && spec.storageClassName === before;
  if (isFromAnnotation && (annotation === undefined || annotation === before)) {
    delete spec.storageClassName;
    return [];
  }
  if (isFirst && (before === undefined || spec.storageClassName === before)) delete spec.storageClassName;
  if ((annotation ?? "") === (before ?? "")) return [];
  return [fieldError.invalid(`metadata.annotations.${classAnnotation}`, annotation ?? "", "field is immutable")];
}

/** Storage does not shrink; what was asked for in vain may be taken back, down to more than there is. */
function validateSize({ spec }: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const [size, oldSize] = [spec, old.spec].map(({ resources }) => resources?.requests?.storage ?? "0");
  if (compareQuantities(size!, oldSize!) >= 0) return [];
  if (compareQuantities(size!, old.status?.capacity?.storage ?? "0") > 0) return [];
  return [fieldError.forbidden(storagePath, "field can not be less than status.capacity")];
}

function validateAttributesClass(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec): FieldError[] {
  const [name, before] = [spec[attributes], old[attributes]];
  if (name === before || before === undefined || name) return [];
  const what = name === undefined ? "nil" : "an empty string";
  return [fieldError.forbidden(`spec.${attributes}`, `update from non-nil value to ${what} is forbidden`)];
}

function validateStatus({ spec, status }: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  if ((spec.accessModes ?? []).length === 0) errors.push(fieldError.required("Spec.accessModes"));
  errors.push(...validateAmounts(status.capacity, "status.capacity"));
  const statusesPath = "status.allocatedResourceStatus";
  for (const [name, value] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    errors.push(...validateStorageName(name, statusesPath));
    if (!resizeStatuses.includes(value)) errors.push(fieldError.notSupported(statusesPath, name, resizeStatuses));
  }
  const path = "status.allocatedResources";
  for (const [name, quantity] of Object.entries(status.allocatedResources ?? {})) {
    const wrong = validateStorageName(name, path);
    errors.push(...wrong);
    if (wrong.length > 0) continue;
    const negative = validateAmounts({ [name]: quantity }, path);
    errors.push(...(negative.length > 0 ? negative : validateQuantity("storage", quantity, `${path}[${name}]`)));
  }
  return errors;
}

function validateAmounts(amounts: ResourceList | undefined, path: string): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, quantity]) => {
    const at = `${path}[${name}]`;
    return nonNegativeQuantity(quantity, at).map(() =>
      fieldError.invalid(at, quantity, "must be a valid resource quantity")
    );
  });
}

/** Of Kubernetes' own resources only storage is one of claims. */
function validateStorageName(name: string, path: string): FieldError[] {
  const errors = invalids(path, name, isQualifiedName(name));
  if (errors.length > 0 || !isNativeResource(name) || name === "storage") return errors;
  return [fieldError.notSupported(path, name, ["storage"])];
}

export const persistentVolumeClaim: Resource<PersistentVolumeClaim> = defineResource<PersistentVolumeClaim>(kind, {
  definition: "io.k8s.api.core.v1.PersistentVolumeClaim",
  shortNames: ["pvc"],
  status: true,
  generation: false,
  returnsDeleted: true,
  defaults: defaultClaim,
  prepareCreate(object) {
    object.status = { phase: "Pending" };
    prepareSpec(object.spec);
  },
  prepareUpdate: (object, old) => prepareSpec(object.spec, old.spec),
  validate: ({ spec }) => validateClaimSpec(spec, "spec"),
  validateUpdate,
  validateStatus,
  columns: [
    nameColumn,
    {
      name: "Status",
      type: "string",
      value: ({ metadata, status }) => metadata.deletionTimestamp === undefined ? status?.phase ?? "" : "Terminating",
    },
    { name: "Volume", type: "string", value: ({ spec }) => spec.volumeName ?? "" },
    {
      name: "Capacity",
      type: "string",
      value: ({ spec, status }) => spec.volumeName ? status?.capacity?.storage ?? "0" : "",
    },
    {
      name: "Access Modes",
      type: "string",
      value: ({ spec, status }) => spec.volumeName ? accessModesText(status?.accessModes) : "",
    },
    { name: "StorageClass", type: "string", value: classOf },
    { name: "VolumeAttributesClass", type: "string", value: ({ spec }) => spec.volumeAttributesClassName ?? "<unset>" },
    ageColumn,
    { name: "VolumeMode", type: "string", priority: 1, value: ({ spec }) => spec.volumeMode ?? "<unset>" },
  ],
}, isDNS1123Subdomain);
