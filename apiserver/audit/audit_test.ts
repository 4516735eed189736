/** What is written of a request, through all filters. */
import assert from "assert";
import { createSecured, type Secured } from "../../tests/harness/secured.ts";
import { ConfigMap, Deployment, Namespace, Secret } from "../../lib/types/kinds.ts";
import { definition } from "../../lib/schema/schema.ts";
import { encodeProtobuf } from "../../lib/schema/protobuf_encode.ts";
import { createHandler } from "../server.ts";
import { createHealth } from "../health.ts";
import { createMetrics } from "../metrics.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { Audit } from "./audit.ts";
import { AuditLog } from "./log.ts";
import { parseAuditPolicy } from "./policy.ts";

// deno-lint-ignore no-explicit-any -- events as they are read by others
type Event = any;

interface Scene extends Secured {
  /** The events since the last call. */
  events(): Promise<Event[]>;
  /** Over the wire, with the administrator's token unless the headers say otherwise. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

async function scene(rules: string, run: (s: Scene) => Promise<void>): Promise<void> {
  const s = await createSecured();
  let text = "";
  const log = new AuditLog({
    write: (bytes) => {
      text += new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
  const policy = parseAuditPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\n${rules}`);
  const handler = createHandler({
    rest: s.fixture.rest,
    health: createHealth({ live: [], ready: [] }),
    metrics: createMetrics({ storageBytes: () => Promise.resolve(0), objects: () => [], watchers: () => [] }),
    flow: { control: s.flow, count: () => 0 },
    audit: new Audit(policy, log, s.clock),
    clock: s.clock,
    random: systemRandom,
    version: {},
    ...s.auth,
  });
  try {
    await run({
      ...s,
      async events() {
        await new Promise((resolve) => setTimeout(resolve, 0));
        await log.close();
        const lines = text.split("\n").slice(0, -1);
        text = "";
        return lines.map((line) => JSON.parse(line));
      },
      async send(method, path, body, headers = {}) {
        const raw = typeof body === "string" || body instanceof Uint8Array;
        return await handler(
          new Request(new URL(path, "http://apiserver"), {
            method,
            headers: {
              authorization: "Bearer admin-token",
              ...(body === undefined ? {} : { "content-type": "application/json" }),
              ...headers,
            },
            body: body === undefined ? undefined : raw ? body as BodyInit : JSON.stringify(body),
          }),
        );
      },
    });
  } finally {
    await s.close();
  }
}

const maps = "/api/v1/namespaces/default/configmaps";
const micro = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

Deno.test("an event is exactly kube-apiserver's, field by field and in its order", async () => {
  await scene("rules: [{level: RequestResponse, omitManagedFields: true}]", async (s) => {
    const answer = await s.send("POST", `${maps}?fieldManager=me`, { metadata: { name: "a" }, data: { k: "v" } }, {
      "user-agent": "kubectl/v1.36",
      "x-forwarded-for": "192.0.2.9, junk<>",
      "audit-id": "given-by-me",
    });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get("audit-id"), "given-by-me");
    const created = await answer.json();
    const [received, complete, ...more] = await s.events();
    assert.equal(more.length, 0);
    const { managedFields: _, ...metadata } = created.metadata;
    const about = {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "RequestResponse",
      auditID: "given-by-me",
      stage: "RequestReceived",
      requestURI: `${maps}?fieldManager=me`,
      verb: "create",
      user: { username: "admin", groups: ["system:masters", "system:authenticated"] },
      sourceIPs: ["192.0.2.9"],
      userAgent: "kubectl/v1.36",
    };
    const object = { resource: "configmaps", namespace: "default", apiVersion: "v1" };
    const times = {
      requestReceivedTimestamp: received.requestReceivedTimestamp,
      stageTimestamp: received.stageTimestamp,
    };
    assert.deepEqual(received, { ...about, objectRef: object, ...times });
    const expected = {
      ...about,
      stage: "ResponseComplete",
      objectRef: { resource: "configmaps", namespace: "default", name: "a", apiVersion: "v1" },
      responseStatus: { metadata: {}, code: 201 },
      requestObject: {
        kind: "ConfigMap",
        apiVersion: "v1",
        metadata: { name: "a" },
        data: { k: "v" },
      },
      responseObject: { ...created, metadata },
      ...times,
      annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
    };
    assert.deepEqual(complete, expected);
    assert.deepEqual(Object.keys(complete), Object.keys(expected));
    assert.match(complete.requestReceivedTimestamp, micro);
    assert.match(complete.stageTimestamp, micro);
  });
});

Deno.test("at the level Metadata nothing of a body is written, whatever the request", async () => {
  await scene("omitStages: [RequestReceived]\nrules: [{level: Metadata}]", async (s) => {
    const secrets = "/api/v1/namespaces/default/secrets";
    const hidden = "c2VjcmV0IHRleHQ=";
    const merge = { "content-type": "application/merge-patch+json" };
    const apply = { "content-type": "application/apply-patch+yaml" };
    await s.send("POST", secrets, { metadata: { name: "a" }, data: { k: hidden } });
    await s.send("PATCH", `${secrets}/a`, { data: { k: hidden } }, merge);
    await s.send("PATCH", `${secrets}/a?fieldManager=x&force=true`, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "a" },
      data: { k: hidden },
    }, apply);
    await s.send("GET", `${secrets}/a`);
    await s.send("GET", secrets);
    await s.send("DELETE", `${secrets}/a`);
    await s.send("POST", secrets, `{"metadata":{"name":"b"},"data":{"k":"${hidden}"}`);
    const events = await s.events();
    assert.deepEqual(events.map(({ verb }) => verb), ["create", "patch", "patch", "get", "list", "delete", "create"]);
    assert.ok(!JSON.stringify(events).includes(hidden));
    assert.ok(events.every((event) => event.requestObject === undefined && event.responseObject === undefined));
    const { responseStatus, objectRef } = events[5];
    assert.equal(responseStatus.status, "Success");
    assert.equal(responseStatus.code, 200);
    assert.equal(objectRef.name, "a");
    assert.equal(events[6].responseStatus.reason, "BadRequest");
  });
});

Deno.test("who is refused, and why, is written down", async () => {
  await scene("omitStages: [RequestReceived]\nrules: [{level: Metadata}]", async (s) => {
    const as = { "impersonate-user": "bob", "impersonate-group": "devs" };
    assert.equal((await s.send("GET", "/api/v1/secrets", undefined, as)).status, 403);
    assert.equal((await s.send("GET", "/api/v1/secrets", undefined, { authorization: "Bearer wrong" })).status, 401);
    assert.equal((await s.send("GET", "/api/v1/secrets", undefined, { authorization: "Basic YTpi" })).status, 401);
    const [forbidden, wrong, basic] = await s.events();
    assert.equal(forbidden.user.username, "admin");
    assert.deepEqual(forbidden.impersonatedUser, { username: "bob", groups: ["devs", "system:authenticated"] });
    assert.equal(forbidden.annotations["authorization.k8s.io/decision"], "forbid");
    assert.equal(forbidden.responseStatus.code, 403);
    assert.equal(forbidden.responseStatus.reason, "Forbidden");
    assert.match(forbidden.responseStatus.message, /User "bob" cannot list resource "secrets"/);
    assert.deepEqual(wrong.user, {});
    assert.equal(wrong.stage, "ResponseStarted");
    assert.equal(wrong.responseStatus.code, 401);
    assert.equal(wrong.responseStatus.message, "Authentication failed, attempted: bearer");
    assert.equal(basic.responseStatus.message, "Authentication failed, attempted: basic");
  });
});

Deno.test("why somebody was allowed is written down in the authorizer's words", async () => {
  await scene("omitStages: [RequestReceived]\nrules: [{level: Metadata}]", async (s) => {
    const as = { "impersonate-user": "system:kube-scheduler" };
    assert.equal((await s.send("GET", "/api/v1/pods", undefined, as)).status, 200);
    const [event] = await s.events();
    assert.match(
      event.annotations["authorization.k8s.io/reason"],
      /^RBAC: allowed by ClusterRoleBinding "system:kube-scheduler"/,
    );
  });
});

Deno.test("a watch is told of when it begins and when it ends", async () => {
  await scene("omitStages: [RequestReceived]\nrules: [{level: RequestResponse}]", async (s) => {
    const answer = await s.send("GET", `${maps}?watch=true`);
    const [started, ...none] = await s.events();
    assert.equal(started.stage, "ResponseStarted");
    assert.deepEqual(started.responseStatus, { metadata: {}, code: 200 });
    assert.equal(none.length, 0);
    await s.clock.advance(5000);
    await answer.body!.cancel();
    const [ended] = await s.events();
    assert.equal(ended.stage, "ResponseComplete");
    assert.equal(ended.responseObject, undefined);
    assert.equal(Date.parse(ended.stageTimestamp) - Date.parse(ended.requestReceivedTimestamp), 5000);
  });
});

Deno.test("objects are written as JSON in whatever form they came and went", async () => {
  await scene(
    "omitStages: [RequestReceived]\nrules: [{level: RequestResponse, omitManagedFields: true}]",
    async (s) => {
      const protobuf = {
        "content-type": "application/vnd.kubernetes.protobuf",
        accept: "application/vnd.kubernetes.protobuf",
      };
      const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "p" }, data: { k: "v" } };
      const bytes = encodeProtobuf(map, definition("io.k8s.api.core.v1.ConfigMap"));
      assert.equal((await s.send("POST", maps, bytes, protobuf)).status, 201);
      const listed = await s.send("GET", maps, undefined, { accept: "application/vnd.kubernetes.protobuf" });
      assert.equal(new Uint8Array(await listed.arrayBuffer())[0], 0x6b, "the client gets what it asked for");
      await s.send("PATCH", `${maps}/p`, [{ op: "add", path: "/data/x", value: "y" }], {
        "content-type": "application/json-patch+json",
      });
      await s.send("GET", `${maps}/p`, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
      const [created, list, patched, table] = await s.events();
      assert.equal(created.requestObject.data.k, "v");
      assert.equal(created.responseObject.data.k, "v");
      assert.equal(created.responseObject.metadata.managedFields, undefined);
      assert.equal(list.responseObject.kind, "ConfigMapList");
      assert.deepEqual(patched.requestObject, [{ op: "add", path: "/data/x", value: "y" }]);
      assert.equal(patched.responseObject.data.x, "y");
      assert.equal(table.responseObject.kind, "Table");
    },
  );
});

Deno.test("a big answer reaches its client whole, compressed or not, and is not held for the log", async () => {
  await scene(
    "omitStages: [RequestReceived]\nrules: [{level: RequestResponse, omitManagedFields: true}]",
    async (s) => {
      const big = "x".repeat(900_000);
      for (let i = 0; i < 6; i++) {
        await s.admin.create(ConfigMap, { metadata: { name: `big-${i}`, namespace: "default" }, data: { big } });
      }
      await s.fixture.cache.fresh();
      const one = await (await s.send("GET", `${maps}/big-1`, undefined, { "accept-encoding": "gzip" })).bytes();
      assert.ok(one.length < 50_000, "it came compressed");
      const all = await (await s.send("GET", maps)).json();
      assert.equal(all.items.length, 6);
      const events = await s.events();
      assert.equal(events[0].responseObject.data.big.length, 900_000);
      assert.equal(events[1].responseObject, undefined);
      assert.equal(events[1].annotations["audit.k8s.io/truncated"], "true");
    },
  );
});

Deno.test("Pod Security tells the audit log what it enforced and what it would not have let in", async () => {
  await scene("omitStages: [RequestReceived]\nrules: [{level: Metadata}]", async (s) => {
    const labels = { "pod-security.kubernetes.io/audit": "restricted" };
    await s.admin.create(Namespace, { metadata: { name: "watched", labels }, spec: {} });
    await s.admin.create(Secret, { metadata: { name: "s", namespace: "watched" } });
    await s.fixture.cache.fresh();
    const selector = { matchLabels: { a: "b" } };
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    const path = "/apis/apps/v1/namespaces/watched/deployments";
    const answer = await s.send("POST", path, { metadata: { name: "d" }, spec: { selector, template } });
    assert.equal(answer.status, 201);
    const [event] = await s.events();
    assert.match(
      event.annotations["pod-security.kubernetes.io/audit-violations"],
      /^would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false/,
    );
    assert.equal((await s.admin.list(Deployment)).items.length, 1);
  });
});

Deno.test("a request of no interest costs no event, and every answer has an id", async () => {
  await scene("rules: [{level: Metadata, verbs: [create]}]", async (s) => {
    const answer = await s.send("GET", maps);
    assert.match(answer.headers.get("audit-id")!, /^[0-9a-f-]{36}$/);
    assert.deepEqual(await s.events(), []);
  });
});
