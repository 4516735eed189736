/**
 * Grants pods other resources, or says why not: what is remembered of a pod's resize changes here, between two plans (kubelet:
 * handlePodResourcesResize). Answers the Events that tell of it.
 */
import type { Pod } from "../../lib/types/core_v1.ts";
import type { NodeRoom } from "./admit.ts";
import { isResizing } from "./plan_resize.ts";
import { qosClass } from "./qos.ts";
import { allocationFound, allocationOf, asksForMore, refusalOf, resizeMessage, withAllocation } from "./resize.ts";
import type { Memory, PodView } from "./view.ts";

export interface Told {
  readonly type: "Normal" | "Warning";
  readonly reason: "ResizeStarted" | "ResizeCompleted" | "ResizeDeferred" | "ResizeInfeasible";
  readonly message: string;
}

const generationOf = ({ metadata }: Pod) => metadata.generation ?? 0;
const conditionOf = (pod: Pod, type: string) =>
  pod.status?.conditions?.find((condition) => condition.type === type && condition.status === "True");

/** What an agent knows of a pod that it sees for the first time. `saved`: as it was granted, by the checkpoint. */
export function recallResize(memory: Memory, pod: Pod, known: { fresh: boolean; saved: Pod | undefined }): void {
  const unknown = known.fresh && known.saved === undefined;
  memory.allocation = unknown ? allocationOf(pod) : allocationFound(pod, known.saved);
  const pending = conditionOf(pod, "PodResizePending");
  if (pending?.reason === "Deferred" || pending?.reason === "Infeasible") {
    const { reason, message = "", observedGeneration: generation = 0 } = pending;
    memory.resizePending = { reason, message, generation };
  }
  const progress = conditionOf(pod, "PodResizeInProgress");
  if (progress !== undefined) memory.resizing = { generation: progress.observedGeneration ?? 0 };
}

/** `pod`: as the API wants it. `granted`: the pod's allocation is another one now. */
export function grantResize(pod: Pod, memory: Memory, room: () => NodeRoom): { granted: boolean; told: Told[] } {
  if (withAllocation(pod, memory.allocation) === pod) {
    memory.resizePending = undefined;
    return { granted: false, told: [] };
  }
  const generation = generationOf(pod);
  const refusal = refusalOf(pod, room());
  if (refusal === undefined) {
    memory.allocation = allocationOf(pod);
    memory.resizePending = undefined;
    memory.resizeFailure = undefined;
    memory.resizing = { generation };
    const message = resizeMessage("started", pod, { generation });
    return { granted: true, told: [{ type: "Normal", reason: "ResizeStarted", message }] };
  }
  const before = memory.resizePending;
  const { reason, message } = refusal;
  memory.resizePending = { reason, message, generation };
  if (before?.reason === reason && before.message === message && before.generation === generation) {
    return { granted: false, told: [] };
  }
  const words = resizeMessage(reason, pod, { generation, error: message });
  return { granted: false, told: [{ type: "Warning", reason: `Resize${reason}`, message: words }] };
}

/** Notices that what was granted is not applied yet, or that now it is. */
export function followResize(view: PodView, memory: Memory): Told[] {
  if (isResizing(view)) {
    memory.resizing ??= { generation: generationOf(view.pod) };
    return [];
  }
  if (memory.resizing === undefined) return [];
  const { generation } = memory.resizing;
  memory.resizing = undefined;
  memory.resizeFailure = undefined;
  const message = resizeMessage("completed", view.pod, { generation });
  return [{ type: "Normal", reason: "ResizeCompleted", message }];
}

/**
 * Who is looked at first when room was made: who asks for no more than it has, then by priority, then guaranteed pods, then who has
 * waited longest. `pod`: as the API wants it.
 */
export function byTurn(
  a: { readonly pod: Pod; readonly memory: Memory },
  b: { readonly pod: Pod; readonly memory: Memory },
): number {
  const more = ({ pod, memory }: typeof a) => asksForMore(pod, memory.allocation) ? 1 : 0;
  const priority = ({ pod }: typeof a) => pod.spec.priority ?? 0;
  const guaranteed = ({ pod }: typeof a) => qosClass(pod) === "Guaranteed" ? 0 : 1;
  const since = ({ pod }: typeof a) => conditionOf(pod, "PodResizePending")?.lastTransitionTime ?? "9";
  return more(a) - more(b) || priority(b) - priority(a) || guaranteed(a) - guaranteed(b) ||
    (since(a) < since(b) ? -1 : since(a) > since(b) ? 1 : 0);
}
