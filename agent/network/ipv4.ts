/** IPv4 addresses as numbers, for the pods' network. */

export interface Cidr {
  /** First address, an unsigned 32-bit number. */
  readonly base: number;
  /** How many addresses. */
  readonly size: number;
  /** As it was given, in its canonical form: `10.244.1.0/24`. */
  readonly text: string;
}

/** Throws RangeError for what is no dotted address. */
export function parseIpv4(text: string): number {
  const parts = text.split(".");
  const valid = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  if (!valid) throw new RangeError(`${JSON.stringify(text)} is not an IPv4 address`);
  return parts.reduce((number, part) => number * 256 + Number(part), 0);
}

export function formatIpv4(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}

/** Bits below the prefix are ignored. Throws RangeError. */
export function parseCidr(text: string): Cidr {
  const [address, prefix, ...more] = text.split("/");
  if (prefix === undefined || more.length > 0 || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) {
    throw new RangeError(`${JSON.stringify(text)} is not an IPv4 range`);
  }
  const size = 2 ** (32 - Number(prefix));
  const base = Math.floor(parseIpv4(address!) / size) * size;
  return { base, size, text: `${formatIpv4(base)}/${Number(prefix)}` };
}

export function cidrHas(cidr: Cidr, address: number): boolean {
  return address >= cidr.base && address < cidr.base + cidr.size;
}
