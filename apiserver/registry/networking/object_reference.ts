/** References by API group, kind and name in Ingresses and IngressClasses. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isDNS1123Subdomain, isValidPathSegmentName } from "../../../lib/validation.ts";
import { invalids } from "../meta/messages.ts";

/** A group, when there is one, must be a domain; kind and name must be there and fit into a path. */
export function validateTypedReference(
  reference: { apiGroup?: string; kind?: string; name?: string },
  path: string,
): FieldError[] {
  const { apiGroup } = reference;
  const errors = apiGroup === undefined ? [] : invalids(`${path}.apiGroup`, apiGroup, isDNS1123Subdomain(apiGroup));
  for (const name of ["kind", "name"] as const) errors.push(...validateSegment(reference[name], `${path}.${name}`));
  return errors;
}

export function validateSegment(value: string | undefined, path: string): FieldError[] {
  if (!value) return [fieldError.required(path)];
  return invalids(path, value, isValidPathSegmentName(value));
}
