/** `/metrics/probes`: how probes ended and how long they took (kubelet: pkg/kubelet/prober/prober_manager.go). */
import { Distribution } from "../../lib/metrics/distribution.ts";
import { type Family, family, histogramSamples } from "../node/metrics.ts";
import { type ProbeResult, type ProbeType, probeTypes } from "./machine.ts";
import type { ProbeTarget } from "./target.ts";

export interface ProbeCounts {
  ran(target: ProbeTarget, type: ProbeType, run: { result: ProbeResult; tookMs: number }): void;
  metrics(): Family[];
}

interface Count {
  readonly labels: Readonly<Record<"probe_type" | "container" | "pod" | "namespace", string>>;
  readonly uid: string;
  readonly results: Record<ProbeResult, number>;
  readonly took: Distribution;
}

/** prometheus.DefBuckets. Seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const results = { success: "successful", failure: "failed", unknown: "unknown" } as const;

/** Of pods that are here: `isHere` by their uid. A pod's counts go on when its containers are restarted. */
export function createProbeCounts(isHere: (uid: string) => boolean): ProbeCounts {
  const pods = new Map<string, Map<string, Count>>();
  const forget = () => {
    for (const uid of pods.keys()) if (!isHere(uid)) pods.delete(uid);
  };
  return {
    ran({ pod, container }, type, { result, tookMs }) {
      const { uid } = pod.metadata;
      if (!pods.has(uid)) {
        // Here and not when they are read, which may be never.
        forget();
        pods.set(uid, new Map());
      }
      const counts = pods.get(uid)!;
      const key = `${container.name}/${type}`;
      const count = counts.get(key) ?? newCount({ pod, container }, type);
      counts.set(key, count);
      count.results[result]++;
      count.took.observe(tookMs / 1000);
    },
    metrics() {
      forget();
      const all = [...pods.values()].flatMap((counts) => [...counts.values()]);
      const total = all.flatMap((count) =>
        (Object.keys(results) as ProbeResult[]).filter((result) => count.results[result] > 0).map((result) => ({
          labels: { ...count.labels, pod_uid: count.uid, result: results[result] },
          value: count.results[result],
        }))
      );
      const help = "Cumulative number of a liveness, readiness or startup probe for a container by result.";
      return [
        family("prober_probe_total", "counter", help, total),
        family(
          "prober_probe_duration_seconds",
          "histogram",
          "Duration in seconds for a probe response.",
          all.flatMap(({ took, labels }) => histogramSamples(took, labels)),
        ),
      ].filter(({ samples }) => samples.length > 0);
    },
  };
}

const title = Object.fromEntries(
  probeTypes.map((type) => [type, `${type[0]!.toUpperCase()}${type.slice(1)}`]),
) as Record<ProbeType, string>;

function newCount({ pod, container }: Pick<ProbeTarget, "pod" | "container">, type: ProbeType): Count {
  const { name, namespace, uid } = pod.metadata;
  return {
    labels: { probe_type: title[type], container: container.name, pod: name, namespace },
    uid,
    results: { success: 0, failure: 0, unknown: 0 },
    took: new Distribution(bounds),
  };
}
