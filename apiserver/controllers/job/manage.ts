/** Pods that an undecided Job needs and those that are too many (job_controller.go manageJob). Pure. */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import { burstReplicasMax, jobBackoffMaxMs, jobBackoffMinMs } from "../../../lib/limits.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { isTerminating } from "../pod_state.ts";
import { podsToDelete } from "../replica_set/ranking.ts";
import { type Draft, failuresUpTo, hasIndexBackoff, indexFailures, indexOf, isIndexed, isSuspended } from "./draft.ts";
import { finishedAt, hasFailed, judge, onlyReplacesFailed } from "./failed_pod.ts";
import { IndexSet } from "./indexes.ts";
import type { JobAction } from "./plan.ts";

/** A pod to create. */
export interface Replica {
  /** Of an Indexed Job. */
  index?: number;
  /** How often the index has failed, where each index has a limit. */
  failures?: { counted: number; ignored: number };
}

export function manage(draft: Draft): (JobAction | WakeAt)[] {
  const { job, active, now } = draft;
  if (isSuspended(job)) return remove(active, "the job is suspended");
  const wanted = wantedActive(draft);
  const surplus = toRemove(draft, Math.max(0, active.length - wanted)).slice(0, burstReplicasMax);
  if (surplus.length > 0) return remove(surplus, `${active.length} pods are active, ${wanted} are wanted`);
  const pending = onlyReplacesFailed(job) ? draft.terminating : 0;
  const missing = Math.min(wanted - pending - active.length, burstReplicasMax);
  if (missing <= 0) return [];
  const why = `${active.length} of ${wanted} pods are active`;
  if (hasIndexBackoff(job)) return createIndependent(draft, missing, why);
  const at = backoffEnd(draft);
  if (at !== undefined && at > now) return [{ do: "wakeAt", at, why: "pods failed: the next one waits" }];
  const replicas = isIndexed(job)
    ? pendingIndexes(draft, missing).map((index) => ({ index }))
    : Array(missing).fill({});
  return create(replicas, why);
}

const remove = (pods: readonly Pod[], why: string): JobAction[] =>
  pods.length === 0 ? [] : [{ do: "deletePods", pods, uncounted: true, why }];

const create = (replicas: readonly Replica[], why: string): JobAction[] =>
  replicas.length === 0 ? [] : [{ do: "createPods", replicas, why }];

function wantedActive({ job: { spec }, active, succeeded }: Draft): number {
  const parallelism = spec.parallelism ?? 1;
  // Who works off a queue: the first that succeeds says that it is empty.
  if (spec.completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(spec.completions - succeeded, parallelism));
}

/** At least `count`; of an Indexed Job every pod whose index is done by another, or is none. */
function toRemove(draft: Draft, count: number): readonly Pod[] {
  const { job, active, now } = draft;
  if (!isIndexed(job)) return podsToDelete(active, [], count, now);
  const groups = new Map<number, Pod[]>();
  const removed: Pod[] = [];
  for (const pod of active) {
    const index = indexOf(pod);
    if (index === undefined || index >= (job.spec.completions ?? 0)) removed.push(pod);
    else groups.set(index, [...groups.get(index) ?? [], pod]);
  }
  const left: Pod[] = [];
  for (const group of groups.values()) {
    const twins = group.length > 1 ? podsToDelete(group, [], group.length - 1, now) : [];
    removed.push(...twins);
    left.push(...group.filter((pod) => !twins.includes(pod)));
  }
  return [...removed, ...podsToDelete(left, [], Math.max(0, count - removed.length), now)];
}

function pendingIndexes({ job, pods, active, completed, failedIndexes }: Draft, count: number): number[] {
  const busy = onlyReplacesFailed(job) ? [...active, ...pods.filter(isTerminating)] : active;
  const running = IndexSet.of(busy.map(indexOf).filter((index) => index !== undefined));
  return completed.with(running, failedIndexes ?? IndexSet.empty).missing(count, job.spec.completions ?? 0);
}

/** Each index has failures and a backoff of its own. */
function createIndependent(draft: Draft, count: number, why: string): (JobAction | WakeAt)[] {
  const { job, now, retried } = draft;
  const ready: Replica[] = [];
  const waiting: Instant[] = [];
  for (const index of pendingIndexes(draft, count)) {
    const last = retried.get(index);
    const at = last === undefined ? now : finishedAt(last) + backoffMs(failuresUpTo(last) + 1);
    if (at > now) {
      waiting.push(at);
      continue;
    }
    const failures = last === undefined ? { counted: 0, ignored: 0 } : { ...indexFailures(last) };
    if (last !== undefined) failures[judge(job, last).counts ? "counted" : "ignored"]++;
    ready.push({ index, failures });
  }
  if (ready.length > 0 || waiting.length === 0) return create(ready, why);
  return [{ do: "wakeAt", at: Math.min(...waiting), why: "the pods of these indexes failed: the next ones wait" }];
}

/** The wait after the last failure: it doubles with every one since the last success. */
function backoffEnd({ job, pods }: Draft): Instant | undefined {
  const ends = (of: readonly Pod[]) => of.map(finishedAt);
  const lastSuccess = Math.max(-Infinity, ...ends(pods.filter(({ status }) => status.phase === "Succeeded")));
  const failures = ends(pods.filter((pod) => hasFailed(pod, job))).filter((at) => at > lastSuccess);
  return failures.length === 0 ? undefined : Math.max(...failures) + backoffMs(failures.length);
}

const backoffMs = (failures: number) => Math.min(jobBackoffMinMs * 2 ** (failures - 1), jobBackoffMaxMs);
