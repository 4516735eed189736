/**
 * Who owns the volume claims of a StatefulSet (persistentVolumeClaimRetentionPolicy): a claim goes with its owner. While a pod is wanted
 * its claim may belong to the set; one that is scaled away takes its claim along. Source: stateful_set_utils.go. Pure.
 */
import { apiVersionOf, type Kind, type KubeObject } from "../../../lib/kind.ts";
import type { StatefulSet } from "../../../lib/types/apps_v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../lib/types/core_v1.ts";
import type { OwnerReference } from "../../../lib/types/meta_v1.ts";
import { Pod as PodKind, StatefulSet as StatefulSetKind } from "../../../lib/types/kinds.ts";
import { controllerReference } from "../owner.ts";
import { isInRange } from "./identity.ts";

interface Owner {
  kind: Kind;
  object: KubeObject;
}

const names = ({ kind, object }: Owner) => ({ apiVersion, kind: k, name }: OwnerReference) =>
  apiVersion === apiVersionOf(kind) && k === kind.kind && name === object.metadata.name;

function policyOf({ spec }: StatefulSet): { scaled: boolean; deleted: boolean } {
  const policy = spec.persistentVolumeClaimRetentionPolicy;
  return { scaled: policy?.whenScaled === "Delete", deleted: policy?.whenDeleted === "Delete" };
}

/** A namesake of the pod that is gone owns it: it will be collected, and must not be used again. */
export function isStale(set: StatefulSet, claim: PersistentVolumeClaim, pod: { name: string; uid?: string }): boolean {
  if (!policyOf(set).scaled) return false;
  return (claim.metadata.ownerReferences ?? []).some(({ apiVersion, kind, name, uid }) =>
    apiVersion === "v1" && kind === "Pod" && name === pod.name && uid !== pod.uid
  );
}

/** The claim with the owners that it should have; `undefined` when it has them, or is somebody else's. */
export function claimWithOwners(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  { pod, ordinal }: { pod: Pod; ordinal: number },
): PersistentVolumeClaim | undefined {
  const policy = policyOf(set);
  const references = claim.metadata.ownerReferences ?? [];
  const owners = {
    set: { kind: StatefulSetKind as Kind, object: set },
    pod: { kind: PodKind as Kind, object: pod },
  };
  if ((policy.scaled || policy.deleted) && references.some((one) => isForeign(one, owners))) return undefined;
  const leaves = !isInRange(set, ordinal);
  const wanted = [
    ...(policy.deleted && !(policy.scaled && leaves) ? [owners.set] : []),
    ...(policy.scaled && leaves ? [owners.pod] : []),
  ];
  const ours = references.filter((one) => names(owners.set)(one) || names(owners.pod)(one));
  const right = ours.length === wanted.length &&
    wanted.every(({ object }) => ours.some(({ uid }) => uid === object.metadata.uid));
  if (right) return undefined;
  const others = references.filter((one) => !ours.includes(one));
  const added = wanted.map(({ kind, object }) => controllerReference(kind, object));
  return { ...claim, metadata: { ...claim.metadata, ownerReferences: [...others, ...added] } };
}

/** Another controller's, or that of a namesake: the garbage collector knows what to do with it. */
function isForeign(reference: OwnerReference, owners: { set: Owner; pod: Owner }): boolean {
  for (const owner of [owners.set, owners.pod]) {
    if (names(owner)(reference)) return reference.uid !== owner.object.metadata.uid;
  }
  return reference.controller === true;
}
