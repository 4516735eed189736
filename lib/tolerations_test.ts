import assert from "assert";
import { tolerates, untolerated } from "./tolerations.ts";
import type { Taint, Toleration } from "./types/core_v1.ts";

const taint = (key: string, value?: string, effect: Taint["effect"] = "NoSchedule"): Taint => ({ key, value, effect });

Deno.test("tolerates() compares key, value and effect as Kubernetes does", () => {
  const table: [Toleration, Taint, boolean][] = [
    [{ operator: "Exists" }, taint("a", "b"), true],
    [{}, taint("a", "b"), false],
    [{ key: "a", operator: "Exists" }, taint("a", "b"), true],
    [{ key: "a", operator: "Exists" }, taint("b"), false],
    [{ key: "a", value: "b" }, taint("a", "b"), true],
    [{ key: "a", operator: "Equal", value: "c" }, taint("a", "b"), false],
    [{ key: "a" }, taint("a"), true],
    [{ key: "a", effect: "NoExecute", operator: "Exists" }, taint("a"), false],
    [{ key: "a", effect: "NoSchedule", operator: "Exists" }, taint("a"), true],
    [{ key: "sla", operator: "Gt", value: "95" }, taint("sla", "99"), true],
    [{ key: "sla", operator: "Gt", value: "95" }, taint("sla", "95"), false],
    [{ key: "sla", operator: "Lt", value: "95" }, taint("sla", "9"), true],
    [{ key: "sla", operator: "Lt", value: "x" }, taint("sla", "9"), false],
  ];
  for (const [toleration, against, expected] of table) {
    assert.equal(tolerates(toleration, against), expected, JSON.stringify([toleration, against]));
  }
});

Deno.test("untolerated() finds the first taint that nothing tolerates", () => {
  const taints = [taint("a"), taint("b"), taint("c")];
  assert.equal(untolerated(taints, [{ key: "a", operator: "Exists" }]), taints[1]);
  assert.equal(untolerated(taints, [{ operator: "Exists" }]), undefined);
  assert.equal(untolerated(undefined, undefined), undefined);
});
