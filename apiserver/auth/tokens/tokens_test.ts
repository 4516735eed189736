import assert from "assert";
import { createSecured, type Secured, someone } from "../../../tests/harness/secured.ts";
import type { New } from "../../../lib/kind.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import { apiserverUser } from "../user.ts";
import { accountOf } from "./claims.ts";
import { claimsOf, newTokenKey, TokenKeys } from "./jwt.ts";

const tokenPath = "/api/v1/namespaces/default/serviceaccounts/app/token";
const issuer = "https://kubernetes.default.svc.cluster.local";
const pod: New<Pod> = {
  metadata: { name: "p", namespace: "default" },
  spec: { serviceAccountName: "app", containers: [{ name: "c", image: "i" }] } as Pod["spec"],
};

function scene(name: string, run: (s: Secured) => Promise<void>): void {
  Deno.test(name, async () => {
    const s = await createSecured();
    try {
      await s.admin.create(kinds.ServiceAccount, { metadata: { name: "app", namespace: "default" } });
      await run(s);
    } finally {
      await s.close();
    }
  });
}

async function ask(s: Secured, spec: object = {}): Promise<string> {
  const answer = await s.as(apiserverUser, "POST", tokenPath, { spec });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.status.token;
}

/** Who it is, or the message of the refusal. */
async function who(s: Secured, token: string): Promise<{ username: string; [more: string]: unknown } | string> {
  await s.fixture.cache.fresh();
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const answer = await s.as(null, "POST", path, {}, { authorization: `Bearer ${token}` });
  return answer.status === 201 ? answer.body.status.userInfo : answer.body.message;
}

scene("a token says who its account is, in its groups, to this API server only", async (s) => {
  const token = await ask(s);
  const user = await who(s, token) as { uid: string; groups: string[]; username: string };
  assert.equal(user.username, "system:serviceaccount:default:app");
  assert.deepEqual(user.groups, ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]);
  const { exp, iat, nbf, iss, aud } = claimsOf(token)! as Record<string, number>;
  assert.deepEqual([exp! - iat!, nbf, iss, aud], [3600, iat, issuer, [issuer]]);
  assert.match(await who(s, await ask(s, { audiences: ["vault"] })) as string, /audiences/);
  const review = await s.as(apiserverUser, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
    spec: { token: await ask(s, { audiences: ["vault", "x"] }), audiences: ["vault"] },
  });
  assert.deepEqual([review.body.status.authenticated, review.body.status.audiences], [true, ["vault"]]);
});

scene("a token ends with its time, and with what it is bound to", async (s) => {
  const short = await ask(s, { expirationSeconds: 600 });
  const made = await s.admin.create(kinds.Pod, pod);
  const bound = await ask(s, { boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "p", uid: made.metadata.uid } });
  assert.equal((await who(s, short) as { username: string }).username, "system:serviceaccount:default:app");
  const user = await who(s, bound) as unknown as { extra: Record<string, string[]> };
  assert.deepEqual(user.extra["authentication.kubernetes.io/pod-name"], ["p"]);
  assert.deepEqual(user.extra["authentication.kubernetes.io/pod-uid"], [made.metadata.uid]);
  await s.clock.advance(700_000);
  assert.equal(await who(s, short), "service account token has expired");
  await s.admin.delete(kinds.Pod, made.metadata, { gracePeriodSeconds: 0 });
  assert.match(await who(s, bound) as string, /invalidated: its pod "p" is gone/);
  await s.admin.create(kinds.Pod, pod);
  assert.match(await who(s, bound) as string, /gone/, "a pod of the same name is another pod");
  const other = await ask(s);
  await s.admin.delete(kinds.ServiceAccount, { name: "app", namespace: "default" });
  assert.equal(await who(s, other), "Unauthorized");
  await s.admin.create(kinds.ServiceAccount, { metadata: { name: "app", namespace: "default" } });
  assert.equal(await who(s, other), "Unauthorized", "an account of the same name is another account");
});

scene("TokenRequest refuses what can't be", async (s) => {
  await s.admin.create(kinds.Pod, pod);
  await s.admin.create(kinds.ServiceAccount, { metadata: { name: "other", namespace: "default" } });
  const ref = (kind: string, name: string, more = {}) => ({
    boundObjectRef: { apiVersion: "v1", kind, name, ...more },
  });
  const table: [string, object, number, RegExp][] = [
    [tokenPath, { expirationSeconds: 599 }, 422, /may not specify a duration less than 10 minutes/],
    [tokenPath, { expirationSeconds: 2 ** 32 + 1 }, 422, /larger than 2\^32 seconds/],
    [tokenPath, ref("Pod", "none"), 404, /pods "none" not found/],
    [tokenPath, ref("Secret", "none"), 404, /secrets "none" not found/],
    [tokenPath, ref("ConfigMap", "none"), 400, /cannot bind token to object of type \/v1, Kind=ConfigMap/],
    [tokenPath, ref("Pod", "p", { uid: "other" }), 409, /does not match the UID in record/],
    [tokenPath.replace("app", "other"), ref("Pod", "p"), 400, /running with different serviceaccount name/],
    [tokenPath.replace("app", "none"), {}, 404, /serviceaccounts "none" not found/],
  ];
  for (const [path, spec, status, message] of table) {
    const answer = await s.as(apiserverUser, "POST", path, { spec });
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.body.message, message);
  }
  assert.equal((await s.as(someone("bob"), "POST", tokenPath, { spec: {} })).status, 403);
  assert.equal((await s.as(apiserverUser, "GET", tokenPath)).status, 405);
});

