/** Values that are a number or a percentage: maxSurge, maxUnavailable, minAvailable (pkg/apis/apps/validation). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isValidPercent } from "../../../lib/validation.ts";
import { nonNegative } from "./non_negative.ts";

type IntOrString = number | string;

/** A number that is not negative, or digits and `%`. An absent value counts as 0, as in Go. */
export function validateIntOrPercent(value: IntOrString | undefined, path: string): FieldError[] {
  if (typeof value !== "string") return nonNegative(value, path);
  return isValidPercent(value).map((message) => fieldError.invalid(path, value, message));
}

export function notMoreThan100Percent(value: IntOrString | undefined, path: string): FieldError[] {
  if (typeof value !== "string" || isValidPercent(value).length > 0 || parseInt(value) <= 100) return [];
  return [fieldError.invalid(path, value, "must not be greater than 100%")];
}

/** The number before the `%`, or the number itself; what is neither counts as 0. */
export function intOrPercentValue(value: IntOrString | undefined): number {
  if (typeof value !== "string") return value ?? 0;
  if (isValidPercent(value).length === 0) return parseInt(value);
  return /^[-+]?[0-9]+$/.test(value) ? Number(value) : 0;
}
