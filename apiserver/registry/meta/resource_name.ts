/**
 * Names of resources and what they say of their quantities (k8s.io/kubernetes/pkg/apis/core/helper and the resource part
 * of core's validation). Leaves out what only quotas count.
 */
import { compareQuantities, milli, parseQuantity, quantityOf } from "../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isQualifiedName } from "../../../lib/validation.ts";
import { notNegativeMessage } from "./non_negative.ts";

const hugePages = "hugepages-";

const containerResources = new Set(["cpu", "memory", "ephemeral-storage"]);
const countedResources = new Set([
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);
const standardResources = new Set([
  ...containerResources,
  ...countedResources,
  ...[...containerResources].flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  "storage",
  "requests.storage",
]);

/** `hugepages-2Mi` */
export const isHugePages = (name: string): boolean => name.startsWith(hugePages);

/** Without a domain, or with Kubernetes' own. */
export const isNativeResource = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");

/** `example.com/gpu` */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith("requests.") && isQualifiedName(`requests.${name}`).length === 0;
}

/** More may be promised than there is: limits above requests. */
export const allowsOvercommit = (name: string): boolean => isNativeResource(name) && !isHugePages(name);

export const isIntegerResource = (name: string): boolean => countedResources.has(name) || isExtendedResource(name);

/** A name that some resource may have (validateResourceName). */
export function validateResourceName(name: string, path: string): FieldError[] {
  const wrong = isQualifiedName(name);
  if (wrong.length > 0) return wrong.map((message) => fieldError.invalid(path, name, message));
  const standard = standardResources.has(name) || isHugePages(name) || name.startsWith(`requests.${hugePages}`);
  if (name.includes("/") || standard) return [];
  return [fieldError.invalid(path, name, "must be a standard resource type or fully qualified")];
}

/** A name that a container may ask for (validateContainerResourceName). */
export function validateContainerResourceName(name: string, path: string): FieldError[] {
  const errors = validateResourceName(name, path);
  if (!name.includes("/")) {
    if (containerResources.has(name) || isHugePages(name)) return errors;
    return [...errors, fieldError.invalid(path, name, "must be a standard resource for containers")];
  }
  if (isNativeResource(name) || isExtendedResource(name)) return errors;
  return [...errors, fieldError.invalid(path, name, "doesn't follow extended resource name standard")];
}

const podResources = ["cpu", hugePages, "memory"];

export const isPodLevelResource = (name: string): boolean => podResources.includes(name) || isHugePages(name);

/** A name that a pod as a whole may ask for (validatePodResourceName). */
export function validatePodResourceName(name: string, path: string): FieldError[] {
  const errors = validateResourceName(name, path);
  if (errors.length > 0 || isPodLevelResource(name)) return errors;
  return [fieldError.notSupported(path, name, podResources)];
}

/** Not below zero, and whole where the resource is counted (ValidateResourceQuantityValue). */
export function validateResourceQuantity(name: string, quantity: string, path: string): FieldError[] {
  const errors = compareQuantities(quantity, "0") < 0 ? [fieldError.invalid(path, quantity, notNegativeMessage)] : [];
  if (isIntegerResource(name) && milli(quantity) % 1000 !== 0) {
    errors.push(fieldError.invalid(path, quantity, "must be an integer"));
  }
  return errors;
}

/** A whole number of pages of the size that is in the name (IsHugePageResourceValueDivisible). */
export function isWholeHugePages(name: string, quantity: string): boolean {
  try {
    const page = parseQuantity(name.slice(hugePages.length));
    const whole = quantityOf(1).nano;
    if (page.nano <= 0n || page.nano % whole !== 0n) return false;
    return parseQuantity(quantity).nano % page.nano === 0n;
  } catch {
    // A name without a page size divides nothing.
    return false;
  }
}
