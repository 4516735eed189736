/**
 * Counting pods without losing or repeating one (job_controller.go trackJobStatusAndRemoveFinalizers). An ended pod is first written
 * down in the status by its uid; then its finalizer goes; when that is seen, the uid becomes part of a count. Each step is a write of its
 * own, and each may be the last before a crash. Pure.
 */
import { uncountedPodsMax } from "../../../lib/limits.ts";
import type { Job, JobStatus } from "../../../lib/types/batch_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { type Draft, hasIndexBackoff, hasValidIndex, indexOf, isIndexed, isTracked } from "./draft.ts";
import { hasFailed, judge } from "./failed_pod.ts";
import { IndexSet } from "./indexes.ts";
import type { Verdict } from "./verdict.ts";

export interface Tracked {
  /** With what is counted now. */
  status: JobStatus;
  /** Pods that may go, once the status is written. */
  settled: readonly Pod[];
}

interface Uncounted {
  succeeded: string[];
  failed: string[];
}

export function track(draft: Draft, verdict: Verdict | undefined): Tracked {
  const { job } = draft;
  const tracked = draft.pods.filter(isTracked);
  const { succeeded: succeededBefore = [], failed: failedBefore = [] } = job.status.uncountedTerminatedPods ?? {};
  const before: Uncounted = { succeeded: succeededBefore, failed: failedBefore };
  const uids = new Set(tracked.map(({ metadata }) => metadata.uid));
  const stays = (uid: string) => uids.has(uid);
  const uncounted = { succeeded: before.succeeded.filter(stays), failed: before.failed.filter(stays) };
  const succeeded = (job.status.succeeded ?? 0) + before.succeeded.length - uncounted.succeeded.length;
  const failed = (job.status.failed ?? 0) + before.failed.length - uncounted.failed.length;
  const indexes = IndexSet.parse(job.status.completedIndexes, job.spec.completions ?? 0);
  const completed: number[] = [];
  const settled: Pod[] = [];
  for (const pod of inOrder(job, tracked)) {
    if (!maySettle(draft, verdict, pod)) continue;
    settled.push(pod);
    note(draft, verdict, { pod, before, uncounted, indexes, completed });
    if (completed.length + uncounted.succeeded.length + uncounted.failed.length >= uncountedPodsMax) break;
  }
  const status: JobStatus = { ...job.status, succeeded, failed, uncountedTerminatedPods: tidy(uncounted) };
  if (isIndexed(job)) {
    const all = indexes.with(IndexSet.of(completed));
    status.succeeded = all.total;
    status.completedIndexes = all.total === 0 ? undefined : all.toString();
    status.failedIndexes = draft.failedIndexes?.toString();
  }
  return { status, settled };
}

/** Empty lists are absent; the field itself is there, and says that pods are tracked. */
const tidy = ({ succeeded, failed }: Uncounted) => ({
  ...(succeeded.length === 0 ? {} : { succeeded }),
  ...(failed.length === 0 ? {} : { failed }),
});

function inOrder(job: Job, pods: readonly Pod[]): readonly Pod[] {
  return isIndexed(job) ? [...pods].sort((a, b) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1)) : pods;
}

function maySettle({ job, retried }: Draft, verdict: Verdict | undefined, pod: Pod): boolean {
  if (job.metadata.deletionTimestamp !== undefined || verdict !== undefined) return true;
  if (pod.status.phase === "Succeeded") return true;
  if (!hasFailed(pod, job)) return false;
  // The next pod of its index is still to learn from it how often the index has failed.
  const index = indexOf(pod);
  return !(hasIndexBackoff(job) && index !== undefined && retried.get(index)?.metadata.uid === pod.metadata.uid);
}

interface Entry {
  pod: Pod;
  before: Uncounted;
  uncounted: Uncounted;
  indexes: IndexSet;
  completed: number[];
}

/** Writes the pod down as what it is. */
function note(
  { job }: Draft,
  verdict: Verdict | undefined,
  { pod, before, uncounted, indexes, completed }: Entry,
): void {
  const { uid } = pod.metadata;
  if (pod.status.phase === "Succeeded" && !before.failed.includes(uid)) {
    if (!isIndexed(job)) {
      if (!before.succeeded.includes(uid)) uncounted.succeeded.push(uid);
    } else if (hasValidIndex(job, pod) && !indexes.has(indexOf(pod)!)) {
      completed.push(indexOf(pod)!);
    }
    return;
  }
  // Of a Job that fails every pod that has not ended fails with it.
  const fails = hasFailed(pod, job) || verdict?.type === "FailureTarget";
  if (!fails || before.failed.includes(uid) || !hasValidIndex(job, pod)) return;
  if (judge(job, pod).counts) uncounted.failed.push(uid);
}
