/**
 * Decides what a PersistentVolume is: available, bound, or released, and what becomes of it then.
 * Source: pkg/controller/volume/persistentvolume/pv_controller.go syncVolume. Pure.
 */
import { boundByControllerAnnotation } from "../../../lib/volume_match.ts";
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeStatus } from "../../../lib/types/core_v1.ts";
import type { Report } from "./claim_plan.ts";

const provisionedAnnotation = "pv.kubernetes.io/provisioned-by";

export interface VolumeView {
  volume: PersistentVolume;
  /** The claim that its claimRef names, whatever its uid. */
  claim: PersistentVolumeClaim | undefined;
}

export type VolumeAction =
  | { do: "updateVolume"; volume: PersistentVolume; why: string }
  | { do: "updateVolumeStatus"; volume: PersistentVolume; why: string }
  /** Releases the volume once the server confirms that the claim is gone. */
  | { do: "releaseVolume"; volume: PersistentVolume; why: string }
  | { do: "report"; report: Report; why: string };

export function planVolume({ volume, claim: named }: VolumeView): readonly VolumeAction[] {
  const { claimRef } = volume.spec;
  // Kept for a claim that is still to come: nobody else gets it.
  if (claimRef === undefined || !claimRef.uid) return phase(volume, { phase: "Available" });
  const claim = named?.metadata.uid === claimRef.uid ? named : undefined;
  if (claim === undefined) return released(volume);
  if (claim.spec.volumeName === volume.metadata.name) return phase(volume, { phase: "Bound" });
  // The claim's own plan goes on with the binding.
  if (!claim.spec.volumeName) return [];
  return misplaced(volume);
}

type Phase = Pick<PersistentVolumeStatus, "phase" | "message" | "reason">;

function phase(volume: PersistentVolume, next: Phase): readonly VolumeAction[] {
  const { status } = volume;
  if (status.phase === next.phase && (status.message ?? "") === (next.message ?? "")) return [];
  const { lastPhaseTransitionTime: _, message: _m, reason: _r, ...rest } = status;
  return [{
    do: "updateVolumeStatus",
    volume: { ...volume, status: { ...rest, ...next } },
    why: `it is ${next.phase}`,
  }];
}

/** Its claim is gone. */
function released(volume: PersistentVolume): readonly VolumeAction[] {
  if (volume.status.phase !== "Released" && volume.status.phase !== "Failed") {
    return [{ do: "releaseVolume", volume, why: "its claim is gone" }];
  }
  return volume.status.phase === "Failed" ? [] : reclaim(volume);
}

/** The volume as it is without its claim. */
export function releasedVolume(volume: PersistentVolume): PersistentVolume {
  const { lastPhaseTransitionTime: _, message: _m, ...rest } = volume.status;
  return { ...volume, status: { ...rest, phase: "Released" } };
}

/** What is deleted is deleted by who made it. Volumes that were made by hand stay: nobody here knows how to empty them. */
function reclaim(volume: PersistentVolume): readonly VolumeAction[] {
  const { persistentVolumeReclaimPolicy: policy } = volume.spec;
  if (volume.metadata.annotations?.[provisionedAnnotation] !== undefined) return [];
  if (policy === "Delete") {
    const { name } = volume.metadata;
    const message =
      `error getting deleter volume plugin for volume ${JSON.stringify(name)}: no deletable volume plugin ` +
      "matched";
    return failed(volume, "VolumeFailedDelete", message);
  }
  return policy === "Recycle" ? failed(volume, "VolumeFailedRecycle", "No recycler plugin found for the volume!") : [];
}

function failed(volume: PersistentVolume, reason: string, message: string): readonly VolumeAction[] {
  const report = { type: "Warning", reason, message } as const;
  return [...phase(volume, { phase: "Failed", message }), { do: "report", report, why: message }];
}

/** The claim has got another volume. */
function misplaced(volume: PersistentVolume): readonly VolumeAction[] {
  const { metadata, spec } = volume;
  if (metadata.annotations?.[provisionedAnnotation] !== undefined && spec.persistentVolumeReclaimPolicy === "Delete") {
    return phase(volume, { phase: "Released" });
  }
  const why = "its claim is bound elsewhere";
  if (metadata.annotations?.[boundByControllerAnnotation] !== undefined) {
    const { [boundByControllerAnnotation]: _, ...annotations } = metadata.annotations;
    const { claimRef: _c, ...rest } = spec;
    return [{ do: "updateVolume", volume: { ...volume, metadata: { ...metadata, annotations }, spec: rest }, why }];
  }
  // The user keeps it for a claim of that name: of another one, then.
  const { uid: _u, resourceVersion: _v, ...claimRef } = spec.claimRef!;
  return [{ do: "updateVolume", volume: { ...volume, spec: { ...spec, claimRef } }, why }];
}
