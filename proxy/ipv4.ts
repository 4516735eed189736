/** IPv4 addresses and ranges as numbers. IPv6 is left out: the project's Service network is IPv4. */

export interface Range {
  /** First address, an unsigned 32-bit number. */
  readonly base: number;
  /** How many addresses. */
  readonly size: number;
}

const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** The unsigned 32-bit number of a dotted address, `undefined` for anything else. Leading zeros are refused, as in Kubernetes. */
export function parseIpv4(text: string): number | undefined {
  const match = dotted.exec(text);
  if (match === null) return undefined;
  let number = 0;
  for (let i = 1; i <= 4; i++) {
    const part = match[i]!;
    if (Number(part) > 255 || (part.length > 1 && part.startsWith("0"))) return undefined;
    number = number * 256 + Number(part);
  }
  return number;
}

export function formatIpv4(number: number): string {
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
}

/** A range of `10.0.0.0/8`, bits below the prefix being ignored; `undefined` when it is none. */
export function parseRange(text: string): Range | undefined {
  const [address, prefix, more] = text.split("/");
  const bits = prefix === undefined ? 32 : Number(prefix);
  const number = parseIpv4(address!);
  if (number === undefined || more !== undefined || !/^\d{1,2}$/.test(prefix ?? "32") || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  return { base: Math.floor(number / size) * size, size };
}

/** The canonical text of a range: `10.1.2.3/8` is `10.0.0.0/8`. */
export function canonicalRange(text: string): string | undefined {
  const range = parseRange(text);
  return range === undefined ? undefined : `${formatIpv4(range.base)}/${32 - Math.log2(range.size)}`;
}

/** True when a range holds an address; false for what is no range or no address. */
export function rangeHas(range: Range | string, address: number | string): boolean {
  const r = typeof range === "string" ? parseRange(range) : range;
  const a = typeof address === "string" ? parseIpv4(address) : address;
  return r !== undefined && a !== undefined && a >= r.base && a < r.base + r.size;
}

/** The ranges without those that lie in another one, sorted: nftables refuses overlaps. */
export function outermost(ranges: readonly string[]): string[] {
  const sorted = [...new Set(ranges)]
    .flatMap((text) => {
      const range = parseRange(text);
      return range === undefined ? [] : [{ text, ...range }];
    })
    .sort((a, b) => a.base - b.base || b.size - a.size);
  let end = -1;
  const kept: string[] = [];
  for (const { text, base, size } of sorted) {
    if (base < end) continue;
    kept.push(text);
    end = base + size;
  }
  return kept;
}
