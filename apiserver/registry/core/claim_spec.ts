/** What a PersistentVolumeClaim asks for, also in ephemeral volumes and StatefulSets (ValidatePersistentVolumeClaimSpec). */
import { validateLabels, validateLabelSelector } from "../../../lib/selector/labels.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type {
  PersistentVolumeClaimSpec,
  PersistentVolumeClaimTemplate,
  TypedObjectReference,
} from "../../../lib/types/core_v1.ts";
import { isDNS1123Label, isDNS1123Subdomain } from "../../../lib/validation.ts";
import { validateAnnotations } from "../meta/annotations.ts";
import { omitEmpty } from "../meta/omit_empty.ts";
import { positiveQuantity, roundResources } from "../meta/resource_list.ts";

export const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
export const volumeModes = ["Block", "Filesystem"];

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  omitEmpty(spec, "volumeName");
  spec.volumeMode ??= "Filesystem";
  spec.resources ??= {};
  roundResources(spec.resources.limits);
  roundResources(spec.resources.requests);
}

/** The two ways to name a source of data mean the same, unless the source is in another namespace. */
export function agreeOnDataSources(spec: PersistentVolumeClaimSpec): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource !== undefined && dataSourceRef === undefined) spec.dataSourceRef = { ...dataSource };
  if (dataSourceRef === undefined || dataSource !== undefined || dataSourceRef.namespace) return;
  const { namespace: _, ...local } = dataSourceRef;
  spec.dataSource = local;
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string): FieldError[] {
  const { accessModes: modes = [], selector, resources, storageClassName, volumeAttributesClassName } = spec;
  const errors: FieldError[] = [];
  if (modes.length === 0) errors.push(fieldError.required(`${path}.accessModes`, "at least 1 access mode is required"));
  errors.push(
    ...validateLabelSelector(selector, `${path}.selector`),
    ...validateAccessModes(modes, `${path}.accessModes`),
    ...validateStorage(resources?.requests?.storage, `${path}.resources[storage]`),
    ...validateClassName(storageClassName, `${path}.storageClassName`),
    ...validateVolumeMode(spec.volumeMode, `${path}.volumeMode`),
    ...validateDataSources(spec, path),
    ...validateClassName(volumeAttributesClassName, `${path}.volumeAttributesClassName`),
  );
  return errors;
}

/** Of claims and of volumes. */
export function validateAccessModes(modes: readonly string[], path: string): FieldError[] {
  const known = modes.filter((mode) => accessModes.includes(mode));
  const errors = modes.filter((mode) => !accessModes.includes(mode)).map((mode) =>
    fieldError.notSupported(path, mode, accessModes)
  );
  if (known.includes("ReadWriteOncePod") && known.some((mode) => mode !== "ReadWriteOncePod")) {
    errors.push(fieldError.forbidden(path, "may not use ReadWriteOncePod with other access modes"));
  }
  return errors;
}

export function validateVolumeMode(mode: string | undefined, path: string): FieldError[] {
  return mode === undefined || volumeModes.includes(mode) ? [] : [fieldError.notSupported(path, mode, volumeModes)];
}

/** An empty name is one, too: no class at all. */
export function validateClassName(name: string | undefined, path: string): FieldError[] {
  return name ? isDNS1123Subdomain(name).map((message) => fieldError.invalid(path, name, message)) : [];
}

function validateStorage(storage: string | undefined, path: string): FieldError[] {
  return storage === undefined ? [fieldError.required(path)] : positiveQuantity(storage, path);
}

function validateDataSources(spec: PersistentVolumeClaimSpec, path: string): FieldError[] {
  const { dataSource: source, dataSourceRef: ref } = spec;
  const errors: FieldError[] = [];
  if (source !== undefined) errors.push(...validateDataSource(source, `${path}.dataSource`));
  if (ref !== undefined) errors.push(...validateDataSource(ref, `${path}.dataSourceRef`));
  if (source === undefined || ref === undefined) return errors;
  if (ref.namespace) {
    const detail = "may not be specified when dataSourceRef.namespace is specified";
    return [...errors, fieldError.invalid(path, `${path}.dataSource`, detail)];
  }
  const equal = (["apiGroup", "kind", "name"] as const).every((name) => source[name] === ref[name]);
  return equal ? errors : [...errors, fieldError.invalid(path, `${path}.dataSource`, "must match dataSourceRef")];
}

function validateDataSource({ name, kind = "", apiGroup = "", namespace }: TypedObjectReference, path: string) {
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${path}.name`));
  if (!kind) errors.push(fieldError.required(`${path}.kind`));
  if (apiGroup === "" && kind !== "PersistentVolumeClaim") {
    const detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.push(fieldError.invalid(path, kind, detail));
  }
  if (apiGroup !== "") {
    errors.push(...isDNS1123Subdomain(apiGroup).map((m) => fieldError.invalid(`${path}.apiGroup`, apiGroup, m)));
  }
  if (!namespace) return errors;
  return [...errors, ...isDNS1123Label(namespace).map((m) => fieldError.invalid(`${path}.namespace`, namespace, m))];
}

/** Of an ephemeral volume: of its metadata only labels and annotations may be said. */
export function validateClaimTemplate({ metadata, spec }: PersistentVolumeClaimTemplate, path: string): FieldError[] {
  const { annotations, labels, ...others } = metadata ?? {};
  return [
    ...validateAnnotations(annotations, `${path}.metadata.annotations`),
    ...validateLabels(labels, `${path}.metadata.labels`),
    ...Object.keys(others).map((name) => fieldError.forbidden(`${path}.metadata.${name}`, "cannot be set")),
    ...validateClaimSpec(spec ?? {}, `${path}.spec`),
  ];
}
