/** Names of resources that containers can ask for (pkg/apis/core/v1/validation, ValidateContainerResourceName). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isQualifiedName } from "../../../lib/validation.ts";

const standard = new Set(["cpu", "memory", "ephemeral-storage"]);
const nativeNamespace = "kubernetes.io/";

export function validateContainerResourceName(name: string, path: string): FieldError[] {
  const errors = isQualifiedName(name).map((m) => fieldError.invalid(path, name, m));
  const simple = !name.includes("/");
  if (simple) {
    if (standard.has(name) || name.startsWith("hugepages-")) return errors;
    return [...errors, fieldError.invalid(path, name, "must be a standard resource for containers")];
  }
  if (name.includes(nativeNamespace) || isExtended(name)) return errors;
  return [...errors, fieldError.invalid(path, name, "doesn't follow extended resource name standard")];
}

/** A quota on it, `requests.<name>`, must be a name, too. */
function isExtended(name: string): boolean {
  return !name.startsWith("requests.") && isQualifiedName(`requests.${name}`).length === 0;
}
