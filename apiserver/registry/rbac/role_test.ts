import assert from "assert";
import { createErrors, header, isIdempotent } from "../meta/kind_scene.ts";
import { clusterRole } from "./cluster_role.ts";
import { role } from "./role.ts";

const read = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };

Deno.test("role says all that is wrong with its rules", () => {
  const table: [unknown[] | undefined, string[]][] = [
    [undefined, []],
    [[read], []],
    [[read, { ...read, resourceNames: ["a"] }], []],
    [[{}], [
      "rules[0].verbs: Required value: verbs must contain at least one value",
      "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
      "rules[0].resources: Required value: resource rules must supply at least one resource",
    ]],
    [[read, { verbs: ["get"], nonResourceURLs: ["/x"] }], [
      'rules[1].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
    ]],
    [[{ ...read, nonResourceURLs: ["/x"] }], [
      'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
      'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
    ]],
  ];
  for (const [rules, expected] of table) assert.deepEqual(createErrors(role, { rules }), expected);
});

Deno.test("clusterRole takes URLs, and refuses an aggregation that selects with nothing or wrongly", () => {
  const table: [Record<string, unknown>, string[]][] = [
    [{ rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] }, []],
    [{ aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] } }, []],
    [{ aggregationRule: {} }, [
      "aggregationRule.clusterRoleSelectors: Required value: " +
      "at least one clusterRoleSelector required if aggregationRule is non-nil",
    ]],
    [{ aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: "a", operator: "Near" }] }] } }, [
      "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: " +
      'Invalid value: "Near": not a valid selector operator',
      "aggregationRule.clusterRoleSelectors[0]: Invalid value: null: " +
      'invalid label selector, "Near" is not a valid label selector operator',
    ]],
  ];
  for (const [given, expected] of table) assert.deepEqual(createErrors(clusterRole, given), expected);
});

Deno.test("roles have no columns of their own, any name that fits into a path, and are made by PUT too", () => {
  for (const kind of [role, clusterRole]) {
    assert.equal(header(kind as typeof role), "");
    assert.deepEqual(kind.nameErrors("system:node-x"), []);
    assert.deepEqual(kind.nameErrors("a/b"), ["may not contain '/'"]);
    assert.equal(kind.createOnUpdate, true);
    assert.ok(isIdempotent(kind as typeof role, { rules: [read] }));
  }
});
