/** The pod's claims of devices (dynamic resource allocation). */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PodResourceClaim } from "../../../../lib/types/core_v1.ts";
import { checkDNSLabel, checkDNSSubdomain } from "./checks.ts";

export function validateResourceClaims(claims: readonly PodResourceClaim[] | undefined, path: string): FieldError[] {
  const names = new Set<string>();
  return (claims ?? []).flatMap((claim, i) => validateClaim(claim, names, `${path}[${i}]`));
}

function validateClaim(claim: PodResourceClaim, names: Set<string>, path: string): FieldError[] {
  const { name, resourceClaimName, resourceClaimTemplateName } = claim;
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${path}.name`));
  else if (names.has(name)) errors.push(fieldError.duplicate(`${path}.name`, name));
  else {
    errors.push(...checkDNSLabel(name, `${path}.name`));
    names.add(name);
  }
  if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
    const detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
    errors.push(fieldError.invalid(path, claim, detail));
  }
  if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
    const detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
    errors.push(fieldError.invalid(path, claim, detail));
  }
  if (resourceClaimName !== undefined) {
    errors.push(...checkDNSSubdomain(resourceClaimName, `${path}.resourceClaimName`));
  }
  if (resourceClaimTemplateName !== undefined) {
    errors.push(...checkDNSSubdomain(resourceClaimTemplateName, `${path}.resourceClaimTemplateName`));
  }
  return errors;
}
