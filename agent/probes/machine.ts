/**
 * One probe's state: what it has answered, how often in a row, and what follows (kubelet: pkg/kubelet/prober/worker.go). Pure.
 */
import type { Container, Probe } from "../../lib/types/core_v1.ts";

export type ProbeType = "startup" | "readiness" | "liveness";
export const probeTypes: readonly ProbeType[] = ["startup", "readiness", "liveness"];

export type ProbeResult = "success" | "failure" | "unknown";

/** What one run of a probe found. `unknown`: it could not be run, which counts for nothing. */
export interface Outcome {
  readonly result: ProbeResult;
  /** For the Event. */
  readonly message: string;
}

export interface Progress {
  readonly result: ProbeResult;
  readonly last: ProbeResult | undefined;
  /** Runs in a row that answered `last`. */
  readonly streak: number;
}

export function probeOf(container: Container, type: ProbeType): Probe | undefined {
  switch (type) {
    case "startup":
      return container.startupProbe;
    case "readiness":
      return container.readinessProbe;
    case "liveness":
      return container.livenessProbe;
  }
}

const initial: Record<ProbeType, ProbeResult> = { startup: "unknown", readiness: "failure", liveness: "success" };

/** Before its first run; `known` is what was known of the container before the agent was restarted. */
export function beginning(type: ProbeType, known?: { started: boolean; ready: boolean }): Progress {
  const before = known !== undefined &&
    ((type === "startup" && known.started) || (type === "readiness" && known.ready));
  return { result: before ? "success" : initial[type], last: undefined, streak: 0 };
}

export interface Thresholds {
  readonly success: number;
  readonly failure: number;
}

export function thresholdsOf({ successThreshold = 1, failureThreshold = 3 }: Probe): Thresholds {
  return { success: successThreshold, failure: failureThreshold };
}

/** After a run. The result changes once the answer has been the same often enough. */
export function step(progress: Progress, { success, failure }: Thresholds, outcome: ProbeResult): Progress {
  if (outcome === "unknown") return progress;
  const streak = outcome === progress.last ? progress.streak + 1 : 1;
  const enough = streak >= (outcome === "success" ? success : failure);
  return { result: enough ? outcome : progress.result, last: outcome, streak };
}

/** True when it need not run again for this container: a startup probe that succeeded, or one that has had the container killed. */
export function isSettled(type: ProbeType, { result }: Progress): boolean {
  if (type === "startup") return result !== "unknown";
  return type === "liveness" && result === "failure";
}

export interface Timing {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
}

export function timingOf({ initialDelaySeconds = 0, periodSeconds = 10, timeoutSeconds = 1 }: Probe): Timing {
  return {
    initialDelayMs: initialDelaySeconds * 1000,
    periodMs: Math.max(1, periodSeconds) * 1000,
    timeoutMs: Math.max(1, timeoutSeconds) * 1000,
  };
}

/** First wait of a readiness probe that failed before the container was ever ready; it doubles. ms */
const eagerMs = 25;

/**
 * When to run again. A readiness probe that may start at once is asked more often during its first period, because a process that
 * was just started is rarely listening already; those failures count for nothing.
 */
export function nextDelayMs(
  type: ProbeType,
  timing: Timing,
  { everReady, runs, ranForMs }: { everReady: boolean; runs: number; ranForMs: number },
): { delayMs: number; eager: boolean } {
  const eager = type === "readiness" && !everReady && timing.initialDelayMs === 0 && ranForMs < timing.periodMs;
  if (!eager) return { delayMs: timing.periodMs, eager: false };
  return { delayMs: Math.min(timing.periodMs, eagerMs * 2 ** Math.min(runs, 10)), eager: true };
}
