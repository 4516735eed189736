/** A volume claim that says nothing of its class gets the default one (plugin/pkg/admission/storage/storageclass/setdefault). */
import { defaultClass, hasNoClass } from "../../lib/volume_match.ts";
import type { KubeObject } from "../../lib/kind.ts";
import type { PersistentVolumeClaim } from "../../lib/types/core_v1.ts";
import type { StorageClass } from "../../lib/types/storage_v1.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

export const defaultStorageClass: AdmissionPlugin = {
  name: "DefaultStorageClass",
  async mutate({ operation, resource, subresource, object }: Attributes, lookup: Lookup) {
    if (operation !== "CREATE" || subresource !== undefined || object === undefined) return;
    if (resource.group !== "" || resource.plural !== "persistentvolumeclaims") return;
    const claim = object as unknown as PersistentVolumeClaim;
    if (!hasNoClass({ ...claim, spec: claim.spec ?? {} })) return;
    await lookup.fresh();
    const found = defaultClass(lookup.list<StorageClass & KubeObject>("storage.k8s.io/storageclasses"));
    if (found !== undefined) claim.spec = { ...claim.spec, storageClassName: found.metadata.name };
  },
};
