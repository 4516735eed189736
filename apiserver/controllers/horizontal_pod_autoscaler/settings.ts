/** What kube-controller-manager's flags `--horizontal-pod-autoscaler-*` say, with their defaults. */

export interface AutoscalerSettings {
  /** Between two looks at one autoscaler. */
  readonly syncPeriodMs: number;
  /** For so long nothing is taken away that was recommended, where the autoscaler says nothing itself. */
  readonly downscaleStabilizationMs: number;
  /** From a ratio of 1 nothing is done within this, where the autoscaler says nothing itself. */
  readonly tolerance: number;
  /** After its start a pod's use of CPU may be that of starting. */
  readonly cpuInitializationMs: number;
  /** A pod that became unready within this of its start was never ready. */
  readonly initialReadinessDelayMs: number;
}

export const autoscalerDefaults: AutoscalerSettings = {
  syncPeriodMs: 15_000,
  downscaleStabilizationMs: 5 * 60_000,
  tolerance: 0.1,
  cpuInitializationMs: 5 * 60_000,
  initialReadinessDelayMs: 30_000,
};
