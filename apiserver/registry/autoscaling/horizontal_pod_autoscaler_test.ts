import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row, statusErrors } from "../meta/kind_scene.ts";
import { horizontalPodAutoscaler as kind } from "./horizontal_pod_autoscaler.ts";

const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const base = { scaleTargetRef, maxReplicas: 5 };
const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } };

Deno.test("horizontalPodAutoscaler aims at 80 % of the CPU, with one pod at least", () => {
  assert.deepEqual(defaulted(kind, { spec: base }).spec, { ...base, minReplicas: 1, metrics: [cpu] });
  assert.ok(isIdempotent(kind, { spec: { ...base, behavior: { scaleDown: { stabilizationWindowSeconds: 5 } } } }));
  assert.ok(isIdempotent(kind, {}));
});

Deno.test("horizontalPodAutoscaler completes both directions where one is spoken of", () => {
  const behavior = { scaleDown: { policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] } };
  assert.deepEqual(defaulted(kind, { spec: { ...base, behavior } }).spec.behavior, {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: "Max",
      policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, { type: "Percent", value: 100, periodSeconds: 15 }],
    },
    scaleDown: { selectPolicy: "Max", policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] },
  });
});

Deno.test("horizontalPodAutoscaler says what is wrong with bounds and target", () => {
  const target = (more: Record<string, unknown>) => ({ ...base, scaleTargetRef: { ...scaleTargetRef, ...more } });
  const table: [Record<string, unknown>, string[]][] = [
    [base, []],
    [target({ apiVersion: "v1", kind: "ReplicationController" }), []],
    [{}, [
      "spec.maxReplicas: Invalid value: 0: must be greater than 0",
      "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
      "spec.scaleTargetRef.kind: Required value",
      "spec.scaleTargetRef.name: Required value",
      'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
    ]],
    [{ ...base, minReplicas: 0 }, [
      "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
      "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas",
    ]],
    [{ ...base, minReplicas: 6 }, [
      "spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`",
    ]],
    [target({ apiVersion: "v1" }), [
      'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
    ]],
    [target({ apiVersion: "a/b/c", name: "x/y" }), [
      "spec.scaleTargetRef.name: Invalid value: \"x/y\": may not contain '/'",
      'spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
    ]],
  ];
  for (const [spec, expected] of table) assert.deepEqual(createErrors(kind, { spec }), expected);
});

const metricTypes = '"ContainerResource", "External", "Object", "Pods", "Resource"';
const metric = { name: "hits" };

Deno.test("horizontalPodAutoscaler says what is wrong with metrics", () => {
  const average = { type: "AverageValue", averageValue: "1" };
  const table: [Record<string, unknown>, string[]][] = [
    [cpu, []],
    [{ type: "Pods", pods: { metric, target: average } }, []],
    [{ type: "External", external: { metric, target: { type: "Value", value: "3" } } }, []],
    [{ type: "Object", object: { metric, target: average, describedObject: { kind: "Service", name: "a" } } }, []],
    [{ type: "ContainerResource", containerResource: { name: "memory", container: "app", target: average } }, []],
    [{}, [
      ".type: Required value: must specify a metric source type",
      `.type: Unsupported value: "": supported values: ${metricTypes}`,
      `.type: Unsupported value: "": supported values: ${metricTypes}`,
    ]],
    [{ type: "Pods", resource: cpu.resource }, [
      ".pods: Required value: must populate information for the given metric source",
    ]],
    [{ ...cpu, pods: {} }, [
      ".pods.metric.name: Required value: must specify a metric name",
      ".pods.target.type: Required value: must specify a metric target type",
      '.pods.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue',
      ".pods.target.averageValue: Required value: must specify a positive target averageValue",
      ".pods: Forbidden: must populate the given metric source only",
    ]],
    [{ type: "Resource", resource: { target: { type: "Utilization", averageUtilization: 0, averageValue: "-1" } } }, [
      ".resource.name: Required value: must specify a resource name",
      '.resource.target.averageValue: Invalid value: "-1": must be positive',
      ".resource.target.averageUtilization: Invalid value: 0: must be greater than 0",
      ".resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization",
    ]],
    [{ type: "ContainerResource", containerResource: { name: "pods", target: { type: "Utilization" } } }, [
      '.containerResource.name: Invalid value: "pods": must be a standard resource for containers',
      ".containerResource.container: Required value: must specify a container",
      ".containerResource.target.averageUtilization: Required value: " +
      "must set either a target raw value or a target utilization",
    ]],
    [{ type: "External", external: { metric, target: { type: "Value", value: "0", averageValue: "1" } } }, [
      '.external.target.value: Invalid value: "0": must be positive',
      ".external.target.value: Forbidden: may not set both a target value for metric and a per-pod target",
    ]],
    [{ type: "Object", object: { metric: { name: "a/b" }, target: { type: "Value" } } }, [
      ".object.describedObject.kind: Required value",
      ".object.describedObject.name: Required value",
      ".object.metric.name: Invalid value: \"a/b\": may not contain '/'",
      ".object.target.averageValue: Required value: must set either a target value or averageValue",
    ]],
  ];
  for (const [given, expected] of table) {
    const errors = createErrors(kind, { spec: { ...base, metrics: [given] } });
    assert.deepEqual(errors, expected.map((line) => `spec.metrics[0]${line}`), JSON.stringify(given));
  }
});

