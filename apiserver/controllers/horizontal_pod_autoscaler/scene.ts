/** For tests: autoscalers, their pods and what those use, in few words. */
import type { PodMetrics } from "../../../lib/resource_metrics.ts";
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import type { HorizontalPodAutoscaler } from "../../../lib/types/autoscaling_v2.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import type { AutoscalerView } from "./plan.ts";
import { autoscalerDefaults } from "./settings.ts";

export const now: Instant = Date.UTC(2026, 0, 1);

/** Upstream's tests have these. */
export const settings = { ...autoscalerDefaults, cpuInitializationMs: 120_000, initialReadinessDelayMs: 10_000 };

export interface PodsScene {
  /** Thousandths that each pod uses; shorter than the list of pods: the rest are not measured. */
  levels: readonly number[];
  /** What each pod asks for. `undefined`: nothing. */
  requests: readonly (string | undefined)[];
  /** Default: all are. */
  ready?: readonly boolean[];
  /** `hot`: has just started. Default: none. */
  hot?: readonly boolean[];
  /** Default: all Running. */
  phases?: readonly string[];
  deleted?: readonly boolean[];
  resource?: string;
}

export function podsOf({ requests, ready, hot, phases, deleted, resource = "cpu" }: PodsScene): Pod[] {
  return requests.map((request, i) => {
    const startTime = rfc3339(hot?.[i] ? now : now - 600_000);
    return {
      metadata: { namespace: "d", name: `pod-${i}`, ...(deleted?.[i] ? { deletionTimestamp: rfc3339(now) } : {}) },
      spec: {
        containers: [{ name: "c", resources: request === undefined ? {} : { requests: { [resource]: request } } }],
      },
      status: {
        phase: phases?.[i] ?? "Running",
        startTime,
        conditions: [{ type: "Ready", status: ready?.[i] === false ? "False" : "True", lastTransitionTime: startTime }],
      },
    } as unknown as Pod;
  });
}

export function metricsOf({ levels, resource = "cpu" }: Pick<PodsScene, "levels" | "resource">): PodMetrics[] {
  return levels.map((level, i) => ({
    metadata: { namespace: "d", name: `pod-${i}` },
    timestamp: rfc3339(now),
    window: "1m0s",
    containers: [{ name: "c", usage: { [resource]: `${level}m` } }],
  })) as unknown as PodMetrics[];
}

export function hpaOf(spec: Partial<HorizontalPodAutoscaler["spec"]>): HorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { namespace: "d", name: "web" },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
      }],
      ...spec,
    },
    status: { desiredReplicas: 0 },
  } as unknown as HorizontalPodAutoscaler;
}

export interface ViewScene extends PodsScene {
  replicas: number;
  selector?: string;
  spec?: Partial<HorizontalPodAutoscaler["spec"]>;
}

export function viewOf(scene: ViewScene): AutoscalerView {
  const { replicas, selector = "app=web", spec = {} } = scene;
  return {
    hpa: hpaOf(spec),
    scale: { ok: { spec: { replicas }, status: { replicas, selector } } as never },
    pods: podsOf(scene),
    metrics: { ok: metricsOf(scene) },
    deciding: [{ name: "web", namespace: "d" }],
    settings,
  };
}
