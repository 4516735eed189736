import assert from "assert";
import { applyStrategicMergePatch } from "../../lib/patch/mod.ts";
import { definition } from "../../lib/schema/schema.ts";
import type { PodStatus } from "../../lib/types/core_v1.ts";
import { sameJson, statusPatch } from "./status_patch.ts";

const condition = (type: string, status: string, more: object = {}) => ({
  type,
  status,
  lastTransitionTime: "t1",
  ...more,
});

/** The patch does what a server does with it. */
function check(name: string, old: PodStatus, next: PodStatus, expected: PodStatus = next): void {
  Deno.test(`statusPatch() ${name}`, () => {
    const patch = statusPatch(old, next);
    const pod = { metadata: { uid: "u" }, status: old };
    const result = patch === undefined ? pod : applyStrategicMergePatch(
      structuredClone(pod),
      { metadata: { uid: "u" }, status: patch },
      definition("io.k8s.api.core.v1.Pod"),
    );
    assert.deepEqual(result.status, expected);
    assert.equal(statusPatch(result.status as PodStatus, next), undefined);
  });
}

const running: PodStatus = {
  phase: "Running",
  podIP: "10.0.0.1",
  podIPs: [{ ip: "10.0.0.1" }],
  conditions: [condition("Ready", "True")],
  containerStatuses: [{ name: "app", image: "i", imageID: "", ready: true, restartCount: 0 }],
};

check("says nothing when nothing has changed", running, structuredClone(running));
check("replaces addresses", running, { ...running, podIP: "10.0.0.2", podIPs: [{ ip: "10.0.0.2" }] });
check("takes fields away", { ...running, reason: "Evicted", message: "m" }, running);
check("replaces container statuses as a whole", running, {
  ...running,
  containerStatuses: [{ name: "app", image: "i", imageID: "", ready: false, restartCount: 1 }],
});
check(
  "leaves other writers' conditions and fields",
  {
    ...running,
    nominatedNodeName: "n",
    conditions: [condition("example.com/gate", "True"), condition("Ready", "False", { reason: "r", message: "m" })],
  },
  { ...running, conditions: [condition("Ready", "True", { lastTransitionTime: "t2" })] },
  {
    ...running,
    nominatedNodeName: "n",
    conditions: [condition("example.com/gate", "True"), condition("Ready", "True", { lastTransitionTime: "t2" })],
  },
);

Deno.test("sameJson() takes what is absent for what is empty", () => {
  assert.ok(sameJson({ a: undefined, b: {}, c: [] }, {}));
  assert.ok(sameJson({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }));
  assert.ok(!sameJson({ a: 0 }, {}));
  assert.ok(!sameJson({ a: [1] }, { a: [2] }));
  assert.ok(!sameJson([1], { 0: 1 }));
});
