import assert from "assert";
import { Keyring, KeyringError, type PullSecret } from "./keyring.ts";
import { parseReference } from "./reference.ts";

function secret(auths: Record<string, object>, name = "pull"): PullSecret {
  return {
    name,
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": btoa(JSON.stringify({ auths })) },
  };
}

Deno.test("Keyring.lookup() finds the passwords of an image's registry, the most specific first", () => {
  const entry = (username: string) => ({ username, password: "p" });
  const keyring = Keyring.of([secret({
    "https://index.docker.io/v1/": entry("hub"),
    "docker.io/team": entry("hub-team"),
    "registry.example.com": entry("host"),
    "registry.example.com/team": entry("team"),
    "registry.example.com:5000": entry("port"),
    "*.glob.example.com": entry("glob"),
    "https://v2.example.com/v2/": entry("v2"),
  })]);
  const cases: Record<string, string[]> = {
    "nginx": ["hub"],
    "team/a": ["hub-team", "hub"],
    "teams/a": ["hub"],
    "registry.example.com/other/a": ["host"],
    "registry.example.com/team/a": ["team", "host"],
    "registry.example.com:5000/a": ["port"],
    "registry.example.com:6000/a": [],
    "x.glob.example.com/a": ["glob"],
    "x.y.glob.example.com/a": [],
    "v2.example.com/a": ["v2"],
    "quay.io/a": [],
  };
  for (const [image, users] of Object.entries(cases)) {
    assert.deepEqual(keyring.lookup(parseReference(image)).map((auth) => auth.username), users, image);
  }
});

Deno.test("Keyring.of() reads auth fields, identity tokens and the older type, and skips other secrets", () => {
  const older = {
    name: "o",
    type: "kubernetes.io/dockercfg",
    data: { ".dockercfg": btoa(JSON.stringify({ "old.io": { auth: btoa("u:p:q") } })) },
  };
  const keyring = Keyring.of([
    older,
    { name: "x", type: "Opaque", data: { a: "b" } },
    secret({ "new.io": { identitytoken: "t" } }),
  ]);
  assert.deepEqual(keyring.lookup(parseReference("old.io/a")), [
    { username: "u", password: "p:q", identityToken: undefined, serverAddress: "old.io" },
  ]);
  assert.equal(keyring.lookup(parseReference("new.io/a"))[0]?.identityToken, "t");
});

Deno.test("Keyring.of() names a secret that can't be read, and nothing of its content", () => {
  const broken = {
    name: "broken",
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": btoa('{"auths": hunter2') },
  };
  assert.throws(
    () => Keyring.of([broken]),
    (error) =>
      error instanceof KeyringError && error.message.includes("broken") &&
      !`${error.message}${error.cause}`.includes("hunter2"),
  );
});
