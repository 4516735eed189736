import assert from "assert";
import { errorsOf, type Loose, makeSpec } from "./fixtures.ts";

const ip = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const search = (text: string) =>
  `Invalid value: "${text}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', ` +
  "'-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation " +
  "is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
const subdomain = (text: string) =>
  `Invalid value: "${text}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' ` +
  "or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const cases: [string, Loose, string[]][] = [
  ["None without a configuration", { dnsPolicy: "None" }, [
    "dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
  ]],
  ["None without a server", { dnsPolicy: "None", dnsConfig: {} }, [
    "dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None",
  ]],
  ["all that is right", {
    dnsPolicy: "None",
    dnsConfig: { nameservers: ["10.0.0.1"], searches: [".", "_tcp.example.com.", "a"], options: [{ name: "ndots" }] },
  }, []],
  ["all that is wrong", {
    dnsConfig: {
      nameservers: ["10.0.0.1", "x", "10.0.0.3", "10.0.0.4"],
      searches: ["A"],
      options: [{ value: "2" }],
    },
  }, [
    'dnsConfig.nameservers: Invalid value: ["10.0.0.1","x","10.0.0.3","10.0.0.4"]: must not have more than 3 nameservers',
    `dnsConfig.nameservers[1]: Invalid value: "x": ${ip}`,
    `dnsConfig.searches[0]: ${search("A")}`,
    "dnsConfig.options[0]: Required value: must not be empty",
  ]],
  ["aliases", { hostAliases: [{ ip: "10.0.0.256", hostnames: ["ok", "Not"] }] }, [
    `hostAliases[0].ip: Invalid value: "10.0.0.256": ${ip}`,
    `hostAliases[0].hostnames[1]: ${subdomain("Not")}`,
  ]],
  ["name of its own", { hostnameOverride: "a.example.com" }, []],
  ["name of its own beside others", {
    hostnameOverride: "A".repeat(65),
    setHostnameAsFQDN: true,
    hostNetwork: true,
  }, [
    "hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
    "hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
    "hostnameOverride: Too long: may not be more than 64 bytes",
    `hostnameOverride: ${subdomain("A".repeat(65))}`,
  ]],
];

Deno.test("validateDNSConfig() and its neighbours check how a pod is called and what it resolves", async (t) => {
  for (const [name, changes, expected] of cases) {
    await t.step(name, () => assert.deepEqual(errorsOf(makeSpec(changes)), expected));
  }
});

Deno.test("validateDNSConfig() limits the search list", () => {
  const long = Array.from({ length: 33 }, (_, i) => `${i}${"x".repeat(62)}`);
  const errors = errorsOf(makeSpec({ dnsConfig: { searches: long } })).map((e) => e.replace(/\[.*\]/, "[…]"));
  assert.deepEqual(errors, [
    "dnsConfig.searches: Invalid value: […]: must not have more than 32 search paths",
    "dnsConfig.searches: Invalid value: […]: must not have more than 2048 characters (including spaces) in the search list",
  ]);
});
