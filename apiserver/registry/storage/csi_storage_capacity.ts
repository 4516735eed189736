/** CSIStorageCapacity: how much a class of storage has left in one part of the cluster. */
import { validateLabelSelector } from "../../../lib/selector/mod.ts";
import type { FieldError } from "../../../lib/status.ts";
import { CSIStorageCapacity as kind } from "../../../lib/types/kinds.ts";
import type { CSIStorageCapacity } from "../../../lib/types/storage_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { nameColumn } from "../meta/columns.ts";
import { deprecatedNodeLabel } from "../meta/deprecated_node_label.ts";
import { immutable } from "../meta/immutable.ts";
import { invalids } from "../meta/messages.ts";
import { nonNegativeQuantity } from "../meta/resource_list.ts";

function validate({ nodeTopology, storageClassName = "", capacity }: CSIStorageCapacity): FieldError[] {
  const errors = [
    ...validateLabelSelector(nodeTopology, "nodeTopology"),
    ...invalids("storageClassName", storageClassName, isDNS1123Subdomain(storageClassName)),
  ];
  return capacity === undefined ? errors : [...errors, ...nonNegativeQuantity(capacity, "capacity")];
}

/** What the driver was asked stays; only its answer changes. */
function validateUpdate(object: CSIStorageCapacity, old: CSIStorageCapacity): FieldError[] {
  return [
    ...immutable(object.nodeTopology, old.nodeTopology, "nodeTopology"),
    ...immutable(object.storageClassName, old.storageClassName, "storageClassName"),
  ];
}

/** GetWarningsForCSIStorageCapacity: it says the two differently. */
function warnings({ nodeTopology }: CSIStorageCapacity): string[] {
  const expressions = (nodeTopology?.matchExpressions ?? []).flatMap(({ key }, i) => {
    const message = deprecatedNodeLabel(key);
    return message === undefined ? [] : [`nodeTopology.matchExpressions[${i}]: ${key} is ${message}`];
  });
  const labels = Object.keys(nodeTopology?.matchLabels ?? {}).flatMap((key) => {
    const message = deprecatedNodeLabel(key);
    return message === undefined ? [] : [`nodeTopology.matchLabels.${key}: ${message}`];
  });
  return [...expressions, ...labels];
}

export const csiStorageCapacity: Resource<CSIStorageCapacity> = defineResource<CSIStorageCapacity>(kind, {
  definition: "io.k8s.api.storage.v1.CSIStorageCapacity",
  unconditionalUpdate: false,
  validate,
  validateUpdate,
  warnings,
  columns: [
    nameColumn,
    { name: "StorageClassName", type: "string", value: ({ storageClassName }) => storageClassName },
    { name: "Capacity", type: "string", value: ({ capacity = "<unset>" }) => capacity },
  ],
}, isDNS1123Subdomain);
