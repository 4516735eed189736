/**
 * Decides what a Job needs: pods to create, delete and count, and its status. Pure.
 * Source: pkg/controller/job/job_controller.go.
 */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Job, JobStatus } from "../../../lib/types/batch_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import type { Claims } from "../owner.ts";
import { draftOf, isTracked } from "./draft.ts";
import { manage, type Replica } from "./manage.ts";
import { hasStatus, isFinished, nextStatus, wireStatus } from "./status.ts";
import { track } from "./tracking.ts";
import { deadlineOf, verdictOf } from "./verdict.ts";

export type JobView =
  | { job: Job; pods: Claims<Pod> }
  /** A pod that is still marked as to be counted, and has no Job any more. */
  | { orphan: Pod };

export interface Report {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

export type JobAction =
  | { do: "adopt" | "release"; pod: Pod; why: string }
  | { do: "updateStatus"; status: JobStatus; reports: readonly Report[]; why: string }
  | { do: "createPods"; replicas: readonly Replica[]; why: string }
  /** `uncounted`: they are no failures. */
  | { do: "deletePods"; pods: readonly Pod[]; uncounted: boolean; why: string }
  /** Lets pods go that have been counted. */
  | { do: "settle"; pods: readonly Pod[]; why: string };

/** Who runs Jobs that say nothing else. */
const ourselves = "kubernetes.io/job-controller";

export function planJob(view: JobView, now: Instant): readonly (JobAction | WakeAt)[] {
  if ("orphan" in view) return [{ do: "settle", pods: [view.orphan], why: "its job is gone" }];
  const { job, pods: { mine, adopt, release } } = view;
  if ((job.spec.managedBy ?? ourselves) !== ourselves) return [];
  if (isFinished(job)) {
    const left = mine.filter(isTracked);
    return left.length === 0 ? [] : [{ do: "settle", pods: left, why: "the job has finished" }];
  }
  if (adopt.length + release.length > 0) {
    return [
      ...release.map((pod) => ({ do: "release", pod, why: "its labels match the selector no more" }) as const),
      ...adopt.map((pod) => ({ do: "adopt", pod, why: "an orphan that matches the selector" }) as const),
    ];
  }
  return planPods(job, mine, now);
}

function planPods(job: Job, pods: readonly Pod[], now: Instant): readonly (JobAction | WakeAt)[] {
  const actions: (JobAction | WakeAt)[] = [];
  const draft = draftOf(job, pods, now);
  const verdict = verdictOf(draft);
  const tracked = track(draft, verdict);
  const { status, reports } = nextStatus(draft, tracked, verdict);
  // Before anything is changed: what is counted must be written before pods go, and be told even when none can be created.
  if (!hasStatus(job, status)) {
    const why = verdict === undefined ? "it differs from what the pods say" : `${verdict.type}: ${verdict.reason}`;
    actions.push({ do: "updateStatus", status: wireStatus(status), reports, why });
  }
  if (verdict !== undefined && draft.active.length > 0) {
    actions.push({ do: "deletePods", pods: draft.active, uncounted: false, why: verdict.message });
  }
  if (tracked.settled.length > 0) actions.push({ do: "settle", pods: tracked.settled, why: "they are in the status" });
  if (verdict === undefined && job.metadata.deletionTimestamp === undefined) actions.push(...manage(draft));
  const deadline = deadlineOf({ ...job, status });
  if (verdict === undefined && deadline !== undefined) {
    actions.push({ do: "wakeAt", at: deadline, why: "its deadline" });
  }
  return actions;
}
