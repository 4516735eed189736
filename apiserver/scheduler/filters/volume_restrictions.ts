/**
 * VolumeRestrictions and VolumeBinding: claims exist and are bound, or wait for their first consumer and can be bound where the Node is;
 * their volumes may be used on the Node, and a ReadWriteOncePod claim has one pod.
 */
import type { PersistentVolume, PersistentVolumeClaim } from "../../../lib/types/core_v1.ts";
import { type Check, type Filter, refusal } from "../plugin.ts";
import type { PodInfo } from "../pod_info.ts";
import type { Snapshot } from "../snapshot.ts";
import { chooseVolumes, isBound, reaches, waitingClass } from "../volumes.ts";

const conflict = refusal("node(s) didn't match PersistentVolume's node affinity", { unresolvable: true });
const unavailable = refusal("node(s) didn't find available persistent volumes to bind", { unresolvable: true });
const missing = refusal("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)", {
  unresolvable: true,
});
const inUse = refusal("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode");

export const volumeRestrictions: Filter = {
  name: "VolumeRestrictions",
  prepare(pod, snapshot, catalogue) {
    if (pod.claims.length === 0 || !catalogue.knowsVolumes) return undefined;
    const checks: Check[] = [];
    const waiting: PersistentVolumeClaim[] = [];
    for (const name of pod.claims) {
      const claim = catalogue.claim(`${pod.namespace}/${name}`);
      if (claim === undefined) return { hopeless: `persistentvolumeclaim ${JSON.stringify(name)} not found` };
      if (claim.metadata.deletionTimestamp !== undefined) {
        return { hopeless: `persistentvolumeclaim ${JSON.stringify(name)} is being deleted` };
      }
      if (isBound(claim)) checks.push(onVolume(catalogue.volume(claim.spec.volumeName!)));
      else if (waitingClass(claim, catalogue) !== undefined) waiting.push(claim);
      else return { hopeless: "pod has unbound immediate PersistentVolumeClaims" };
      if (claim.spec.accessModes?.includes("ReadWriteOncePod")) checks.push(alone(pod, name, snapshot));
    }
    if (waiting.length > 0) {
      checks.push((node) => chooseVolumes(waiting, node, catalogue) === undefined ? unavailable : undefined);
    }
    return (node) => {
      for (const check of checks) {
        const refused = check(node);
        if (refused !== undefined) return refused;
      }
      return undefined;
    };
  },
};

function onVolume(volume: PersistentVolume | undefined): Check {
  if (volume === undefined) return () => missing;
  return (node) => reaches(node, volume) ? undefined : conflict;
}

function alone(pod: PodInfo, claim: string, snapshot: Snapshot): Check {
  const uses = (other: PodInfo) => other.uid !== pod.uid && other.claims.includes(claim);
  const tally = snapshot.tally(`claim\n${pod.namespace}/${claim}`, pod.namespace, uses);
  return () => tally.total > 0 ? inUse : undefined;
}
