/** PersistentVolume: storage that outlives pods (pkg/registry/core/persistentvolume, ValidatePersistentVolume). */
import { clone, deepEqual } from "../../../lib/patch/equal.ts";
import { rfc3339 } from "../../../lib/seams/clock.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { PersistentVolume, PersistentVolumeSpec, Volume, VolumeNodeAffinity } from "../../../lib/types/core_v1.ts";
import { PersistentVolume as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { diffText } from "../meta/diff.ts";
import { immutable } from "../meta/immutable.ts";
import { omitEmpty } from "../meta/omit_empty.ts";
import { nonNegativeQuantity, positiveQuantity, roundResources } from "../meta/resource_list.ts";
import { validateAccessModes, validateClassName, validateVolumeMode } from "./claim_spec.ts";
import { accessModesText, classOf } from "./persistent_volume/access_modes.ts";
import { sourceNames, validateSources } from "./persistent_volume/sources.ts";
import { validateNodeSelector } from "./pod_spec/node_selector.ts";
import { defaultRemote } from "./pod_spec/volume_sources.ts";

const reclaimPolicies = ["Delete", "Recycle", "Retain"];

function defaultVolume(volume: PersistentVolume): void {
  volume.spec ??= {};
  volume.status ??= {};
  volume.status.phase ||= "Pending";
  const { spec } = volume;
  omitEmpty(spec, "storageClassName");
  spec.persistentVolumeReclaimPolicy ||= "Retain";
  spec.volumeMode ??= "Filesystem";
  if (spec.hostPath !== undefined) spec.hostPath.type ??= "";
  roundResources(spec.capacity);
  // The fields that have defaults are those of a pod's volumes.
  defaultRemote(spec as unknown as Volume);
}

function validate({ spec, metadata }: PersistentVolume): FieldError[] {
  const policy = spec.persistentVolumeReclaimPolicy ?? "";
  const errors: FieldError[] = [];
  if ((spec.accessModes ?? []).length === 0) errors.push(fieldError.required("spec.accessModes"));
  errors.push(...validateAccessModes(spec.accessModes ?? [], "spec.accessModes"), ...validateCapacity(spec));
  if (!reclaimPolicies.includes(policy)) {
    errors.push(fieldError.notSupported("spec.persistentVolumeReclaimPolicy", policy, reclaimPolicies));
  }
  errors.push(...validateAffinity(spec.nodeAffinity), ...validateSources(spec, metadata.name ?? "", "spec"));
  if (policy === "Recycle" && /^\/[/.]*$/.test(spec.hostPath?.path ?? "")) {
    const detail = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(fieldError.forbidden("spec.persistentVolumeReclaimPolicy", detail));
  }
  return [
    ...errors,
    ...validateClassName(spec.storageClassName, "spec.storageClassName"),
    ...validateVolumeMode(spec.volumeMode, "spec.volumeMode"),
    ...validateAttributesClass(spec),
  ];
}

function validateCapacity({ capacity = {} }: PersistentVolumeSpec): FieldError[] {
  const names = Object.keys(capacity);
  const errors: FieldError[] = [];
  if (names.length === 0) errors.push(fieldError.required("spec.capacity"));
  if (names.length !== 1 || names[0] !== "storage") {
    errors.push(fieldError.notSupported("spec.capacity", capacity, ["storage"]));
  }
  for (const [name, quantity] of Object.entries(capacity)) {
    const path = `spec.capacity[${name}]`;
    errors.push(
      ...nonNegativeQuantity(quantity, path).map(() => {
        return fieldError.invalid(path, quantity, "must be a valid resource quantity");
      }),
    );
    errors.push(...positiveQuantity(quantity, path));
  }
  return errors;
}

function validateAffinity(affinity: VolumeNodeAffinity | undefined): FieldError[] {
  if (affinity === undefined) return [];
  const path = "spec.nodeAffinity.required";
  if (affinity.required !== undefined) return validateNodeSelector(affinity.required, path);
  return [fieldError.required(path, "must specify required node constraints")];
}

function validateAttributesClass({ volumeAttributesClassName: name, csi }: PersistentVolumeSpec): FieldError[] {
  if (name === undefined) return [];
  const path = "spec.volumeAttributesClassName";
  const errors = name === ""
    ? [fieldError.required(path, "an empty string is disallowed")]
    : validateClassName(name, path);
  if (csi !== undefined) return errors;
  return [...errors, fieldError.required("spec.csi", "has to be specified when using volumeAttributesClassName")];
}

function validateUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const [source, oldSource] = [sourceOf(volume.spec), sourceOf(old.spec)];
  // May be set once.
  if (oldSource.csi?.controllerExpandSecretRef === undefined) delete source.csi?.controllerExpandSecretRef;
  if (!deepEqual(source, oldSource)) {
    const diff = diffText(oldSource, source, "spec");
    const detail = `spec.persistentvolumesource is immutable after creation\n${diff}`;
    errors.push(fieldError.forbidden("spec.persistentvolumesource", detail));
  }
  errors.push(...immutable(volume.spec.volumeMode, old.spec.volumeMode, "volumeMode"));
  const affinity = old.spec.nodeAffinity;
  if (affinity !== undefined && !isSameAffinity(volume.spec.nodeAffinity, affinity)) {
    const detail = "field is immutable, except for updating from beta label to GA";
    errors.push(fieldError.invalid("nodeAffinity", volume.spec.nodeAffinity ?? null, detail));
  }
  const attributes = "volumeAttributesClassName";
  if (old.spec[attributes] !== undefined && volume.spec[attributes] === undefined) {
    errors.push(fieldError.forbidden(`spec.${attributes}`, "update from non-nil value to nil is forbidden"));
  }
  return errors;
}

