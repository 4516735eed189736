import assert from "assert";
import { createSecured, type Secured, someone } from "../../../tests/harness/secured.ts";
import { ClusterRole, ClusterRoleBinding, ConfigMap, Role, RoleBinding } from "../../../lib/types/kinds.ts";
import { controllers, informersName } from "../../controllers/mod.ts";
import { apiserverUser, authenticated, componentUser, type User } from "../user.ts";
import { bootstrapRbac, planObject } from "./bootstrap.ts";
import { compactRules, missingRights, ruleText } from "./covers.ts";
import { clusterRoleBindings, clusterRoles, namespacedRoles, roleBindings } from "./defaults/mod.ts";

const group = "rbac.authorization.k8s.io";
const api = `/apis/${group}/v1`;
const bob = someone("bob");

function scene(name: string, run: (s: Secured) => Promise<void>): void {
  Deno.test(name, async () => {
    const s = await createSecured();
    try {
      await run(s);
    } finally {
      await s.close();
    }
  });
}

scene("a binding gives its subjects what its role says, where it says it, until it is gone", async (s) => {
  const { admin } = s;
  const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] }];
  await admin.create(Role, { metadata: { name: "reader", namespace: "default" }, rules });
  await admin.create(ConfigMap, { metadata: { name: "a", namespace: "default" } });
  const mine = "/api/v1/namespaces/default/configmaps/a";
  assert.equal((await s.as(bob, "GET", mine)).status, 403);
  const ref = { metadata: { name: "b", namespace: "default" }, roleRef: { kind: "Role", name: "reader" } };
  await admin.create(RoleBinding, {
    ...ref,
    subjects: [{ kind: "User", name: "bob" }, { kind: "ServiceAccount", name: "x" }],
  });
  await s.fixture.cache.fresh();
  assert.equal((await s.as(bob, "GET", mine)).status, 200);
  assert.equal((await s.as(someone("system:serviceaccount:default:x"), "GET", mine)).status, 200);
  assert.equal((await s.as(someone("x"), "GET", mine)).status, 403, "a ServiceAccount is not a User of its name");
  assert.equal((await s.as(bob, "DELETE", mine)).status, 403);
  assert.equal((await s.as(bob, "GET", "/api/v1/namespaces/kube-system/configmaps/a")).status, 403);
  assert.equal((await s.as(bob, "GET", "/api/v1/configmaps")).status, 403, "not in all namespaces");
  await admin.delete(Role, { name: "reader", namespace: "default" });
  await s.fixture.cache.fresh();
  const refused = await s.as(bob, "GET", mine);
  assert.equal(
    refused.body.message,
    'configmaps "a" is forbidden: User "bob" cannot get resource "configmaps" in API group "" in the namespace "default": ' +
      'RBAC: role.rbac.authorization.k8s.io "reader" not found',
  );
});

scene("nobody gives rights that they don't have", async (s) => {
  const { admin } = s;
  const roles = [{ apiGroups: [group], resources: ["*"], verbs: ["create", "update", "patch", "get"] }];
  await admin.create(ClusterRole, { metadata: { name: "role-writer" }, rules: roles });
  await admin.create(ClusterRoleBinding, {
    metadata: { name: "bob" },
    roleRef: { kind: "ClusterRole", name: "role-writer" },
    subjects: [{ kind: "User", name: "bob" }],
  });
  await s.fixture.cache.fresh();
  const secrets = [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list"] }];
  const role = await s.as(bob, "POST", `${api}/namespaces/default/roles`, { metadata: { name: "r" }, rules: secrets });
  assert.equal(role.status, 403);
  assert.equal(
    role.body.message,
    'roles.rbac.authorization.k8s.io "r" is forbidden: user "bob" (groups=["system:authenticated"]) is attempting to grant ' +
      'RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
  );
  const subjects = [{ kind: "User", name: "bob" }];
  const refused = [
    ["POST", `${api}/clusterroles`, { metadata: { name: "r" }, rules: secrets }],
    ["POST", `${api}/clusterrolebindings`, {
      metadata: { name: "r" },
      roleRef: { kind: "ClusterRole", name: "cluster-admin" },
      subjects,
    }],
    ["POST", `${api}/namespaces/default/rolebindings`, {
      metadata: { name: "r" },
      roleRef: { kind: "ClusterRole", name: "system:node" },
      subjects,
    }],
    ["PATCH", `${api}/clusterroles/role-writer`, { rules: [...roles, ...secrets] }],
    ["PUT", `${api}/clusterroles/new`, { metadata: { name: "new" }, rules: secrets }],
    ["PATCH", `${api}/clusterroles/role-writer`, {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] },
    }],
    ["PATCH", `${api}/clusterrolebindings/system:monitoring`, { subjects }],
  ] as const;
  for (const [method, path, body] of refused) {
    const headers = method === "PATCH" ? { "content-type": "application/merge-patch+json" } : undefined;
    const answer = await s.as(bob, method, path, body, headers);
    assert.equal(answer.status, 403, `${method} ${path}: ${answer.text}`);
  }
  const held = await s.as(bob, "POST", `${api}/clusterroles`, { metadata: { name: "mine" }, rules: roles });
  assert.equal(held.status, 201, "what one has one may give");
  const none = await s.as(bob, "POST", `${api}/clusterrolebindings`, {
    metadata: { name: "none" },
    roleRef: { kind: "ClusterRole", name: "not-there" },
  });
  assert.equal(none.status, 404);
});

