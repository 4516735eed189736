/** CSINode: the CSI drivers of one node. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { CSINode as kind } from "../../../lib/types/kinds.ts";
import type { CSINode, CSINodeDriver } from "../../../lib/types/storage_v1.ts";
import { isDNS1123Subdomain, isQualifiedName, utf8Length } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { validateCSIDriverName } from "../core/pod_spec/volumes.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { immutable } from "../meta/immutable.ts";
import { invalids } from "../meta/messages.ts";
import { nonNegative } from "../meta/non_negative.ts";

const nodeIdBytesMax = 256;

function validate({ spec }: CSINode): FieldError[] {
  const seen = new Set<string>();
  return (spec.drivers ?? []).flatMap((driver, i) => {
    const path = `spec.drivers[${i}]`;
    const { name = "", allocatable, topologyKeys = [] } = driver;
    const errors = [
      ...validateCSIDriverName(name, `${path}.name`),
      ...validateNodeId(driver.nodeID ?? "", `${path}.nodeID`),
      ...nonNegative(allocatable?.count, `${path}.allocatable.count`),
    ];
    if (seen.has(name)) errors.push(fieldError.duplicate(`${path}.name`, name));
    seen.add(name);
    return [...errors, ...validateTopologyKeys(topologyKeys, path)];
  });
}

function validateNodeId(id: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (id === "") errors.push(fieldError.required(path));
  if (utf8Length(id) > nodeIdBytesMax) {
    errors.push(fieldError.invalid(path, id, `must be ${nodeIdBytesMax} characters or less`));
  }
  return errors;
}

/** Said of the driver, not of the key: Kubernetes does. */
function validateTopologyKeys(keys: readonly string[], path: string): FieldError[] {
  return keys.flatMap((key, i) => {
    const errors: FieldError[] = [];
    if (key === "") errors.push(fieldError.required(path));
    if (keys.indexOf(key) < i) errors.push(fieldError.duplicate(path, key));
    return [...errors, ...invalids(path, key, isQualifiedName(key))];
  });
}

/** What a driver said of itself stays until it is registered anew; how many volumes fit may change. */
function validateUpdate({ spec }: CSINode, { spec: old }: CSINode): FieldError[] {
  const fixed = ({ allocatable: _, ...rest }: CSINodeDriver) => rest;
  return (old.drivers ?? []).flatMap((before) =>
    (spec.drivers ?? []).filter(({ name }) => name === before.name)
      .flatMap((driver) => immutable(fixed(driver), fixed(before), "spec.drivers"))
  );
}

export const csiNode: Resource<CSINode> = defineResource<CSINode>(kind, {
  definition: "io.k8s.api.storage.v1.CSINode",
  returnsDeleted: true,
  unconditionalUpdate: false,
  defaults(object) {
    (object.spec ??= { drivers: [] }).drivers ??= [];
  },
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    { name: "Drivers", type: "integer", value: ({ spec }) => (spec.drivers ?? []).length },
    ageColumn,
  ],
}, isDNS1123Subdomain);
