import assert from "assert";
import { adminToken, createSecured, type Secured, someone } from "../../../tests/harness/secured.ts";
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../../../lib/types/kinds.ts";

const authorization = "/apis/authorization.k8s.io/v1";
const authentication = "/apis/authentication.k8s.io/v1";
const bob = someone("bob");

function scene(name: string, run: (s: Secured) => Promise<void>): void {
  Deno.test(name, async () => {
    const s = await createSecured();
    try {
      const rules = [{ apiGroups: [""], resources: ["pods", "pods/log"], verbs: ["get", "list"] }];
      await s.admin.create(Role, { metadata: { name: "pods", namespace: "default" }, rules });
      const subjects = [{ kind: "User", name: "bob" }];
      await s.admin.create(RoleBinding, {
        metadata: { name: "bob", namespace: "default" },
        roleRef: { kind: "Role", name: "pods" },
        subjects,
      });
      await s.fixture.cache.fresh();
      await run(s);
    } finally {
      await s.close();
    }
  });
}

const ask = (s: Secured, resourceAttributes: object) =>
  s.as(bob, "POST", `${authorization}/selfsubjectaccessreviews`, { spec: { resourceAttributes } });

scene("SelfSubjectAccessReview says what the user itself may do, and why", async (s) => {
  const yes = await ask(s, { verb: "get", resource: "pods", subresource: "log", namespace: "default", name: "x" });
  assert.equal(yes.status, 201);
  assert.deepEqual(yes.body.status, {
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "bob/default" of Role "pods" to User "bob"',
  });
  for (const more of [{ verb: "delete" }, { namespace: "kube-system" }, { namespace: "" }, { resource: "secrets" }]) {
    const no = await ask(s, { verb: "get", resource: "pods", namespace: "default", ...more });
    assert.deepEqual(no.body.status, { allowed: false }, JSON.stringify(more));
  }
  const path = { spec: { nonResourceAttributes: { verb: "get", path: "/apis/apps" } } };
  assert.equal((await s.as(bob, "POST", `${authorization}/selfsubjectaccessreviews`, path)).body.status.allowed, true);
});

scene("SubjectAccessReview is about others, and not for everybody to ask", async (s) => {
  const spec = { user: "bob", resourceAttributes: { verb: "list", resource: "pods", namespace: "default" } };
  assert.equal((await s.as(bob, "POST", `${authorization}/subjectaccessreviews`, { spec })).status, 403);
  await s.admin.create(ClusterRoleBinding, {
    metadata: { name: "delegates" },
    roleRef: { kind: "ClusterRole", name: "system:auth-delegator" },
    subjects: [{ kind: "User", name: "delegate" }],
  });
  await s.fixture.cache.fresh();
  const delegate = someone("delegate");
  const answer = await s.as(delegate, "POST", `${authorization}/subjectaccessreviews`, { spec });
  assert.equal(answer.body.status.allowed, true);
  const admin = { ...spec, user: "x", groups: ["system:masters"], resourceAttributes: { verb: "*", resource: "*" } };
  assert.equal(
    (await s.as(delegate, "POST", `${authorization}/subjectaccessreviews`, { spec: admin })).body.status.allowed,
    true,
  );
  const table: [string, object, RegExp][] = [
    [
      "subjectaccessreviews",
      { user: "bob" },
      /exactly one of nonResourceAttributes or resourceAttributes must be specified/,
    ],
    [
      "subjectaccessreviews",
      { resourceAttributes: { verb: "get" } },
      /at least one of user or group must be specified/,
    ],
    ["subjectaccessreviews", { ...spec, nonResourceAttributes: { path: "/" } }, /cannot be specified in combination/],
    ["selfsubjectaccessreviews", {}, /exactly one of/],
  ];
  const root = someone("root", "system:masters");
  for (const [plural, spec, message] of table) {
    const refused = await s.as(root, "POST", `${authorization}/${plural}`, { spec });
    assert.equal(refused.status, 422);
    assert.match(refused.body.message, message);
  }
  const local = `${authorization}/namespaces/default/localsubjectaccessreviews`;
  assert.equal((await s.as(root, "POST", local, { spec })).body.status.allowed, true);
  const other = await s.as(root, "POST", local, {
    spec: { ...spec, resourceAttributes: { verb: "get", namespace: "kube-system" } },
  });
  assert.match(other.body.message, /must match metadata.namespace/);
});

scene("SelfSubjectRulesReview lists what can be listed", async (s) => {
  const path = `${authorization}/selfsubjectrulesreviews`;
  const { body } = await s.as(bob, "POST", path, { spec: { namespace: "default" } });
  assert.equal(body.status.incomplete, false);
  assert.ok(body.status.resourceRules.some((rule: { resources: string[] }) => rule.resources.includes("pods/log")));
  assert.ok(
    body.status.nonResourceRules.some((rule: { nonResourceURLs: string[] }) => rule.nonResourceURLs.includes("/api")),
  );
  const elsewhere = await s.as(bob, "POST", path, { spec: { namespace: "kube-system" } });
  assert.ok(!JSON.stringify(elsewhere.body.status).includes("pods/log"));
  const node = await s.as(someone("system:node:n1", "system:nodes"), "POST", path, { spec: { namespace: "default" } });
  assert.deepEqual([node.body.status.incomplete, node.body.status.evaluationError], [
    true,
    "node authorizer does not support user rule resolution",
  ]);
  assert.equal((await s.as(bob, "POST", path, { spec: {} })).status, 400);
});