scene("escalate and bind are verbs of their own", async (s) => {
  const may = (verb: string, resources: string, names?: string[]) => ({
    apiGroups: [group],
    resources: [resources],
    verbs: [verb, "create"],
    ...(names === undefined ? {} : { resourceNames: names }),
  });
  const create = { apiGroups: [group], resources: ["clusterroles", "clusterrolebindings"], verbs: ["create"] };
  for (
    const [name, rules] of [["ed", [may("escalate", "clusterroles")]], ["ben", [
      create,
      may("bind", "clusterroles", ["view"]),
    ]]] as const
  ) {
    await s.admin.create(ClusterRole, { metadata: { name }, rules: [...rules] });
    const roleRef = { kind: "ClusterRole", name };
    await s.admin.create(ClusterRoleBinding, { metadata: { name }, roleRef, subjects: [{ kind: "User", name }] });
  }
  await s.fixture.cache.fresh();
  const all = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
  assert.equal(
    (await s.as(someone("ed"), "POST", `${api}/clusterroles`, { metadata: { name: "x" }, rules: all })).status,
    201,
  );
  const bind = (role: string) =>
    s.as(someone("ben"), "POST", `${api}/clusterrolebindings`, {
      metadata: { name: role },
      roleRef: { kind: "ClusterRole", name: role },
    });
  assert.equal((await bind("view")).status, 201);
  assert.equal((await bind("cluster-admin")).status, 403);
});

scene("a PUT that creates needs the right to create", async (s) => {
  const rules = [{ apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["update", "patch", "get"] }];
  await s.admin.create(ClusterRole, { metadata: { name: "u" }, rules });
  const roleRef = { kind: "ClusterRole", name: "u" };
  await s.admin.create(ClusterRoleBinding, {
    metadata: { name: "u" },
    roleRef,
    subjects: [{ kind: "User", name: "bob" }],
  });
  await s.fixture.cache.fresh();
  const path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
  const answer = await s.as(bob, "PUT", path, { metadata: { name: "l" } });
  assert.equal(answer.status, 403);
  assert.match(answer.body.message, /User "bob" cannot create resource "leases"/);
  const apply = { "content-type": "application/apply-patch+yaml" };
  const applied = await s.as(bob, "PATCH", `${path}?fieldManager=x`, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "l" },
  }, apply);
  assert.equal(applied.status, 403);
  assert.equal((await s.as(apiserverUser, "PUT", path, { metadata: { name: "l" } })).status, 201);
});

scene("each component may do what it needs and nothing else", async (s) => {
  const proxy = authenticated("system:node-proxy:n1", ["system:node-proxier"]);
  const joining = authenticated("system:bootstrap:abcdef", ["system:bootstrappers"]);
  const node = authenticated("system:node:n1", ["system:nodes"]);
  const anonymous: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
  const csr = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  const table: [User, string, string, boolean][] = [
    [node, "GET", "/apis/apps/v1/deployments", false],
    [node, "GET", "/api/v1/secrets", false],
    [joining, "GET", csr, true],
    [joining, "GET", "/api/v1/nodes", false],
    [joining, "GET", "/api/v1/namespaces/kube-system/configmaps/sauropod-config", true],
    [joining, "GET", "/api/v1/namespaces/default/configmaps/sauropod-config", false],
    [joining, "GET", "/api/v1/namespaces/kube-system/configmaps", false],
    [proxy, "GET", "/api/v1/services", true],
    [proxy, "GET", "/api/v1/secrets", false],
    [proxy, "GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/proxy-n1", true],
    [proxy, "GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/proxy-n2", false],
    [componentUser("system:kube-scheduler"), "GET", "/api/v1/pods", true],
    [componentUser("system:kube-scheduler"), "GET", "/api/v1/secrets", false],
    [componentUser("system:controller:deployment-controller"), "GET", "/apis/apps/v1/replicasets", true],
    [componentUser("system:controller:deployment-controller"), "GET", "/api/v1/secrets", false],
    [componentUser("system:controller:root-ca-cert-publisher"), "GET", "/api/v1/secrets", false],
    [componentUser("system:controller:token-cleaner"), "GET", "/api/v1/namespaces/kube-system/secrets", true],
    [componentUser("system:controller:token-cleaner"), "GET", "/api/v1/namespaces/default/secrets", false],
    [bob, "GET", "/apis", true],
    [bob, "GET", "/metrics", false],
    [anonymous, "GET", "/version", true],
    [anonymous, "GET", "/livez", true],
    [anonymous, "GET", "/apis", false],
    [anonymous, "GET", "/api/v1/namespaces", false],
    [anonymous, "GET", "/metrics", false],
  ];
  for (const [user, method, path, allowed] of table) {
    const { status } = await s.as(user, method, path);
    assert.equal(status !== 403, allowed, `${user.name} ${method} ${path}: ${status}`);
  }
});

