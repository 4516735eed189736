/** A Job and its pods, counted: what every part of one plan starts from (job_controller.go syncJob). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Job } from "../../../lib/types/batch_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { isActive, isReady, isTerminating } from "../pod_state.ts";
import { finishedAt, hasFailed, judge } from "./failed_pod.ts";
import { IndexSet } from "./indexes.ts";

/** On pods that have not been counted yet: they may not go before they are. */
export const trackingFinalizer = "batch.kubernetes.io/job-tracking";
export const indexKey = "batch.kubernetes.io/job-completion-index";
/** Failures of an index before this pod: those that count, and those that the failure policy ignores. */
export const indexFailuresAnnotation = "batch.kubernetes.io/job-index-failure-count";
export const ignoredFailuresAnnotation = "batch.kubernetes.io/job-index-ignored-failure-count";

export const isTracked = ({ metadata }: Pod) => (metadata.finalizers ?? []).includes(trackingFinalizer);
export const isIndexed = ({ spec }: Job) => spec.completionMode === "Indexed";
export const isSuspended = ({ spec }: Job) => spec.suspend === true;
export const hasIndexBackoff = (job: Job) => isIndexed(job) && job.spec.backoffLimitPerIndex !== undefined;

/** The pod's completion index; `undefined` when it has none. */
export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexKey];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

export interface Draft {
  job: Job;
  now: Instant;
  pods: readonly Pod[];
  active: readonly Pod[];
  ready: number;
  terminating: number;
  /** With those that are not in the status yet. */
  succeeded: number;
  failed: number;
  /** Of an Indexed Job: completed before and now. */
  completed: IndexSet;
  /** Of a Job with backoffLimitPerIndex. */
  failedIndexes?: IndexSet;
  /** The last failed pod of each index that is to be tried again: it tells the next one how often. */
  retried: ReadonlyMap<number, Pod>;
}

export function draftOf(job: Job, pods: readonly Pod[], now: Instant): Draft {
  const active = pods.filter(isActive);
  const uncounted = job.status.uncountedTerminatedPods;
  const counted = new Set([...uncounted?.succeeded ?? [], ...uncounted?.failed ?? []]);
  const fresh = pods.filter((pod) => isTracked(pod) && !counted.has(pod.metadata.uid) && hasValidIndex(job, pod));
  const newlySucceeded = fresh.filter((pod) => pod.status.phase === "Succeeded").length;
  const newlyFailed = fresh.filter((pod) => hasFailed(pod, job) && judge(job, pod).counts).length;
  const { succeeded = 0, failed = 0 } = job.status;
  const draft: Draft = {
    job,
    now,
    pods,
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    succeeded: succeeded + newlySucceeded + (uncounted?.succeeded ?? []).length,
    failed: failed + newlyFailed + (uncounted?.failed ?? []).length,
    completed: IndexSet.empty,
    retried: new Map(),
  };
  if (!isIndexed(job)) return draft;
  const completed = completedIndexes(job, pods);
  const indexed = { ...draft, completed, succeeded: completed.total };
  if (!hasIndexBackoff(job)) return indexed;
  const failedIndexes = failedIndexesOf(job, pods);
  return { ...indexed, failedIndexes, retried: retriedPods({ ...indexed, failedIndexes }) };
}

/** Pods of an Indexed Job count for the index that they have. */
export function hasValidIndex(job: Job, pod: Pod): boolean {
  if (!isIndexed(job)) return true;
  const index = indexOf(pod);
  return index !== undefined && index < (job.spec.completions ?? 0);
}

function completedIndexes(job: Job, pods: readonly Pod[]): IndexSet {
  const now = pods.filter((pod) => pod.status.phase === "Succeeded" && isTracked(pod) && hasValidIndex(job, pod));
  const before = IndexSet.parse(job.status.completedIndexes, job.spec.completions ?? 0);
  return before.with(IndexSet.of(now.map((pod) => indexOf(pod)!)));
}

function failedIndexesOf(job: Job, pods: readonly Pod[]): IndexSet {
  const before = IndexSet.parse(job.status.failedIndexes, job.spec.completions ?? 0);
  const now = pods.filter((pod) => isTracked(pod) && hasValidIndex(job, pod) && endsIndex(job, pod));
  return before.with(IndexSet.of(now.map((pod) => indexOf(pod)!)));
}

/** The failure of this pod was its index' last. */
function endsIndex(job: Job, pod: Pod): boolean {
  if (!hasFailed(pod, job)) return false;
  const { counts, action } = judge(job, pod);
  return action === "FailIndex" || (counts && indexFailures(pod).counted >= (job.spec.backoffLimitPerIndex ?? 0));
}

/** How often the pod's index had failed before it. */
export function indexFailures({ metadata }: Pod): { counted: number; ignored: number } {
  const number = (key: string) => {
    const text = metadata.annotations?.[key];
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
  };
  return { counted: number(indexFailuresAnnotation), ignored: number(ignoredFailuresAnnotation) };
}

function retriedPods({ job, pods, active, completed, failedIndexes }: Draft): Map<number, Pod> {
  const running = new Set(active.map(indexOf));
  const last = new Map<number, Pod>();
  for (const pod of pods) {
    const index = indexOf(pod);
    if (!isTracked(pod) || !hasValidIndex(job, pod) || !hasFailed(pod, job) || running.has(index)) continue;
    if (completed.has(index!) || failedIndexes!.has(index!)) continue;
    const other = last.get(index!);
    if (other === undefined || isLater(pod, other)) last.set(index!, pod);
  }
  return last;
}

const isLater = (pod: Pod, than: Pod) => failuresUpTo(than) <= failuresUpTo(pod) && finishedAt(pod) >= finishedAt(than);

/** Failures of the pod's index, its own not among them. */
export function failuresUpTo(pod: Pod): number {
  const { counted, ignored } = indexFailures(pod);
  return counted + ignored;
}
