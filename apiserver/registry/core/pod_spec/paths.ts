/** Paths inside of volumes and images: they may not lead out of them. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";

/** No element is `..` (validatePathNoBacksteps). */
export function checkNoBacksteps(path: string, field: string): FieldError[] {
  return path.split("/").includes("..") ? [fieldError.invalid(field, path, "must not contain '..'")] : [];
}

/** Relative, and no element is `..` (validateLocalDescendingPath). */
export function checkDescendingPath(path: string, field: string): FieldError[] {
  const errors = path.startsWith("/") ? [fieldError.invalid(field, path, "must be a relative path")] : [];
  return [...errors, ...checkNoBacksteps(path, field)];
}

/** The same, and not beginning with `..`: names that volumes use for themselves (ValidateLocalNonReservedPath). */
export function checkLocalPath(path: string, field: string): FieldError[] {
  const errors = checkDescendingPath(path, field);
  // `../x` has been named above; of `..` itself Kubernetes says both.
  if (path.startsWith("..") && !path.startsWith("../")) {
    errors.push(fieldError.invalid(field, path, "must not start with '..'"));
  }
  return errors;
}

const fileModeError = "must be a number between 0 and 0777 (octal), both inclusive";

/** Permission bits of a file. */
export function checkFileMode(mode: number | undefined, field: string): FieldError[] {
  return mode === undefined || (mode >= 0 && mode <= 0o777) ? [] : [fieldError.invalid(field, mode, fileModeError)];
}
