/** What is answered to requests that cannot be served, word for word as kube-apiserver does. */
import assert from "assert";
import { resources } from "../../apiserver/registry/mod.ts";
import { bodyBytesMax } from "../../lib/limits.ts";
import { decodeMessage, readEnvelope } from "../../lib/schema/protobuf.ts";
import { createSecured, type Secured, someone } from "../harness/secured.ts";
import { metaDefinition, types, Walker } from "./walk/walker.ts";

const notFound = "the server could not find the requested resource";
const notAllowed = "the server does not allow this method on the requested resource";
const accepted =
  "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf";
const unknownFormat = "the body of the request was in an unknown format - accepted media types include: ";
const read = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

interface Case {
  asked: [method: string, path: string, body?: string];
  type?: string;
  accept?: string;
  /** Code, reason and message. */
  is: [code: number, reason: string, message: string];
  allow?: string;
  details?: unknown;
}

const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";
const patch = (body: string, type: string): Pick<Case, "asked" | "type"> => ({
  asked: ["PATCH", `${maps}/a`, body],
  type,
});
const rejected = "the server rejected our request due to an error in our request";
const cause = (message: string) => ({ causes: [{ reason: "UnexpectedServerResponse", message }] });

const cases: Case[] = [
  // 404
  { asked: ["GET", "/api/v1/walks"], is: [404, "NotFound", notFound], details: {} },
  { asked: ["GET", "/api/v9/pods"], is: [404, "NotFound", notFound], details: {} },
  { asked: ["GET", "/apis/none/v1/pods"], is: [404, "NotFound", notFound], details: {} },
  { asked: ["GET", "/apis/apps/v1/pods"], is: [404, "NotFound", notFound], details: {} },
  { asked: ["GET", "/nothing/here"], is: [404, "NotFound", notFound], details: {} },
  { asked: ["GET", `${maps}/none/status`], is: [404, "NotFound", notFound], details: {} },
  { asked: ["GET", `${maps}/none/status/more`], is: [404, "NotFound", notFound], details: {} },
  { asked: ["GET", "/api/v1/namespaces/default/nodes"], is: [404, "NotFound", notFound], details: {} },
  {
    asked: ["GET", `${maps}/none`],
    is: [404, "NotFound", 'configmaps "none" not found'],
    details: { name: "none", kind: "configmaps" },
  },
  {
    asked: ["DELETE", "/apis/apps/v1/namespaces/default/deployments/none"],
    is: [404, "NotFound", 'deployments.apps "none" not found'],
    details: { name: "none", group: "apps", kind: "deployments" },
  },
  // 405
  { asked: ["PUT", maps, "{}"], is: [405, "MethodNotAllowed", notAllowed], allow: "DELETE, GET, POST", details: {} },
  {
    asked: ["PATCH", maps, "{}"],
    type: types.merge,
    is: [405, "MethodNotAllowed", notAllowed],
    allow: "DELETE, GET, POST",
  },
  { asked: ["POST", `${maps}/a`, "{}"], is: [405, "MethodNotAllowed", notAllowed], allow: "DELETE, GET, PATCH, PUT" },
  { asked: ["OPTIONS", `${maps}/a`], is: [405, "MethodNotAllowed", notAllowed], allow: "DELETE, GET, PATCH, PUT" },
  { asked: ["DELETE", "/api/v1/namespaces"], is: [405, "MethodNotAllowed", notAllowed], allow: "GET, POST" },
  { asked: ["POST", "/api/v1/configmaps", "{}"], is: [405, "MethodNotAllowed", notAllowed], allow: "GET" },
  { asked: ["DELETE", `${pods}/a/status`], is: [405, "MethodNotAllowed", notAllowed], allow: "GET, PATCH, PUT" },
  { asked: ["GET", `${pods}/a/binding`], is: [405, "MethodNotAllowed", notAllowed], allow: "POST" },
  {
    asked: ["GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"],
    is: [405, "MethodNotAllowed", notAllowed],
    allow: "POST",
  },
  { asked: ["POST", "/version", "{}"], is: [405, "MethodNotAllowed", notAllowed] },
  // 406
  { asked: ["GET", maps], accept: "text/html", is: [406, "NotAcceptable", accepted] },
  {
    asked: ["GET", `${maps}/a`],
    accept: "application/json;as=Other;v=v1;g=meta.k8s.io",
    is: [406, "NotAcceptable", accepted],
  },
  {
    asked: ["GET", `${maps}/a`],
    accept: "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io",
    is: [406, "NotAcceptable", accepted],
  },
  // 415
  { asked: ["POST", maps, "a=b"], type: "text/plain", is: [415, "UnsupportedMediaType", unknownFormat + read] },
  {
    asked: ["PUT", `${maps}/a`, "<a/>"],
    type: "application/xml",
    is: [415, "UnsupportedMediaType", unknownFormat + read],
  },
  {
    ...patch("{}", "application/json"),
    is: [
      415,
      "UnsupportedMediaType",
      `${unknownFormat}application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml`,
    ],
  },
  // 413
  {
    asked: ["POST", maps, JSON.stringify({ data: { a: "x".repeat(bodyBytesMax) } })],
    is: [413, "RequestEntityTooLarge", `Request entity too large: limit is ${bodyBytesMax}`],
  },
  // 400
  {
    asked: ["POST", maps, '{"kind":"Pod","apiVersion":"v1"}'],
    is: [
      400,
      "BadRequest",
      'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
    ],
  },
  {
    asked: ["POST", maps, '{"kind":"Walk","apiVersion":"v1"}'],
    is: [
      400,
      "BadRequest",
      'Walk in version "v1" cannot be handled as a ConfigMap: no kind "Walk" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
  },
  {
    asked: ["POST", maps, '{"data":{"a":1}}'],
    is: [
      400,
      "BadRequest",
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    ],
  },
  {
    asked: ["GET", `${maps}?timeout=soon`],
    is: [400, "BadRequest", 'invalid timeout specified in the request URL - time: invalid duration "soon"'],
  },
  {
    asked: ["GET", `${maps}?timeout=5`],
    is: [400, "BadRequest", 'invalid timeout specified in the request URL - time: missing unit in duration "5"'],
  },
  {
    asked: ["GET", `${pods}?fieldSelector=spec.color=red`],
    is: [400, "BadRequest", "field label not supported: spec.color"],
  },
  {
    asked: ["GET", `${maps}?fieldSelector=data=x`],
    is: [400, "BadRequest", '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'],
  },
  { asked: ["GET", `${maps}?limit=x`], is: [400, "BadRequest", 'strconv.ParseInt: parsing "x": invalid syntax'] },
  // patches
  { ...patch('[{"op":"remove","path":"/data/none"}]', types.jsonPatch), is: [422, "Invalid", rejected] },
  {
    ...patch('[{"op":"test","path":"/data/a","value":"2"}]', types.jsonPatch),
    is: [422, "Invalid", rejected],
    details: cause("testing value /data/a failed: test failed"),
  },
  {
    ...patch("[]", types.merge),
    is: [
      400,
      "BadRequest",
      "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    ],
  },
  {
    ...patch("{}", types.jsonPatch),
    is: [400, "BadRequest", "error decoding patch: json: cannot unmarshal object into Go value of type []interface {}"],
  },
  {
    ...patch('"x"', types.strategic),
    is: [400, "BadRequest", "json: cannot unmarshal string into Go value of type map[string]interface {}"],
  },
  // 422
  {
    asked: ["POST", maps, '{"metadata":{"name":"A"}}'],
    is: [
      422,
      "Invalid",
      "ConfigMap \"A\" is invalid: metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  },
  {
    asked: ["POST", "/apis/apps/v1/namespaces/default/deployments", '{"metadata":{"name":"a"},"spec":{"template":{}}}'],
    is: [
      422,
      "Invalid",
      'Deployment.apps "a" is invalid: [spec.selector: Required value, spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`, spec.template.spec.containers: Required value]',
    ],
  },
];

async function withApi(run: (w: Walker, api: Secured) => Promise<void>): Promise<void> {
  const api = await createSecured();
  try {
    const walker = new Walker(
      api,
      resources.find(({ kind }) => kind === "ConfigMap")!,
      someone("admin", "system:masters"),
    );
    await walker.does(201, "POST", maps, { metadata: { name: "a" }, data: { a: "1" } });
    await run(walker, api);
  } finally {
    await api.close();
  }
}

Deno.test("what can't be served is refused in Kubernetes' words", () =>
  withApi(async (w) => {
    for (const { asked: [method, path, body], type, accept, is, allow, details } of cases) {
      const { body: said, headers } = await w.refuses(is, method, path, body, { type, accept });
      const about = `${method} ${path}`;
      if (details !== undefined) assert.deepEqual(said.details, details, about);
      if (allow !== undefined) assert.equal(headers.get("allow"), allow, about);
      assert.equal(headers.get("cache-control"), "no-cache, private", about);
    }
  }));

Deno.test("a failure is told in the form that was asked for", () =>
  withApi(async (w) => {
    const path = `${maps}/none`;
    const { bytes, headers } = await w.does(404, "GET", path, undefined, { accept: types.protobuf });
    assert.equal(headers.get("content-type"), types.protobuf);
    const { kind, raw } = readEnvelope(bytes);
    const status = decodeMessage(raw, metaDefinition("Status"));
    assert.deepEqual([kind, status.reason, status.code], ["Status", "NotFound", 404]);
    const yaml = await w.does(404, "GET", path, undefined, { accept: types.yaml });
    assert.match(new TextDecoder().decode(yaml.bytes), /^reason: NotFound$/m);
    const table = await w.does(404, "GET", path, undefined, { accept: `${types.table},${types.json}` });
    assert.equal(table.body.kind, "Status");
  }));

Deno.test("an owner that is named twice is kept once, and the client is told", () =>
  withApi(async (w) => {
    const owner = { apiVersion: "v1", kind: "ConfigMap", name: "a", uid: "u1" };
    const ownerReferences = [owner, { ...owner, uid: "u2" }, owner];
    const { body, headers } = await w.does(201, "POST", maps, { metadata: { name: "b", ownerReferences } });
    assert.deepEqual(body.metadata.ownerReferences, ownerReferences.slice(0, 2));
    assert.match(
      headers.get("warning") ?? "",
      /^299 - "metadata\.ownerReferences contains duplicate entries; .* observed: u1"$/,
    );
    const type = types.merge;
    const patched = await w.does(200, "PATCH", `${maps}/b`, { metadata: { ownerReferences } }, { type });
    assert.equal(patched.body.metadata.ownerReferences.length, 2);
    assert.match(patched.headers.get("warning") ?? "", /duplicate entries/);
  }));

Deno.test("a request ends with a 504 when its own timeout is over", async () => {
  const { deadline } = await import("../../apiserver/deadline.ts");
  const { pass } = await import("../../apiserver/filters.ts");
  const { FakeClock } = await import("../../lib/seams/clock.ts");
  const { Hono } = await import("hono");
  const clock = new FakeClock();
  const app = new Hono();
  app.use(pass([(c) => c.set("info", { verb: "list" } as never), deadline(clock)]) as never);
  app.get("/fast", (c) => c.text("done"));
  app.get("/slow", () => new Promise<Response>(() => {}));
  assert.equal((await app.request("/fast?timeout=1s")).status, 200);
  const slow = app.request("/slow?timeout=1500ms");
  await clock.advance(1499);
  let answered = false;
  void Promise.resolve(slow).then(() => answered = true);
  await clock.advance(0);
  assert.equal(answered, false);
  await clock.advance(1);
  const { status } = await slow;
  assert.equal(status, 504);
});
