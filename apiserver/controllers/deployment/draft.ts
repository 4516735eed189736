/**
 * A deployment's replica sets while a plan is being made: what they are to become. It lives as long as one call of the plan, which
 * turns the differences into actions at its end.
 */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Deployment, DeploymentCondition, ReplicaSet, ReplicaSetStatus } from "../../../lib/types/apps_v1.ts";

export interface DraftSet {
  /** As stored; for one that is to be created, as it will be sent. */
  readonly stored: ReplicaSet;
  readonly isNew: boolean;
  replicas: number;
  minReadySeconds: number | undefined;
  annotations: Record<string, string>;
}

export interface Draft {
  readonly deployment: Deployment;
  readonly now: Instant;
  /** The replica set of the current template. */
  newest: DraftSet | undefined;
  readonly old: DraftSet[];
  conditions: DeploymentCondition[];
  collisionCount: number | undefined;
  /** deployment.kubernetes.io/revision */
  revision: string | undefined;
}

export function draftSet(stored: ReplicaSet, options: { isNew?: true } = {}): DraftSet {
  return {
    stored,
    isNew: options.isNew ?? false,
    replicas: stored.spec.replicas ?? 1,
    minReadySeconds: stored.spec.minReadySeconds,
    annotations: { ...stored.metadata.annotations },
  };
}

export const allSets = (draft: Draft): DraftSet[] =>
  draft.newest === undefined ? draft.old : [...draft.old, draft.newest];

export const active = (sets: readonly DraftSet[]) => sets.filter((set) => set.replicas > 0);

/** Wanted pods of these sets. */
export const wantedPods = (sets: readonly DraftSet[]) => sets.reduce((sum, set) => sum + set.replicas, 0);

/** A count of their status. */
export const counted = (
  sets: readonly DraftSet[],
  of: "replicas" | "readyReplicas" | "availableReplicas" | "terminatingReplicas",
) => sets.reduce((sum, set) => sum + (statusOf(set)[of] ?? 0), 0);

export const statusOf = (set: DraftSet): Partial<ReplicaSetStatus> => set.stored.status ?? {};

const nameOf = (set: DraftSet) => set.stored.metadata.name;
const created = (set: DraftSet) => Date.parse(set.stored.metadata.creationTimestamp);

/** Oldest first; equal ones by name. One that is still to be created is the youngest. */
export function byAge(a: DraftSet, b: DraftSet): number {
  if (a.isNew !== b.isNew) return a.isNew ? 1 : -1;
  return created(a) - created(b) || compareText(nameOf(a), nameOf(b));
}

/** Largest first; equal ones newest first. */
export const bySizeNewer = (a: DraftSet, b: DraftSet) => b.replicas - a.replicas || byAge(b, a);

/** Largest first; equal ones oldest first. */
export const bySizeOlder = (a: DraftSet, b: DraftSet) => b.replicas - a.replicas || byAge(a, b);

export const compareText = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;
