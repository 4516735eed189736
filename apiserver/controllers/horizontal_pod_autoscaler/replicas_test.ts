import assert from "assert";
import { MetricsError } from "./metrics_error.ts";
import { podMetricsOf } from "./pod_metrics.ts";
import { replicasFor, type Target } from "./replicas.ts";
import { metricsOf, now, podsOf, type PodsScene, settings } from "./scene.ts";

type Case = PodsScene & {
  current: number;
  target: Target;
  container?: string;
  tolerances?: [down: number, up: number];
};

function answer(one: Case): [number, number | undefined] {
  const { resource = "cpu", container = "", tolerances = [0.1, 0.1] } = one;
  const { replicas, usage } = replicasFor({
    ...one,
    resource,
    container,
    metrics: podMetricsOf({ ok: metricsOf(one) }, resource, container),
    pods: podsOf(one),
    tolerances: { scaleDown: tolerances[0], scaleUp: tolerances[1] },
    settings,
    now,
  });
  return [replicas, usage.utilization ?? usage.average];
}

const [t, f] = [true, false];
const one = (count: number) => Array.from({ length: count }, () => "1");

/** Those of pkg/controller/podautoscaler/replica_calculator_test.go, by its names. */
Deno.test("replicasFor() answers as upstream's calculator: utilisation", () => {
  const table: [string, Case, number, number][] = [
    ["ScaleUp", { current: 3, requests: one(3), levels: [300, 500, 700], target: { percent: 30 } }, 5, 50],
    [
      "ContainerScaleUp",
      {
        current: 3,
        requests: one(3),
        levels: [300, 500, 700],
        target: { percent: 30 },
        container: "c",
      },
      5,
      50,
    ],
    [
      "ScaleUpUnreadyLessScale",
      {
        current: 3,
        requests: one(3),
        ready: [f, t, t],
        levels: [300, 500, 700],
        target: { percent: 30 },
      },
      4,
      60,
    ],
    [
      "ScaleUpHotCpuLessScale",
      {
        current: 3,
        requests: one(3),
        hot: [t, f, f],
        levels: [300, 500, 700],
        target: { percent: 30 },
      },
      4,
      60,
    ],
    [
      "ScaleUpUnreadyNoScale",
      {
        current: 3,
        requests: one(3),
        ready: [t, f, f],
        levels: [400, 500, 700],
        target: { percent: 30 },
      },
      3,
      40,
    ],
    [
      "ScaleUpHotCpuNoScale",
      {
        current: 3,
        requests: one(3),
        hot: [f, t, t],
        levels: [400, 500, 700],
        target: { percent: 30 },
      },
      3,
      40,
    ],
    [
      "ScaleUpIgnoresFailedPods",
      {
        current: 2,
        requests: one(4),
        ready: [t, t, f, f],
        phases: ["Running", "Running", "Failed", "Failed"],
        levels: [500, 700],
        target: { percent: 30 },
      },
      4,
      60,
    ],
    [
      "ScaleUpIgnoresDeletionPods",
      {
        current: 2,
        requests: one(4),
        ready: [t, t, f, f],
        deleted: [f, f, t, t],
        levels: [500, 700],
        target: { percent: 30 },
      },
      4,
      60,
    ],
    ["ScaleDown", { current: 5, requests: one(5), levels: [100, 300, 500, 250, 250], target: { percent: 50 } }, 3, 28],
    [
      "ScaleDownIgnoresUnreadyPods",
      {
        current: 5,
        requests: one(5),
        ready: [t, t, t, f, f],
        levels: [100, 300, 500, 250, 250],
        target: { percent: 50 },
      },
      2,
      30,
    ],
    [
      "ScaleDownIgnoreHotCpuPods",
      {
        current: 5,
        requests: one(5),
        hot: [f, f, f, t, t],
        levels: [100, 300, 500, 250, 250],
        target: { percent: 50 },
      },
      2,
      30,
    ],
    [
      "Tolerance",
      {
        current: 3,
        requests: ["900m", "1000m", "1100m"],
        levels: [1010, 1030, 1020],
        target: { percent: 100 },
      },
      3,
      102,
    ],
    [
      "a wider tolerance upwards",
      {
        current: 3,
        requests: one(3),
        levels: [600, 600, 600],
        target: { percent: 50 },
        tolerances: [0, 0.25],
      },
      3,
      60,
    ],
    [
      "no tolerance downwards",
      {
        current: 100,
        requests: one(100),
        levels: Array.from({ length: 100 }, () => 480),
        target: { percent: 50 },
        tolerances: [0, 0.25],
      },
      96,
      48,
    ],
    [
      "SuperfluousMetrics",
      {
        current: 4,
        requests: one(4),
        levels: [4000, 9500, 3000, 7000, 3200, 2000],
        target: { percent: 100 },
      },
      24,
      587,
    ],
    ["MissingMetrics", { current: 4, requests: one(4), levels: [400, 95], target: { percent: 100 } }, 3, 24],
    ["MissingMetricsNoChangeEq", { current: 2, requests: one(2), levels: [1000], target: { percent: 100 } }, 2, 100],
    ["MissingMetricsNoChangeGt", { current: 2, requests: one(2), levels: [1900], target: { percent: 100 } }, 2, 190],
    ["MissingMetricsNoChangeLt", { current: 2, requests: one(2), levels: [600], target: { percent: 100 } }, 2, 60],
    [
      "MissingMetricsUnreadyChange",
      {
        current: 3,
        requests: one(3),
        ready: [f, t, t],
        levels: [100, 450],
        target: { percent: 50 },
      },
      3,
      45,
    ],
    [
      "MissingMetricsUnreadyScaleUp",
      {
        current: 3,
        requests: one(3),
        ready: [f, t, t],
        levels: [100, 2000],
        target: { percent: 50 },
      },
      4,
      200,
    ],
    [
      "MissingMetricsHotCpuScaleUp",
      {
        current: 3,
        requests: one(3),
        hot: [t, f, f],
        levels: [100, 2000],
        target: { percent: 50 },
      },
      4,
      200,
    ],
    [
      "MissingMetricsUnreadyScaleDown",
      {
        current: 4,
        requests: one(4),
        ready: [f, t, t, t],
        levels: [100, 100, 100],
        target: { percent: 50 },
      },
      3,
      10,
    ],
    [
      "MissingMetricsScaleDownTargetOver100",
      {
        current: 4,
        requests: one(4),
        levels: [1000, 1000, 1000],
        target: { percent: 300 },
      },
      2,
      100,
    ],
    [
      "DuringRollingUpdateWithMaxSurge",
      {
        current: 2,
        requests: one(3),
        ready: [t, t, f],
        levels: [100, 100],
        target: { percent: 50 },
      },
      2,
      10,
    ],
    [
      "memory does not care for readiness",
      {
        current: 2,
        requests: one(2),
        resource: "memory",
        ready: [f, t],
        levels: [900, 900],
        target: { percent: 50 },
      },
      4,
      90,
    ],
  ];
  for (const [name, given, replicas, used] of table) assert.deepEqual(answer(given), [replicas, used], name);
});

