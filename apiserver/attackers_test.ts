/** What must be refused, and others be served meanwhile: credentials that are none, rights that nobody gave, paths that mean something else. */
import assert from "assert";
import https from "node:https";
import { createAuthority, loadAuthority } from "./pki/pki.ts";
import { createSecured, type Secured, someone } from "../tests/harness/secured.ts";
import { systemClock } from "../lib/seams/clock.ts";
import { systemRandom } from "../lib/seams/random.ts";
import * as kinds from "../lib/types/kinds.ts";
import { createKey, createRequest } from "../lib/pki/request.ts";
import { createToken, revokeToken } from "../lib/join/tokens.ts";
import { formatToken } from "../lib/join/bootstrap_token.ts";
import { listen } from "./server.ts";

const root = someone("root", "system:masters");
const configMaps = "/api/v1/namespaces/default/configmaps";

function scene(name: string, run: (s: Secured) => Promise<void>): void {
  Deno.test(name, async () => {
    const s = await createSecured();
    try {
      await run(s);
      const served = await s.as(root, "GET", "/api/v1/namespaces");
      assert.equal(served.status, 200, "others are served");
    } finally {
      await s.close();
    }
  });
}

/** Anonymous over the wire, with these headers. */
const ask = (s: Secured, path: string, headers: Record<string, string> = {}, method = "GET") =>
  s.as(null, method, path, method === "GET" ? undefined : {}, headers);

scene("no token, a wrong one and other ways to say who one is get nobody anywhere", async (s) => {
  const table: [Record<string, string>, number][] = [
    [{}, 403],
    [{ authorization: "Bearer wrong" }, 401],
    [{ authorization: "Bearer " }, 401],
    [{ authorization: "Basic YWRtaW46YWRtaW4=" }, 401],
    [{ authorization: "Bearer admin-token, Bearer wrong" }, 401],
    [{ authorization: "bearer\tadmin-token" }, 401],
    [{ "x-remote-user": "admin", "x-remote-group": "system:masters" }, 403],
    [{ "x-forwarded-user": "admin", "x-forwarded-for": "127.0.0.1" }, 403],
    [{ "impersonate-user": "admin", "impersonate-group": "system:masters" }, 403],
    [{ "impersonate-group": "system:masters" }, 400],
    [{ cookie: "token=admin-token" }, 403],
  ];
  for (const [headers, status] of table) {
    assert.equal((await ask(s, "/api/v1/secrets", headers)).status, status, JSON.stringify(headers));
  }
  for (const path of ["/api/v1/secrets?token=admin-token", "/api/v1/secrets?access_token=admin-token"]) {
    assert.equal((await ask(s, path)).status, 403, "a token in the URL is none");
  }
});

scene("a bootstrap token lets a host ask for its certificate, until it is revoked, and nothing else", async (s) => {
  const token = await createToken({ client: s.admin, clock: s.clock, random: systemRandom }, { ttlMs: 600_000 });
  await s.fixture.cache.fresh();
  const headers = { authorization: `Bearer ${formatToken(token)}` };
  const csr = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  assert.equal((await ask(s, csr, headers)).status, 200);
  for (const path of ["/api/v1/secrets", "/api/v1/nodes", "/api/v1/pods", "/metrics"]) {
    assert.equal((await ask(s, path, headers)).status, 403, path);
  }
  const request = btoa(await createRequest(await createKey(), { commonName: "me", organizations: ["system:masters"] }));
  const spec = { request, signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"] };
  const masters = await s.as(null, "POST", csr, { metadata: { name: "m" }, spec }, headers);
  assert.equal(masters.status, 403, "nobody asks for the group that may do everything");
  await revokeToken(s.admin, token.id);
  await s.fixture.cache.fresh();
  assert.equal((await ask(s, csr, headers)).status, 401);
});

scene("an account's token that is over, forged, revoked or for somebody else gets nobody anywhere", async (s) => {
  await s.admin.create(kinds.ServiceAccount, { metadata: { name: "app", namespace: "default" } });
  const subjects = [{ kind: "ServiceAccount", name: "app", namespace: "default" }];
  const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }];
  await s.admin.create(kinds.ClusterRole, { metadata: { name: "app" }, rules });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "app" };
  await s.admin.create(kinds.ClusterRoleBinding, { metadata: { name: "app" }, roleRef, subjects });
  const token = async (spec: object) => {
    const path = "/api/v1/namespaces/default/serviceaccounts/app/token";
    return (await s.as(root, "POST", path, { spec })).body.status.token as string;
  };
  const get = async (bearer: string) => {
    await s.fixture.cache.fresh();
    return (await ask(s, configMaps, { authorization: `Bearer ${bearer}` })).status;
  };
  const good = await token({ expirationSeconds: 7200 });
  const [head, claims, signature] = good.split(".") as [string, string, string];
  const forged = btoa(atob(claims.replaceAll("-", "+").replaceAll("_", "/")).replace(":app", ":bob"));
  const wrong: Record<string, string> = {
    short: await token({ expirationSeconds: 600 }),
    foreign: await token({ audiences: ["https://elsewhere.example"] }),
    forged: `${head}.${forged.replace(/=+$/, "")}.${signature}`,
    unsigned: `${btoa('{"alg":"none"}').replace(/=+$/, "")}.${claims}.`,
    cut: `${head}.${claims}`,
  };
  assert.equal(await get(wrong.short!), 200);
  await s.clock.advance(700_000);
  for (const [what, bearer] of Object.entries(wrong)) assert.equal(await get(bearer), 401, what);
  assert.equal(await get(good), 200, "others are served");
  await s.admin.delete(kinds.ServiceAccount, { name: "app", namespace: "default" });
  assert.equal(await get(good), 401, "revoked with its account");
});

