/** Marks volumes and claims as not to be removed while they are in use; who watches over that removes the mark (StorageObjectInUseProtection). */
import type { AdmissionPlugin, Attributes } from "./plugin.ts";

const finalizers: Readonly<Record<string, string>> = {
  persistentvolumes: "kubernetes.io/pv-protection",
  persistentvolumeclaims: "kubernetes.io/pvc-protection",
};

export const storageInUse: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  mutate({ operation, resource, subresource, object }: Attributes) {
    if (operation !== "CREATE" || subresource !== undefined || object === undefined || resource.group !== "") return;
    const finalizer = finalizers[resource.plural];
    if (finalizer === undefined || object.metadata.finalizers?.includes(finalizer)) return;
    object.metadata.finalizers = [...object.metadata.finalizers ?? [], finalizer];
  },
};
