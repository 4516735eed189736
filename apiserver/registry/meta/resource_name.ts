/** Names of resources (cpu, hugepages-2Mi, example.com/gpu) and what they are good for (pkg/apis/core/helper). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isQualifiedName } from "../../../lib/validation.ts";

const compute = ["cpu", "memory", "ephemeral-storage"];
const counted = [
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
];
const requestsAndLimits = ["requests", "limits"].flatMap((prefix) => compute.map((name) => `${prefix}.${name}`));
const quota = new Set([...compute, ...requestsAndLimits, "requests.storage", ...counted]);
const standard = new Set([...quota, "storage"]);
const container = new Set(compute);
const integer = new Set(counted);

export const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
const isQuotaHugePages = (name: string) => isHugePages(name) || name.startsWith("requests.hugepages-");

/** Without a prefix, or with one of Kubernetes' own. */
export const isNativeResource = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");

export function isExtendedResource(name: string): boolean {
  if (isNativeResource(name) || name.startsWith("requests.")) return false;
  return isQualifiedName(`requests.${name}`).length === 0;
}

/** Of these a request may be less than the limit. */
export const isOvercommitAllowed = (name: string): boolean => isNativeResource(name) && !isHugePages(name);
/** There is no half of these. */
export const isIntegerResource = (name: string): boolean => integer.has(name) || isExtendedResource(name);
export const isQuotaResource = (name: string): boolean => quota.has(name) || isQuotaHugePages(name);

/** A qualified name; without a prefix a standard one. */
export function validateResourceName(name: string, path: string): FieldError[] {
  const errors = isQualifiedName(name).map((message) => fieldError.invalid(path, name, message));
  if (errors.length > 0 || name.includes("/") || standard.has(name) || isQuotaHugePages(name)) return errors;
  return [fieldError.invalid(path, name, "must be a standard resource type or fully qualified")];
}

/** What a container may ask for. */
export function validateContainerResourceName(name: string, path: string): FieldError[] {
  const errors = validateResourceName(name, path);
  if (!name.includes("/")) {
    if (container.has(name) || isHugePages(name)) return errors;
    return [...errors, fieldError.invalid(path, name, "must be a standard resource for containers")];
  }
  if (isNativeResource(name) || isExtendedResource(name)) return errors;
  return [...errors, fieldError.invalid(path, name, "doesn't follow extended resource name standard")];
}

/** What a ResourceQuota may limit. */
export function validateQuotaResourceName(name: string, path: string): FieldError[] {
  const errors = validateResourceName(name, path);
  if (name.includes("/") || isQuotaResource(name)) return errors;
  return [...errors, fieldError.invalid(path, name, "must be a standard resource for quota")];
}