scene("a node reads no other node's secrets", async (s) => {
  for (const [pod, node] of [["mine", "n1"], ["others", "n2"]] as const) {
    await s.admin.create(kinds.Secret, { metadata: { name: pod, namespace: "default" }, data: { k: "dg==" } });
    await s.admin.create(kinds.ServiceAccount, { metadata: { name: pod, namespace: "default" } });
    const volumes = [{ name: "v", secret: { secretName: pod } }];
    const spec = { nodeName: node, serviceAccountName: pod, containers: [{ name: "c", image: "i" }], volumes };
    await s.admin.create(kinds.Pod, { metadata: { name: pod, namespace: "default" }, spec: spec as never });
  }
  await s.fixture.cache.fresh();
  const node = someone("system:node:n1", "system:nodes");
  const secrets = "/api/v1/namespaces/default/secrets";
  const status = async (path: string, method = "GET") => (await s.as(node, method, path)).status;
  assert.equal(await status(`${secrets}/mine`), 200);
  assert.equal(await status(`${secrets}/others`), 403);
  assert.equal(await status(secrets), 403);
  assert.equal(await status(`${secrets}?fieldSelector=metadata.name=others`), 403);
  assert.equal(await status(`${secrets}/mine/../others`), 403);
  assert.equal(await status(`${secrets}/mine`, "DELETE"), 403);
  const merge = { "content-type": "application/merge-patch+json" };
  const others = "/api/v1/namespaces/default/pods/others/status";
  assert.equal((await s.as(node, "PATCH", others, { status: { phase: "Failed" } }, merge)).status, 403);
  const outsider = someone("system:node:n1");
  assert.equal((await s.as(outsider, "GET", `${secrets}/mine`)).status, 403, "the name alone makes no node");
});

