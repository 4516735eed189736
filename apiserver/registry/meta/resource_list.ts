/** Amounts under resource names: capacity, requests, quotas (pkg/apis/core/validation, ValidateResourceQuantityValue). */
import { ceilMilli, compareQuantities, formatQuantity, parseQuantity } from "../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { notNegativeMessage } from "./non_negative.ts";
import { isIntegerResource } from "./resource_name.ts";

export type ResourceList = Record<string, string>;

/** Rounds up to thousandths, as every list of resources is (SetDefaults_ResourceList). */
export function roundResources(list: ResourceList | undefined): void {
  if (list === undefined) return;
  for (const [name, quantity] of Object.entries(list)) {
    if (/[nu.]/.test(quantity)) list[name] = formatQuantity(ceilMilli(quantity));
  }
}

export function validateQuantity(name: string, quantity: string, path: string): FieldError[] {
  const errors = nonNegativeQuantity(quantity, path);
  if (isIntegerResource(name) && parseQuantity(quantity).nano % 1_000_000_000n !== 0n) {
    errors.push(fieldError.invalid(path, quantity, "must be an integer"));
  }
  return errors;
}

export function nonNegativeQuantity(quantity: string, path: string): FieldError[] {
  return compareQuantities(quantity, "0") < 0 ? [fieldError.invalid(path, quantity, notNegativeMessage)] : [];
}

export function positiveQuantity(quantity: string, path: string): FieldError[] {
  return compareQuantities(quantity, "0") > 0 ? [] : [fieldError.invalid(path, quantity, "must be greater than zero")];
}
