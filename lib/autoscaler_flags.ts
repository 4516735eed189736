/** How HorizontalPodAutoscalers are looked after: flags of the API server, as kube-controller-manager's, and of `start`, which passes them on. */
import { duration, type Flag } from "./flags.ts";

const hourMs = 3_600_000;

/** A share of 1. */
function share(help: string, fallback: number): Flag<number> {
  return {
    help,
    value: "SHARE",
    default: fallback,
    parse(given) {
      const number = Number(given);
      if (!/^\d+(\.\d+)?$/.test(given) || number > 1) {
        throw new Error(`${JSON.stringify(given)} is not a share like ${fallback}, from 0 to 1`);
      }
      return number;
    },
  };
}

export const autoscalerFlags = {
  "horizontal-pod-autoscaler-sync-period": duration("time between two looks at an autoscaler", 15_000, {
    fromMs: 1000,
    toMs: hourMs,
  }),
  "horizontal-pod-autoscaler-downscale-stabilization": duration(
    "for so long nothing is taken away that was recommended",
    300_000,
    { fromMs: 0, toMs: hourMs },
  ),
  "horizontal-pod-autoscaler-tolerance": share("a difference for which nothing is scaled", 0.1),
  "horizontal-pod-autoscaler-cpu-initialization-period": duration(
    "for so long after its start a pod may use CPU only for starting",
    300_000,
    { fromMs: 0, toMs: hourMs },
  ),
  "horizontal-pod-autoscaler-initial-readiness-delay": duration(
    "a pod that became unready within this of its start was never ready",
    30_000,
    { fromMs: 0, toMs: hourMs },
  ),
};
