/** References by kind and name, with a group version: what is scaled, what a metric is about. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { CrossVersionObjectReference } from "../../../lib/types/autoscaling_v2.ts";
import { isValidPathSegmentName } from "../../../lib/validation.ts";

/** `group: "required"`: the core group is not enough, which scaling can't find anything in. */
export function validateTargetReference(
  reference: CrossVersionObjectReference | undefined,
  path: string,
  { group }: { group: "required" | "optional" },
): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["kind", "name"] as const) {
    const value = reference?.[name] ?? "";
    if (value === "") errors.push(fieldError.required(`${path}.${name}`));
    else errors.push(...isValidPathSegmentName(value).map((m) => fieldError.invalid(`${path}.${name}`, value, m)));
  }
  const version = reference?.apiVersion ?? "";
  const wrong = versionError(version, group);
  if (wrong !== undefined) errors.push(fieldError.invalid(`${path}.apiVersion`, version, wrong));
  return errors;
}

/** schema.ParseGroupVersion's errors, and a missing group. */
function versionError(version: string, group: "required" | "optional"): string | undefined {
  const parts = version.split("/");
  if (parts.length > 2) return `unexpected GroupVersion string: ${version}`;
  const hasGroup = parts.length === 2 && parts[0] !== "";
  return group === "required" && !hasGroup ? "apiVersion must specify API group" : undefined;
}
