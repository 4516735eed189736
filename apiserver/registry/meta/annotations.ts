/** Annotations of an object or a template: keys and size (apimachinery's ValidateAnnotations). */
import { annotationsBytesMax } from "../../../lib/limits.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isQualifiedName, utf8Length } from "../../../lib/validation.ts";

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    bytes += utf8Length(key) + utf8Length(value);
    // Unlike those of labels, keys may be of any case.
    for (const message of isQualifiedName(key.toLowerCase())) errors.push(fieldError.invalid(path, key, message));
  }
  if (bytes > annotationsBytesMax) errors.push(fieldError.tooLong(path, annotationsBytesMax));
  return errors;
}
