/**
 * What `kubectl get pods` says about a pod in a few words: READY, STATUS and RESTARTS (printPod of
 * pkg/printers/internalversion). Pure.
 */
import type { Container, ContainerState, ContainerStatus, Pod } from "../../../../lib/types/core_v1.ts";
import { ageOf } from "../../meta/columns.ts";

export interface PodSummary {
  /** Containers that are ready, sidecars included. */
  ready: number;
  total: number;
  /** `Running`, `Init:0/1`, `CrashLoopBackOff`, `Terminating` … */
  status: string;
  restarts: number;
  /** When a container that was restarted had ended last, ms since 1970; 0: not known. */
  lastRestartMs: number;
}

/** The reason that pods get when their node does not answer any more. */
const nodeLost = "NodeLost";
const gated = "SchedulingGated";

export function summarize(pod: Pod): PodSummary {
  const { status } = pod;
  const summary: PodSummary = {
    ready: 0,
    total: (pod.spec.containers ?? []).length,
    status: status.reason || status.phase || "",
    restarts: 0,
    lastRestartMs: 0,
  };
  const conditions = status.conditions ?? [];
  if (conditions.some((c) => c.type === "PodScheduled" && c.reason === gated)) summary.status = gated;
  const initContainers = new Map((pod.spec.initContainers ?? []).map((container) => [container.name, container]));
  for (const container of initContainers.values()) if (isSidecar(container)) summary.total++;
  const { initializing, sidecars } = initialize(pod, initContainers, summary);
  const initialized = conditions.find((c) => c.type === "Initialized")?.status === "True";
  if (!initializing || initialized) {
    summary.restarts = sidecars.restarts;
    summary.lastRestartMs = sidecars.lastRestartMs;
    addContainers(pod, summary);
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === nodeLost) summary.status = "Unknown";
    else if (status.phase !== "Failed" && status.phase !== "Succeeded") summary.status = "Terminating";
  }
  return summary;
}

export function isSidecar(container: Container | undefined): boolean {
  return container?.restartPolicy === "Always";
}

type Restarts = Pick<PodSummary, "restarts" | "lastRestartMs">;

function countRestarts(to: Restarts, container: ContainerStatus): void {
  to.restarts += container.restartCount ?? 0;
  const ended = Date.parse(container.lastState?.terminated?.finishedAt ?? "");
  if (ended > to.lastRestartMs) to.lastRestartMs = ended;
}

/** Goes through the init containers up to the first that is not done. */
function initialize(
  pod: Pod,
  specs: ReadonlyMap<string, Container>,
  summary: PodSummary,
): { initializing: boolean; sidecars: Restarts } {
  const sidecars: Restarts = { restarts: 0, lastRestartMs: 0 };
  const statuses = pod.status.initContainerStatuses ?? [];
  for (const [i, container] of statuses.entries()) {
    countRestarts(summary, container);
    const sidecar = isSidecar(specs.get(container.name));
    if (sidecar) countRestarts(sidecars, container);
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started) {
      if (container.ready) summary.ready++;
      continue;
    }
    if (terminated !== undefined) summary.status = `Init:${endReason(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") summary.status = `Init:${waiting.reason}`;
    else summary.status = `Init:${i}/${specs.size}`;
    return { initializing: true, sidecars };
  }
  return { initializing: false, sidecars };
}

function endReason({ reason, signal, exitCode }: NonNullable<ContainerState["terminated"]>): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

/** The first container that has something to say gives the status: they are read from the last to the first. */
function addContainers(pod: Pod, summary: PodSummary): void {
  let running = false;
  for (const container of (pod.status.containerStatuses ?? []).toReversed()) {
    countRestarts(summary, container);
    const { terminated, waiting } = container.state ?? {};
    if (waiting?.reason) summary.status = waiting.reason;
    else if (terminated !== undefined) summary.status = endReason(terminated);
    else if (container.ready && container.state?.running !== undefined) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.status !== "Completed" || !running) return;
  const ready = (pod.status.conditions ?? []).some((c) => c.type === "Ready" && c.status === "True");
  summary.status = ready ? "Running" : "NotReady";
}

/** `3`, or `3 (5m ago)` where it is known when. `now` in ms. */
export function restartsText({ restarts, lastRestartMs }: PodSummary, now: number): string {
  if (restarts === 0 || lastRestartMs === 0) return `${restarts}`;
  return `${restarts} (${ageOf(new Date(lastRestartMs).toISOString(), now)} ago)`;
}
