/**
 * Field errors of single values, as the validation of pods makes them again and again. Leaves out the rules themselves:
 * those are lib/validation.ts'.
 */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import { isDNS1123Label, isDNS1123Subdomain, isQualifiedName } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";

export function checkDNSLabel(value: string, path: string): FieldError[] {
  return invalids(path, value, isDNS1123Label(value));
}

export function checkDNSSubdomain(value: string, path: string): FieldError[] {
  return invalids(path, value, isDNS1123Subdomain(value));
}

/** Label keys, condition types, gates. */
export function checkQualifiedName(value: string, path: string): FieldError[] {
  return invalids(path, value, isQualifiedName(value));
}

/** Names that may be a prefix of a generated name: a trailing dash is accepted (maskTrailingDash). */
export function checkDNSSubdomainPrefix(value: string, path: string): FieldError[] {
  const masked = value.length > 1 && value.endsWith("-") ? `${value.slice(0, -2)}a` : value;
  return invalids(path, value, isDNS1123Subdomain(masked));
}

/** `Required value` when there is no text. */
export function checkPresent(value: string | undefined, path: string): FieldError[] {
  return value ? [] : [fieldError.required(path)];
}

/** `Unsupported value` when it is none of these; `supported` in the order in which Kubernetes shows them. */
export function checkSupported(value: string | undefined, path: string, supported: readonly string[]): FieldError[] {
  return supported.includes(value ?? "") ? [] : [fieldError.notSupported(path, value ?? "", supported)];
}

/** checkSupported(), and `Required value` when there is no text. */
export function checkRequiredEnum(value: string | undefined, path: string, supported: readonly string[]): FieldError[] {
  return value ? checkSupported(value, path, supported) : [fieldError.required(path)];
}
