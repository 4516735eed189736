/** Counts and seconds that may not be below zero (ValidateNonnegativeField). */
import { type FieldError, fieldError } from "../../../lib/status.ts";

export const notNegativeMessage = "must be greater than or equal to 0";

/** An error when there is a value and it is below zero. */
export function nonNegative(value: number | undefined, path: string): FieldError[] {
  return value === undefined || value >= 0 ? [] : [fieldError.invalid(path, value, notNegativeMessage)];
}

/** nonNegative() of several fields of one object, in this order. */
export function nonNegativeFields<T extends object>(
  of: T,
  names: readonly (keyof T & string)[],
  path: string,
): FieldError[] {
  return names.flatMap((name) => nonNegative(of[name] as number | undefined, `${path}.${name}`));
}
