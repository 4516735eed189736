import assert from "assert";
import { createFixture, type Fixture, sampleResources } from "../../tests/harness/rest.ts";
import type { Review } from "./rest.ts";

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

const whoami: Review = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "SelfSubjectReview",
  plural: "selfsubjectreviews",
  namespaced: false,
  definition: "io.k8s.api.authentication.v1.SelfSubjectReview",
  answer: (body, { user }) => ({ ...body, status: { userInfo: { username: user.name, groups: [...user.groups] } } }),
};

const token: Review = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenRequest",
  plural: "token",
  namespaced: true,
  definition: "io.k8s.api.authentication.v1.TokenRequest",
  subresourceOf: { group: "", version: "v1", plural: "serviceaccounts" },
  answer: (body, { parent, name }) => ({
    ...body,
    status: { token: `${name} ${parent!.metadata.uid}`, expirationTimestamp: "" },
  }),
};

const create = (): Promise<Fixture> => createFixture({ reviews: [whoami, token] });

Deno.test("discovery tells group by group, for clients of any age", async () => {
  const f = await create();
  const groups = (await f.send("GET", "/apis")).body;
  assert.deepEqual(groups.groups.map((g: { name: string }) => g.name), [
    "apps",
    "coordination.k8s.io",
    "authentication.k8s.io",
  ]);
  assert.deepEqual((await f.send("GET", "/api")).body.versions, ["v1"]);
  assert.equal((await f.send("GET", "/apis/apps")).body.preferredVersion.groupVersion, "apps/v1");
  const { body } = await f.send("GET", "/api/v1");
  const named = Object.fromEntries(body.resources.map((r: { name: string }) => [r.name, r]));
  assert.deepEqual(Object.keys(named), [
    "configmaps",
    "namespaces",
    "namespaces/finalize",
    "namespaces/status",
    "pods",
    "pods/binding",
    "pods/eviction",
    "pods/log",
    "pods/status",
    "serviceaccounts",
    "serviceaccounts/token",
    "services",
    "services/status",
  ]);
  assert.deepEqual(named["pods"], {
    name: "pods",
    singularName: "pod",
    namespaced: true,
    kind: "Pod",
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    shortNames: ["po"],
    categories: ["all"],
    storageVersionHash: "xPOwRZ+Yhw8=",
  });
  assert.deepEqual([named["pods/eviction"].group, named["pods/eviction"].kind], ["policy", "Eviction"]);
  for (const path of ["/apis/none", "/apis/apps/v2", "/api/v2", "/apis/apps/v1/x/y/z", "/nowhere"]) {
    assert.equal((await f.send("GET", path)).status, 404, path);
  }
  assert.equal((await f.send("POST", "/apis", {})).status, 405);
  await f.close();
});

Deno.test("aggregated discovery is for those who ask for its version exactly", async () => {
  const f = await create();
  const { headers, body } = await f.send("GET", "/apis", undefined, { accept: `${aggregated},application/json` });
  assert.equal(headers.get("content-type"), aggregated);
  assert.equal(headers.get("vary"), "Accept");
  const apps = body.items[0];
  assert.deepEqual([body.kind, body.apiVersion, apps.metadata.name], [
    "APIGroupDiscoveryList",
    "apidiscovery.k8s.io/v2",
    "apps",
  ]);
  assert.deepEqual(apps.versions[0].resources[0].subresources.map((s: { subresource: string }) => s.subresource), [
    "scale",
    "status",
  ]);
  const core = (await f.send("GET", "/api", undefined, { accept: aggregated })).body;
  assert.equal(core.items[0].metadata.name, undefined);
  const etag = headers.get("etag")!;
  const same = await f.send("GET", "/apis", undefined, { accept: aggregated, "if-none-match": etag });
  assert.deepEqual([same.status, same.text], [304, ""]);
  const beta = await f.send("GET", "/apis", undefined, {
    accept: "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
  });
  assert.equal(beta.body.kind, "APIGroupList");
  await f.close();
});

