import assert from "assert";
import { created, createErrors, defaulted, isIdempotent, updated } from "../meta/kind_scene.ts";
import { pod } from "./pod.ts";

const minimal = { spec: { containers: [{ name: "a", image: "nginx:1" }] } };

Deno.test("a pod starts Pending, with its class, at generation 1", () => {
  const object = created(pod, { ...minimal, status: { phase: "Running" } });
  assert.deepEqual(object.status, { phase: "Pending", qosClass: "BestEffort" });
  assert.equal(object.metadata.generation, 1);
  assert.equal(object.spec.enableServiceLinks, true);
});

Deno.test("a pod's defaults are idempotent, whatever was sent", () => {
  assert.deepEqual(defaulted(pod, {}).spec.containers, []);
  for (const given of [{}, minimal, { spec: {} }]) assert.ok(isIdempotent(pod, given), JSON.stringify(given));
});

Deno.test("a gated pod says so, and a new pod has neither ephemeral containers nor a node at its gates", () => {
  const gates = [{ name: "x/wait" }];
  assert.deepEqual(created(pod, { spec: { ...minimal.spec, schedulingGates: gates } }).status.conditions, [{
    type: "PodScheduled",
    status: "False",
    reason: "SchedulingGated",
    message: "Scheduling is blocked due to non-empty scheduling gates",
    lastTransitionTime: "2026-01-02T03:04:05Z",
    observedGeneration: 1,
  }]);
  const spec = {
    ...minimal.spec,
    schedulingGates: gates,
    nodeName: "n",
    ephemeralContainers: [{ name: "d", image: "x" }],
  };
  assert.deepEqual(createErrors(pod, { spec }), [
    "spec.ephemeralContainers: Forbidden: cannot be set on create",
    "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
  ]);
});

Deno.test("label keys of a new pod are written into its selectors, once", () => {
  const term = { topologyKey: "zone", labelSelector: {}, matchLabelKeys: ["app"], mismatchLabelKeys: ["tenant", "no"] };
  const spread = { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: {} };
  const object = created(pod, {
    metadata: { labels: { app: "web", tenant: "t" } },
    spec: {
      ...minimal.spec,
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
      topologySpreadConstraints: [{ ...spread, matchLabelKeys: ["app"] }],
    },
  });
  const required = object.spec.affinity!.podAffinity!.requiredDuringSchedulingIgnoredDuringExecution!;
  assert.deepEqual(required[0]!.labelSelector, {
    matchExpressions: [
      { key: "app", operator: "In", values: ["web"] },
      { key: "tenant", operator: "NotIn", values: ["t"] },
    ],
  });
  assert.deepEqual(object.spec.topologySpreadConstraints![0]!.labelSelector, {
    matchExpressions: [{ key: "app", operator: "In", values: ["web"] }],
  });
  const later = updated(pod, object, (it) => it.metadata.labels!.app = "db");
  assert.deepEqual(later.spec, object.spec);
});

Deno.test("a pod is given time to end only where it runs", () => {
  const grace = (spec: Record<string, unknown>, asked?: number, phase = "Running") => {
    const object = created(pod, { spec: { ...minimal.spec, ...spec } });
    object.status.phase = phase as "Running";
    return pod.graceSeconds!(object, asked);
  };
  const table: [spec: Record<string, unknown>, asked: number | undefined, phase: string, seconds: number][] = [
    [{ nodeName: "n" }, undefined, "Running", 30],
    [{ nodeName: "n", terminationGracePeriodSeconds: 7 }, undefined, "Running", 7],
    [{ nodeName: "n" }, 3, "Running", 3],
    [{ nodeName: "n" }, 0, "Running", 0],
    [{ nodeName: "n", terminationGracePeriodSeconds: -4 }, undefined, "Running", 1],
    [{ nodeName: "n" }, -1, "Running", 1],
    [{}, 10, "Pending", 0],
    [{ nodeName: "n" }, 10, "Succeeded", 0],
    [{ nodeName: "n" }, undefined, "Failed", 0],
  ];
  for (const [spec, asked, phase, seconds] of table) {
    assert.equal(grace(spec, asked, phase), seconds, JSON.stringify([spec, asked, phase]));
  }
});

Deno.test("a pod that works hardly as meant is warned about", () => {
  const object = created(pod, {
    metadata: { name: "web.1" },
    spec: {
      nodeSelector: { "beta.kubernetes.io/os": "linux" },
      terminationGracePeriodSeconds: -1,
      containers: [{
        name: "a",
        image: "x",
        env: [{ name: "A", value: "1" }, { name: "A", value: "2" }],
        resources: { limits: { memory: "100m" } },
        ports: [{ containerPort: 80 }, { containerPort: 80 }],
      }],
    },
  });
  const [name, ...rest] = pod.warnings!(object, undefined);
  assert.match(name!, /^metadata\.name: this is used in the Pod's hostname/);
  assert.deepEqual(rest, [
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
    'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[0].env[1]: hides previous definition of "A", which may be surprising',
    "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
  ]);
  assert.deepEqual(pod.warnings!(object, object), []);
});
