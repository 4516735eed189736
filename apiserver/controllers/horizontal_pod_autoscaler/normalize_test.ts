import assert from "assert";
import type { HPAScalingRules } from "../../../lib/types/autoscaling_v2.ts";
import { type Memory, normalize, normalizeWithBehavior, remember } from "./normalize.ts";

const now = 10_000_000;
const ago = (seconds: number) => now - seconds * 1000;
const nothing: Memory = { recommendations: [], ups: [], downs: [] };

Deno.test("normalize() keeps within bounds, doubles at most, and takes nothing away too soon", () => {
  const bounds = { min: 2, max: 20, current: 5 };
  const recently = (seconds: number) => ({ ...nothing, recommendations: [{ replicas: 7, at: ago(seconds) }] });
  const table: [string, number, Memory, [number, string, string, boolean]][] = [
    ["no change", 5, nothing, [5, "ReadyForNewScale", "DesiredWithinRange", false]],
    ["up", 7, nothing, [7, "ReadyForNewScale", "DesiredWithinRange", false]],
    ["too fast", 50, nothing, [10, "ReadyForNewScale", "ScaleUpLimit", true]],
    ["below the minimum", 1, nothing, [2, "ReadyForNewScale", "TooFewReplicas", true]],
    ["a recent recommendation was higher", 3, recently(200), [7, "ScaleDownStabilized", "DesiredWithinRange", false]],
    ["an old recommendation was higher", 3, recently(400), [3, "ReadyForNewScale", "DesiredWithinRange", false]],
  ];
  for (const [name, desired, memory, expected] of table) {
    const { replicas, able, limited } = normalize(desired, bounds, memory, { windowMs: 300_000, now });
    assert.deepEqual([replicas, able.reason, limited.reason, limited.cut], expected, name);
  }
  const many = normalize(9, { min: 1, max: 6, current: 5 }, nothing, { windowMs: 0, now });
  assert.deepEqual([many.replicas, many.limited.reason], [6, "TooManyReplicas"]);
  // Four at once also from one.
  assert.equal(normalize(9, { min: 1, max: 20, current: 1 }, nothing, { windowMs: 0, now }).replicas, 4);
});

const pods = (value: number, periodSeconds: number) => ({ type: "Pods", value, periodSeconds });
const percent = (value: number, periodSeconds: number) => ({ type: "Percent", value, periodSeconds });

function rules(...policies: ReturnType<typeof pods>[]): HPAScalingRules {
  return { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies };
}

interface Case {
  current: number;
  desired: number;
  up?: HPAScalingRules;
  down?: HPAScalingRules;
  memory?: Partial<Memory>;
  min?: number;
  max?: number;
}

function behaved({ current, desired, memory, min = 1, max = 1000, ...given }: Case): [number, string, string] {
  const behavior = {
    up: given.up ?? rules(pods(4, 15), percent(100, 15)),
    down: given.down ?? rules(percent(100, 15)),
  };
  const bounds = { min, max, current };
  const done = normalizeWithBehavior(desired, bounds, { ...nothing, ...memory }, { behavior, now });
  return [done.replicas, done.able.reason, done.limited.reason];
}

