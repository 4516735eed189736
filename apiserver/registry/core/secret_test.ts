import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row, updateErrors } from "../meta/kind_scene.ts";
import { secret } from "./secret.ts";

const json = (text: string) => new TextEncoder().encode(text).toBase64();

Deno.test("secret keeps what it is told as text in data", () => {
  const object = defaulted(secret, { data: { a: "QQ==", b: "Qg==" }, stringData: { a: "ä" } });
  assert.deepEqual(object.data, { a: "w6Q=", b: "Qg==" });
  assert.equal("stringData" in object, false);
  assert.equal(object.type, "Opaque");
  assert.ok(isIdempotent(secret, { stringData: { a: "b" } }));
});

Deno.test("secret has the keys that its type needs", () => {
  const json1 = '"<secret contents redacted>"';
  const table: [Record<string, unknown>, string[]][] = [
    [{}, []],
    [{ type: "example.com/mine" }, []],
    [{ data: { "a/b": "" } }, [
      "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' " +
      "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ]],
    [{ data: { a: "A".repeat(4 * 2 ** 19) } }, ["data: Too long: may not be more than 1048576 bytes"]],
    [{ type: "kubernetes.io/service-account-token" }, [
      "metadata.annotations[kubernetes.io/service-account.name]: Required value",
    ]],
    [{
      type: "kubernetes.io/service-account-token",
      metadata: { annotations: { "kubernetes.io/service-account.name": "a" } },
    }, []],
    [{ type: "kubernetes.io/dockercfg" }, ["data[.dockercfg]: Required value"]],
    [{ type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": json("{}") } }, []],
    [{ type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": json("[]") } }, [
      `data[.dockerconfigjson]: Invalid value: ${json1}: json: cannot unmarshal array into Go value of type map[string]interface {}`,
    ]],
    [{ type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "" } }, [
      `data[.dockerconfigjson]: Invalid value: ${json1}: unexpected end of JSON input`,
    ]],
    [{ type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": json("{hush") } }, [
      `data[.dockerconfigjson]: Invalid value: ${json1}: invalid JSON`,
    ]],
    [{ type: "kubernetes.io/basic-auth" }, ["data[username]: Required value", "data[password]: Required value"]],
    [{ type: "kubernetes.io/basic-auth", data: { password: "" } }, []],
    [{ type: "kubernetes.io/ssh-auth", data: { "ssh-privatekey": "" } }, ["data[ssh-privatekey]: Required value"]],
    [{ type: "kubernetes.io/tls", data: { "tls.crt": "" } }, ["data[tls.key]: Required value"]],
  ];
  for (const [given, expected] of table) assert.deepEqual(createErrors(secret, given), expected);
});

Deno.test("secret keeps its type, and when it is immutable everything", () => {
  const old = created(secret, { data: { a: "QQ==" }, immutable: true });
  const errors = updateErrors(secret, old, (object) => {
    object.type = "a/b";
    object.stringData = { a: "B" };
    delete object.immutable;
  });
  assert.deepEqual(errors, [
    'type: Invalid value: "a/b": field is immutable',
    "immutable: Forbidden: field is immutable when `immutable` is set",
    "data: Forbidden: field is immutable when `immutable` is set",
  ]);
  assert.deepEqual(updateErrors(secret, old, (object) => object.stringData = { a: "A" }), []);
});

Deno.test("secret columns are kubectl's, and show no contents", () => {
  assert.equal(header(secret), "Name, Type, Data, Age");
  assert.equal(row(secret, created(secret, { stringData: { a: "b", c: "d" } })), "web Opaque 2 0s |");
  assert.equal(secret.fields.type!(created(secret, {})), "Opaque");
});
