import assert from "assert";
import type { HorizontalPodAutoscaler as V2 } from "../../../lib/types/autoscaling_v2.ts";
import { clone } from "../../../lib/patch/equal.ts";
import { context, created, createErrors, isIdempotent, row, updated } from "../meta/kind_scene.ts";
import { toV1, toV2 } from "./conversion.ts";
import { horizontalPodAutoscaler } from "./horizontal_pod_autoscaler.ts";
import { horizontalPodAutoscalerV1 as kind } from "./horizontal_pod_autoscaler_v1.ts";

const prefix = "autoscaling.alpha.kubernetes.io/";
const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const base = { scaleTargetRef, maxReplicas: 5 };
const metric = { name: "hits", selector: { matchLabels: { a: "b" } } };
const describedObject = { kind: "Service", name: "s" };

/** Everything that v2 can say, CPU last: that is where it comes back from its field. */
function full(): V2 {
  const object = created(horizontalPodAutoscaler, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { annotations: { mine: "kept" } },
    spec: {
      ...base,
      metrics: [
        { type: "Object", object: { describedObject, metric, target: { type: "Value", value: "5" } } },
        { type: "Object", object: { describedObject, metric, target: { type: "AverageValue", averageValue: "5" } } },
        { type: "Pods", pods: { metric, target: { type: "AverageValue", averageValue: "1k" } } },
        { type: "External", external: { metric, target: { type: "Value", value: "30" } } },
        { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } },
        {
          type: "ContainerResource",
          containerResource: { name: "cpu", container: "app", target: { type: "Utilization", averageUtilization: 50 } },
        },
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } },
      ],
      behavior: { scaleDown: { tolerance: "100m" } },
    },
  });
  object.status = {
    observedGeneration: 3,
    lastScaleTime: "2026-01-02T03:04:05Z",
    currentReplicas: 2,
    desiredReplicas: 3,
    currentMetrics: [
      { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 40, averageValue: "200m" } } },
      { type: "Pods", pods: { metric, current: { averageValue: "900" } } },
      { type: "Object", object: { describedObject, metric, current: { value: "4" } } },
      { type: "External", external: { metric, current: { value: "29", averageValue: "15" } } },
      {
        type: "ContainerResource",
        containerResource: { name: "cpu", container: "app", current: { averageUtilization: 1, averageValue: "5m" } },
      },
    ],
    conditions: [{ type: "AbleToScale", status: "True" }],
  };
  return object;
}

Deno.test("toV1() and toV2() lose nothing of a v2 object", () => {
  const there = toV1(full());
  assert.equal(there.spec.targetCPUUtilizationPercentage, 60);
  assert.equal(there.status.currentCPUUtilizationPercentage, 40);
  assert.deepEqual(
    Object.keys(there.metadata.annotations ?? {}),
    ["mine", `${prefix}metrics`, `${prefix}current-metrics`, `${prefix}behavior`, `${prefix}conditions`],
  );
  assert.deepEqual(toV2(JSON.parse(JSON.stringify(there))), full());
});

Deno.test("toV1() takes what a status leaves out for empty: it is not validated", () => {
  const object = full();
  const kinds = ["object", "pods", "resource", "containerResource", "external"];
  object.status.currentMetrics = kinds.map((name) => ({ type: name, [name]: {} })) as never;
  const there = toV1(object).metadata.annotations?.[`${prefix}current-metrics`];
  assert.equal(JSON.parse(there!).length, kinds.length);
});

Deno.test("toV1() writes the behavior in Go's names, as Kubernetes does", () => {
  const behavior = { scaleDown: { policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] } };
  const object = created(horizontalPodAutoscaler, { spec: { ...base, behavior } });
  delete object.spec.behavior!.scaleUp;
  assert.equal(
    toV1(object).metadata.annotations?.[`${prefix}behavior`],
    '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max",' +
      '"Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":60}],"Tolerance":null}}',
  );
});

Deno.test("toV2() aims at 80 % of the CPU when v1 says nothing, and leaves out annotations that can't be read", () => {
  const aimed = (given: Record<string, unknown>) => toV2(created(kind, given)).spec.metrics;
  const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } };
  assert.deepEqual(aimed({ spec: base }), [cpu]);
  for (const text of ["{", "7", '["x"]', '[{"type":1}]', "null"]) {
    const annotations = { [`${prefix}metrics`]: text, [`${prefix}behavior`]: text, [`${prefix}conditions`]: text };
    const object = toV2(created(kind, { metadata: { annotations }, spec: base }));
    assert.deepEqual(object.spec.metrics, [cpu], text);
    assert.equal(object.spec.behavior, undefined);
    assert.equal(object.metadata.annotations, undefined);
  }
});

Deno.test("horizontalPodAutoscalerV1 says what it aims at, unless it is something that v1 has no field for", () => {
  assert.equal(created(kind, { spec: base }).spec.targetCPUUtilizationPercentage, 80);
  const memory = toV1(full());
  delete memory.spec.targetCPUUtilizationPercentage;
  kind.defaults(memory);
  assert.equal(memory.spec.targetCPUUtilizationPercentage, undefined);
});

Deno.test("horizontalPodAutoscalerV1 is validated and shown as what it is stored as", () => {
  assert.deepEqual(createErrors(kind, { spec: { ...base, targetCPUUtilizationPercentage: 0 } }), [
    "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0",
  ]);
  assert.ok(isIdempotent(kind, { spec: base }));
  assert.equal(row(kind, created(kind, { spec: base })), "web Deployment/web cpu: <unknown>/80% 1 5 0 0s |");
  assert.equal(kind.storage, horizontalPodAutoscaler.storage);
});

Deno.test("horizontalPodAutoscalerV1 keeps the annotations of the part that is not written", () => {
  const old = toV1(full());
  const replaced = updated(kind, old, (object) => {
    object.metadata.annotations = { [`${prefix}conditions`]: "[]" };
  });
  const { conditions, currentMetrics } = toV2(replaced).status;
  assert.deepEqual({ conditions, currentMetrics }, {
    conditions: full().status.conditions,
    currentMetrics: full().status.currentMetrics,
  });
  assert.equal(toV2(replaced).spec.metrics?.length, 1);
  const status = clone(old);
  delete status.metadata.annotations;
  kind.prepareStatus?.(status, old, context);
  assert.deepEqual(toV2(status).spec, full().spec);
  assert.equal(toV2(status).status.conditions, undefined);
});
