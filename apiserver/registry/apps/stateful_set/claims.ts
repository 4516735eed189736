/** The volume claims that a StatefulSet makes for each of its pods. */
import { parseQuantity } from "../../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import { validateLabelSelector } from "../../../../lib/selector/mod.ts";
import type { PersistentVolumeClaim, PodTemplateSpec } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain } from "../../../../lib/validation.ts";

const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/** As if it were a claim of its own (SetObjectDefaults_StatefulSet). */
export function defaultClaim(claim: PersistentVolumeClaim): void {
  claim.apiVersion ??= "v1";
  claim.kind ??= "PersistentVolumeClaim";
  claim.spec ??= {};
  claim.spec.volumeMode ??= "Filesystem";
  claim.status ??= {};
  claim.status.phase ||= "Pending";
}

/** The template with the claims as volumes, in place of those of the same name. */
export function withClaims(template: PodTemplateSpec, claims: readonly PersistentVolumeClaim[]): PodTemplateSpec {
  if (claims.length === 0) return template;
  const names = claims.map(({ metadata }) => metadata?.name ?? "").filter((name) => name !== "");
  const others = (template.spec.volumes ?? []).filter(({ name }) => !names.includes(name));
  const made = [...new Set(names)].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...template, spec: { ...template.spec, volumes: [...others, ...made] } };
}

export function claimErrors(claims: readonly PersistentVolumeClaim[]): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap((claim, i) => {
    const path = `spec.volumeClaimTemplates[${i}]`;
    const name = claim.metadata?.name ?? "";
    const errors: FieldError[] = [];
    if (name === "") errors.push(fieldError.required(`${path}.metadata.name`));
    else if (seen.has(name)) errors.push(fieldError.duplicate(`${path}.metadata.name`, name));
    else for (const m of isDNS1123Subdomain(name)) errors.push(fieldError.invalid(`${path}.metadata.name`, name, m));
    seen.add(name);
    return [...errors, ...specErrors(claim, `${path}.spec`)];
  });
}

/** ValidatePersistentVolumeClaimSpec without what only bound claims can be asked. */
function specErrors({ spec }: PersistentVolumeClaim, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const modes: readonly string[] = spec.accessModes ?? [];
  if (modes.length === 0) {
    errors.push(fieldError.required(`${path}.accessModes`, "at least 1 access mode is required"));
  }
  if (spec.selector !== undefined) errors.push(...validateLabelSelector(spec.selector, `${path}.selector`));
  for (const mode of modes) {
    if (!accessModes.includes(mode)) errors.push(fieldError.notSupported(`${path}.accessModes`, mode, accessModes));
  }
  if (modes.includes("ReadWriteOncePod") && modes.length > 1) {
    const detail = "may not use ReadWriteOncePod with other access modes";
    errors.push(fieldError.forbidden(`${path}.accessModes`, detail));
  }
  const storage = spec.resources?.requests?.storage;
  if (storage === undefined) errors.push(fieldError.required(`${path}.resources[storage]`));
  else if (parseQuantity(storage).nano <= 0n) {
    errors.push(fieldError.invalid(`${path}.resources[storage]`, storage, "must be greater than zero"));
  }
  if (spec.storageClassName) {
    for (const message of isDNS1123Subdomain(spec.storageClassName)) {
      errors.push(fieldError.invalid(`${path}.storageClassName`, spec.storageClassName, message));
    }
  }
  if (spec.volumeMode !== "Filesystem" && spec.volumeMode !== "Block") {
    errors.push(fieldError.notSupported(`${path}.volumeMode`, spec.volumeMode ?? "", ["Block", "Filesystem"]));
  }
  return errors;
}
