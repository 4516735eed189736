/** The volume of a VolumeAttachment that no PersistentVolume stands for (ValidatePersistentVolumeSpec, inline). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { PersistentVolumeSpec } from "../../../lib/types/core_v1.ts";
import { validateAccessModes } from "../core/claim_spec.ts";
import { validateSources } from "../core/persistent_volume/sources.ts";

const outOfPlace = "may not be specified in the context of inline volumes";

/** A CSI volume and how it is used; what only matters to claims must not be there. */
export function validateInlineVolume(spec: PersistentVolumeSpec, path: string): FieldError[] {
  const modes = spec.accessModes ?? [];
  const errors = forbidden(spec, ["claimRef", "capacity"], path);
  if (spec.csi === undefined) {
    errors.push(fieldError.required(`${path}.csi`, "has to be specified in the context of inline volumes"));
  }
  if (modes.length === 0) errors.push(fieldError.required(`${path}.accessModes`));
  return [
    ...errors,
    ...validateAccessModes(modes, `${path}.accessModes`),
    ...forbidden(spec, ["persistentVolumeReclaimPolicy", "nodeAffinity"], path),
    ...validateSources(spec, "", path),
    ...forbidden(spec, ["storageClassName", "volumeMode", "volumeAttributesClassName"], path),
  ];
}

function forbidden(
  spec: PersistentVolumeSpec,
  names: readonly (keyof PersistentVolumeSpec)[],
  path: string,
): FieldError[] {
  return names.filter((name) => spec[name] !== undefined && spec[name] !== "")
    .map((name) => fieldError.forbidden(`${path}.${name}`, outOfPlace));
}
