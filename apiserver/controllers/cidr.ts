/** IPv4 ranges: the addresses and subnets in them. Leaves out IPv6. Pure. */

export interface Range {
  /** The first address as a number. */
  readonly base: number;
  /** Bits of the prefix. */
  readonly bits: number;
}

/** Parses `10.244.0.0/16`. Throws for anything else. */
export function parseRange(text: string): Range {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const octets = match?.slice(1, 5).map(Number) ?? [];
  const bits = Number(match?.[5]);
  if (match === null || octets.some((octet) => octet > 255) || bits > 32) {
    throw new Error(`${JSON.stringify(text)} is no IPv4 range: write it like 10.244.0.0/16`);
  }
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const size = 2 ** (32 - bits);
  return { base: address - address % size, bits };
}

export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

export const rangeText = ({ base, bits }: Range) => `${addressText(base)}/${bits}`;

/** The address at `index` of the range: 1 is the first that a host can have. */
export const addressAt = (range: Range, index: number) => addressText(range.base + index);

/** The subnet at `index`, subnets having `bits` bits; `undefined` past the end of the range. */
export function subnetAt(range: Range, bits: number, index: number): Range | undefined {
  if (index >= 2 ** (bits - range.bits)) return undefined;
  return { base: range.base + index * 2 ** (32 - bits), bits };
}

export function overlaps(a: Range, b: Range): boolean {
  const end = (range: Range) => range.base + 2 ** (32 - range.bits);
  return a.base < end(b) && b.base < end(a);
}
