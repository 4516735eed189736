import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row, updateErrors } from "../meta/kind_scene.ts";
import { clusterRoleBinding } from "./cluster_role_binding.ts";
import { roleBinding } from "./role_binding.ts";

const group = "rbac.authorization.k8s.io";
const roleRef = { apiGroup: group, kind: "ClusterRole", name: "view" };
const given = {
  roleRef: { kind: "ClusterRole", name: "view" },
  subjects: [
    { kind: "User", name: "ann" },
    { kind: "User", name: "bob" },
    { kind: "Group", name: "ops" },
    { kind: "ServiceAccount", name: "sa", namespace: "ns" },
  ],
};

Deno.test("roleBinding defaults the API group of the role, of users and of groups", () => {
  const { roleRef: ref, subjects } = defaulted(roleBinding, given);
  assert.deepEqual(ref, roleRef);
  assert.deepEqual(subjects?.map(({ apiGroup }) => apiGroup), [group, group, group, undefined]);
  assert.ok(isIdempotent(roleBinding, given));
});

Deno.test("bindings say all that is wrong with role and subjects", () => {
  const subject = (more: Record<string, unknown>) => ({ roleRef, subjects: [more] });
  const table: [Record<string, unknown>, string[], string[]?][] = [
    [given, []],
    [{}, [
      'roleRef.kind: Unsupported value: "": supported values: "Role", "ClusterRole"',
      "roleRef.name: Required value",
    ], [
      'roleRef.kind: Unsupported value: "": supported values: "ClusterRole"',
      "roleRef.name: Required value",
    ]],
    [{ roleRef: { ...roleRef, kind: "Role" } }, [], [
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ]],
    [{ roleRef: { apiGroup: "x", kind: "ClusterRole", name: "a%b" } }, [
      `roleRef.apiGroup: Unsupported value: "x": supported values: "${group}"`,
      "roleRef.name: Invalid value: \"a%b\": may not contain '%'",
    ]],
    [subject({ kind: "ServiceAccount", name: "sa" }), [], ["subjects[0].namespace: Required value"]],
    [subject({ kind: "ServiceAccount", name: "sa", namespace: "n", apiGroup: group }), [
      `subjects[0].apiGroup: Unsupported value: "${group}": supported values: ""`,
    ]],
    [subject({ kind: "User" }), [
      "subjects[0].name: Required value",
      'subjects[0].name: Invalid value: "": user name cannot be empty',
    ]],
    [subject({ kind: "Group", name: "g", apiGroup: "x" }), [
      `subjects[0].apiGroup: Unsupported value: "x": supported values: "${group}"`,
    ]],
    [subject({ kind: "Robot", name: "r" }), [
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
    ]],
  ];
  for (const [binding, expected, ofCluster = expected] of table) {
    assert.deepEqual(createErrors(roleBinding, binding), expected);
    assert.deepEqual(createErrors(clusterRoleBinding, binding), ofCluster);
  }
});

Deno.test("bindings keep their role", () => {
  const old = created(roleBinding, given);
  assert.deepEqual(updateErrors(roleBinding, old, (object) => object.subjects = []), []);
  // Left out, the group is the default again.
  assert.deepEqual(updateErrors(roleBinding, old, (object) => delete object.roleRef.apiGroup), []);
  assert.deepEqual(updateErrors(roleBinding, old, (object) => object.roleRef.name = "edit"), [
    `roleRef: Invalid value: ${
      JSON.stringify({ kind: "ClusterRole", name: "edit", apiGroup: group })
    }: cannot change roleRef`,
  ]);
});

Deno.test("bindings show who has which role", () => {
  assert.equal(header(roleBinding), "Name, Role, Age, Users*, Groups*, ServiceAccounts*");
  assert.equal(row(roleBinding, created(roleBinding, given)), "web ClusterRole/view 0s | ann, bob ops ns/sa");
});
