/**
 * Claims that pods use, volumes that claims use and the attributes' classes of both are not removed under them: a finalizer, which
 * admission sets, stays until nobody does (pkg/controller/volume/pvcprotection, pvprotection and vacprotection).
 */
import { type Controller, source } from "../../lib/controller/controller.ts";
import { keyOf, type KubeObject } from "../../lib/kind.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../lib/types/core_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";
import type { VolumeAttributesClass } from "../../lib/types/storage_v1.ts";
import { aspectOf } from "./changes.ts";
import type { Parts } from "./parts.ts";
import { isFinished } from "./pod_state.ts";

export const claimFinalizer = "kubernetes.io/pvc-protection";
export const volumeFinalizer = "kubernetes.io/pv-protection";
export const attributesFinalizer = "kubernetes.io/vac-protection";

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

/** Names of the attributes' classes that the volume or the claim has, had or is to have. */
export function attributesClassesOf({ spec, status }: PersistentVolume | PersistentVolumeClaim): string[] {
  const names: (string | undefined)[] = [spec.volumeAttributesClassName];
  if (status !== undefined && "currentVolumeAttributesClassName" in status) {
    names.push(status.currentVolumeAttributesClassName);
  }
  if (status !== undefined && "modifyVolumeStatus" in status) {
    names.push(status.modifyVolumeStatus?.targetVolumeAttributesClassName);
  }
  return names.filter((name) => name !== undefined && name !== "") as string[];
}

export function attributesProtectionController(
  { informers }: Parts,
): Controller<ProtectionView<VolumeAttributesClass>, ProtectionAction> {
  const { volumeAttributesClasses: classes } = informers;
  const claims = aspectOf(informers.persistentVolumeClaims, attributesClassesOf);
  const volumes = aspectOf(informers.persistentVolumes, attributesClassesOf);
  return {
    name: "volumeattributesclass-protection-controller",
    sources: [
      source(classes, (found) => [keyOf(found)]),
      source(claims, attributesClassesOf),
      source(volumes, attributesClassesOf),
    ],
    view(key) {
      const object = classes.get(key);
      if (object === undefined) return undefined;
      // Who uses it matters only when it is to go.
      const used = object.metadata.deletionTimestamp !== undefined &&
        [...claims.list(), ...volumes.list()].some((user) => attributesClassesOf(user).includes(key));
      return { object, used };
    },
    plan: (view) => planProtection(view, attributesFinalizer),
    async execute({ finalizers }, client, { object }) {
      const metadata = { ...object.metadata, finalizers: [...finalizers] };
      await client.update(kinds.VolumeAttributesClass, { ...object, metadata });
    },
  };
}
