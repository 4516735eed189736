/** What a container (or a pod as a whole) requests and is limited to. */
import { compareQuantities, parseQuantity, QuantityError } from "../../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { ResourceClaim, ResourceRequirements } from "../../../../lib/types/core_v1.ts";
import { roundResources, validateQuantity } from "../../meta/resource_list.ts";
import { isHugePages, isOvercommitAllowed, validateContainerResourceName } from "../../meta/resource_name.ts";
import { checkDNSLabel } from "./checks.ts";

export function defaultRequirements(requirements: ResourceRequirements | undefined): void {
  roundResources(requirements?.limits);
  roundResources(requirements?.requests);
}

/** What is limited is requested as well. Only in Pods: templates stay as they are. */
export function defaultRequestsFromLimits(requirements: ResourceRequirements | undefined): void {
  if (requirements?.limits === undefined) return;
  requirements.requests = { ...requirements.limits, ...requirements.requests };
}

type NameValidator = (name: string, path: string) => FieldError[];

export interface RequirementsContext {
  /** Names of the pod's resource claims. */
  claims: ReadonlySet<string>;
  /** validateContainerResourceName() unless told otherwise. */
  validateName?: NameValidator;
}

export function validateRequirements(
  requirements: ResourceRequirements | undefined,
  { claims, validateName = validateContainerResourceName }: RequirementsContext,
  path: string,
): FieldError[] {
  if (requirements === undefined) return [];
  const { limits = {}, requests = {} } = requirements;
  const errors: FieldError[] = [];
  for (const [name, quantity] of Object.entries(limits)) {
    const at = `${path}.limits[${name}]`;
    errors.push(...validateName(name, at), ...validateQuantity(name, quantity, at));
    errors.push(...validateHugePages(name, quantity, at));
  }
  for (const [name, quantity] of Object.entries(requests)) {
    const at = `${path}.requests[${name}]`;
    errors.push(...validateName(name, at), ...validateQuantity(name, quantity, at));
    errors.push(...validateAgainstLimit(name, quantity, limits[name], path));
    errors.push(...validateHugePages(name, quantity, at));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes("cpu") && !names.includes("memory")) {
    errors.push(fieldError.forbidden(path, "HugePages require cpu or memory"));
  }
  return [...errors, ...validateClaims(requirements.claims, claims, `${path}.claims`)];
}

function validateHugePages(name: string, quantity: string, path: string): FieldError[] {
  if (!isHugePages(name) || isWholeHugePages(name, quantity)) return [];
  return [fieldError.invalid(path, quantity, `${quantity} is not positive integer multiple of ${name}`)];
}

/** A whole number of pages of the size that is in the name (IsHugePageResourceValueDivisible). */
function isWholeHugePages(name: string, quantity: string): boolean {
  try {
    const page = parseQuantity(name.slice("hugepages-".length)).nano;
    return page > 0n && page % 1_000_000_000n === 0n && parseQuantity(quantity).nano % page === 0n;
  } catch (error) {
    if (error instanceof QuantityError) return false;
    throw error;
  }
}

function validateAgainstLimit(name: string, request: string, limit: string | undefined, path: string): FieldError[] {
  const at = `${path}.requests`;
  if (limit === undefined) {
    if (isOvercommitAllowed(name)) return [];
    return [fieldError.required(`${path}.limits`, "Limit must be set for non overcommitable resources")];
  }
  const order = compareQuantities(request, limit);
  if (order !== 0 && !isOvercommitAllowed(name)) {
    return [fieldError.invalid(at, request, `must be equal to ${name} limit of ${limit}`)];
  }
  return order > 0 ? [fieldError.invalid(at, request, `must be less than or equal to ${name} limit of ${limit}`)] : [];
}

/** Each claim, or each request of it, once; a claim as a whole excludes its parts. */
function validateClaims(
  claims: readonly ResourceClaim[] | undefined,
  podClaims: ReadonlySet<string>,
  path: string,
): FieldError[] {
  const seen = new Set<string>();
  return (claims ?? []).flatMap(({ name, request = "" }, i) => {
    const at = `${path}[${i}]`;
    if (!name) return [fieldError.required(at)];
    const errors: FieldError[] = [];
    if (seen.has(name)) errors.push(fieldError.duplicate(at, name));
    else {
      const key = request === "" ? name : `${name}/${request}`;
      if (request !== "") errors.push(...checkDNSLabel(request, `${at}.request`));
      if (seen.has(key)) errors.push(fieldError.duplicate(at, key));
      else if (request === "") {
        for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(fieldError.duplicate(at, name));
      }
      seen.add(key);
    }
    if (!podClaims.has(name)) errors.push(unknownClaim(name, podClaims, at));
    return errors;
  });
}

function unknownClaim(name: string, podClaims: ReadonlySet<string>, path: string): FieldError {
  const names = podClaims.size === 0 ? " which is empty" : `: ${[...podClaims].sort().join(", ")}`;
  const error = fieldError.notFound(path, name);
  return { ...error, message: `${error.message}: must be one of the names in pod.spec.resourceClaims${names}` };
}