/** A copy of the part of the spec that says where the bytes are. */
function sourceOf(spec: PersistentVolumeSpec): PersistentVolumeSpec {
  const entries = sourceNames.filter((name) => spec[name] !== undefined).map((name) => [name, clone(spec[name]!)]);
  return Object.fromEntries(entries);
}

const betaLabels: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "beta.kubernetes.io/os": "kubernetes.io/os",
  "beta.kubernetes.io/arch": "kubernetes.io/arch",
  "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
};

/** The same, but that keys may have become those of today. */
function isSameAffinity(affinity: VolumeNodeAffinity | undefined, old: VolumeNodeAffinity): boolean {
  if (deepEqual(affinity, old)) return true;
  const updated = clone(old);
  updated.required?.nodeSelectorTerms?.forEach((term, i) => {
    const now = affinity?.required?.nodeSelectorTerms?.[i];
    for (const list of ["matchExpressions", "matchFields"] as const) {
      term[list]?.forEach((requirement, j) => {
        const key = now?.[list]?.[j]?.key;
        if (key !== undefined && betaLabels[requirement.key] === key) requirement.key = key;
      });
    }
  });
  return deepEqual(affinity, updated);
}

function claimText({ spec: { claimRef } }: PersistentVolume): string {
  return claimRef === undefined ? "" : `${claimRef.namespace ?? ""}/${claimRef.name ?? ""}`;
}

export const persistentVolume: Resource<PersistentVolume> = defineResource<PersistentVolume>(kind, {
  definition: "io.k8s.api.core.v1.PersistentVolume",
  shortNames: ["pv"],
  status: true,
  generation: false,
  returnsDeleted: true,
  defaults: defaultVolume,
  prepareCreate(object, { now }) {
    object.status = { phase: "Pending", lastPhaseTransitionTime: rfc3339(now) };
  },
  prepareStatus({ status }, { status: old }, { now }) {
    const isSaid = status.lastPhaseTransitionTime !== old?.lastPhaseTransitionTime;
    if (status.phase !== old?.phase && !isSaid) status.lastPhaseTransitionTime = rfc3339(now);
  },
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    { name: "Capacity", type: "string", value: ({ spec }) => spec.capacity?.storage ?? "0" },
    { name: "Access Modes", type: "string", value: ({ spec }) => accessModesText(spec.accessModes) },
    { name: "Reclaim Policy", type: "string", value: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? "" },
    {
      name: "Status",
      type: "string",
      value: ({ metadata, status }) => metadata.deletionTimestamp === undefined ? status?.phase ?? "" : "Terminating",
    },
    { name: "Claim", type: "string", value: claimText },
    { name: "StorageClass", type: "string", value: classOf },
    { name: "VolumeAttributesClass", type: "string", value: ({ spec }) => spec.volumeAttributesClassName ?? "<unset>" },
    { name: "Reason", type: "string", value: ({ status }) => status?.reason ?? "" },
    ageColumn,
    { name: "VolumeMode", type: "string", priority: 1, value: ({ spec }) => spec.volumeMode ?? "<unset>" },
  ],
}, isDNS1123Subdomain);