scene("a service account that may write roles can't make itself an administrator", async (s) => {
  const account = someone("system:serviceaccount:default:app", "system:serviceaccounts");
  const group = "rbac.authorization.k8s.io";
  const rules = [
    { apiGroups: [group], resources: ["*"], verbs: ["get", "list", "create", "update", "patch", "delete"] },
    { apiGroups: [""], resources: ["serviceaccounts", "serviceaccounts/token", "pods"], verbs: ["get", "create"] },
  ];
  await s.admin.create(kinds.ClusterRole, { metadata: { name: "app" }, rules });
  const subjects = [{ kind: "ServiceAccount", name: "app", namespace: "default" }];
  await s.admin.create(kinds.ClusterRoleBinding, {
    metadata: { name: "app" },
    roleRef: { kind: "ClusterRole", name: "app" },
    subjects,
  });
  await s.fixture.cache.fresh();
  const api = `/apis/${group}/v1`;
  const merge = { "content-type": "application/merge-patch+json" };
  const apply = { "content-type": "application/apply-patch+yaml" };
  const all = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
  const binding = (name: string) => ({
    metadata: { name },
    roleRef: { kind: "ClusterRole", name: "cluster-admin" },
    subjects,
  });
  const typed = { apiVersion: `${group}/v1`, kind: "ClusterRole", metadata: { name: "app" }, rules: all };
  const attempts: [string, string, object, Record<string, string>?][] = [
    ["POST", `${api}/clusterrolebindings`, binding("x")],
    ["POST", `${api}/clusterrolebindings?dryRun=All`, binding("x")],
    ["POST", `${api}/namespaces/kube-system/rolebindings`, binding("x")],
    ["PATCH", `${api}/clusterroles/app`, { rules: all }, merge],
    ["PATCH", `${api}/clusterroles/app?fieldManager=x&force=true`, typed, apply],
    ["PATCH", `${api}/clusterroles/app`, { metadata: { labels: { a: "b" } }, rules: [...rules, ...all] }, merge],
    ["PATCH", `${api}/clusterrolebindings/cluster-admin`, { subjects }, merge],
    ["PATCH", `${api}/clusterroles/app`, { aggregationRule: { clusterRoleSelectors: [{}] } }, merge],
    ["POST", `${api}/clusterroles`, { metadata: { name: "y" }, rules: [{ nonResourceURLs: ["*"], verbs: ["get"] }] }],
    ["POST", `${api}/clusterroles`, {
      metadata: { name: "y", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
      rules: all,
    }],
  ];
  for (const [method, path, body, headers] of attempts) {
    const { status, text } = await s.as(account, method, path, body, headers);
    assert.equal(status, 403, `${method} ${path}: ${text}`);
  }
  assert.equal((await s.as(account, "GET", "/api/v1/secrets")).status, 403);
  for (const verb of ["escalate", "bind", "impersonate"]) {
    const give = { metadata: { name: `give-${verb}` }, rules: [{ apiGroups: ["*"], resources: ["*"], verbs: [verb] }] };
    assert.equal(
      (await s.as(account, "POST", `${api}/clusterroles`, give)).status,
      403,
      `and does not give itself ${verb}`,
    );
  }
});

scene("paths that could mean one thing here and another there mean nothing", async (s) => {
  await s.admin.create(kinds.ConfigMap, { metadata: { name: "a", namespace: "default" } });
  const paths = [
    "/api/v1/namespaces/default/configmaps/..%2f..%2fkube-system%2fsecrets",
    "/api/v1//namespaces/default/secrets",
    "/api/v1/namespaces/%2e%2e/secrets",
    "/api/v1/namespaces/default%2fsecrets",
    "/api/v1/namespaces/default/secrets%00",
    "/api/v1/namespaces/default\\secrets",
    "/version/../api/v1/secrets",
    "/healthz/..%2fapi/v1/secrets",
    "/openid/v1/jwks/../../../api/v1/secrets",
    "/livez/%2e%2e/metrics",
    "/API/v1/secrets",
  ];
  for (const path of paths) {
    const { status, text } = await ask(s, path);
    assert.ok([400, 403, 404].includes(status), `${path}: ${status}`);
    assert.ok(!text.includes('"items"'), path);
  }
  assert.equal(
    (await s.as(someone("bob"), "GET", `${configMaps}/a?watch=true&fieldSelector=metadata.name=a`)).status,
    403,
  );
  const override = { "x-http-method-override": "GET", "x-original-url": "/version", "x-rewrite-url": "/version" };
  assert.equal((await ask(s, "/api/v1/secrets", override)).status, 403);
});

scene("keys that JavaScript gives a meaning have none here", async (s) => {
  const bodies = [
    `{"metadata":{"name":"a"},"__proto__":{"data":{"x":"1"}}}`,
    `{"metadata":{"name":"a","labels":{"__proto__":"x"}}}`,
    `{"metadata":{"name":"a"},"data":{"__proto__":"x","constructor":"y"}}`,
    `{"metadata":{"name":"__proto__"}}`,
  ];
  for (const body of bodies) {
    const { status } = await s.as(root, "POST", configMaps, body);
    assert.ok(status < 500, body);
    await s.as(root, "DELETE", `${configMaps}/a`);
  }
  assert.equal(({} as Record<string, unknown>).data, undefined);
  for (const name of ["__proto__", "constructor", "hasOwnProperty", "toString"]) {
    for (
      const path of [
        `/api/v1/namespaces/default/${name}`,
        `/apis/${name}/v1/x`,
        `/api/v1/namespaces/default/pods/x/${name}`,
      ]
    ) {
      const { status } = await s.as(root, "GET", path);
      assert.equal(status, 404, path);
    }
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const spec = { resourceAttributes: { verb: name, resource: name, group: name } };
    assert.equal((await s.as(someone(name), "POST", path, { spec })).body.status.allowed, false, name);
  }
});

Deno.test("a certificate of another authority, or one whose time is over, is nobody's", async () => {
  const s = await createSecured();
  const now = systemClock.now();
  const make = async (name: string, at = now) =>
    await loadAuthority(await createAuthority(name, at, systemRandom), { now: () => at }, systemRandom);
  const [own, foreign] = [await make("own"), await make("foreign")];
  const server = await own.issue({ commonName: "s" }, { usage: "server", names: ["127.0.0.1"] });
  const admin = { commonName: "admin", organizations: ["system:masters"] };
  const listening = await listen({
    handler: s.handler,
    clock: systemClock,
    host: "127.0.0.1",
    port: 0,
    tls: { ...server, ca: own.cert },
    tunnel: { nodeAddress: () => undefined, ca: own.cert, client: () => server } as never,
  });
  const get = (pair: { cert: string; key: string } | undefined, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      const url = `https://127.0.0.1:${listening.port}/api/v1/namespaces`;
      const request = https.request(url, { ca: own.cert, ...pair, headers, agent: false }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode!));
      });
      request.on("error", reject).end();
    });
  try {
    assert.equal(await get(await own.issue(admin, { usage: "client" })), 200);
    assert.equal(await get(undefined), 403);
    assert.equal(await get(await foreign.issue(admin, { usage: "client" })), 401);
    assert.equal(await get(await own.issue(admin, { usage: "client", days: -1 })), 401);
    assert.equal(await get(await own.issue({ commonName: "bob" }, { usage: "client" })), 403);
    assert.equal(
      await get(await foreign.issue(admin, { usage: "client" }), { authorization: "Bearer admin-token" }),
      200,
    );
  } finally {
    await listening.close(systemClock);
    await s.close();
  }
});
