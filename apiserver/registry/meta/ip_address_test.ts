import assert from "assert";
import { lines } from "./kind_scene.ts";
import { validateCIDR, validateIP, validateNonSpecialIP } from "./ip_address.ts";

const detail = (errors: ReturnType<typeof validateIP>) => lines(errors).map((line) => line.split(": ").at(-1)).join();

Deno.test("validateIP() takes addresses in one way of writing only", () => {
  const zeros = "must not have leading 0s";
  const generic = "2001:db8::ffff)";
  const table: [string, string][] = [
    ["10.9.8.7", ""],
    ["2001:db8::1", ""],
    ["::", ""],
    ["010.9.8.7", zeros],
    ["10.9.8.007", zeros],
    ["10.9.8.300", generic],
    ["10.9.8", generic],
    ["", generic],
    ["fe80::1%eth0", generic],
    ["::ffff:10.9.8.7", "must not be an IPv4-mapped IPv6 address"],
    ["::ffff:a09:807", "must not be an IPv4-mapped IPv6 address"],
  ];
  for (const [text, expected] of table) assert.ok(detail(validateIP(text, "ip")).endsWith(expected), text);
  assert.deepEqual(validateIP("10.9.8.7", "ip"), []);
  assert.deepEqual(lines(validateIP("x", "spec.ip")), [
    'spec.ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ]);
});

Deno.test("validateCIDR() refuses bits beyond the prefix", () => {
  const beyond = "must not have bits set beyond the prefix length";
  const zeros = "must not have leading 0s in IP or prefix length";
  const table: [string, string | undefined][] = [
    ["10.0.0.0/8", undefined],
    ["10.1.0.0/8", beyond],
    ["10.128.0.0/9", undefined],
    ["10.64.0.0/9", beyond],
    ["0.0.0.0/0", undefined],
    ["10.9.8.7/32", undefined],
    ["2001:db8::/64", undefined],
    ["2001:db8::1/64", beyond],
    ["2001:db8::8000/113", undefined],
    ["2001:db8::4000/113", beyond],
    ["010.0.0.0/8", zeros],
    ["10.0.0.0/08", zeros],
    ["::ffff:10.0.0.0/104", "must not have an IPv4-mapped IPv6 address"],
  ];
  for (const [text, expected] of table) {
    assert.equal(detail(validateCIDR(text, "cidr")), expected ?? "", text);
  }
  for (const text of ["10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0.0/8/8", "::/129"]) {
    assert.match(detail(validateCIDR(text, "cidr")), /db8::\/64\)$/, text);
  }
});

Deno.test("validateNonSpecialIP() knows the addresses that are nobody's", () => {
  const table: [string, string | undefined][] = [
    ["10.0.0.1", undefined],
    ["2001:db8::1", undefined],
    ["0.0.0.0", "may not be unspecified (0.0.0.0)"],
    ["::", "may not be unspecified (::)"],
    ["127.1.2.3", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["169.254.169.254", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
    ["febf::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
    ["224.0.0.251", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
    ["ff02::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
    ["224.0.1.1", undefined],
    ["nobody", "must be a valid IP address"],
  ];
  for (const [text, expected] of table) {
    const wanted = expected === undefined ? [] : [`ip: Invalid value: ${JSON.stringify(text)}: ${expected}`];
    assert.deepEqual(lines(validateNonSpecialIP(text, "ip")), wanted);
  }
});
