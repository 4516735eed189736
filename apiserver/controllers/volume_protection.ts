/**
 * Claims that pods use and volumes that claims use are not removed under them: a finalizer, which admission sets, stays until nobody does
 * (pkg/controller/volume/pvcprotection and pvprotection).
 */
import { type Controller, source } from "../../lib/controller/controller.ts";
import { keyOf, type KubeObject } from "../../lib/kind.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../lib/types/core_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { aspectOf } from "./changes.ts";
import type { Parts } from "./parts.ts";
import { isFinished } from "./pod_state.ts";

export const claimFinalizer = "kubernetes.io/pvc-protection";
export const volumeFinalizer = "kubernetes.io/pv-protection";

/** Names of the claims that the pod's volumes stand for. */
export function claimsOfPod({ metadata, spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [`${metadata.name}-${name}`];
  });
}

export interface ProtectionView<T extends KubeObject> {
  object: T;
  used: boolean;
}

export type ProtectionAction = { do: "setFinalizers"; finalizers: readonly string[]; why: string };

export function planProtection(
  { object: { metadata }, used }: ProtectionView<KubeObject>,
  finalizer: string,
): readonly ProtectionAction[] {
  const finalizers = metadata.finalizers ?? [];
  const has = finalizers.includes(finalizer);
  if (metadata.deletionTimestamp === undefined) {
    if (has) return [];
    return [{ do: "setFinalizers", finalizers: [...finalizers, finalizer], why: "it may be in use" }];
  }
  if (!has || used) return [];
  return [{ do: "setFinalizers", finalizers: finalizers.filter((one) => one !== finalizer), why: "nobody uses it" }];
}

/** A pod that no Node has taken does not use anything yet; one that has ended no more. */
export const usesClaims = (pod: Pod) => !isFinished(pod) && !!pod.spec.nodeName;

export function claimProtectionController(
  { informers }: Parts,
): Controller<ProtectionView<PersistentVolumeClaim>, ProtectionAction> {
  const { persistentVolumeClaims: claims } = informers;
  const pods = aspectOf(informers.pods, ({ spec, status }) => [spec.nodeName, status.phase]);
  return {
    name: "pvc-protection-controller",
    sources: [
      source(claims, (claim) => [keyOf(claim)]),
      source(pods, (pod) => claimsOfPod(pod).map((name) => `${pod.metadata.namespace}/${name}`)),
    ],
    view(key) {
      const object = claims.get(key);
      if (object === undefined) return undefined;
      const { namespace, name } = object.metadata;
      const used = pods.by("namespace", namespace).some((pod) => usesClaims(pod) && claimsOfPod(pod).includes(name));
      return { object, used };
    },
    plan: (view) => planProtection(view, claimFinalizer),
    async execute({ finalizers }, client, { object }) {
      const metadata = { ...object.metadata, finalizers: [...finalizers] };
      await client.update(kinds.PersistentVolumeClaim, { ...object, metadata });
    },
  };
}

export function volumeProtectionController(
  { informers }: Parts,
): Controller<ProtectionView<PersistentVolume>, ProtectionAction> {
  const { persistentVolumes: volumes } = informers;
  return {
    name: "pv-protection-controller",
    sources: [source(volumes, (volume) => [keyOf(volume)])],
    view(key) {
      const object = volumes.get(key);
      return object === undefined ? undefined : { object, used: object.status.phase === "Bound" };
    },
    plan: (view) => planProtection(view, volumeFinalizer),
    async execute({ finalizers }, client, { object }) {
      const metadata = { ...object.metadata, finalizers: [...finalizers] };
      await client.update(kinds.PersistentVolume, { ...object, metadata });
    },
  };
}