scene("a node gets tokens for its own pods only", async (s) => {
  const make = (name: string, nodeName: string) =>
    s.admin.create(kinds.Pod, { ...pod, metadata: { name, namespace: "default" }, spec: { ...pod.spec, nodeName } });
  const [mine, others] = [await make("mine", "n1"), await make("others", "n2")];
  await s.fixture.cache.fresh();
  const node = someone("system:node:n1", "system:nodes");
  const request = ({ metadata: { name, uid } }: Pod) =>
    s.as(node, "POST", tokenPath, { spec: { boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid } } });
  const own = await request(mine);
  assert.equal(own.status, 201, own.text);
  assert.deepEqual((claimsOf(own.body.status.token)!["kubernetes.io"] as { node: object }).node, { name: "n1" });
  assert.equal((await request(others)).status, 403);
  assert.equal((await s.as(node, "POST", tokenPath, { spec: {} })).status, 403, "a token that is bound to nothing");
});

scene("a volume's token outlives its hour for programs that read it once, and says so", async (s) => {
  const { metadata } = await s.admin.create(kinds.Pod, pod);
  const token = await ask(s, {
    expirationSeconds: 3607,
    boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "p", uid: metadata.uid },
  });
  const { exp, iat, ...claims } = claimsOf(token)! as Record<string, number>;
  assert.equal(exp! - iat!, 365 * 24 * 3600);
  assert.equal((claims["kubernetes.io"] as unknown as { warnafter: number }).warnafter, iat! + 3607);
});

scene("what was not signed here, or was changed, is nobody", async (s) => {
  const token = await ask(s);
  const [head, body, signature] = token.split(".") as [string, string, string];
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = claimsOf(token)!;
  const foreign = new TokenKeys(newTokenKey()).sign(claims);
  const kid = JSON.parse(Buffer.from(head, "base64url").toString()).kid;
  const forged = [
    foreign,
    `${head}.${part({ ...claims, exp: 1e12 })}.${signature}`,
    `${part({ alg: "none" })}.${body}.${signature}`,
    `${part({ alg: "none", kid })}.${body}.AAAA`,
    `${part({ alg: "HS256", kid })}.${body}.${signature}`,
    `${head}.${body}.${foreign.split(".")[2]}`,
    `${head}.${body}`,
    `${head}.${body}.${signature}.x`,
    `${head}..${signature}`,
    "a.b.c",
  ];
  for (const one of forged) assert.equal(await who(s, one), "Unauthorized", one.slice(0, 60));
  assert.equal((await who(s, token) as { username: string }).username, "system:serviceaccount:default:app");
});

scene("a Secret's token is good while its Secret holds it", async (s) => {
  const account = await s.admin.get(kinds.ServiceAccount, { name: "app", namespace: "default" });
  const token = s.auth.legacyToken(account, { name: "t" });
  assert.match(await who(s, token) as string, /its secret is gone/);
  const secret = await s.admin.create(kinds.Secret, {
    metadata: { name: "t", namespace: "default", annotations: { "kubernetes.io/service-account.name": "app" } },
    type: "kubernetes.io/service-account-token",
    data: { token: btoa(token) },
  });
  assert.equal((await who(s, token) as { username: string }).username, "system:serviceaccount:default:app");
  const labels = { "kubernetes.io/legacy-token-invalid-since": "2026-01-01" };
  const marked = await s.admin.update(kinds.Secret, { ...secret, metadata: { ...secret.metadata, labels } });
  assert.match(await who(s, token) as string, /marked as invalid/);
  await s.admin.update(kinds.Secret, {
    ...marked,
    metadata: { ...marked.metadata, labels: {} },
    data: { token: btoa("x") },
  });
  assert.match(await who(s, token) as string, /does not match its secret/);
});

scene("who trusts the cluster's tokens finds its keys without a name", async (s) => {
  const configuration = await s.as(null, "GET", "/.well-known/openid-configuration");
  assert.equal(configuration.status, 200);
  assert.deepEqual([configuration.body.issuer, configuration.body.jwks_uri], [
    issuer,
    "https://192.0.2.1:6443/openid/v1/jwks",
  ]);
  const keys = await s.as(null, "GET", "/openid/v1/jwks");
  const [jwk] = JSON.parse(keys.text).keys;
  assert.equal(jwk.d, undefined);
  const token = await ask(s);
  assert.equal(JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString()).kid, jwk.kid);
  const { kid: _, use: __, ...own } = jwk;
  const key = await crypto.subtle.importKey("jwk", own, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  const [head, body, signature] = token.split(".") as [string, string, string];
  const verified = await crypto.subtle.verify(
    { name: "ECDSA", hash: "SHA-256" },
    key,
    Buffer.from(signature, "base64url"),
    new TextEncoder().encode(`${head}.${body}`),
  );
  assert.ok(verified);
});

Deno.test("TokenKeys signs with the first of its keys and accepts those of all", () => {
  const [old, next] = [newTokenKey(), newTokenKey()];
  const before = new TokenKeys(old).sign({ iss: "x" });
  const both = new TokenKeys(next + old);
  assert.deepEqual(both.verify(before), { iss: "x" });
  assert.equal(new TokenKeys(old).verify(both.sign({ iss: "y" })), undefined);
  assert.throws(() => new TokenKeys("nothing"), /holds no private key/);
});

Deno.test("accountOf() reads the user names of accounts and no others", () => {
  assert.deepEqual(accountOf("system:serviceaccount:ns:a"), { namespace: "ns", name: "a" });
  for (const name of ["bob", "system:serviceaccount:ns", "system:serviceaccount::a", "system:serviceaccount:a:b:c"]) {
    assert.equal(accountOf(name), undefined, name);
  }
});
