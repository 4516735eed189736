/** What a pod needs to read besides itself (pkg/api/v1/pod/util.go: VisitPodSecretNames, VisitPodConfigmapNames). Pure. */
import type { Container, PersistentVolume, Pod, Volume } from "../../lib/types/core_v1.ts";

export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  /** `undefined`: none. */
  readonly serviceAccount: string | undefined;
}

const nothing: PodReferences = {
  secrets: new Set(),
  configMaps: new Set(),
  claims: new Set(),
  serviceAccount: undefined,
};

/** Names within the pod's namespace. A mirror pod, which its node itself has made, needs nothing. */
export function referencesOf({ metadata, spec }: Pod): PodReferences {
  if (metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return nothing;
  const names = { secrets: new Set<string>(), configMaps: new Set<string>(), claims: new Set<string>() };
  const add = (set: Set<string>, name: string | undefined) => void (name && set.add(name));
  for (const { name } of spec.imagePullSecrets ?? []) add(names.secrets, name);
  const containers = [...spec.initContainers ?? [], ...spec.containers ?? [], ...spec.ephemeralContainers ?? []];
  for (const { env = [], envFrom = [] } of containers as Container[]) {
    for (const { valueFrom } of env) {
      add(names.secrets, valueFrom?.secretKeyRef?.name);
      add(names.configMaps, valueFrom?.configMapKeyRef?.name);
    }
    for (const { secretRef, configMapRef } of envFrom) {
      add(names.secrets, secretRef?.name);
      add(names.configMaps, configMapRef?.name);
    }
  }
  for (const volume of spec.volumes ?? []) {
    for (const name of volumeSecrets(volume)) add(names.secrets, name);
    add(names.configMaps, volume.configMap?.name);
    for (const { configMap } of volume.projected?.sources ?? []) add(names.configMaps, configMap?.name);
    add(names.claims, volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral !== undefined) add(names.claims, `${metadata.name}-${volume.name}`);
  }
  return { ...names, serviceAccount: spec.serviceAccountName || undefined };
}

function volumeSecrets(volume: Volume): (string | undefined)[] {
  return [
    volume.secret?.secretName,
    ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.storageos?.secretRef?.name,
  ];
}

/** `namespace/name` of the secrets that mounting a volume takes (pkg/api/v1/persistentvolume/util.go). */
export function volumeSecretKeys({ spec }: PersistentVolume): string[] {
  const home = spec.claimRef?.namespace ?? "";
  const references = [
    spec.cephfs?.secretRef,
    spec.cinder?.secretRef,
    spec.csi?.controllerPublishSecretRef,
    spec.csi?.nodePublishSecretRef,
    spec.csi?.nodeStageSecretRef,
    spec.csi?.controllerExpandSecretRef,
    spec.csi?.nodeExpandSecretRef,
    spec.flexVolume?.secretRef,
    spec.iscsi?.secretRef,
    spec.rbd?.secretRef,
    spec.scaleIO?.secretRef,
    spec.storageos?.secretRef,
    spec.azureFile && { name: spec.azureFile.secretName, namespace: spec.azureFile.secretNamespace },
  ];
  return references.flatMap((ref) => ref?.name ? [`${ref.namespace || home}/${ref.name}`] : []);
}
