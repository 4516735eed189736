/**
 * Kubernetes quantities (`100m`, `1Gi`, `1e3`): parsed exactly, compared, added, and written in the canonical form of
 * resource.Quantity.String(). Values are whole numbers of nano units in a bigint. Leaves out inf.Dec's arbitrary scale:
 * like Kubernetes, what is finer than a nano unit is rounded up, and what is above 2^63-1 is capped.
 */

/** How a quantity was written, which decides how it is written back. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

export interface Quantity {
  /** The value times 10^9. */
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

/** A text that is no quantity; the message is Kubernetes' own. */
export class QuantityError extends Error {
  override name = "QuantityError";
}

const nanoPerUnit = 1_000_000_000n;
/** 2^63-1 units: the largest value that Kubernetes keeps. */
const nanoMax = (2n ** 63n - 1n) * nanoPerUnit;
/** Longer texts are refused: Kubernetes has no such limit, but nobody writes one by hand and arithmetic on it is quadratic. */
const textCharactersMax = 512;

const decimalExponents: Record<string, number> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryExponents: Record<string, bigint> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };
const decimalSuffixes = new Map(Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const errorFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const errorNumeric = "unable to parse numeric part of quantity";
const errorSuffix = "unable to parse quantity's suffix";

const shape = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;

/** Parses a quantity. Throws QuantityError in Kubernetes' words. */
export function parseQuantity(text: string): Quantity {
  if (text === "") throw new QuantityError(errorFormat);
  if (text === "0") return { nano: 0n, format: "DecimalSI" };
  const match = shape.exec(text);
  if (match === null || text.length > textCharactersMax) throw new QuantityError(errorFormat);
  const [, sign, whole = "", fraction = "", suffix = ""] = match;
  if (whole === "" && fraction === "") throw new QuantityError(text.includes(".") ? errorNumeric : errorFormat);
  const { exponent, base, format } = interpret(suffix);
  const digits = BigInt(whole + fraction);
  const magnitude = capped(
    base === 2n ? binary(digits, fraction.length, exponent) : decimal(digits, fraction.length, exponent),
  );
  const fractional = format === "BinarySI" && magnitude > 0n && magnitude < nanoPerUnit;
  return { nano: sign === "-" ? -magnitude : magnitude, format: fractional ? "DecimalSI" : format };
}

function interpret(suffix: string): { exponent: number; base: bigint; format: QuantityFormat } {
  if (Object.hasOwn(decimalExponents, suffix)) {
    return { exponent: decimalExponents[suffix]!, base: 10n, format: "DecimalSI" };
  }
  if (Object.hasOwn(binaryExponents, suffix)) {
    return { exponent: Number(binaryExponents[suffix]), base: 2n, format: "BinarySI" };
  }
  const power = /^[eE]([-+]?[0-9]+)$/.exec(suffix);
  if (power === null) throw new QuantityError(errorSuffix);
  const exponent = Number(power[1]);
  if (Math.abs(exponent) > 2 ** 31) throw new QuantityError(errorSuffix);
  return { exponent, base: 10n, format: "DecimalExponent" };
}

/** digits × 10^(exponent - places) in nano units, rounded up. */
function decimal(digits: bigint, places: number, exponent: number): bigint {
  if (digits === 0n) return 0n;
  const shift = 9 + exponent - places;
  // Past these the answer is known, and 10^shift would be a very large number.
  if (shift > 64) return nanoMax;
  if (shift < -2 * textCharactersMax) return 1n;
  return shift >= 0 ? digits * 10n ** BigInt(shift) : divideUp(digits, 10n ** BigInt(-shift));
}

function binary(digits: bigint, places: number, exponent: number): bigint {
  return divideUp((digits << BigInt(exponent)) * nanoPerUnit, 10n ** BigInt(places));
}

const capped = (nano: bigint) => nano > nanoMax ? nanoMax : nano;

/** Division of non-negative numbers that rounds up. */
function divideUp(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

/** Division that rounds away from zero, as Quantity.ScaledValue does. */
function divideAway(a: bigint, b: bigint): bigint {
  return a < 0n ? -divideUp(-a, b) : divideUp(a, b);
}

/** The canonical text: as few digits as possible, the largest suffix that leaves no fraction. */
export function formatQuantity(quantity: Quantity): string {
  const { nano, format } = quantity;
  if (nano === 0n) return "0";
  const wholeUnits = nano % nanoPerUnit === 0n;
  const units = nano / nanoPerUnit;
  if (format === "BinarySI" && wholeUnits && (units >= 1024n || units <= -1024n)) return formatBinary(units);
  return formatDecimal(nano, format);
}

function formatBinary(units: bigint): string {
  let times = 0;
  while (units % 1024n === 0n && times < binarySuffixes.length - 1) {
    units /= 1024n;
    times++;
  }
  return `${units}${binarySuffixes[times]}`;
}

function formatDecimal(nano: bigint, format: QuantityFormat): string {
  let exponent = -9;
  let amount = nano;
  while (amount % 1000n === 0n && exponent < 18) {
    amount /= 1000n;
    exponent += 3;
  }
  if (format !== "DecimalExponent") return `${amount}${decimalSuffixes.get(exponent)}`;
  return exponent === 0 ? `${amount}` : `${amount}e${exponent}`;
}

const plain = /^(?:0|[1-9][0-9]{0,2})(?:m|Ki|Mi|Gi|Ti|k|M|G)?$/;

/** The canonical form of a quantity's text. Throws QuantityError. */
export function canonicalQuantity(text: string): string {
  // At most three digits with a suffix are canonical already, unless they are zero: nearly every text in real manifests.
  if (plain.test(text) && text.charCodeAt(0) !== 48) return text;
  return formatQuantity(parseQuantity(text));
}

const asQuantity = (q: Quantity | string): Quantity => typeof q === "string" ? parseQuantity(q) : q;

/** -1, 0 or 1. */
export function compareQuantities(a: Quantity | string, b: Quantity | string): -1 | 0 | 1 {
  const [x, y] = [asQuantity(a).nano, asQuantity(b).nano];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The sum; a zero takes the other's format, otherwise the first one's stays. */
export function addQuantities(a: Quantity | string, b: Quantity | string): Quantity {
  const [x, y] = [asQuantity(a), asQuantity(b)];
  return { nano: x.nano + y.nano, format: x.nano === 0n ? y.format : x.format };
}

export function subtractQuantities(a: Quantity | string, b: Quantity | string): Quantity {
  const [x, y] = [asQuantity(a), asQuantity(b)];
  return { nano: x.nano - y.nano, format: x.nano === 0n ? y.format : x.format };
}

/** Rounded up to a multiple of a thousandth: what Kubernetes stores in resource lists. */
export function ceilMilli(q: Quantity | string): Quantity {
  const { nano, format } = asQuantity(q);
  return { nano: divideAway(nano, 1_000_000n) * 1_000_000n, format };
}

/** Thousandths of a unit, rounded up: millicores for CPU. */
export function milli(q: Quantity | string): number {
  return Number(divideAway(asQuantity(q).nano, 1_000_000n));
}

/** Whole units, rounded up: bytes for memory and storage, a count for objects. */
export function bytes(q: Quantity | string): number {
  return Number(divideAway(asQuantity(q).nano, nanoPerUnit));
}

/** A quantity of thousandths (`quantityOfMilli(1500)` is `1500m`). */
export function quantityOfMilli(value: number, format: QuantityFormat = "DecimalSI"): Quantity {
  return { nano: BigInt(Math.ceil(value)) * 1_000_000n, format };
}

/** A quantity of whole units. */
export function quantityOf(value: number, format: QuantityFormat = "DecimalSI"): Quantity {
  return { nano: BigInt(Math.ceil(value)) * nanoPerUnit, format };
}
