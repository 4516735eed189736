import assert from "assert";
import { parseEncryptionConfiguration } from "./configuration.ts";

const secret = (bytes: number) => btoa("k".repeat(bytes));
const head = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n";

/** A file with one rule. */
const file = (providers: string, resources = "[secrets]") =>
  `${head}resources:
- resources: ${resources}
  providers: ${providers}
`;

const gcm = (...keys: [name: string, secret: string][]) =>
  `[{aesgcm: {keys: [${keys.map(([name, secret]) => `{name: "${name}", secret: "${secret}"}`).join(", ")}]}}]`;

Deno.test("parseEncryptionConfiguration() reads resources, providers and keys in their order", () => {
  const text = `${head}resources:
- resources: [secrets, "*.apps"]
  providers:
  - aesgcm: {keys: [{name: b, secret: ${secret(32)}}, {name: a, secret: ${secret(16)}}]}
  - aescbc: {keys: [{name: c, secret: ${secret(24)}}]}
  - identity: {}
- resources: ["*.*"]
  providers: [{identity: {}}]
`;
  const rules = parseEncryptionConfiguration(text);
  assert.deepEqual(rules.map(({ resources }) => resources), [["secrets", "*.apps"], ["*.*"]]);
  const shape = rules[0]!.providers.map((provider) =>
    provider.name === "identity" ? [] : provider.keys.map(({ name, secret }) => [provider.name, name, secret.length])
  );
  assert.deepEqual(shape, [[["aesgcm", "b", 32], ["aesgcm", "a", 16]], [["aescbc", "c", 24]], []]);
});

Deno.test("parseEncryptionConfiguration() refuses what it can't do, says where, and shows no key", () => {
  const good = gcm(["a", secret(32)]);
  const table: [text: string, why: RegExp][] = [
    ["", /it is no EncryptionConfiguration of apiserver.config.k8s.io\/v1/],
    ["a: [", /it is no YAML: line 1, column/],
    [`${head}resources: []`, /resources: Required value/],
    [file(good, "[]"), /resources\[0\]\.resources: Required value/],
    [file("[]"), /resources\[0\]\.providers: Required value/],
    [file(good, "[Secrets]"), /resources\[0\]\.resources\[0\]: Invalid value: "Secrets": .*capital letters/],
    [file(good, '["*"]'), /use '\*\.' to encrypt all the resources from core/],
    [file(good, "[secrets, secrets]"), /cannot be specified multiple times/],
    [file(good, '[secrets, "*."]'), /overlapping resources/],
    [file(good, '[deployments.apps, "*.*"]'), /overlapping resources/],
    [file(good, "[events.events.k8s.io]"), /Use 'events' instead/],
    [
      `${file(good, '["*."]')}- resources: [secrets]\n  providers: ${good}`,
      /"secrets" is masked by earlier rule "\*\."/,
    ],
    [file("[{kms: {apiVersion: v2, name: x}}]"), /providers\[0\]\.kms: Forbidden: KMS plugins are not supported/],
    [file(`[{secretbox: {keys: []}}]`), /secretbox: Forbidden: XSalsa20-Poly1305 is not supported/],
    [file("[{rot13: {}}]"), /providers\[0\]\.rot13: unknown field/],
    [file("[{identity: {}, aesgcm: {}}]"), /more than one provider specified in a single element/],
    [file("[{aesgcm: {keys: []}}]"), /aesgcm\.keys: Required value/],
    [file(gcm(["a", "%%%"])), /keys\[0\]\.secret: Invalid value: "REDACTED": secrets must be base64 encoded/],
    [file(gcm(["a", secret(24)])), /got 24, expected one of \[16 32\]/],
    [file(gcm(["a:b", secret(32)])), /keys\[0\]\.name: Invalid value: "a:b": must not contain ':'/],
    [file(gcm(["a", secret(32)], ["a", secret(16)])), /Duplicate value: "a"/],
    [file(gcm(["", secret(32)])), /keys\[0\]\.name: Required value/],
    [file(good).replace("- resources", "- nonsense: 1\n  resources"), /resources\[0\]\.nonsense: unknown field/],
  ];
  for (const [text, why] of table) {
    assert.throws(() => parseEncryptionConfiguration(text), (error: Error) => {
      assert.match(error.message, why);
      assert.ok(!error.message.includes(secret(16).slice(0, 16)), "a key is in the message");
      return true;
    });
  }
});
