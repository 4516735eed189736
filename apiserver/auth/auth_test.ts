import assert from "assert";
import { StatusError } from "../../lib/status.ts";
import { authenticate, staticToken } from "./authenticate.ts";
import { authorize, masters, policies } from "./authorize.ts";
import { componentPolicies } from "./component_policy.ts";
import { proxyAuthorizer } from "./proxy_authorizer.ts";
import type { Access } from "./rules.ts";
import { authenticated, type User } from "./user.ts";

const list = [masters, proxyAuthorizer, policies(componentPolicies)];
const on = (verb: string, name: string, extra: Partial<Access["resource"]> = {}): Access => ({
  verb,
  path: "/",
  resource: { group: "", name, ...extra },
});
const node = authenticated("system:node:n1", ["system:nodes"]);
const proxy = authenticated("system:node-proxy:n1", ["system:node-proxier"]);
const joining = authenticated("system:bootstrap:abcdef", ["system:bootstrappers"]);
const signing = (subresource?: string) =>
  on("create", "certificatesigningrequests", { group: "certificates.k8s.io", subresource });
const proxyLease = (object: string | undefined, namespace = "kube-system") =>
  on(object === undefined ? "create" : "patch", "leases", { group: "coordination.k8s.io", namespace, object });

Deno.test("authorize() allows each component what it needs and nothing else", () => {
  const cases: [User, Access, boolean][] = [
    [authenticated("admin", ["system:masters"]), on("delete", "secrets"), true],
    [node, on("create", "deployments", { group: "apps" }), false],
    [node, signing("selfnodeclient"), true],
    [node, signing("nodeclient"), false],
    [joining, signing(), true],
    [joining, signing("nodeclient"), true],
    [joining, signing("approval"), false],
    [joining, on("get", "configmaps", { namespace: "kube-system", object: "sauropod-config" }), true],
    [joining, on("get", "configmaps", { namespace: "default", object: "sauropod-config" }), false],
    [joining, on("list", "configmaps", { namespace: "kube-system" }), false],
    [joining, on("get", "nodes"), false],
    [proxy, on("watch", "services"), true],
    [proxy, on("get", "secrets"), false],
    [proxy, on("patch", "pods", { subresource: "status" }), false],
    [proxy, signing("selfproxyclient"), true],
    [proxy, signing("proxyclient"), false],
    [proxy, proxyLease("proxy-n1"), true],
    [proxy, proxyLease(undefined), true],
    [proxy, proxyLease("proxy-n2"), false],
    [proxy, proxyLease("proxy-n1", "default"), false],
    [authenticated("system:node-proxy:n1"), proxyLease("proxy-n1"), false],
    [authenticated("bob"), on("list", "pods"), false],
    [authenticated("bob"), { verb: "get", path: "/apis/apps/v1" }, true],
    [authenticated("bob"), { verb: "get", path: "/metrics" }, false],
  ];
  for (const [user, access, allowed] of cases) {
    const ask = () => authorize(list, user, access);
    if (allowed) ask();
    else {assert.throws(ask, (error) =>
        error instanceof StatusError && error.code === 403, `${user.name} ${JSON.stringify(access)}`);}
  }
});

Deno.test("authorize() refuses in Kubernetes' words", () => {
  assert.throws(
    () => authorize(list, authenticated("bob"), on("list", "deployments", { group: "apps", namespace: "default" })),
    {
      message:
        'deployments.apps is forbidden: User "bob" cannot list resource "deployments" in API group "apps" in the namespace "default"',
    },
  );
  assert.throws(() => authorize(list, authenticated("bob"), on("get", "nodes", { object: "n1" })), {
    message: 'nodes "n1" is forbidden: User "bob" cannot get resource "nodes" in API group "" at the cluster scope',
  });
});

Deno.test("authenticate() takes the token it knows, refuses others, and takes none for anonymous", async () => {
  const known = [staticToken("right")];
  const ask = (authorization?: string) =>
    authenticate(known, { headers: new Headers(authorization === undefined ? {} : { authorization }) });
  assert.equal((await ask("Bearer right")).name, "admin");
  assert.equal((await ask("bearer   right ")).name, "admin");
  assert.equal((await ask()).name, "system:anonymous");
  for (const wrong of ["Bearer wrong", "Bearer ", "Basic cmlnaHQ=", "right", "Bearer right right"]) {
    await assert.rejects(ask(wrong), (error) => error instanceof StatusError && error.code === 401, wrong);
  }
});
