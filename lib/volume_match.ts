/**
 * Which PersistentVolume a claim gets (k8s.io/component-helpers/storage/volume, FindMatchingVolume): one that is kept for it, or the
 * smallest that is large enough and offers the fewest access modes besides those that are asked for. Pure.
 */
import { compareQuantities } from "./quantity.ts";
import { matchesLabels, selectorFrom } from "./selector/labels.ts";
import type { ObjectReference, PersistentVolume, PersistentVolumeClaim } from "./types/core_v1.ts";
import type { StorageClass } from "./types/storage_v1.ts";

const betaClassAnnotation = "volume.beta.kubernetes.io/storage-class";
const defaultAnnotations = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

/** On claims: the Node for whose pod a volume is to be made. */
export const selectedNodeAnnotation = "volume.kubernetes.io/selected-node";
/** On claims and volumes: it was not the user who chose the other one. */
export const boundByControllerAnnotation = "pv.kubernetes.io/bound-by-controller";
/** On claims: both sides have agreed; it is never taken back. */
export const completedAnnotation = "pv.kubernetes.io/bind-completed";
/** Volumes of such a class are made by hand. */
export const noProvisioner = "kubernetes.io/no-provisioner";

type WithClass = PersistentVolume | PersistentVolumeClaim;

/** The name of its class, `""` for none. */
export function classNameOf({ metadata, spec }: WithClass): string {
  return metadata.annotations?.[betaClassAnnotation] ?? spec.storageClassName ?? "";
}

/** It says nothing about its class, not even that there is none. */
export function hasNoClass({ metadata, spec }: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[betaClassAnnotation] === undefined && spec.storageClassName === undefined;
}

/** The class of claims that name none; of several the newest. */
export function defaultClass(classes: Iterable<StorageClass>): StorageClass | undefined {
  const defaults = [...classes].filter(({ metadata }) =>
    defaultAnnotations.some((annotation) => metadata.annotations?.[annotation] === "true")
  );
  const created = ({ metadata }: StorageClass) => Date.parse(metadata.creationTimestamp);
  return defaults.sort((a, b) => created(b) - created(a) || (a.metadata.name < b.metadata.name ? -1 : 1))[0];
}

/** Volumes are chosen when a pod has been, so that both are in the same place. */
export const waitsForConsumer = (found: StorageClass | undefined) =>
  found?.volumeBindingMode === "WaitForFirstConsumer";

/** The volume names the claim: by its uid, or before the claim had one. */
export function isKeptFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  return claimRef !== undefined && claimRef.name === metadata.name && claimRef.namespace === metadata.namespace &&
    (!claimRef.uid || claimRef.uid === metadata.uid);
}

/** How a volume names the claim for which it is kept. */
export function claimReference({ metadata }: PersistentVolumeClaim): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid, resourceVersion };
}

const capacityOf = ({ spec }: PersistentVolume) => spec.capacity?.storage ?? "0";

const isLargeEnough = (volume: PersistentVolume, { spec }: PersistentVolumeClaim) =>
  compareQuantities(capacityOf(volume), spec.resources?.requests?.storage ?? "0") >= 0;

const modeOf = ({ spec }: WithClass) => spec.volumeMode ?? "Filesystem";

const hasModes = ({ spec }: PersistentVolume, claim: PersistentVolumeClaim) =>
  (claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode));

const attributesOf = ({ spec }: WithClass) => spec.volumeAttributesClassName ?? "";

/** Why the volume, which the claim names, is none for it; `undefined`: it is. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (!isLargeEnough(volume, claim)) return "requested PV is too small";
  if (classNameOf(volume) !== classNameOf(claim)) return "storageClassName does not match";
  if (attributesOf(volume) !== attributesOf(claim)) return "volumeAttributesClassName does not match";
  if (modeOf(volume) !== modeOf(claim)) return "incompatible volumeMode";
  return hasModes(volume, claim) ? undefined : "incompatible accessMode";
}

export interface MatchOptions {
  /** Whether the place where it is needed can reach the volume. */
  reaches?(volume: PersistentVolume): boolean;
  /** Only one that is kept for the claim: others wait for its first consumer. */
  onlyKept?: boolean;
  /** Volumes that are promised to somebody else. */
  taken?: ReadonlySet<string>;
}

export function matchingVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { reaches = () => true, onlyKept = false, taken }: MatchOptions = {},
): PersistentVolume | undefined {
  const selector = claim.spec.selector === undefined ? undefined : selectorFrom(claim.spec.selector);
  const fitting: PersistentVolume[] = [];
  for (const volume of volumes) {
    if (taken?.has(volume.metadata.name) || volume.metadata.deletionTimestamp !== undefined) continue;
    if (volume.spec.claimRef !== undefined && !isKeptFor(volume, claim)) continue;
    if (!isLargeEnough(volume, claim) || modeOf(volume) !== modeOf(claim) || !hasModes(volume, claim)) continue;
    if (isKeptFor(volume, claim)) return reaches(volume) ? volume : undefined;
    if (onlyKept || volume.status.phase !== "Available") continue;
    if (selector !== undefined && !matchesLabels(selector, volume.metadata.labels)) continue;
    if (classNameOf(volume) !== classNameOf(claim) || attributesOf(volume) !== attributesOf(claim)) continue;
    if (reaches(volume)) fitting.push(volume);
  }
  return fitting.sort(byModesAndSize)[0];
}

function byModesAndSize(a: PersistentVolume, b: PersistentVolume): number {
  return (a.spec.accessModes ?? []).length - (b.spec.accessModes ?? []).length ||
    compareQuantities(capacityOf(a), capacityOf(b)) || (a.metadata.name < b.metadata.name ? -1 : 1);
}
