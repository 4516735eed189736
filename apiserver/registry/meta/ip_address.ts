/**
 * Addresses and ranges in objects, in the words of k8s.io/apimachinery/pkg/util/validation/ip.go: strict, as since 1.36
 * (no leading zeros, no IPv4-mapped addresses, no bits beyond the prefix).
 */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isIPv4, isIPv6, isValidCIDR } from "../../../lib/validation.ts";

const invalidIP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const looseIPv4 = /^0*[0-9]{1,3}(?:\.0*[0-9]{1,3}){3}$/;

/** `validation.IsValidIP`. */
export function validateIP(text: string, path: string): FieldError[] {
  const detail = ipProblem(text);
  return detail === undefined ? [] : [fieldError.invalid(path, text, detail)];
}

function ipProblem(text: string): string | undefined {
  if (isIPv4(text)) return undefined;
  if (isIPv6(text)) return isMapped(text) ? "must not be an IPv4-mapped IPv6 address" : undefined;
  return isLooseIPv4(text) ? "must not have leading 0s" : invalidIP;
}

/** With leading zeros, as older servers took it. */
function isLooseIPv4(text: string): boolean {
  return looseIPv4.test(text) && isIPv4(text.split(".").map(Number).join("."));
}

/** `validation.IsValidCIDR`. */
export function validateCIDR(text: string, path: string): FieldError[] {
  const detail = cidrProblem(text);
  return detail === undefined ? [] : [fieldError.invalid(path, text, detail)];
}

function cidrProblem(text: string): string | undefined {
  const [wrong] = isValidCIDR(text);
  const [address = "", bits = ""] = text.split("/");
  if (wrong !== undefined) {
    const loose = (isIPv4(address) || isIPv6(address) || isLooseIPv4(address)) && /^[0-9]{1,5}$/.test(bits) &&
      Number(bits) <= (address.includes(":") ? 128 : 32) && text.split("/").length === 2;
    return loose ? "must not have leading 0s in IP or prefix length" : wrong;
  }
  if (isMapped(address)) return "must not have an IPv4-mapped IPv6 address";
  const groups = address.includes(":") ? groupsOf(address) : octetsOf(address);
  const width = address.includes(":") ? 16 : 8;
  const beyond = groups.some((group, i) => {
    const kept = Math.min(width, Math.max(0, Number(bits) - i * width));
    return (group & ((1 << (width - kept)) - 1)) !== 0;
  });
  return beyond ? "must not have bits set beyond the prefix length" : undefined;
}

/** Addresses that make no sense as an endpoint (ValidateNonSpecialIP). */
export function validateNonSpecialIP(text: string, path: string): FieldError[] {
  if (!isIPv4(text) && !isIPv6(text)) {
    return isLooseIPv4(text) ? [] : [fieldError.invalid(path, text, "must be a valid IP address")];
  }
  const groups = text.includes(":") ? groupsOf(text) : mapped(octetsOf(text));
  return specials.filter((special) => special.test(groups)).map(({ detail }) =>
    fieldError.invalid(path, text, detail.replace("%", text))
  );
}

const isV4 = (g: readonly number[]) => g.slice(0, 5).every((x) => x === 0) && g[5] === 0xffff;
const specials: { test(groups: readonly number[]): boolean; detail: string }[] = [
  {
    test: (g) => g.every((x) => x === 0) || (isV4(g) && g[6] === 0 && g[7] === 0),
    detail: "may not be unspecified (%)",
  },
  {
    test: (g) => (g.slice(0, 7).every((x) => x === 0) && g[7] === 1) || (isV4(g) && g[6]! >> 8 === 127),
    detail: "may not be in the loopback range (127.0.0.0/8, ::1/128)",
  },
  {
    test: (g) => (g[0]! & 0xffc0) === 0xfe80 || (isV4(g) && g[6] === 0xa9fe),
    detail: "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
  },
  {
    test: (g) => (g[0]! & 0xff0f) === 0xff02 || (isV4(g) && g[6] === 0xe000 && g[7]! >> 8 === 0),
    detail: "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
  },
];

function octetsOf(text: string): number[] {
  return text.split(".").map(Number);
}

function mapped([a, b, c, d]: number[]): number[] {
  return [0, 0, 0, 0, 0, 0xffff, (a! << 8) | b!, (c! << 8) | d!];
}

function isMapped(text: string): boolean {
  return isIPv6(text) && isV4(groupsOf(text));
}

/** The eight 16-bit groups of an IPv6 address. */
function groupsOf(text: string): number[] {
  const [head = "", tail] = text.split("::");
  const parse = (half: string) =>
    half === "" ? [] : half.split(":").flatMap((group) => {
      if (!group.includes(".")) return [parseInt(group, 16)];
      return mapped(octetsOf(group)).slice(6);
    });
  const [front, back] = [parse(head), parse(tail ?? "")];
  return [...front, ...Array(8 - front.length - back.length).fill(0), ...back];
}