Deno.test("replicasFor() answers as upstream's calculator: average values", () => {
  const table: [string, Case, number, number][] = [
    ["ScaleUp", { current: 3, requests: one(3), levels: [1000, 5000, 9000], target: { average: 3000 } }, 5, 5000],
    [
      "no requests are needed",
      { current: 1, requests: [undefined], levels: [20_000], target: { average: 10_000 } },
      2,
      20_000,
    ],
    [
      "Tolerance",
      { current: 3, requests: one(3), levels: [11_000, 10_000, 11_000], target: { average: 10_000 } },
      3,
      10_666,
    ],
    ["MissingMetrics", { current: 4, requests: one(4), levels: [400, 95], target: { average: 1000 } }, 3, 247],
    ["MissingMetrics up", { current: 2, requests: one(2), levels: [1900], target: { average: 1000 } }, 2, 1900],
  ];
  for (const [name, given, replicas, used] of table) assert.deepEqual(answer(given), [replicas, used], name);
});

Deno.test("replicasFor() and podMetricsOf() say what is missing", () => {
  const base = { current: 1, target: { percent: 50 } };
  const table: [Case, string][] = [
    [{ ...base, requests: ["1"], levels: [] }, "no metrics returned from resource metrics API"],
    [{ ...base, requests: [], levels: [100] }, "no pods returned by selector while calculating replica count"],
    [{ ...base, requests: [undefined], levels: [100] }, "missing request for cpu in container c of Pod pod-0"],
    [{ ...base, requests: ["1"], levels: [100], hot: [true] }, "did not receive metrics for any ready pods"],
    [
      { ...base, requests: ["1"], levels: [100], container: "x" },
      "failed to get container metrics: container x not present in metrics for pod d/pod-0",
    ],
  ];
  for (const [given, message] of table) {
    assert.throws(() => answer(given), (error) => error instanceof MetricsError && error.message === message, message);
  }
  assert.throws(
    () => podMetricsOf({ error: "gone" }, "cpu", ""),
    /unable to fetch metrics from resource metrics API: gone/,
  );
});
