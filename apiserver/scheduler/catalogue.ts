/** What the scheduler looks up besides Nodes and pods: whose pods are spread by default, and volumes. Given as functions, so that plans stay pure. */
import { matchesLabels, type Selector, selectorFrom, selectorFromMap } from "../../lib/selector/labels.ts";
import type { PersistentVolume, PersistentVolumeClaim, Service } from "../../lib/types/core_v1.ts";
import type { LabelSelector } from "../../lib/types/meta_v1.ts";
import type { StorageClass } from "../../lib/types/storage_v1.ts";
import type { PodInfo } from "./pod_info.ts";

export interface Catalogue {
  /** Services of a namespace that could select pods with these labels. */
  services(namespace: string): Iterable<Service>;
  /** The selector of a pod's controller, when that is a ReplicaSet, ReplicationController or StatefulSet. */
  controllerSelector(kind: string, namespace: string, name: string): LabelSelector | undefined;
  claim(key: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(): Iterable<PersistentVolume>;
  storageClass(name: string): StorageClass | undefined;
  /** Volumes that are promised to a claim and not yet seen to be so: their names, and the claim's key. */
  promised: ReadonlyMap<string, string>;
  /** False when claims aren't served: then nothing is checked. */
  knowsVolumes: boolean;
}

export const emptyCatalogue: Catalogue = {
  services: () => [],
  controllerSelector: () => undefined,
  claim: () => undefined,
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
  promised: new Map(),
  knowsVolumes: false,
};

/** Selects the pods of the same Services and the same controller; `undefined` when the pod belongs to none. */
export function siblingsOf(pod: PodInfo, catalogue: Catalogue): Selector | undefined {
  const requirements = [];
  for (const service of catalogue.services(pod.namespace)) {
    if (Object.keys(service.spec.selector ?? {}).length === 0) continue;
    const selector = selectorFromMap(service.spec.selector);
    if (matchesLabels(selector, pod.labels)) requirements.push(...selector.requirements);
  }
  const owner = pod.pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  const own = owner === undefined ? undefined : catalogue.controllerSelector(owner.kind, pod.namespace, owner.name);
  if (own !== undefined) requirements.push(...selectorFrom(own).requirements);
  return requirements.length === 0 ? undefined : { requirements };
}
