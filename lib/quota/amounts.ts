/** Amounts of resources by their names, exactly (k8s.io/apiserver/pkg/quota/v1/resources.go). */
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
} from "../quantity.ts";

/** Read it, never write it. */
export type Amounts = ReadonlyMap<string, Quantity>;
export type Quantities = Readonly<Record<string, string>> | undefined;

const parsed = new Map<string, Quantity>();
/** Texts that are remembered: a cluster writes the same few again and again. */
const parsedMax = 4_096;

/** A quantity by its text. Throws QuantityError. */
export function quantity(text: string): Quantity {
  let known = parsed.get(text);
  if (known === undefined) {
    if (parsed.size >= parsedMax) parsed.clear();
    parsed.set(text, known = parseQuantity(text));
  }
  return known;
}

export const one: Quantity = quantity("1");
export const zero: Quantity = quantity("0");

export function amountsOf(quantities: Quantities): Map<string, Quantity> {
  return new Map(Object.entries(quantities ?? {}).map(([name, text]) => [name, quantity(text)]));
}

/** Adds to the first. */
export function addTo(sum: Map<string, Quantity>, more: Amounts): void {
  for (const [name, amount] of more) {
    const known = sum.get(name);
    sum.set(name, known === undefined ? amount : addQuantities(known, amount));
  }
}

/** The first becomes at least the second. */
export function raiseTo(most: Map<string, Quantity>, other: Amounts): void {
  for (const [name, amount] of other) {
    const known = most.get(name);
    if (known === undefined || compareQuantities(amount, known) > 0) most.set(name, amount);
  }
}

export function less(from: Amounts, amounts: Amounts): Map<string, Quantity> {
  const rest = new Map(from);
  for (const [name, amount] of amounts) rest.set(name, subtractQuantities(rest.get(name) ?? zero, amount));
  return rest;
}

export const formatted = (amounts: Amounts): Record<string, string> =>
  Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(amount)]));