scene("SelfSubjectReview says who asks, TokenReview whose token it is", async (s) => {
  const who = await s.as({ ...bob, uid: "7", extra: { a: ["b"] } }, "POST", `${authentication}/selfsubjectreviews`, {});
  assert.deepEqual(who.body.status.userInfo, {
    username: "bob",
    uid: "7",
    groups: ["system:authenticated"],
    extra: { a: ["b"] },
  });
  const root = someone("root", "system:masters");
  const review = (spec: object) => s.as(root, "POST", `${authentication}/tokenreviews`, { spec });
  const known = await review({ token: adminToken });
  assert.equal(known.body.status.authenticated, true);
  assert.deepEqual(known.body.status.audiences, ["https://kubernetes.default.svc.cluster.local"]);
  assert.equal(known.body.status.user.username, "admin");
  for (const spec of [{ token: "wrong" }, { token: "a\nb" }, { token: adminToken, audiences: ["vault"] }]) {
    const { body } = await review(spec);
    assert.deepEqual([body.status.authenticated, body.status.user], [undefined, {}], JSON.stringify(spec));
  }
  assert.equal((await review({})).status, 400);
});

scene("the reviews are in discovery", async (s) => {
  const names = async (path: string) =>
    (await s.as(bob, "GET", path)).body.resources.map((r: { name: string; verbs: string[] }) => `${r.name} ${r.verbs}`);
  assert.deepEqual(await names(authorization), [
    "localsubjectaccessreviews create",
    "selfsubjectaccessreviews create",
    "selfsubjectrulesreviews create",
    "subjectaccessreviews create",
  ]);
  assert.deepEqual(await names(authentication), ["selfsubjectreviews create", "tokenreviews create"]);
  assert.ok((await names("/api/v1")).includes("serviceaccounts/token create"));
});

scene("impersonation needs a right for each thing that it names", async (s) => {
  const whoami = async (headers: Record<string, string>) => {
    const path = `${authentication}/selfsubjectreviews`;
    const answer = await s.as(someone("imp"), "POST", path, {}, headers);
    return answer.status === 201 ? answer.body.status.userInfo : answer.body.message;
  };
  const refused = await whoami({ "impersonate-user": "bob" });
  assert.equal(
    refused,
    'users "bob" is forbidden: User "imp" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
  const rule = (apiGroups: string[], resources: string[], resourceNames?: string[]) => ({
    apiGroups,
    resources,
    verbs: ["impersonate"],
    ...(resourceNames === undefined ? {} : { resourceNames }),
  });
  const rules = [
    rule([""], ["users"], ["bob", "system:anonymous"]),
    rule([""], ["groups"], ["devs"]),
    rule([""], ["serviceaccounts"]),
    rule(["authentication.k8s.io"], ["userextras/scopes"], ["view"]),
  ];
  await s.admin.create(ClusterRole, { metadata: { name: "imp" }, rules });
  await s.admin.create(ClusterRoleBinding, {
    metadata: { name: "imp" },
    roleRef: { kind: "ClusterRole", name: "imp" },
    subjects: [{ kind: "User", name: "imp" }],
  });
  await s.fixture.cache.fresh();
  assert.deepEqual(await whoami({ "impersonate-user": "bob" }), { username: "bob", groups: ["system:authenticated"] });
  assert.deepEqual(
    await whoami({ "impersonate-user": "bob", "impersonate-group": "devs", "impersonate-extra-scopes": "view" }),
    { username: "bob", groups: ["devs", "system:authenticated"], extra: { scopes: ["view"] } },
  );
  assert.deepEqual((await whoami({ "impersonate-user": "system:serviceaccount:ns:a" })).groups, [
    "system:serviceaccounts",
    "system:serviceaccounts:ns",
    "system:authenticated",
  ]);
  const table: Record<string, string>[] = [
    { "impersonate-user": "alice" },
    { "impersonate-user": "bob", "impersonate-group": "system:masters" },
    { "impersonate-user": "bob", "impersonate-group": "devs, system:masters" },
    { "impersonate-user": "bob", "impersonate-extra-scopes": "admin" },
    { "impersonate-user": "bob", "impersonate-uid": "1" },
    { "impersonate-group": "devs" },
    // Anonymous may not even ask who it is.
    { "impersonate-user": "system:anonymous" },
  ];
  for (const headers of table) assert.equal(typeof await whoami(headers), "string", JSON.stringify(headers));
});
