/** Marks volumes, claims and attributes' classes as not to be removed while they are in use; who watches over that removes the mark (StorageObjectInUseProtection). */
import { qualified } from "../../lib/status.ts";
import type { AdmissionPlugin, Attributes } from "./plugin.ts";

const finalizers: Readonly<Record<string, string>> = {
  persistentvolumes: "kubernetes.io/pv-protection",
  persistentvolumeclaims: "kubernetes.io/pvc-protection",
  "volumeattributesclasses.storage.k8s.io": "kubernetes.io/vac-protection",
};

export const storageInUse: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  mutate({ operation, resource, subresource, object }: Attributes) {
    if (operation !== "CREATE" || subresource !== undefined || object === undefined) return;
    const finalizer = finalizers[qualified(resource)];
    if (finalizer === undefined || object.metadata.finalizers?.includes(finalizer)) return;
    object.metadata.finalizers = [...object.metadata.finalizers ?? [], finalizer];
  },
};
