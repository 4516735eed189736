import assert from "assert";
import { canonicalCidrErrors, canonicalIpErrors, contains, formatIp, parseCidr, parseIp } from "./ip_network.ts";

Deno.test("formatIp() spells addresses as RFC 5952 does", () => {
  const table = [
    ["10.0.0.1", "10.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:0:2:3:0:0:4", "1::2:3:0:0:4"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ] as const;
  for (const [text, canonical] of table) assert.equal(formatIp(parseIp(text)!), canonical);
});

Deno.test("canonicalIpErrors() and canonicalCidrErrors() want the one spelling that is canonical", () => {
  const table: [string[], string[]][] = [
    [canonicalIpErrors("10.9.8.7"), []],
    [canonicalIpErrors("2001:db8::ffff"), []],
    [canonicalIpErrors("2001:DB8::FFFF"), ['must be in canonical form ("2001:db8::ffff")']],
    [canonicalIpErrors("::ffff:1.2.3.4"), ["must not be an IPv4-mapped IPv6 address"]],
    [canonicalIpErrors("10.09.8.7"), ["must not have leading 0s"]],
    [canonicalIpErrors("x"), ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]],
    [canonicalCidrErrors("10.9.8.0/24"), []],
    [canonicalCidrErrors("10.9.8.1/24"), ["must not have bits set beyond the prefix length"]],
    [canonicalCidrErrors("2001:db8:0::/64"), ['must be in canonical form ("2001:db8::/64")']],
    [canonicalCidrErrors("10.0.0.0"), ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]],
  ];
  for (const [given, expected] of table) assert.deepEqual(given, expected);
});

Deno.test("contains() looks at the prefix, and at the family", () => {
  const table: [string, string, boolean][] = [
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["0.0.0.0/0", "1.2.3.4", true],
    ["::/0", "1.2.3.4", false],
    ["2001:db8::/32", "2001:db8:1::1", true],
    ["10.0.0.1/32", "10.0.0.1", true],
  ];
  for (const [network, address, expected] of table) {
    assert.equal(contains(parseCidr(network)!, parseIp(address)!), expected, `${network} ${address}`);
  }
  for (const text of ["10.0.0.0/33", "10.0.0.0/", "/8", "10.0.0.0/08", "::/129"]) {
    assert.equal(parseCidr(text), undefined);
  }
});
