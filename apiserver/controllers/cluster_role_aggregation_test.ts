import assert from "assert";
import type { ClusterRole } from "../../lib/types/rbac_v1.ts";
import { aggregatedRules, planAggregation } from "./cluster_role_aggregation.ts";

const rule = (resource: string) => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
const role = (name: string, labels: Record<string, string>, ...resources: string[]) =>
  ({ metadata: { name, uid: name, labels }, rules: resources.map(rule) }) as unknown as ClusterRole;

const selects = (key: string) => ({ clusterRoleSelectors: [{ matchLabels: { [key]: "true" } }] });
const view: ClusterRole = { ...role("view", { view: "true" }), aggregationRule: selects("view") };
const all = [
  role("z", { view: "true" }, "pods"),
  role("a", { view: "true" }, "nodes", "pods"),
  role("b", {}, "x"),
  view,
];

Deno.test("aggregatedRules() joins the rules of the roles that match, by name, each once, without its own", () => {
  assert.deepEqual(aggregatedRules({ role: view, all }), [rule("nodes"), rule("pods")]);
});

Deno.test("planAggregation() applies what differs and is quiet otherwise", () => {
  assert.deepEqual(planAggregation({ role: view, all }, 0).map(({ role, uid }) => [role, uid]), [["view", "view"]]);
  assert.deepEqual(planAggregation({ role: { ...view, rules: [rule("nodes"), rule("pods")] }, all }, 0), []);
});
