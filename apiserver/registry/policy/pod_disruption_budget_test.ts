import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row, statusErrors } from "../meta/kind_scene.ts";
import { podDisruptionBudget } from "./pod_disruption_budget.ts";

const kind = podDisruptionBudget;
const zeros = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };

Deno.test("podDisruptionBudget begins with nothing counted", () => {
  assert.deepEqual(created(kind, { spec: { minAvailable: 1 }, status: { expectedPods: 9 } }).status, zeros);
  assert.deepEqual(defaulted(kind, { status: { expectedPods: 9 } }).status, { ...zeros, expectedPods: 9 });
  assert.ok(isIdempotent(kind, {}));
  assert.equal(kind.unconditionalUpdate, false);
  assert.equal(kind.storage, "policy/poddisruptionbudgets");
});

Deno.test("podDisruptionBudget says all that is wrong", () => {
  const table: [Record<string, unknown>, string[]][] = [
    [{}, []],
    [{ minAvailable: "50%", selector: {} }, []],
    [{ maxUnavailable: 0, unhealthyPodEvictionPolicy: "AlwaysAllow" }, []],
    [{ minAvailable: 1, maxUnavailable: "101%" }, [
      'spec: Invalid value: {"minAvailable":1,"maxUnavailable":"101%"}: ' +
      "minAvailable and maxUnavailable cannot be both set",
      'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ]],
    [{ minAvailable: -1 }, ["spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"]],
    [{ minAvailable: "half", unhealthyPodEvictionPolicy: "No" }, [
      'spec.minAvailable: Invalid value: "half": a valid percent string must be a numeric string followed by an ' +
      "ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      'spec.unhealthyPodEvictionPolicy: Unsupported value: "No": supported values: "AlwaysAllow", "IfHealthyBudget"',
    ]],
    [{ selector: { matchExpressions: [{ key: "a", operator: "In" }] } }, [
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ]],
  ];
  for (const [spec, expected] of table) assert.deepEqual(createErrors(kind, { spec }), expected);
});

Deno.test("podDisruptionBudget's status counts from zero and has whole conditions", () => {
  const old = created(kind, {});
  const errors = statusErrors(kind, old, (object) => {
    object.status.currentHealthy = -1;
    object.status.conditions = [{ type: "a b", status: "Yes", reason: "", message: "", lastTransitionTime: "" }];
  });
  assert.deepEqual(errors.map((line) => line.split(": ").slice(0, 2).join(": ")), [
    "status.conditions[0].type: Invalid value",
    "status.conditions[0].status: Unsupported value",
    "status.conditions[0].lastTransitionTime: Required value",
    "status.conditions[0].reason: Required value",
    "status.currentHealthy: Invalid value",
  ]);
});

Deno.test("podDisruptionBudget columns are kubectl's", () => {
  assert.equal(header(kind), "Name, Min Available, Max Unavailable, Allowed Disruptions, Age");
  assert.equal(row(kind, created(kind, { spec: { minAvailable: "50%" } })), "web 50% N/A 0 0s |");
  assert.equal(row(kind, created(kind, { spec: { maxUnavailable: 0 } })), "web N/A 0 0 0s |");
});
