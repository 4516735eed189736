/** Messages of lib/validation as errors of a field. */
import { type FieldError, fieldError } from "../../../lib/status.ts";

/** One `Invalid value` for each message. */
export function invalids(path: string, value: unknown, messages: readonly string[]): FieldError[] {
  return messages.map((message) => fieldError.invalid(path, value, message));
}
