/** Conditions that the API server itself sets on a pod. */
import type { Pod, PodCondition } from "../../../../lib/types/core_v1.ts";

/** Sets a condition of the pod's present generation. `now`: RFC 3339; kept where only the reason is new. */
export function setCondition(pod: Pod, condition: PodCondition, now: string): void {
  const conditions = pod.status.conditions ?? [];
  const old = conditions.find(({ type }) => type === condition.type);
  const changed = old?.status !== condition.status;
  const made: PodCondition = {
    ...condition,
    lastTransitionTime: changed ? now : old?.lastTransitionTime ?? now,
    observedGeneration: pod.metadata.generation,
  };
  pod.status.conditions = old === undefined
    ? [...conditions, made]
    : conditions.map((other) => other === old ? made : other);
}
