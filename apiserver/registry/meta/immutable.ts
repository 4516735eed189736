/** Fields that stay as they were created (apimachinery's ValidateImmutableField). */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";

export const immutableMessage = "field is immutable";

/** An error when the values differ; absence equals absence only. */
export function immutable(value: unknown, old: unknown, path: string): FieldError[] {
  return deepEqual(value, old) ? [] : [fieldError.invalid(path, value ?? null, immutableMessage)];
}
