import assert from "assert";
import { rfc3339 } from "../../../lib/seams/clock.ts";
import type { MetricSpec } from "../../../lib/types/autoscaling_v2.ts";
import { type AutoscalerPlan, type AutoscalerView, planAutoscaler, rescaled } from "./plan.ts";
import { now, viewOf, type ViewScene } from "./scene.ts";

const busy: ViewScene = { replicas: 3, requests: ["1", "1", "1"], levels: [900, 900, 900] };

const said = ({ status }: AutoscalerPlan) =>
  (status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
const told = ({ events }: AutoscalerPlan) => events.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

function done(view: AutoscalerView, error?: string): AutoscalerPlan {
  const plan = planAutoscaler(view, now);
  return plan.rescale === undefined ? plan : rescaled(view, { ...plan, rescale: plan.rescale }, { error, now });
}

Deno.test("planAutoscaler() scales up by what pods use", () => {
  const view = viewOf(busy);
  assert.deepEqual(planAutoscaler(view, now).rescale, {
    from: 3,
    to: 6,
    reason: "cpu resource utilization (percentage of request) above target",
  });
  const plan = done(view);
  assert.deepEqual(said(plan), [
    "AbleToScale=True SucceededRescale",
    "ScalingActive=True ValidMetricFound",
    "ScalingLimited=False DesiredWithinRange",
  ]);
  assert.deepEqual(told(plan), [
    "Normal SuccessfulRescale: New size: 6; reason: cpu resource utilization (percentage of request) above target",
  ]);
  const { conditions, ...rest } = plan.status;
  assert.deepEqual(rest, {
    currentReplicas: 3,
    desiredReplicas: 6,
    lastScaleTime: rfc3339(now),
    currentMetrics: [{
      type: "Resource",
      resource: { name: "cpu", current: { averageUtilization: 90, averageValue: "900m" } },
    }],
  });
  assert.equal(
    conditions![1]!.message,
    "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
  );
});

Deno.test("planAutoscaler() does not scale what is off, and brings what is out of bounds back", () => {
  const table: [string, number, number | undefined, string[]][] = [
    ["off", 0, undefined, ["AbleToScale=True SucceededGetScale", "ScalingActive=False ScalingDisabled"]],
    ["above", 12, 10, ["AbleToScale=True SucceededRescale"]],
    ["below", 1, 2, ["AbleToScale=True SucceededRescale"]],
  ];
  for (const [name, replicas, to, conditions] of table) {
    const view = viewOf({ ...busy, replicas, spec: { minReplicas: 2 } });
    assert.equal(planAutoscaler(view, now).rescale?.to, to, name);
    assert.deepEqual(said(done(view)), conditions, name);
  }
  const above = done(viewOf({ ...busy, replicas: 12 }));
  assert.deepEqual(told(above), [
    "Normal SuccessfulRescale: New size: 10; reason: Current number of replicas above Spec.MaxReplicas",
  ]);
});

Deno.test("planAutoscaler() waits with scaling down, from the first look on", () => {
  const idle = viewOf({ replicas: 3, requests: ["1", "1", "1"], levels: [10, 10, 10] });
  const first = planAutoscaler(idle, now);
  assert.equal(first.rescale, undefined);
  assert.deepEqual(said(first), [
    "AbleToScale=True ScaleDownStabilized",
    "ScalingActive=True ValidMetricFound",
    "ScalingLimited=False DesiredWithinRange",
  ]);
  const later = planAutoscaler({ ...idle, memory: first.memory }, now + 301_000);
  assert.deepEqual(later.rescale, { from: 3, to: 1, reason: "All metrics below target" });
  const behavior = { scaleUp: {}, scaleDown: { policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] } };
  const slow = { ...idle, hpa: { ...idle.hpa, spec: { ...idle.hpa.spec, behavior } }, memory: first.memory };
  assert.equal(planAutoscaler(slow, now + 301_000).rescale?.to, 2);
});

const cpu: MetricSpec = {
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
};
const value = { type: "Value", value: "3" };
const average = { type: "AverageValue", averageValue: "3" };
const metric = { name: "hits" };
const noCustom =
  "unable to get metric hits: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
const noExternal = "unable to fetch metrics from external metrics API: the server could not find the requested " +
  "resource (get hits.external.metrics.k8s.io)";

