import assert from "assert";
import { drainedCondition } from "../../lib/draining.ts";
import { planPodDraining } from "./pod_draining.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const now = Date.UTC(2026, 0, 1);
const pod = (more: Loose = {}): Loose => ({
  metadata: { uid: "u1", name: "p", deletionTimestamp: more.kept ? undefined : "2026-01-01T00:00:00Z" },
  spec: { nodeName: more.unbound ? undefined : "n1" },
  status: {
    phase: more.phase ?? "Running",
    conditions: more.drained ? [{ type: drainedCondition, status: "True" }] : [],
  },
});
const slice = (resourceVersion: string, terminating?: boolean, uid = "u1"): Loose => ({
  metadata: { resourceVersion },
  endpoints: [{
    addresses: ["10.0.0.1"],
    targetRef: { uid },
    conditions: { terminating, serving: true, ready: terminating !== true },
  }],
});
const proxy = (revision: number, expiresIn = 30_000) => ({ revision, expiresAt: now + expiresIn });

Deno.test("planPodDraining() waits for every slice and every live proxy", () => {
  const cases: [string, Loose, string][] = [
    ["a pod that stays", { pod: pod({ kept: true }) }, ""],
    ["a pod without a node", { pod: pod({ unbound: true }) }, ""],
    ["a finished pod", { pod: pod({ phase: "Failed" }) }, ""],
    ["a pod that is drained already", { pod: pod({ drained: true }) }, ""],
    ["a pod that no Service selects", { proxies: [proxy(0)] }, "setDrained"],
    ["a slice that still has it in use", { slices: [slice("5", true), slice("6")] }, ""],
    ["a slice with another pod in use", { slices: [slice("5", true), slice("6", false, "u2")] }, "setDrained"],
    ["no proxies", { slices: [slice("5", true)] }, "setDrained"],
    ["proxies that follow", { slices: [slice("5", true)], proxies: [proxy(5), proxy(9)] }, "setDrained"],
    ["a proxy behind", { slices: [slice("5", true)], proxies: [proxy(4), proxy(9)] }, "wakeAt +30000"],
    [
      "the newest slice counts",
      { slices: [slice("5", true), slice("10", true)], proxies: [proxy(9)] },
      "wakeAt +30000",
    ],
    ["a dead proxy", { slices: [slice("5", true)], proxies: [proxy(4, -1), proxy(5)] }, "setDrained"],
    ["the last of a Service that is replaced", { slices: [slice("5", true)], replaced: true }, ""],
    ["the last of a Service that is not", { slices: [slice("5", true)] }, "setDrained"],
    [
      "one of two that are replaced",
      { slices: [slice("5", true), slice("6", false, "u2")], replaced: true },
      "setDrained",
    ],
    ["the first to be taken for dead", { slices: [slice("5", true)], proxies: [proxy(4, 20), proxy(3)] }, "wakeAt +20"],
  ];
  for (const [name, { slices = [], ...view }, wanted] of cases) {
    const actions = planPodDraining({ pod: pod(), services: [slices], replaced: false, proxies: [], ...view }, now);
    const words = actions.map((action) => action.do === "wakeAt" ? `wakeAt +${action.at - now}` : action.do);
    assert.equal(words.join(" "), wanted, name);
  }
});
