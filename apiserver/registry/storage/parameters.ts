/** Names of drivers and parameters for them: StorageClass and VolumeAttributesClass (pkg/apis/storage/validation). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isQualifiedName, utf8Length } from "../../../lib/validation.ts";
import { invalids } from "../meta/messages.ts";

const parametersMax = 512;
const parametersBytesMax = 256 * 1024;

/** A name with an optional domain, in any case. It is shown in lower case, as Kubernetes does. */
export function validateProvisioner(name: string | undefined, path: string): FieldError[] {
  if (!name) return [fieldError.required(path)];
  const lower = name.toLowerCase();
  return invalids(path, lower, isQualifiedName(lower));
}

export function validateParameters(
  parameters: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > parametersMax) return [fieldError.tooLong(path, parametersMax)];
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === "") errors.push(fieldError.invalid(path, key, "field can not be empty."));
    bytes += utf8Length(key) + utf8Length(value);
  }
  if (bytes > parametersBytesMax) errors.push(fieldError.tooLong(path, parametersBytesMax));
  return errors;
}
