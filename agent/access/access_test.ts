import assert from "assert";
import { createClient } from "../../lib/client/client.ts";
import { accessAllowedMs, accessDeniedMs, accessReviewsMax, tokenKnownMs } from "../../lib/limits.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { statusError } from "../../lib/status.ts";
import type { SubjectAccessReviewSpec } from "../../lib/types/authorization_v1.ts";
import { createAccess } from "./access.ts";
import { askedBy } from "./attributes.ts";
import { Kept } from "./kept.ts";

for (
  const [method, path, verb, ...subresources] of [
    ["GET", "/metrics", "get", "metrics"],
    ["GET", "/metrics/", "get", "metrics"],
    ["GET", "/metrics/cadvisor", "get", "metrics"],
    ["GET", "/metricsx", "get", "proxy"],
    ["GET", "/stats/summary", "get", "stats"],
    ["GET", "/logs/", "get", "log"],
    ["POST", "/checkpoint/ns/p/c", "create", "checkpoint"],
    ["GET", "/pods", "get", "pods", "proxy"],
    ["GET", "/runningpods/", "get", "pods", "proxy"],
    ["GET", "/configz", "get", "configz", "proxy"],
    ["GET", "/healthz/ping", "get", "healthz", "proxy"],
    ["GET", "/containerLogs/ns/p/c", "get", "proxy"],
    ["POST", "/exec/ns/p/c", "create", "proxy"],
    ["PUT", "/", "update", "proxy"],
    ["PATCH", "/", "patch", "proxy"],
    ["DELETE", "/", "delete", "proxy"],
    ["HEAD", "/metrics", "", "metrics"],
  ] as [string, string, string, ...string[]][]
) {
  Deno.test(`askedBy() takes ${method} ${path} for ${verb || "no verb"} of ${subresources}`, () =>
    assert.deepEqual(askedBy(method, path), { verb, subresources }));
}

