import assert from "assert";
import type { Pod } from "../../../../lib/types/core_v1.ts";
import { created } from "../../meta/kind_scene.ts";
import { lines } from "../../meta/kind_scene.ts";
import { clone } from "../../../../lib/patch/equal.ts";
import { pod } from "../pod.ts";
import { validatePodUpdate } from "./update.ts";

const base = {
  nodeSelector: { disk: "ssd" },
  tolerations: [{ key: "a", operator: "Exists" }],
  containers: [{ name: "a", image: "nginx:1", env: [{ name: "A", value: "1" }] }],
};
const gated = {
  ...base,
  schedulingGates: [{ name: "x/wait" }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }],
      },
    },
  },
};

type Change = (spec: Pod["spec"], meta: Pod["metadata"]) => void;

function errorsOf(given: Record<string, unknown>, change: Change): string[] {
  const old = created(pod, { spec: given });
  const object = clone(old);
  change(object.spec, object.metadata);
  return lines(validatePodUpdate(object, old));
}

const forbidden = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`," +
  "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing " +
  "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";

Deno.test("validatePodUpdate() lets images, tolerations, deadlines and gates change", () => {
  const table: [Record<string, unknown>, Change][] = [
    [base, () => {}],
    [base, (spec) => spec.containers[0]!.image = "nginx:2"],
    [base, (spec) => spec.activeDeadlineSeconds = 60],
    [{ ...base, activeDeadlineSeconds: 60 }, (spec) => spec.activeDeadlineSeconds = 30],
    [base, (spec) => spec.tolerations!.push({ key: "b", operator: "Exists" })],
    [base, (spec) => spec.tolerations![0]!.tolerationSeconds = 5],
    [{ ...base, terminationGracePeriodSeconds: -5 }, (spec) => spec.terminationGracePeriodSeconds = 1],
    [gated, (spec) => delete spec.schedulingGates],
    [gated, (spec) => spec.nodeSelector!.zone = "b"],
    [gated, (spec) => terms(spec)[0]!.matchExpressions!.push({ key: "arch", operator: "Exists" })],
    [{ ...base, schedulingGates: gated.schedulingGates }, (spec) => spec.affinity = clone(gated.affinity as never)],
    [base, (_, meta) => meta.labels = { a: "b" }],
  ];
  for (const [given, change] of table) assert.deepEqual(errorsOf(given, change), [], String(change));
});

const terms = (spec: Pod["spec"]) =>
  spec.affinity!.nodeAffinity!.requiredDuringSchedulingIgnoredDuringExecution!.nodeSelectorTerms;

Deno.test("validatePodUpdate() refuses everything else, and says what it was", () => {
  const seconds = "spec.activeDeadlineSeconds: Invalid value";
  const table: [Record<string, unknown>, Change, string[]][] = [
    [
      base,
      (spec) => spec.containers.push({ name: "b", image: "x" }),
      ["spec.containers: Forbidden: pod updates may not add or remove containers"],
    ],
    [
      base,
      (spec) => spec.containers[0]!.env![0]!.value = "2",
      [`${forbidden}  spec.containers[0].env[0].value: "1" -> "2"`],
    ],
    [base, (spec) => spec.hostname = "x", [`${forbidden}  spec.hostname: <absent> -> "x"`]],
    [base, (spec) => spec.nodeName = "n1", [`${forbidden}  spec.nodeName: <absent> -> "n1"`]],
    [base, (spec) => spec.nodeSelector!.zone = "b", [`${forbidden}  spec.nodeSelector.zone: <absent> -> "b"`]],
    [base, (spec) => spec.terminationGracePeriodSeconds = 1, [
      `${forbidden}  spec.terminationGracePeriodSeconds: 30 -> 1`,
    ]],
    [base, (spec) => spec.activeDeadlineSeconds = -1, [`${seconds}: -1: must be between 0 and 2147483647, inclusive`]],
    [{ ...base, activeDeadlineSeconds: 60 }, (spec) => spec.activeDeadlineSeconds = 61, [
      `${seconds}: 61: must be less than or equal to previous value`,
    ]],
    [{ ...base, activeDeadlineSeconds: 60 }, (spec) => delete spec.activeDeadlineSeconds, [
      `${seconds}: null: must not update from a positive integer to nil value`,
    ]],
    [base, (spec) => spec.tolerations = [], [
      "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
    ]],
    [gated, (spec) => spec.schedulingGates!.push({ name: "x/more" }), [
      "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'x/more'",
    ]],
    [gated, (spec) => spec.nodeSelector = { zone: "b" }, [
      'spec.nodeSelector: Invalid value: {"zone":"b"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
    ]],
    [gated, (spec) => delete spec.affinity, [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Invalid value: []: " +
      "no additions/deletions to non-empty NodeSelectorTerms list are allowed",
    ]],
    [gated, (spec) => terms(spec)[0]!.matchExpressions![0]!.values = ["b"], [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]: Invalid value: " +
      '{"matchExpressions":[{"key":"zone","operator":"In","values":["b"]}]}: only additions are allowed (no mutations or deletions)',
    ]],
    [base, (_, meta) => meta.annotations = { "kubernetes.io/config.mirror": "x" }, [
      "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not add mirror pod annotation",
    ]],
  ];
  for (const [given, change, expected] of table) assert.deepEqual(errorsOf(given, change), expected, String(change));
});
