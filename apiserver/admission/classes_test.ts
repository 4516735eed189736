import assert from "assert";
import type { KubeObject } from "../../lib/kind.ts";
import { createKey, createRequest } from "../../lib/pki/request.ts";
import { createSecured, someone } from "../../tests/harness/secured.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { defaultIngressClass } from "./default_ingress_class.ts";
import type { Attributes, Lookup } from "./plugin.ts";

Deno.test("defaultIngressClass gives an Ingress without a class the newest of the default ones", async () => {
  const annotations = { "ingressclass.kubernetes.io/is-default-class": "true" };
  const classes = [
    { metadata: { name: "old", creationTimestamp: "2026-01-01T00:00:00Z", annotations } },
    { metadata: { name: "new", creationTimestamp: "2026-01-02T00:00:00Z", annotations } },
    { metadata: { name: "newest", creationTimestamp: "2026-01-03T00:00:00Z" } },
  ];
  const lookup = { list: () => classes } as unknown as Lookup;
  const admit = async (object: object) => {
    const resource = { group: "networking.k8s.io", plural: "ingresses" };
    await defaultIngressClass.mutate!({ resource, operation: "CREATE", object } as unknown as Attributes, lookup);
    return (object as { spec: { ingressClassName?: string } } & KubeObject).spec.ingressClassName;
  };
  assert.equal(await admit({ metadata: {}, spec: {} }), "new");
  assert.equal(await admit({ metadata: {}, spec: { ingressClassName: "own" } }), "own");
  assert.equal(await admit({ metadata: { annotations: { "kubernetes.io/ingress.class": "x" } }, spec: {} }), undefined);
});

Deno.test("certificates are approved and signed by who may do so for their signer", async () => {
  const s = await createSecured();
  const path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  const role = async (name: string, rules: object[]) => {
    const subjects = [{ kind: "User", name }];
    await s.admin.create(kinds.ClusterRole, { metadata: { name }, rules: rules as never });
    await s.admin.create(kinds.ClusterRoleBinding, {
      metadata: { name },
      roleRef: { kind: "ClusterRole", name },
      subjects,
    });
  };
  const parts = ["certificatesigningrequests/approval", "certificatesigningrequests/status"];
  const base = { apiGroups: ["certificates.k8s.io"], resources: parts, verbs: ["update", "patch"] };
  const signer = (verb: string, name: string) => ({
    apiGroups: ["certificates.k8s.io"],
    resources: ["signers"],
    verbs: [verb],
    resourceNames: [name],
  });
  await role("nobody", [base]);
  await role("one", [base, signer("approve", "example.com/a"), signer("sign", "example.com/*")]);
  const request = btoa(await createRequest(await createKey(), { commonName: "bob" }));
  const spec = (signerName: string) => ({ request, signerName, usages: ["client auth"] });
  const root = someone("root", "system:masters");
  for (const name of ["a", "b"]) {
    const made = await s.as(root, "POST", path, { metadata: { name }, spec: spec(`example.com/${name}`) });
    assert.equal(made.status, 201, made.text);
  }
  await s.fixture.cache.fresh();
  const merge = { "content-type": "application/merge-patch+json" };
  const approved = { type: "Approved", status: "True", reason: "r", message: "m" };
  const approve = (user: string, name: string) =>
    s.as(someone(user), "PATCH", `${path}/${name}/approval`, { status: { conditions: [approved] } }, merge);
  const refused = await approve("nobody", "a");
  assert.deepEqual([refused.status, refused.body.message], [
    403,
    'certificatesigningrequests.certificates.k8s.io "a" is forbidden: user not permitted to approve requests with ' +
    'signerName "example.com/a"',
  ]);
  assert.equal((await approve("one", "b")).status, 403);
  assert.equal((await approve("one", "a")).status, 200);
  const sign = (user: string, name: string) => {
    const failed = { type: "Failed", status: "True", reason: "r", message: "m" };
    return s.as(
      someone(user),
      "PATCH",
      `${path}/${name}/status`,
      { status: { conditions: [approved, failed] } },
      merge,
    );
  };
  assert.equal((await sign("nobody", "a")).status, 403);
  assert.equal((await sign("one", "a")).status, 200);
  await s.close();
});

Deno.test("the two priorities of system pods are there", async () => {
  const s = await createSecured();
  const { items } = await s.admin.list(kinds.PriorityClass);
  assert.deepEqual(items.map(({ metadata, value }) => [metadata.name, value]), [
    ["system-cluster-critical", 2_000_000_000],
    ["system-node-critical", 2_000_001_000],
  ]);
  await s.close();
});