/** An API server that knows tokens and rights; `down` when it is away. */
class FakeApiserver {
  tokens: Record<string, string> = { "t-ann": "ann", "t-bob": "bob" };
  rights = new Set(["ann get metrics", "bob get proxy"]);
  down = false;
  questions: string[] = [];
  lastSpec: SubjectAccessReviewSpec | undefined;
  readonly client = createClient(async (request) => {
    const { kind, spec } = await request.json();
    this.questions.push(kind);
    if (this.down) throw new Error("connection refused");
    return Response.json({ kind, spec, status: this.#answer(spec) }, { status: 201 });
  });

  #answer(spec: { token?: string } & SubjectAccessReviewSpec) {
    if (spec.token !== undefined) {
      const username = this.tokens[spec.token];
      return username === undefined
        ? { user: {}, error: "invalid bearer token" }
        : { authenticated: true, user: { username, uid: "u", groups: ["g"], extra: { k: ["v"] } } };
    }
    this.lastSpec = spec;
    const { verb, subresource } = spec.resourceAttributes!;
    return { allowed: this.rights.has(`${spec.user} ${verb} ${subresource}`) };
  }
}

function scene() {
  const [apiserver, clock] = [new FakeApiserver(), new FakeClock()];
  const access = createAccess({ client: apiserver.client, clock, nodeName: "n1" });
  const ask = async (given: { token?: string; socket?: object; path?: string; method?: string }) => {
    const { token, socket = {}, path = "/metrics", method = "GET" } = given;
    const authorization = token === undefined ? undefined : `Bearer ${token}`;
    const verdict = await access.decide({ socket, authorization }, askedBy(method, path));
    return verdict.allowed ? `${verdict.user.name} may` : `${verdict.status} ${verdict.message.trim()}`;
  };
  return { apiserver, clock, access, ask };
}

const certificate = (clock: FakeClock, subject: object, authorized = true) => ({
  authorized,
  getPeerCertificate: () => ({ subject, valid_to: new Date(clock.now() + 1_000_000).toUTCString() }),
});
const apiserverSubject = { CN: "kube-apiserver-kubelet-client", O: "system:masters" };

Deno.test("createAccess() lets a token's user do what they may, and nothing else", async () => {
  const { apiserver, ask } = scene();
  assert.equal(await ask({ token: "t-ann" }), "ann may");
  assert.deepEqual(apiserver.lastSpec, {
    resourceAttributes: { verb: "get", version: "v1", resource: "nodes", subresource: "metrics", name: "n1" },
    user: "ann",
    uid: "u",
    groups: ["g", "system:authenticated"],
    extra: { k: ["v"] },
  });
  for (
    const [given, said] of [
      [
        { token: "t-ann", path: "/pods" },
        "403 Forbidden (user=ann, verb=get, resource=nodes, subresource(s)=[pods proxy])",
      ],
      [
        { token: "t-ann", method: "POST" },
        "403 Forbidden (user=ann, verb=create, resource=nodes, subresource(s)=[metrics])",
      ],
      [{ token: "t-bob" }, "403 Forbidden (user=bob, verb=get, resource=nodes, subresource(s)=[metrics])"],
      [{ token: "t-bob", path: "/pods" }, "bob may"],
      [{ token: "t-eve" }, "401 Unauthorized"],
      [{ token: "" }, "401 Unauthorized"],
      [{}, "401 Unauthorized"],
    ] as const
  ) {
    assert.equal(await ask(given), said);
  }
});

Deno.test("createAccess() takes the API server's certificate without asking, others' names as users", async () => {
  const { apiserver, clock, ask } = scene();
  apiserver.rights.add("carl get metrics");
  assert.equal(await ask({ socket: certificate(clock, { CN: "carl", O: ["a", "b"] }) }), "carl may");
  assert.deepEqual(apiserver.lastSpec?.groups, ["a", "b", "system:authenticated"]);
  apiserver.down = true;
  assert.match(await ask({ socket: certificate(clock, apiserverSubject), path: "/exec/a/b/c" }), /client may/);
  apiserver.down = false;
  for (
    const [socket, said] of [
      [certificate(clock, apiserverSubject, false), /^401/],
      [certificate(clock, { CN: apiserverSubject.CN }), /^403/],
      [certificate(clock, { O: "system:masters" }), /^401/],
    ] as const
  ) {
    assert.match(await ask({ socket }), said);
  }
  // A token helps who shows a certificate of somebody else's authority.
  assert.equal(await ask({ socket: certificate(clock, { CN: "x" }, false), token: "t-ann" }), "ann may");
});

Deno.test("createAccess() forgets who somebody was when their certificate ends", async () => {
  const { clock, ask } = scene();
  const socket = certificate(clock, apiserverSubject);
  assert.match(await ask({ socket }), /may$/);
  await clock.advance(1_000_000);
  assert.equal(await ask({ socket }), "401 Unauthorized");
});

Deno.test("createAccess() keeps answers as long as the kubelet, and asks once for all who wait", async () => {
  const { apiserver, clock, ask } = scene();
  await Promise.all(Array.from({ length: 5 }, () => ask({ token: "t-ann" })));
  assert.deepEqual(apiserver.questions, ["TokenReview", "SubjectAccessReview"]);
  const asks = async (what: Parameters<typeof ask>[0], after: number) => {
    await clock.advance(after);
    apiserver.questions = [];
    await ask(what);
    return apiserver.questions;
  };
  assert.deepEqual(await asks({ token: "t-ann" }, tokenKnownMs - 1), []);
  assert.deepEqual(await asks({ token: "t-ann" }, 1), ["TokenReview"]);
  assert.deepEqual(await asks({ token: "t-ann" }, accessAllowedMs - tokenKnownMs), [
    "TokenReview",
    "SubjectAccessReview",
  ]);
  assert.deepEqual(await asks({ token: "t-eve" }, 0), ["TokenReview"]);
  assert.deepEqual(await asks({ token: "t-eve" }, tokenKnownMs - 1), []);
  await ask({ token: "t-bob" });
  assert.deepEqual(await asks({ token: "t-bob" }, accessDeniedMs - 1), []);
  assert.deepEqual(await asks({ token: "t-bob" }, 1), ["SubjectAccessReview"]);
});

Deno.test("createAccess() refuses whom it can't ask about, and asks again", async () => {
  const { apiserver, access, ask } = scene();
  apiserver.down = true;
  assert.equal(await ask({ token: "t-ann" }), "401 Unauthorized");
  apiserver.down = false;
  assert.equal(await ask({ token: "t-ann" }), "ann may");
  apiserver.down = true;
  assert.equal(await ask({ token: "t-ann" }), "ann may");
  assert.equal(
    await ask({ token: "t-ann", path: "/stats" }),
    "500 Authorization error (user=ann, verb=get, resource=nodes, subresource=stats)",
  );
  const samples = access.metrics().flatMap(({ name, samples }) =>
    samples.map(({ labels, value }) => `${name.split("_")[2]} ${labels?.code} ${value}`)
  );
  assert.deepEqual(samples, ["authn <error> 1", "authn 201 1", "authz 201 1", "authz <error> 1"]);
});

Deno.test("createAccess() asks the API server for so many at once and sends others away", async () => {
  const clock = new FakeClock();
  let release = () => {};
  const gate = new Promise<void>((resolve) => release = resolve);
  const client = createClient(async () => {
    await gate;
    throw statusError("ServiceUnavailable", "later");
  });
  const access = createAccess({ client, clock, nodeName: "n1" });
  const ask = (i: number) =>
    access.decide({ socket: {}, authorization: `Bearer t${i}` }, askedBy("GET", "/metrics")).then((verdict) =>
      verdict.allowed ? 200 : verdict.status
    );
  const first = Array.from({ length: accessReviewsMax }, (_, i) => ask(i));
  assert.equal(await ask(accessReviewsMax), 429);
  release();
  assert.deepEqual(new Set(await Promise.all(first)), new Set([401]));
});

Deno.test("Kept() lets the answer go that was used longest ago", async () => {
  const clock = new FakeClock();
  const kept = new Kept<string>({ clock, entriesMax: 2, questionsMax: 2, keepMs: () => 10 });
  const asked: string[] = [];
  const get = (key: string) => kept.get(key, () => Promise.resolve((asked.push(key), key)));
  for (const key of ["a", "b", "a", "c", "a", "b"]) assert.equal(await get(key), key);
  assert.deepEqual(asked, ["a", "b", "c", "b"]);
  assert.equal(kept.size, 2);
  await clock.advance(10);
  await get("b");
  assert.equal(asked.at(-1), "b");
  assert.equal(asked.length, 5);
});
