/**
 * Decides what a StatefulSet needs: its history, its pods in their order, their claims, and its status. Pure.
 * Source: pkg/controller/statefulset/stateful_set_control.go.
 */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import type { New } from "../../../lib/kind.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from "../../../lib/types/apps_v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../lib/types/core_v1.ts";
import type { Claims } from "../owner.ts";
import { availableAt } from "../pod_state.ts";
import { cleanUp, planHistory } from "./history.ts";
import { planPods } from "./replicas.ts";
import { hasStatus, statefulStatus } from "./status.ts";

export interface StatefulView {
  set: StatefulSet;
  /** Only pods whose names are those of places in the set. */
  pods: Claims<Pod>;
  revisions: Claims<ControllerRevision>;
  /** A revision by its name, whoever owns it. */
  named(name: string): ControllerRevision | undefined;
  claim(name: string): PersistentVolumeClaim | undefined;
}

export type StatefulAction =
  | { do: "adoptPod" | "releasePod"; pod: Pod; why: string }
  | { do: "adoptRevision" | "deleteRevision"; revision: ControllerRevision; why: string }
  | { do: "createRevision" | "updateRevision"; revision: ControllerRevision; why: string }
  | { do: "updateStatus"; status: StatefulSetStatus; why: string }
  /** Each pod with the claims that it lacks: they come first. */
  | {
    do: "createPods";
    pods: readonly { pod: New<Pod>; claims: readonly New<PersistentVolumeClaim>[] }[];
    why: string;
  }
  | { do: "deletePods"; pods: readonly Pod[]; why: string }
  | { do: "updatePod"; pod: Pod; labels: Record<string, string>; why: string }
  | { do: "createClaims"; pod: Pod; claims: readonly New<PersistentVolumeClaim>[]; why: string }
  | { do: "updateClaim"; claim: PersistentVolumeClaim; why: string };

export function planStatefulSet(view: StatefulView, now: Instant): readonly (StatefulAction | WakeAt)[] {
  const { set, pods: { mine, adopt, release }, revisions } = view;
  const pods = [...mine, ...adopt];
  const history = planHistory(view);
  const actions: (StatefulAction | WakeAt)[] = [
    ...revisions.adopt.map((revision) => ({ do: "adoptRevision", revision, why: orphaned }) as const),
    ...release.map((pod) => ({ do: "releasePod", pod, why: "its labels match the selector no more" }) as const),
    ...adopt.map((pod) => ({ do: "adoptPod", pod, why: orphaned }) as const),
    ...history.actions,
  ];
  // Before what it counts is changed: a status must be told even when nothing can be created.
  const status = statefulStatus(set, pods, history, now);
  if (!hasStatus(set, status)) actions.push({ do: "updateStatus", status, why: "it differs from what the pods say" });
  if (set.metadata.deletionTimestamp !== undefined) return actions;
  actions.push(...planPods(view, history, pods, now), ...cleanUp(view, history, pods));
  const wake = nextAvailable(set, pods, now);
  if (wake !== undefined) actions.push({ do: "wakeAt", at: wake, why: "a ready pod becomes available" });
  return actions;
}

const orphaned = "an orphan that matches the selector";

function nextAvailable(set: StatefulSet, pods: readonly Pod[], now: Instant): Instant | undefined {
  const minReady = set.spec.minReadySeconds ?? 0;
  if (minReady === 0) return undefined;
  const times = pods.map((pod) => availableAt(pod, minReady, now)).filter((at) => at !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}