Deno.test("OpenAPI documents are found by their hashes, and never change under them", async () => {
  const f = await create();
  const { body } = await f.send("GET", "/openapi/v3");
  const url = body.paths["apis/apps/v1"].serverRelativeURL;
  const document = await f.send("GET", url, undefined, { accept: "application/json" });
  assert.deepEqual([document.status, document.headers.get("cache-control")], [200, "public, immutable"]);
  const patch = document.body.paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"].patch;
  assert.ok(patch.parameters.some((p: { name: string }) => p.name === "fieldValidation"));
  assert.equal(patch["x-kubernetes-group-version-kind"].kind, "Deployment");
  const etag = document.headers.get("etag")!;
  assert.equal((await f.send("GET", url, undefined, { "if-none-match": etag })).status, 304);
  const moved = await f.raw("GET", "/openapi/v3/apis/apps/v1?hash=OLD");
  assert.deepEqual([moved.status, moved.headers.get("location")], [301, url]);
  for (const path of ["/openapi/v2", "/openapi/v3/apis/none/v1", "/openapi/v3/api", "/openapi/v3/x"]) {
    assert.equal((await f.send("GET", path)).status, 404, path);
  }
  assert.equal((await f.send("GET", url, undefined, { accept: "application/xml" })).status, 406);
  await f.close();
});

Deno.test("OpenAPI 2 is protobuf without definitions, and absent for who wants JSON", async () => {
  const f = await create();
  const accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const answer = await f.raw("GET", "/openapi/v2", undefined, { headers: { accept } });
  assert.equal(answer.headers.get("content-type"), "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  const bytes = new Uint8Array(await answer.arrayBuffer());
  assert.deepEqual([...bytes.subarray(0, 5)], [0x0a, 3, 0x32, 0x2e, 0x30], "swagger: 2.0");
  assert.deepEqual([...bytes.subarray(-2)], [0x42, 0], "paths: none");
  assert.equal((await f.raw("GET", "/openapi/v2")).status, 404);
  await f.close();
});

Deno.test("reviews are answered and not stored", async () => {
  const f = await create();
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const answer = await f.send("POST", path, { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" });
  assert.deepEqual([answer.status, answer.body.status.userInfo.username], [201, "tester"]);
  assert.equal((await f.send("GET", path)).status, 405);
  const accounts = "/api/v1/namespaces/d/serviceaccounts";
  const { body: account } = await f.send("POST", accounts, { metadata: { name: "sa" } });
  const made = await f.send("POST", `${accounts}/sa/token`, { spec: { audiences: [] } });
  assert.deepEqual([made.status, made.body.status.token], [201, `sa ${account.metadata.uid}`]);
  assert.equal((await f.send("POST", `${accounts}/none/token`, {})).status, 404);
  assert.equal(await f.store.revision(), 1);
  await f.close();
});

Deno.test("connections go where the kind says, after admission", async () => {
  const seen: string[] = [];
  const f = await createFixture({
    admission: [{ name: "seen", validate: (a) => void seen.push(`${a.operation} ${a.subresource}`) }],
    connect: (target) => Promise.resolve(new Response(JSON.stringify(target))),
  });
  const pods = "/api/v1/namespaces/d/pods";
  await f.send("POST", pods, { metadata: { name: "p" }, spec: { nodeName: "n", containers: [{ name: "c" }] } });
  const answer = await f.send("GET", `${pods}/p/log?follow=true`);
  assert.deepEqual(JSON.parse(answer.text), { to: "node", node: "n", path: "/containerLogs/d/p/c?follow=true" });
  assert.deepEqual(seen, ["CREATE undefined", "CONNECT log"]);
  assert.equal((await f.send("GET", `${pods}/none/log`)).status, 404);
  assert.equal((await f.send("POST", `${pods}/p/log`, {})).status, 405);
  assert.equal((await f.send("GET", `${pods}/p/logs`)).status, 404);
  assert.equal(sampleResources.length > 0, true);
  await f.close();
});

Deno.test("a store that is down is said to be so, and nothing is lost when it comes back", async () => {
  const f = await create();
  const configMaps = "/api/v1/namespaces/d/configmaps";
  await f.send("POST", configMaps, { metadata: { name: "a" } });
  f.store.down = true;
  for (
    const [method, path, body] of [["POST", configMaps, { metadata: { name: "b" } }], [
      "GET",
      `${configMaps}/a`,
    ]] as const
  ) {
    const answer = await f.send(method, path, body);
    assert.deepEqual([answer.status, answer.body.reason, answer.headers.get("retry-after")], [
      503,
      "ServiceUnavailable",
      "1",
    ]);
  }
  assert.equal(
    (await f.send("GET", `${configMaps}/a?resourceVersion=0`)).status,
    200,
    "what is at hand is still shown",
  );
  f.store.down = false;
  assert.equal((await f.send("GET", `${configMaps}/a`)).status, 200);
  await f.close();
});
