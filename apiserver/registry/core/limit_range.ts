/** LimitRange: bounds and defaults of what pods and claims may ask for (ValidateLimitRange). */
import { bytes, compareQuantities, milli } from "../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { LimitRange, LimitRangeItem } from "../../../lib/types/core_v1.ts";
import { LimitRange as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain, isQualifiedName } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { type ResourceList, roundResources } from "../meta/resource_list.ts";
import { isOvercommitAllowed, validateContainerResourceName, validateResourceName } from "../meta/resource_name.ts";

const types = ["Container", "PersistentVolumeClaim", "Pod"];
const lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;
/** 2^63 - 1 thousandths: beyond, Kubernetes compares whole units. */
const milliMax = 2 ** 63 / 1000;

function defaultLimitRange(range: LimitRange): void {
  range.spec ??= { limits: [] };
  range.spec.limits ??= [];
  for (const item of range.spec.limits) {
    for (const list of lists) roundResources(item[list]);
    if (item.type === "Container") defaultContainer(item);
  }
}

/** Limits default to the maximum, requests to the limits or else to the minimum. */
function defaultContainer(item: LimitRangeItem): void {
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

function validate({ spec }: LimitRange): FieldError[] {
  const seen = new Set<string>();
  return spec.limits.flatMap((item, i) => {
    const path = `spec.limits[${i}]`;
    const { type = "" } = item;
    const errors = validateType(type, `${path}.type`);
    if (seen.has(type)) errors.push(fieldError.duplicate(`${path}.type`, type));
    seen.add(type);
    return [...errors, ...validateItem(item, path)];
  });
}

function validateType(type: string, path: string): FieldError[] {
  const errors = isQualifiedName(type).map((message) => fieldError.invalid(path, type, message));
  if (errors.length > 0 || type.includes("/") || types.includes(type)) return errors;
  return [fieldError.invalid(path, type, "must be a standard limit type or fully qualified")];
}

function validateItem(item: LimitRangeItem, path: string): FieldError[] {
  const isPod = item.type === "Pod";
  const rule = isPod || item.type === "Container" ? validateContainerResourceName : validateResourceName;
  const errors: FieldError[] = [];
  const keys = new Set<string>();
  for (const list of lists) {
    const names = Object.keys(item[list] ?? {});
    if (isPod && (list === "default" || list === "defaultRequest")) {
      if (names.length > 0) {
        errors.push(fieldError.forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'"));
      }
      continue;
    }
    if (list === "maxLimitRequestRatio") errors.push(...validateClaimBounds(item, path));
    for (const name of names) {
      errors.push(...rule(name, `${path}.${list}[${name}]`));
      keys.add(name);
    }
  }
  for (const key of keys) errors.push(...validateAmounts(item, key, path));
  return errors;
}

function validateClaimBounds({ type, min = {}, max = {} }: LimitRangeItem, path: string): FieldError[] {
  if (type !== "PersistentVolumeClaim" || min.storage !== undefined || max.storage !== undefined) return [];
  const detail = "either minimum or maximum storage value is required, but neither was provided";
  return [fieldError.required(`${path}.limits`, detail)];
}

interface Amounts {
  min?: string;
  max?: string;
  limit?: string;
  request?: string;
  ratio?: string;
}

function validateAmounts(item: LimitRangeItem, key: string, path: string): FieldError[] {
  const of = (list: ResourceList | undefined) => list !== undefined && Object.hasOwn(list, key) ? list[key] : undefined;
  const isPod = item.type === "Pod";
  const amounts: Amounts = {
    min: of(item.min),
    max: of(item.max),
    limit: isPod ? undefined : of(item.default),
    request: isPod ? undefined : of(item.defaultRequest),
    ratio: of(item.maxLimitRequestRatio),
  };
  const at = (list: string) => `${path}.${list}[${key}]`;
  const { limit, request } = amounts;
  const errors = [...validateOrder(amounts, at), ...validateRatio(amounts, at("maxLimitRequestRatio"))];
  const differ = limit !== undefined && request !== undefined && compareQuantities(limit, request) !== 0;
  if (differ && !isOvercommitAllowed(key)) {
    const detail = `default value ${limit} must equal to defaultRequest value ${request} in ${key}`;
    errors.push(fieldError.invalid(at("defaultRequest"), request, detail));
  }
  return errors;
}

function validateOrder({ min, max, limit, request }: Amounts, at: (list: string) => string): FieldError[] {
  const errors: FieldError[] = [];
  const check = (
    low: readonly [string | undefined, string],
    high: readonly [string | undefined, string],
    blame: readonly [string, string | undefined],
  ) => {
    if (low[0] === undefined || high[0] === undefined || compareQuantities(low[0], high[0]) <= 0) return;
    const detail = `${low[1]} value ${low[0]} is greater than ${high[1]} value ${high[0]}`;
    errors.push(fieldError.invalid(at(blame[0]), blame[1], detail));
  };
  check([min, "min"], [max, "max"], ["min", min]);
  check([min, "min"], [request, "default request"], ["defaultRequest", request]);
  check([request, "default request"], [max, "max"], ["defaultRequest", request]);
  check([request, "default request"], [limit, "default limit"], ["defaultRequest", request]);
  check([min, "min"], [limit, "default"], ["default", min]);
  check([limit, "default"], [max, "max"], ["default", max]);
  return errors;
}

function validateRatio({ ratio, min, max }: Amounts, path: string): FieldError[] {
  if (ratio === undefined) return [];
  const errors: FieldError[] = [];
  if (compareQuantities(ratio, "1") < 0) {
    errors.push(fieldError.invalid(path, ratio, `ratio ${ratio} is less than 1`));
  }
  if (min === undefined || max === undefined) return errors;
  const fine = [ratio, min, max].every((quantity) => bytes(quantity) < milliMax);
  const [asked, low, high] = fine
    ? [milli(ratio) / 1000, milli(min), milli(max)]
    : [bytes(ratio), bytes(min), bytes(max)];
  const limit = high / low;
  if (asked > limit) {
    const detail = `ratio ${ratio} is greater than max/min = ${limit.toFixed(6)}`;
    errors.push(fieldError.invalid(path, ratio, detail));
  }
  return errors;
}

export const limitRange: Resource<LimitRange> = defineResource<LimitRange>(kind, {
  definition: "io.k8s.api.core.v1.LimitRange",
  shortNames: ["limits"],
  createOnUpdate: true,
  defaults: defaultLimitRange,
  validate,
}, isDNS1123Subdomain);