Deno.test("normalizeWithBehavior() holds policies, as upstream's horizontal_test", () => {
  const table: [string, Case, [number, string, string]][] = [
    ["the greater policy", { current: 100, desired: 500 }, [200, "ReadyForNewScale", "ScaleUpLimit"]],
    ["four from one", { current: 1, desired: 50 }, [5, "ReadyForNewScale", "ScaleUpLimit"]],
    ["the lesser policy", {
      current: 100,
      desired: 500,
      up: { ...rules(pods(4, 60), percent(100, 60)), selectPolicy: "Min" },
    }, [104, "ReadyForNewScale", "ScaleUpLimit"]],
    ["no growing", { current: 5, desired: 9, up: { ...rules(pods(4, 60)), selectPolicy: "Disabled" } }, [
      5,
      "ReadyForNewScale",
      "ScaleUpLimit",
    ]],
    ["no shrinking", { current: 5, desired: 1, down: { ...rules(pods(4, 60)), selectPolicy: "Disabled" } }, [
      5,
      "ReadyForNewScale",
      "ScaleDownLimit",
    ]],
    ["a percentage rounds up", { current: 3, desired: 9, up: rules(percent(10, 60)) }, [
      4,
      "ReadyForNewScale",
      "ScaleUpLimit",
    ]],
    ["what was added in the period counts", {
      current: 10,
      desired: 30,
      up: rules(pods(5, 60)),
      memory: { ups: [{ change: 3, at: ago(30) }, { change: 9, at: ago(90) }] },
    }, [12, "ReadyForNewScale", "ScaleUpLimit"]],
    ["more was added than is allowed", {
      current: 10,
      desired: 30,
      up: rules(pods(5, 60)),
      memory: { ups: [{ change: 8, at: ago(30) }] },
    }, [10, "ReadyForNewScale", "ScaleUpLimit"]],
    ["what was taken away may come back", {
      current: 10,
      desired: 30,
      up: rules(pods(5, 60)),
      memory: { downs: [{ change: 4, at: ago(30) }] },
    }, [19, "ReadyForNewScale", "ScaleUpLimit"]],
    ["the maximum", { current: 5, desired: 12, max: 8, up: rules(pods(50, 60)) }, [
      8,
      "ReadyForNewScale",
      "TooManyReplicas",
    ]],
    ["down by pods", { current: 10, desired: 1, down: rules(pods(3, 60)) }, [7, "ReadyForNewScale", "ScaleDownLimit"]],
    ["down by the lesser", {
      current: 10,
      desired: 1,
      down: { ...rules(pods(3, 60), percent(10, 60)), selectPolicy: "Min" },
    }, [9, "ReadyForNewScale", "ScaleDownLimit"]],
    ["taken away in the period", {
      current: 10,
      desired: 1,
      down: rules(percent(50, 60)),
      memory: { downs: [{ change: 2, at: ago(10) }] },
    }, [6, "ReadyForNewScale", "ScaleDownLimit"]],
    ["the minimum", { current: 5, desired: 1, min: 3 }, [3, "ReadyForNewScale", "TooFewReplicas"]],
    ["up only when it lasts", {
      current: 5,
      desired: 9,
      up: { ...rules(pods(50, 60)), stabilizationWindowSeconds: 120 },
      memory: { recommendations: [{ replicas: 6, at: ago(60) }, { replicas: 2, at: ago(180) }] },
    }, [6, "ScaleUpStabilized", "DesiredWithinRange"]],
    ["down only when it lasts", {
      current: 5,
      desired: 1,
      down: { ...rules(percent(100, 15)), stabilizationWindowSeconds: 300 },
      memory: { recommendations: [{ replicas: 4, at: ago(299) }, { replicas: 8, at: ago(301) }] },
    }, [4, "ScaleDownStabilized", "DesiredWithinRange"]],
    ["between both windows nothing happens", {
      current: 5,
      desired: 7,
      up: { ...rules(pods(50, 60)), stabilizationWindowSeconds: 300 },
      memory: { recommendations: [{ replicas: 3, at: ago(60) }] },
    }, [5, "ScaleUpStabilized", "DesiredWithinRange"]],
  ];
  for (const [name, given, expected] of table) assert.deepEqual(behaved(given), expected, name);
});

Deno.test("remember() keeps changes for as long as a policy asks for them", () => {
  const behavior = { up: rules(pods(1, 30)), down: rules(pods(1, 60)) };
  const memory = { ...nothing, ups: [{ change: 1, at: ago(50) }, { change: 2, at: ago(70) }] };
  assert.deepEqual(remember(memory, { from: 3, to: 8 }, { behavior, now }), {
    recommendations: [],
    ups: [{ change: 1, at: ago(50) }, { change: 5, at: now }],
    downs: [],
  });
  assert.deepEqual(remember(nothing, { from: 8, to: 3 }, { behavior, now }).downs, [{ change: 5, at: now }]);
});
