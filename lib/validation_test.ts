import assert from "assert";
import * as v from "./validation.ts";

type Check = (value: string) => string[];

const table: [string, Check, string[], string[]][] = [
  ["isDNS1123Label()", v.isDNS1123Label, ["a", "0", "a-b", "a".repeat(63)], [
    "",
    "A",
    "-a",
    "a-",
    "a.b",
    "a_b",
    "a".repeat(64),
    "é",
  ]],
  ["isDNS1123Subdomain()", v.isDNS1123Subdomain, ["a.b", "a-1.0", "x".repeat(253)], [
    "a..b",
    ".a",
    "a.",
    "A.b",
    "x".repeat(254),
  ]],
  ["isDNS1035Label()", v.isDNS1035Label, ["a", "a1"], ["1a", "", "a.b"]],
  ["isQualifiedName()", v.isQualifiedName, ["a", "A_b.c-d", "example.com/x", "k8s.io/a"], [
    "",
    "/x",
    "a/",
    "a/b/c",
    "A.com/x",
    "-a",
    "a".repeat(64),
  ]],
  ["isValidLabelValue()", v.isValidLabelValue, ["", "a", "A.b_c-d"], ["-a", "a b", "a/b", "a".repeat(64)]],
  ["isValidPortName()", v.isValidPortName, ["http", "a1-b"], ["", "1", "-a", "a--b", "HTTP", "a".repeat(16)]],
  ["isConfigMapKey()", v.isConfigMapKey, ["a", ".a", "A_b-c.d"], ["", ".", "..", "..a", "a/b"]],
  ["isCIdentifier()", v.isCIdentifier, ["_a", "A1"], ["1a", "a-b"]],
  ["isValidPercent()", v.isValidPercent, ["0%", "150%"], ["%", "1", "-1%"]],
  ["isValidIP()", v.isValidIP, ["1.2.3.4", "::", "::1", "2001:db8::1", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8"], [
    "1.2.3",
    "01.2.3.4",
    "256.1.1.1",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "g::",
    "1:2",
  ]],
  ["isValidCIDR()", v.isValidCIDR, ["10.0.0.0/8", "::/0", "fd00::/64"], [
    "10.0.0.0",
    "10.0.0.0/33",
    "::/129",
    "/8",
    "10.0.0.0/08",
  ]],
  ["isWildcardDNS1123Subdomain()", v.isWildcardDNS1123Subdomain, ["*.a.b"], ["*", "*.*.a", "a.b"]],
  ["isRelaxedEnvVarName()", v.isRelaxedEnvVarName, ["1a", "a b", "A"], ["", "a=b", "é"]],
  ["isValidPathSegmentName()", v.isValidPathSegmentName, ["a:b", "A"], [".", "..", "a/b", "a%b"]],
  ["isDomainPrefixedPath()", v.isDomainPrefixedPath, ["acme.io/foo"], ["acme.io", "/foo", "acme.io/", "A/x"]],
];

for (const [name, check, good, bad] of table) {
  Deno.test(`${name} accepts and refuses what Kubernetes does`, () => {
    for (const value of good) assert.deepEqual(check(value), [], JSON.stringify(value));
    for (const value of bad) assert.notEqual(check(value).length, 0, JSON.stringify(value));
  });
}

Deno.test("isQualifiedName() uses Kubernetes' words", () => {
  assert.deepEqual(v.isQualifiedName("a b"), [
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  ]);
  assert.deepEqual(v.isDNS1123Label("a".repeat(64)), ["must be no more than 63 bytes"]);
});

Deno.test("isDNS1123Subdomain() answers quickly about a hostile text", () => {
  const started = performance.now();
  v.isDNS1123Subdomain("a-".repeat(2000) + "!");
  v.isDNS1123Subdomain("a".repeat(1_000_000));
  assert.ok(performance.now() - started < 500);
});
