import assert from "assert";
import { seededRandom } from "../../../lib/seams/random.ts";
import { fill } from "../split.ts";
import { EncryptingCodec } from "./codec.ts";
import type { EncryptionRule, Provider } from "./configuration.ts";

const key = (name: string, fill: number) => ({ name, secret: new Uint8Array(32).fill(fill) });
const gcm = (...keys: ReturnType<typeof key>[]): Provider => ({ name: "aesgcm", keys });
const cbc = (...keys: ReturnType<typeof key>[]): Provider => ({ name: "aescbc", keys });
const identity: Provider = { name: "identity" };
const rule = (resources: string[], ...providers: Provider[]): EncryptionRule => ({ resources, providers });
const codecOf = (...rules: EncryptionRule[]) => new EncryptingCodec(rules, seededRandom(1));

const value = { head: '{"password":"hunter2","rv":"', tail: '","漢字":"🦕"}' };

/** What is stored of it at a revision. */
const stored = (codec: EncryptingCodec, resource = "secrets", name = "ns/a") =>
  fill(codec.seal(resource, name, value), 7);

Deno.test("EncryptingCodec() stores what only its keys open, with the revision in its place", () => {
  for (const provider of [gcm(key("k1", 1)), cbc(key("k1", 1))]) {
    const codec = codecOf(rule(["secrets"], provider));
    const [one, two] = [stored(codec), stored(codec)];
    assert.ok(one.startsWith(`k8s:enc:${provider.name}:v1:k1:`), one);
    assert.ok(!one.includes("hunter2") && !one.includes("password"));
    assert.notEqual(one, two, "the same text is never stored in the same way twice");
    const opened = codec.open("secrets", "ns/a", one, 7);
    assert.deepEqual([opened.value, opened.unreadable, opened.seal?.current], [fill(value, 7), undefined, true]);
  }
});

Deno.test("EncryptingCodec() opens nothing that was changed, or belongs to another object", () => {
  const codec = codecOf(rule(["secrets"], gcm(key("k1", 1))));
  const text = stored(codec);
  const at = text.lastIndexOf(":") - 8;
  const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  for (const [name, given] of [["ns/b", text], ["ns/a", changed], ["ns/a", "k8s:enc:aesgcm:v1:k1:QUJD:7"]] as const) {
    const { value, unreadable } = codec.open("secrets", name, given, 7);
    assert.equal(value, "");
    assert.match(
      unreadable!.message,
      new RegExp(`^unable to transform key "/registry/secrets/${name}": aesgcm key "k1"`),
    );
  }
});

Deno.test("EncryptingCodec() names the object and the key that it lacks, and reads the others", () => {
  const text = stored(codecOf(rule(["secrets"], gcm(key("old", 1)))));
  const why = (codec: EncryptingCodec) => codec.open("secrets", "ns/a", text, 7).unreadable?.message;
  assert.match(why(codecOf(rule(["secrets"], gcm(key("new", 2)))))!, /"\/registry\/secrets\/ns\/a".*aesgcm key "old"/);
  assert.match(why(codecOf(rule(["secrets"], gcm(key("old", 2)))))!, /Is it another key of the same name\?/);
  assert.match(why(codecOf())!, /aesgcm key "old", which the encryption configuration does not have/);
  assert.equal(why(codecOf(rule(["secrets"], identity, gcm(key("new", 2), key("old", 1))))), undefined);
  const strict = codecOf(rule(["secrets"], gcm(key("k", 1))));
  assert.match(strict.open("secrets", "ns/a", "{}", 1).unreadable!.message, /stored unencrypted/);
  assert.equal(strict.open("pods", "ns/a", "{}", 1).unreadable, undefined);
});

Deno.test("EncryptingCodec() says of each object whether it is written in another way now", () => {
  const [a, b] = [key("a", 1), key("b", 2)];
  const codec = codecOf(rule(["secrets"], gcm(a), identity));
  const plain = codec.open("secrets", "ns/p", "{}", 1).seal!;
  const [text, elsewhere] = [stored(codec), codec.open("pods", "ns/p", "{}", 1).seal!];
  const sealed = codec.open("secrets", "ns/a", text, 7).seal!;
  const check = (rules: EncryptionRule[], expected: [sealed: boolean, plain: boolean, elsewhere: boolean]) => {
    codec.use(rules);
    assert.deepEqual([sealed.current, plain.current, elsewhere.current], expected, JSON.stringify(rules));
  };
  check([rule(["secrets"], gcm(a), identity)], [true, false, true]);
  check([rule(["secrets"], gcm(b, a), identity)], [false, false, true]);
  check([rule(["secrets"], gcm(key("a", 9)), identity)], [false, false, true]);
  check([rule(["secrets"], identity, gcm(a))], [false, true, true]);
  check([rule(["*.*"], gcm(a), identity)], [true, false, false]);
  const reads = (...rules: EncryptionRule[]) => [sealed, plain].map((seal) => EncryptingCodec.reads(rules, seal));
  assert.deepEqual(reads(rule(["secrets"], gcm(b, a))), [true, false]);
  assert.deepEqual(reads(rule(["secrets"], gcm(key("a", 9)), identity)), [false, true]);
  assert.deepEqual(reads(), [false, true]);
});

Deno.test("EncryptingCodec() goes by the most particular name of a resource", () => {
  const codec = codecOf(
    rule(["secrets", "deployments.apps"], gcm(key("own", 1))),
    rule(["*."], gcm(key("core", 2))),
    rule(["*.apps"], gcm(key("apps", 3))),
    rule(["*.*"], gcm(key("all", 4))),
  );
  const names = {
    secrets: "own",
    pods: "core",
    "apps/deployments": "own",
    "apps/daemonsets": "apps",
    "batch/jobs": "all",
  };
  for (const [resource, name] of Object.entries(names)) {
    assert.ok(codec.seal(resource, "a", value).head.startsWith(`k8s:enc:aesgcm:v1:${name}:`), resource);
  }
  const { seal, ...stored } = codecOf(rule(["pods"], gcm(key("k", 1)))).seal("secrets", "a", value);
  assert.deepEqual(stored, value);
  assert.equal(seal?.current, true);
});
