/**
 * Persistent volume claims: those that are bound to a hostPath or local volume, which need no attaching. Other kinds are refused:
 * their drivers are not part of this agent.
 */
import type { Client } from "../../lib/client/client.ts";
import { isReason } from "../../lib/status.ts";
import type { HostPathVolumeSource, Pod, Volume } from "../../lib/types/core_v1.ts";
import { PersistentVolume, PersistentVolumeClaim } from "../../lib/types/kinds.ts";
import { VolumeError } from "./payload.ts";

/** The claim that a volume stands for; a generic ephemeral volume has one that is named after the pod. */
export function claimOf(pod: Pod, volume: Volume): { name: string; readOnly: boolean } | undefined {
  if (volume.persistentVolumeClaim !== undefined) {
    const { claimName, readOnly } = volume.persistentVolumeClaim;
    return { name: claimName, readOnly: readOnly === true };
  }
  if (volume.ephemeral !== undefined) return { name: `${pod.metadata.name}-${volume.name}`, readOnly: false };
  return undefined;
}

/** Where on this host the claim's volume is. Throws VolumeError. */
export async function resolveClaim(client: Client, namespace: string, name: string): Promise<HostPathVolumeSource> {
  const absent = (what: string) => (error: unknown) => {
    throw isReason(error, "NotFound") ? new VolumeError(`${what} not found`) : error;
  };
  const claim = await client.get(PersistentVolumeClaim, { namespace, name })
    .catch(absent(`persistentvolumeclaim ${JSON.stringify(name)}`));
  if (claim.metadata.deletionTimestamp !== undefined) {
    throw new VolumeError(`PVC ${namespace}/${name} is being deleted`);
  }
  const { volumeName } = claim.spec;
  if (claim.status?.phase !== "Bound" || volumeName === undefined || volumeName === "") {
    throw new VolumeError(`PVC ${namespace}/${name} has not been bound yet`);
  }
  const { spec } = await client.get(PersistentVolume, { name: volumeName })
    .catch(absent(`persistentvolume ${JSON.stringify(volumeName)}`));
  if (spec.claimRef?.uid !== undefined && spec.claimRef.uid !== claim.metadata.uid) {
    throw new VolumeError(`persistentvolume ${JSON.stringify(volumeName)} is bound to another claim`);
  }
  if (spec.volumeMode === "Block") throw new VolumeError("volumeMode Block is not supported by this agent");
  if (spec.hostPath !== undefined) return spec.hostPath;
  if (spec.local !== undefined) return { path: spec.local.path, type: "Directory" };
  const kind = Object.keys(spec).find((key) => !ordinary.has(key)) ?? "without a source";
  throw new VolumeError(`persistent volumes of type ${kind} are not supported by this agent`);
}

/** Fields of a PersistentVolume that say nothing about where it is. */
const ordinary = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
]);