Deno.test("planAutoscaler() says which metric it could not get", () => {
  const service = { kind: "Service", name: "web" };
  const table: [MetricSpec, ViewScene, string, string][] = [
    [
      cpu,
      { ...busy, levels: [] },
      "FailedGetResourceMetric: failed to get cpu utilization: unable to get metrics for resource cpu: " +
      "no metrics returned from resource metrics API",
      "failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics for resource cpu: " +
      "no metrics returned from resource metrics API",
    ],
    [
      { type: "Resource", resource: { name: "cpu", target: average } },
      { ...busy, requests: [] },
      "FailedGetResourceMetric: failed to get cpu usage: no pods returned by selector while calculating replica count",
      "failed to get cpu resource metric value: failed to get cpu usage: " +
      "no pods returned by selector while calculating replica count",
    ],
    [
      { type: "ContainerResource", containerResource: { ...cpu.resource!, container: "x" } },
      busy,
      "FailedGetContainerResourceMetric: failed to get cpu utilization: unable to get metrics for resource cpu: " +
      "failed to get container metrics: container x not present in metrics for pod d/pod-0",
      "failed to get x container metric value: failed to get cpu utilization: unable to get metrics for resource cpu: " +
      "failed to get container metrics: container x not present in metrics for pod d/pod-0",
    ],
    [
      { type: "Pods", pods: { metric, target: average } },
      busy,
      `FailedGetPodsMetric: ${noCustom}`,
      `failed to get pods metric value: ${noCustom}`,
    ],
    [
      { type: "Object", object: { metric, target: value, describedObject: service } },
      busy,
      `FailedGetObjectMetric: ${noCustom} on Service d/web`,
      `failed to get object metric value: ${noCustom} on Service d/web`,
    ],
    [
      { type: "External", external: { metric, target: value } },
      busy,
      `FailedGetExternalMetric: unable to get external metric d/hits/nil: ${noExternal}`,
      `failed to get hits external metric value: failed to get external metric hits: ` +
      `unable to get external metric d/hits/nil: ${noExternal}`,
    ],
  ];
  for (const [spec, scene, cause, message] of table) {
    const plan = done(viewOf({ ...scene, spec: { metrics: [spec] } }));
    const reason = cause.split(":")[0];
    assert.deepEqual(said(plan), ["AbleToScale=True SucceededGetScale", `ScalingActive=False ${reason}`]);
    assert.deepEqual(told(plan), [
      `Warning ${cause}`,
      `Warning FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: ${message}`,
    ]);
    assert.equal(plan.status.currentReplicas, 3);
    assert.equal(plan.rescale, undefined);
  }
});

Deno.test("planAutoscaler() grows by the metrics that there are, and does not shrink while one is missing", () => {
  const metrics = [{ type: "Pods", pods: { metric, target: average } }, cpu];
  assert.equal(planAutoscaler(viewOf({ ...busy, spec: { metrics } }), now).rescale?.to, 6);
  const plan = planAutoscaler(viewOf({ ...busy, levels: [10, 10, 10], spec: { metrics } }), now);
  assert.equal(plan.rescale, undefined);
  assert.deepEqual(said(plan), ["AbleToScale=True SucceededGetScale", "ScalingActive=False FailedGetPodsMetric"]);
  assert.deepEqual(plan.status.currentMetrics!.map(({ type }) => type), ["", "Resource"]);
});

Deno.test("planAutoscaler() takes the most of several metrics", () => {
  const memory = { type: "ContainerResource", containerResource: { name: "cpu", container: "c", target: average } };
  const view = viewOf({ ...busy, spec: { metrics: [memory, cpu] } });
  assert.deepEqual(planAutoscaler(view, now).rescale?.to, 6);
  const less = viewOf({ ...busy, levels: [4000, 4000, 4000], spec: { metrics: [memory], maxReplicas: 4 } });
  assert.deepEqual(planAutoscaler(less, now).rescale, {
    from: 3,
    to: 4,
    reason: "cpu container resource above target",
  });
});

Deno.test("planAutoscaler() says why it does not know the target or its pods", () => {
  const gone = { ...viewOf(busy), scale: { error: 'deployments.apps "web" not found' } };
  assert.deepEqual(told(planAutoscaler(gone, now)), ['Warning FailedGetScale: deployments.apps "web" not found']);
  assert.deepEqual(said(planAutoscaler(gone, now)), ["AbleToScale=False FailedGetScale"]);
  const none = planAutoscaler(viewOf({ ...busy, selector: "" }), now);
  assert.deepEqual(said(none), ["AbleToScale=True SucceededGetScale", "ScalingActive=False InvalidSelector"]);
  assert.deepEqual(told(none), [
    "Warning SelectorRequired: selector is required",
    "Warning FailedComputeMetricsReplicas: selector is required",
  ]);
  const wrong = planAutoscaler(viewOf({ ...busy, selector: "a in" }), now);
  assert.deepEqual(said(wrong)[1], "ScalingActive=False InvalidSelector");
  const both = { ...viewOf(busy), deciding: [{ name: "web", namespace: "d" }, { name: "other", namespace: "d" }] };
  assert.equal(
    told(planAutoscaler(both, now))[0],
    "Warning AmbiguousSelector: pods by selector app=web are controlled by multiple HPAs: [{web d} {other d}]",
  );
});

Deno.test("rescaled() says why the target could not be resized, and remembers what was done", () => {
  const failed = done(viewOf(busy), "conflict");
  assert.equal(said(failed)[0], "AbleToScale=False FailedUpdateScale");
  const reason = "cpu resource utilization (percentage of request) above target";
  assert.deepEqual(told(failed), [`Warning FailedRescale: New size: 6; reason: ${reason}; error: conflict`]);
  assert.equal(failed.status.lastScaleTime, undefined);
  const behavior = { scaleUp: { policies: [{ type: "Pods", value: 2, periodSeconds: 60 }] }, scaleDown: {} };
  const first = done(viewOf({ ...busy, spec: { behavior } }));
  assert.deepEqual([first.status.desiredReplicas, first.memory!.ups], [5, [{ change: 2, at: now }]]);
  assert.ok(said(first).includes("ScalingLimited=True ScaleUpLimit"));
});

Deno.test("planAutoscaler() keeps the time of a condition whose status stays", () => {
  const view = viewOf(busy);
  const at = rfc3339(now - 60_000);
  const before = { type: "ScalingActive", status: "True", reason: "x", message: "y", lastTransitionTime: at };
  const hpa = { ...view.hpa, status: { desiredReplicas: 3, conditions: [before] } };
  const { conditions } = planAutoscaler({ ...view, hpa }, now).status;
  const active = conditions!.find(({ type }) => type === "ScalingActive")!;
  assert.deepEqual([active.reason, active.lastTransitionTime], ["ValidMetricFound", at]);
});
