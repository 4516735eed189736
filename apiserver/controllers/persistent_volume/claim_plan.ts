/**
 * Decides what a PersistentVolumeClaim needs: a class, a volume, its status. One step at a time: each write is seen before the next.
 * Source: pkg/controller/volume/persistentvolume/pv_controller.go syncClaim. Pure.
 */
import {
  boundByControllerAnnotation,
  claimReference,
  classNameOf,
  completedAnnotation,
  defaultClass,
  hasNoClass,
  isKeptFor,
  matchingVolume,
  mismatch,
  noProvisioner,
  selectedNodeAnnotation,
  waitsForConsumer,
} from "../../../lib/volume_match.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
} from "../../../lib/types/core_v1.ts";
import type { StorageClass } from "../../../lib/types/storage_v1.ts";
import { same } from "../same.ts";

const provisionerAnnotations = [
  "volume.beta.kubernetes.io/storage-provisioner",
  "volume.kubernetes.io/storage-provisioner",
];

export interface ClaimView {
  claim: PersistentVolumeClaim;
  volumes: Iterable<PersistentVolume>;
  volume(name: string): PersistentVolume | undefined;
  classes: readonly StorageClass[];
  /** Names of pods that use the claim and have no Node yet. */
  waiting: readonly string[];
}

export interface Report {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

export type ClaimAction =
  | { do: "updateClaim"; claim: PersistentVolumeClaim; why: string }
  | { do: "updateVolume"; volume: PersistentVolume; why: string }
  | { do: "updateClaimStatus"; claim: PersistentVolumeClaim; why: string }
  | { do: "report"; report: Report; why: string };

export function planClaim(view: ClaimView): readonly ClaimAction[] {
  const { claim } = view;
  if (claim.metadata.annotations?.[completedAnnotation] !== undefined) return bound(view);
  const { volumeName } = claim.spec;
  return volumeName ? chosen(view, volumeName) : unbound(view);
}

const told = (type: Report["type"], reason: string, message: string): ClaimAction => ({
  do: "report",
  report: { type, reason, message },
  why: message,
});

/** Nobody has chosen a volume yet. */
function unbound(view: ClaimView): readonly ClaimAction[] {
  const { claim, classes } = view;
  const newClass = hasNoClass(claim) ? defaultClass(classes) : undefined;
  if (newClass !== undefined) {
    const updated = { ...claim, spec: { ...claim.spec, storageClassName: newClass.metadata.name } };
    return [{ do: "updateClaim", claim: updated, why: "there is a default class now" }];
  }
  const name = classNameOf(claim);
  const found = classes.find(({ metadata }) => metadata.name === name);
  const waits = waitsForConsumer(found);
  const volume = matchingVolume(claim, view.volumes, { onlyKept: waits });
  if (volume !== undefined) return bind(claim, volume);
  return [...pending(claim), ...whyNot(view, name, found)];
}

function whyNot({ claim, waiting }: ClaimView, name: string, found: StorageClass | undefined): readonly ClaimAction[] {
  if (waitsForConsumer(found) && claim.metadata.annotations?.[selectedNodeAnnotation] === undefined) {
    if (waiting.length === 0) {
      return [told("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding")];
    }
    const pods = `pod${waiting.length > 1 ? "s" : ""} ${waiting.join(",")}`;
    return [told("Normal", "WaitForPodScheduled", `waiting for ${pods} to be scheduled`)];
  }
  if (name === "") {
    const message = "no persistent volumes available for this claim and no storage class is set";
    return [told("Normal", "FailedBinding", message)];
  }
  if (found === undefined) {
    return [told("Warning", "ProvisioningFailed", `storageclass.storage.k8s.io ${JSON.stringify(name)} not found`)];
  }
  return provision(claim, found.provisioner);
}

/** Those who make volumes find the claim by its annotations. */
function provision(claim: PersistentVolumeClaim, provisioner: string): readonly ClaimAction[] {
  if (provisioner === noProvisioner || provisioner.startsWith("kubernetes.io/")) {
    return [told("Warning", "ProvisioningFailed", `no volume plugin matched name: ${provisioner}`)];
  }
  const named = Object.fromEntries(provisionerAnnotations.map((annotation) => [annotation, provisioner]));
  const annotations = { ...claim.metadata.annotations, ...named };
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually ` +
    "by the system administrator. If volume creation is delayed, please verify that the provisioner is running and " +
    "correctly registered.";
  const waiting = told("Normal", "ExternalProvisioning", message);
  if (same(annotations, claim.metadata.annotations)) return [waiting];
  const updated = { ...claim, metadata: { ...claim.metadata, annotations } };
  return [{ do: "updateClaim", claim: updated, why: "its provisioner is to find it" }, waiting];
}

/** The user, or a pod's scheduler, has chosen the volume. */
function chosen(view: ClaimView, name: string): readonly ClaimAction[] {
  const { claim } = view;
  const volume = view.volume(name);
  if (volume === undefined) return pending(claim);
  if (volume.spec.claimRef === undefined) {
    const why = mismatch(volume, claim);
    if (why === undefined) return bind(claim, volume);
    const message = `Cannot bind to requested volume ${JSON.stringify(name)}: ${why}`;
    return [...pending(claim), told("Warning", "VolumeMismatch", message)];
  }
  return isKeptFor(volume, claim) ? bind(claim, volume) : pending(claim);
}

function bound(view: ClaimView): readonly ClaimAction[] {
  const { claim } = view;
  const { volumeName } = claim.spec;
  const lost = (reason: string, message: string): readonly ClaimAction[] => {
    const status = { ...claim.status, phase: "Lost" as const };
    if (claim.status.phase === "Lost") return [];
    return [{ do: "updateClaimStatus", claim: { ...claim, status }, why: message }, told("Warning", reason, message)];
  };
  if (!volumeName) {
    return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  }
  const volume = view.volume(volumeName);
  if (volume === undefined) {
    return lost("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
  }
  if (volume.spec.claimRef === undefined || volume.spec.claimRef.uid === claim.metadata.uid) return bind(claim, volume);
  const message = "Two claims are bound to the same volume, this one is bound incorrectly";
  return lost("ClaimMisbound", message);
}

/** The next step of what makes the two one. */
function bind(claim: PersistentVolumeClaim, volume: PersistentVolume): readonly ClaimAction[] {
  if (volume.spec.claimRef?.uid !== claim.metadata.uid) {
    return [{ do: "updateVolume", volume: keptFor(volume, claim), why: "the claim gets it" }];
  }
  const { annotations = {} } = claim.metadata;
  if (claim.spec.volumeName !== volume.metadata.name || annotations[completedAnnotation] === undefined) {
    const ours: Record<string, string> = claim.spec.volumeName ? {} : { [boundByControllerAnnotation]: "yes" };
    const metadata = { ...claim.metadata, annotations: { ...annotations, ...ours, [completedAnnotation]: "yes" } };
    const spec = { ...claim.spec, volumeName: volume.metadata.name };
    return [{ do: "updateClaim", claim: { ...claim, metadata, spec }, why: "the volume is its own" }];
  }
  const status = boundStatus(claim.status, volume);
  if (same(status, claim.status)) return [];
  return [{ do: "updateClaimStatus", claim: { ...claim, status }, why: "it is bound" }];
}

/** The volume, promised to the claim. Whose choice that was is written down: ours can be taken back. */
function keptFor(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { annotations } = volume.metadata;
  const ours = volume.spec.claimRef === undefined
    ? { ...annotations, [boundByControllerAnnotation]: "yes" }
    : annotations;
  return {
    ...volume,
    metadata: { ...volume.metadata, annotations: ours },
    spec: { ...volume.spec, claimRef: claimReference(claim) },
  };
}

function boundStatus(status: PersistentVolumeClaimStatus, { spec }: PersistentVolume): PersistentVolumeClaimStatus {
  const next = { ...status, phase: "Bound" as const, accessModes: spec.accessModes };
  // Later the size is that of the file system, and its driver's to tell.
  return status.phase === "Bound" ? next : { ...next, capacity: spec.capacity };
}

function pending(claim: PersistentVolumeClaim): readonly ClaimAction[] {
  const status = { phase: "Pending" as const };
  if (claim.status.phase === "Pending") return [];
  return [{ do: "updateClaimStatus", claim: { ...claim, status }, why: "it has no volume" }];
}
