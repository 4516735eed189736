/** An error about a value that is too long to be shown (field.OmitValueType). */
import type { FieldError } from "../../../lib/status.ts";

export function invalidWithoutValue(field: string, detail: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${detail}` };
}