Deno.test("every controller has a role and a binding of its own", () => {
  const roles = new Set([...clusterRoles, ...namespacedRoles].map(({ metadata }) => metadata.name));
  const users = new Set(
    [...clusterRoleBindings, ...roleBindings].flatMap(({ subjects = [] }) => subjects.map((s) => s.name)),
  );
  for (const name of [...controllers.map((c) => c.name), informersName].map((n) => `system:controller:${n}`)) {
    assert.ok(roles.has(name) && users.has(name), name);
  }
});

Deno.test("missingRights() finds what is not held, piece by piece", () => {
  const rule = (verbs: string[], resources: string[], more = {}) => ({ apiGroups: [""], resources, verbs, ...more });
  const table: [ReturnType<typeof rule>[], ReturnType<typeof rule>, string[]][] = [
    [[rule(["*"], ["*"])], rule(["get"], ["pods"]), []],
    [[rule(["get"], ["pods"])], rule(["*"], ["pods"]), ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}']],
    [[rule(["get"], ["pods"]), rule(["list"], ["pods"])], rule(["get", "list"], ["pods"]), []],
    [[rule(["get"], ["*/scale"])], rule(["get"], ["pods/scale"]), []],
    [[rule(["get"], ["pods"])], rule(["get"], ["pods/log"]), [
      '{APIGroups:[""], Resources:["pods/log"], Verbs:["get"]}',
    ]],
    [[rule(["get"], ["pods"], { resourceNames: ["a"] })], rule(["get"], ["pods"], { resourceNames: ["a"] }), []],
    [[rule(["get"], ["pods"], { resourceNames: ["a"] })], rule(["get"], ["pods"]), [
      '{APIGroups:[""], Resources:["pods"], Verbs:["get"]}',
    ]],
    [[rule(["get"], ["pods"])], rule(["get"], ["pods"], { resourceNames: ["a"] }), []],
  ];
  for (const [held, wanted, missing] of table) {
    assert.deepEqual(compactRules(missingRights(held, [wanted])).map(ruleText), missing);
  }
  const urls = (nonResourceURLs: string[]) => ({ nonResourceURLs, verbs: ["get"] });
  assert.deepEqual(missingRights([urls(["/healthz/*"])], [urls(["/healthz/x"])]), []);
  assert.equal(missingRights([urls(["/healthz/*"])], [urls(["/metrics"])]).length, 1);
});

scene("bootstrapRbac() adds what is missing, keeps what was added, and leaves alone what says so", async (s) => {
  const { admin } = s;
  const view = await admin.get(ClusterRole, { name: "system:kube-dns" });
  const extra = { apiGroups: ["x"], resources: ["y"], verbs: ["z"] };
  await admin.update(ClusterRole, { ...view, rules: [extra] });
  const off = await admin.get(ClusterRole, { name: "system:discovery" });
  off.metadata.annotations!["rbac.authorization.kubernetes.io/autoupdate"] = "false";
  await admin.update(ClusterRole, { ...off, rules: [] });
  await admin.delete(ClusterRoleBinding, { name: "system:kube-dns" });
  await s.fixture.cache.fresh();
  await bootstrapRbac(admin);
  const after = await admin.get(ClusterRole, { name: "system:kube-dns" });
  assert.deepEqual(after.rules?.[0], extra);
  assert.equal(missingRights(after.rules!, view.rules!).length, 0);
  assert.deepEqual((await admin.get(ClusterRole, { name: "system:discovery" })).rules ?? [], []);
  assert.equal((await admin.get(ClusterRoleBinding, { name: "system:kube-dns" })).subjects?.length, 1);
  const before = await s.fixture.store.revision();
  await bootstrapRbac(admin);
  assert.equal(await s.fixture.store.revision(), before, "a second time there is nothing to do");
});

Deno.test("planObject() replaces a binding that is for another role", () => {
  const wanted = clusterRoleBindings[0]!;
  const found = { ...wanted, roleRef: { kind: "ClusterRole", name: "other" } };
  // deno-lint-ignore no-explicit-any -- as it is read
  assert.equal(planObject(wanted as any, found as any)?.do, "replace");
});