Deno.test("horizontalPodAutoscaler says what is wrong with its behavior", () => {
  const behavior = {
    scaleUp: { stabilizationWindowSeconds: 3601, selectPolicy: "Some", tolerance: "-100m" },
    scaleDown: {
      stabilizationWindowSeconds: -1,
      policies: [{ type: "All" }, { type: "Pods", value: 1, periodSeconds: 1801 }],
    },
  };
  assert.deepEqual(
    createErrors(kind, { spec: { ...base, behavior } }),
    [
      "scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
      'scaleUp.selectPolicy: Unsupported value: "Some": supported values: "Disabled", "Max", "Min"',
      'scaleUp.tolerance: Invalid value: "-100m": must be greater than or equal to 0',
      "scaleDown.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero",
      'scaleDown.policies[0].type: Unsupported value: "All": supported values: "Percent", "Pods"',
      "scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
      "scaleDown.policies[0].periodSeconds: Invalid value: 0: must be greater than zero",
      "scaleDown.policies[1].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
    ].map((line) => `spec.behavior.${line}`),
  );
});

Deno.test("horizontalPodAutoscaler's status counts from zero", () => {
  const old = created(kind, { spec: base });
  assert.deepEqual(statusErrors(kind, old, (object) => object.status = { currentReplicas: -1, desiredReplicas: -2 }), [
    "status.currentReplicas: Invalid value: -1: must be greater than or equal to 0",
    "status.desiredReplicas: Invalid value: -2: must be greater than or equal to 0",
  ]);
});

Deno.test("horizontalPodAutoscaler shows what it aims at and what it sees", () => {
  assert.equal(header(kind), "Name, Reference, Targets, MinPods, MaxPods, Replicas, Age");
  const object = created(kind, { spec: base });
  assert.equal(row(kind, object), "web Deployment/web cpu: <unknown>/80% 1 5 0 0s |");
  const average = { type: "AverageValue", averageValue: "10" };
  object.spec.metrics = [
    { type: "Pods", pods: { metric, target: average } },
    { type: "External", external: { metric, target: average } },
    cpu,
    { type: "Odd" },
  ];
  object.status.currentReplicas = 2;
  object.status.currentMetrics = [
    { type: "Pods", pods: { metric, current: { averageValue: "12" } } },
    { type: "External", external: { metric, current: { averageValue: "7" } } },
  ];
  assert.equal(row(kind, object), "web Deployment/web 12/10, 7/10 (avg) + 2 more... 1 5 2 0s |");
});
