/**
 * VolumeRestrictions and VolumeBinding, as far as volumes are bound already: claims exist and are bound, their volumes may be used on the
 * Node, and a ReadWriteOncePod claim has one pod. Leaves out binding: a claim that waits for its first consumer is not served yet.
 */
import type { NodeSelectorTerm, PersistentVolume } from "../../../lib/types/core_v1.ts";
import { compileTerm } from "../../../lib/selector/node_selector.ts";
import { type Check, type Filter, refusal } from "../plugin.ts";
import type { PodInfo } from "../pod_info.ts";
import type { Snapshot } from "../snapshot.ts";

const conflict = refusal("node(s) didn't match PersistentVolume's node affinity", { unresolvable: true });
const inUse = refusal("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode");

export const volumeRestrictions: Filter = {
  name: "VolumeRestrictions",
  prepare(pod, snapshot, catalogue) {
    if (pod.claims.length === 0 || !catalogue.knowsVolumes) return undefined;
    const checks: Check[] = [];
    for (const name of pod.claims) {
      const claim = catalogue.claim(`${pod.namespace}/${name}`);
      if (claim === undefined) return { hopeless: `persistentvolumeclaim ${JSON.stringify(name)} not found` };
      if (claim.metadata.deletionTimestamp !== undefined) {
        return { hopeless: `persistentvolumeclaim ${JSON.stringify(name)} is being deleted` };
      }
      const bound = claim.spec.volumeName ? catalogue.volume(claim.spec.volumeName) : undefined;
      if (bound === undefined) return { hopeless: "pod has unbound immediate PersistentVolumeClaims" };
      checks.push(onVolume(bound));
      if (claim.spec.accessModes?.includes("ReadWriteOncePod")) checks.push(alone(pod, name, snapshot));
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

function onVolume({ spec }: PersistentVolume): Check {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms?.map((term: NodeSelectorTerm) => compileTerm(term));
  return (node) => terms === undefined || terms.some((matches) => matches(node)) ? undefined : conflict;
}

function alone(pod: PodInfo, claim: string, snapshot: Snapshot): Check {
  const uses = (other: PodInfo) => other.uid !== pod.uid && other.claims.includes(claim);
  const tally = snapshot.tally(`claim\n${pod.namespace}/${claim}`, pod.namespace, uses);
  return () => tally.total > 0 ? inUse : undefined;
}
