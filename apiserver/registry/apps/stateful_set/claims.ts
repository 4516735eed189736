/** The volume claims that a StatefulSet makes for each of its pods. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PersistentVolumeClaim, PodTemplateSpec } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain } from "../../../../lib/validation.ts";
import { defaultClaimSpec, validateClaimSpec } from "../../core/claim_spec.ts";

/** As if it were a claim of its own (SetObjectDefaults_StatefulSet). */
export function defaultClaim(claim: PersistentVolumeClaim): void {
  claim.apiVersion ??= "v1";
  claim.kind ??= "PersistentVolumeClaim";
  claim.spec ??= {};
  defaultClaimSpec(claim.spec);
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
    return [...errors, ...validateClaimSpec(claim.spec, `${path}.spec`)];
  });
}
