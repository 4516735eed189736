/**
 * Addresses and networks as numbers: what contains what, and how they are spelled canonically, which newer fields demand
 * (k8s.io/apimachinery/pkg/util/validation/ip.go). Which spellings any field takes is meta/ip_address.ts.
 */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isIPv4, isIPv6 } from "../../../lib/validation.ts";
import { validateCIDR, validateIP } from "../meta/ip_address.ts";

export interface IpAddress {
  family: 4 | 6;
  value: bigint;
}

export interface IpNetwork extends IpAddress {
  prefix: number;
}

const bitsOf = (family: 4 | 6) => family === 4 ? 32 : 128;

/** undefined for what is no address, or one that is spelled in a way that is not accepted. */
export function parseIp(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 4, value: ipv4Value(text) };
  return isIPv6(text) ? { family: 6, value: ipv6Value(text) } : undefined;
}

const ipv4Value = (text: string) => text.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);

function ipv6Value(text: string): bigint {
  const words = (half: string) =>
    half.split(":").filter((w) => w !== "").flatMap((w) => {
      if (!w.includes(".")) return [BigInt(`0x${w}`)];
      const value = ipv4Value(w);
      return [value >> 16n, value & 0xffffn];
    });
  const [left = "", right] = text.split("::");
  const [before, after] = [words(left), words(right ?? "")];
  const zeros = Array<bigint>(8 - before.length - after.length).fill(0n);
  return [...before, ...zeros, ...after].reduce((sum, word) => sum * 65536n + word, 0n);
}

/** Canonical: as it is for IPv4, RFC 5952 for IPv6. */
export function formatIp({ family, value }: IpAddress): string {
  const part = (bits: number, i: number) =>
    (value >> BigInt(bitsOf(family) - bits * (i + 1))) & ((1n << BigInt(bits)) - 1n);
  if (family === 4) return [0, 1, 2, 3].map((i) => part(8, i)).join(".");
  const words = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => part(16, i).toString(16));
  const run = longestZeros(words);
  if (run === undefined) return words.join(":");
  return `${words.slice(0, run.start).join(":")}::${words.slice(run.start + run.length).join(":")}`;
}

/** The first longest run of at least two zeros. */
function longestZeros(words: readonly string[]): { start: number; length: number } | undefined {
  let best: { start: number; length: number } | undefined;
  for (let start = 0; start < words.length; start++) {
    let length = 0;
    while (words[start + length] === "0") length++;
    if (length >= 2 && length > (best?.length ?? 0)) best = { start, length };
  }
  return best;
}

/** undefined for what is no network. The host's bits are kept. */
export function parseCidr(text: string): IpNetwork | undefined {
  const slash = text.indexOf("/");
  const address = slash < 0 ? undefined : parseIp(text.slice(0, slash));
  const prefix = text.slice(slash + 1);
  if (address === undefined || !/^(?:0|[1-9][0-9]{0,2})$/.test(prefix)) return undefined;
  return Number(prefix) > bitsOf(address.family) ? undefined : { ...address, prefix: Number(prefix) };
}

/** The network that an address with a prefix is in. */
export function masked(network: IpNetwork): IpNetwork {
  const host = BigInt(bitsOf(network.family) - network.prefix);
  return { ...network, value: (network.value >> host) << host };
}

export function formatCidr(network: IpNetwork): string {
  return `${formatIp(network)}/${network.prefix}`;
}

export function contains(network: IpNetwork, address: IpAddress): boolean {
  const host = BigInt(bitsOf(network.family) - network.prefix);
  return network.family === address.family && network.value >> host === address.value >> host;
}

/** What is wrong with an address in a newer field, or a name: it must be canonical (validation.IsValidIP). */
export function canonicalIpErrors(text: string): string[] {
  const [wrong] = validateIP(text, "");
  if (wrong !== undefined) return [detailOf(wrong, text)];
  const canonical = formatIp(parseIp(text)!);
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

export function canonicalCidrErrors(text: string): string[] {
  const [wrong] = validateCIDR(text, "");
  if (wrong !== undefined) return [detailOf(wrong, text)];
  const canonical = formatCidr(parseCidr(text)!);
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** An error's message without the value that it begins with. */
const detailOf = ({ message }: FieldError, value: string) =>
  message.slice(fieldError.invalid("", value, "").message.length);
