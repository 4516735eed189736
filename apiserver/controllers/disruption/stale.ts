/**
 * A pod that was to be disrupted and is still there: the condition that says so is taken back (disruption.go syncStalePodDisruption).
 */
import type { Controller, WakeAt } from "../../../lib/controller/controller.ts";
import { source } from "../../../lib/controller/controller.ts";
import { keyOf } from "../../../lib/kind.ts";
import { disruptionTimeoutMs } from "../../../lib/limits.ts";
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import { isReason } from "../../../lib/status.ts";
import type { Pod, PodCondition } from "../../../lib/types/core_v1.ts";
import { Pod as PodKind } from "../../../lib/types/kinds.ts";
import { aspectOf } from "../changes.ts";
import type { Parts } from "../parts.ts";
import { isFinished, podCondition } from "../pod_state.ts";

export interface StaleAction {
  do: "takeBack";
  condition: PodCondition;
  why: string;
}

export function planStale(pod: Pod, now: Instant): readonly (StaleAction | WakeAt)[] {
  const condition = podCondition(pod, "DisruptionTarget");
  if (condition?.status !== "True" || pod.metadata.deletionTimestamp !== undefined || isFinished(pod)) return [];
  // What a node announces may take as long as it takes.
  if (condition.reason === "TerminationByKubelet") return [];
  const at = Date.parse(condition.lastTransitionTime ?? pod.metadata.creationTimestamp) + disruptionTimeoutMs;
  if (at > now) return [{ do: "wakeAt", at, why: "it should be going by then" }];
  const { type } = condition;
  const taken = { type, status: "False", lastTransitionTime: rfc3339(now) } as PodCondition;
  return [{ do: "takeBack", condition: taken, why: "it was to go, and stayed" }];
}

export function staleDisruptionController({ informers }: Parts): Controller<Pod, StaleAction> {
  const marked = aspectOf(informers.pods, (pod) => podCondition(pod, "DisruptionTarget"));
  return {
    name: "disruption-controller",
    sources: [source(marked, (pod) => podCondition(pod, "DisruptionTarget") === undefined ? [] : [keyOf(pod)])],
    workers: 1,
    view: (key) => informers.pods.get(key),
    plan: planStale,
    async execute({ condition }, client, pod) {
      const conditions = pod.status.conditions!.map((other) => other.type === condition.type ? condition : other);
      try {
        await client.update(PodKind, { ...pod, status: { ...pod.status, conditions } }, { subresource: "status" });
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
    },
  };
}
