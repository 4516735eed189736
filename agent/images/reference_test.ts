import assert from "assert";
import { defaultPullPolicy } from "./pull.ts";
import { InvalidReferenceError, normalizeReference } from "./reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

Deno.test("normalizeReference() completes names as every engine understands them", () => {
  const cases: Record<string, string> = {
    "nginx": "docker.io/library/nginx:latest",
    "nginx:1.27": "docker.io/library/nginx:1.27",
    "tutum/dnsutils": "docker.io/tutum/dnsutils:latest",
    "docker.io/nginx": "docker.io/library/nginx:latest",
    "index.docker.io/library/nginx": "docker.io/library/nginx:latest",
    "localhost/a": "localhost/a:latest",
    "localhost:5000/a/b:x": "localhost:5000/a/b:x",
    "registry.k8s.io/pause:3.10": "registry.k8s.io/pause:3.10",
    "registry:5000/a": "registry:5000/a:latest",
    "[fd00::1]:5000/a": "[fd00::1]:5000/a:latest",
    "Registry/a": "Registry/a:latest",
    [`nginx@${digest}`]: `docker.io/library/nginx@${digest}`,
    [`nginx:1@${digest}`]: `docker.io/library/nginx@${digest}`,
    "a__b/c-d.e": "docker.io/a__b/c-d.e:latest",
    [digest]: digest,
  };
  for (const [name, complete] of Object.entries(cases)) assert.equal(normalizeReference(name), complete, name);
});

Deno.test("normalizeReference() refuses what is no name", () => {
  const names = [
    "",
    " nginx",
    "Nginx",
    "nginx:",
    "nginx:a b",
    "nginx@sha256:abc",
    "a//b",
    "/a",
    "a/",
    "-a/b",
    "a:b:c",
    `a/${"b".repeat(256)}`,
    "a..b",
  ];
  for (const name of names) assert.throws(() => normalizeReference(name), InvalidReferenceError, JSON.stringify(name));
});

Deno.test("defaultPullPolicy() is Always for :latest only", () => {
  const policies = ["nginx", "nginx:latest", "nginx:1", `nginx@${digest}`, `nginx:latest@${digest}`].map(
    defaultPullPolicy,
  );
  assert.deepEqual(policies, ["Always", "Always", "IfNotPresent", "IfNotPresent", "IfNotPresent"]);
});
