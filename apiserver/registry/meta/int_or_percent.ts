/** Counts that may be given as a share: `2`, `25%` (pkg/apis/apps/validation). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isValidPercent } from "../../../lib/validation.ts";

/** Refuses negative numbers and texts that are no percentage (ValidatePositiveIntOrPercent). */
export function validatePositiveIntOrPercent(value: number | string, path: string): FieldError[] {
  if (typeof value === "string") return isValidPercent(value).map((m) => fieldError.invalid(path, value, m));
  return value < 0 ? [fieldError.invalid(path, value, "must be greater than or equal to 0")] : [];
}

/** Refuses percentages of more than a whole; numbers are never refused (IsNotMoreThan100Percent). */
export function validateAtMost100Percent(value: number | string, path: string): FieldError[] {
  const percent = percentOf(value);
  if (percent === undefined || percent <= 100) return [];
  return [fieldError.invalid(path, value, "must not be greater than 100%")];
}

/** `25` for `25%`; undefined for what is no percentage. */
export function percentOf(value: number | string): number | undefined {
  if (typeof value !== "string" || isValidPercent(value).length > 0) return undefined;
  return Number(value.slice(0, -1));
}
