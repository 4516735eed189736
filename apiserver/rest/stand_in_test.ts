import assert from "assert";
import { createFixture } from "../../tests/harness/rest.ts";
import type { StandIn } from "./resource.ts";

const binding: StandIn = {
  group: "",
  version: "v1",
  kind: "Binding",
  plural: "bindings",
  namespaced: true,
  definition: "io.k8s.api.core.v1.Binding",
  standsFor: { plural: "pods", subresource: "binding" },
};

Deno.test("a stand-in does what the subresource does, of the object that its body names", async () => {
  const f = await createFixture({ reviews: [binding] });
  const pods = "/api/v1/namespaces/d/pods";
  const bindings = "/api/v1/namespaces/d/bindings";
  await f.send("POST", "/api/v1/namespaces", { metadata: { name: "d" } });
  await f.send("POST", pods, { metadata: { name: "web" }, spec: { containers: [{ name: "a", image: "a" }] } });
  const target = { kind: "Node", name: "n1" };
  const table: [method: string, path: string, body: unknown, status: number, message?: RegExp][] = [
    ["POST", bindings, { metadata: {}, target }, 422, /^Binding "" is invalid: metadata\.name: Required value/],
    ["POST", bindings, { metadata: { name: "other" }, target }, 404, /^pods "other" not found/],
    ["POST", bindings, { metadata: { name: "web", namespace: "e" }, target }, 400],
    ["POST", `${bindings}?dryRun=All`, { metadata: { name: "web" }, target }, 201],
    [
      "POST",
      `${bindings}?fieldValidation=Strict`,
      { metadata: { name: "web" }, target, x: 1 },
      400,
      /unknown field "x"/,
    ],
    ["POST", "/api/v1/bindings", { metadata: { name: "web" }, target }, 404],
    ["GET", bindings, undefined, 405],
    ["GET", `${bindings}/web`, undefined, 404],
  ];
  for (const [method, path, body, status, message] of table) {
    const answer = await f.send(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    if (message !== undefined) assert.match(answer.body.message, message);
  }
  assert.equal((await f.send("GET", `${pods}/web`)).body.spec.nodeName, undefined);
  const bound = await f.send("POST", bindings, { metadata: { name: "web" }, target });
  assert.deepEqual([bound.status, bound.body.kind, bound.body.status], [201, "Status", "Success"], bound.text);
  assert.equal((await f.send("GET", `${pods}/web`)).body.spec.nodeName, "n1");
  await f.close();
});
