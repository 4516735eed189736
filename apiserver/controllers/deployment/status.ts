/** Status and conditions of a deployment (deployment/progress.go, sync.go, deployment_util.go). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Deployment, DeploymentCondition, DeploymentStatus } from "../../../lib/types/apps_v1.ts";
import { conditionOf, type NewCondition, replaceCondition, withCondition, withoutCondition } from "../condition.ts";
import { allSets, counted, type Draft, type DraftSet, statusOf, wantedPods } from "./draft.ts";
import { maxUnavailable, replicasOf } from "./fenceposts.ts";

const stamped = { updateTime: true } as const;
const int32Max = 2 ** 31 - 1;

export function setCondition(draft: Draft, condition: NewCondition): void {
  draft.conditions = withCondition(draft.conditions, condition, draft.now, stamped) as DeploymentCondition[];
}

/** A deadline of 2^31-1 seconds is none. */
export function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== int32Max;
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return (status.updatedReplicas ?? 0) === wanted && (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);
}

/** Paused and resumed are said in the Progressing condition, unless it says that time is up. */
export function notePaused(draft: Draft): void {
  const { deployment } = draft;
  const progressing = conditionOf(draft.conditions, "Progressing");
  if (!hasDeadline(deployment) || progressing?.reason === "ProgressDeadlineExceeded") return;
  const notedPaused = progressing?.reason === "DeploymentPaused";
  const unknown = { type: "Progressing", status: "Unknown" } as const;
  if (deployment.spec.paused && !notedPaused) {
    setCondition(draft, { ...unknown, reason: "DeploymentPaused", message: "Deployment is paused" });
  } else if (!deployment.spec.paused && notedPaused) {
    setCondition(draft, { ...unknown, reason: "DeploymentResumed", message: "Deployment is resumed" });
  }
}

/** Counts, and the Available condition. Zero counts are absent. */
export function statusOfSets(draft: Draft): DeploymentStatus {
  const { deployment, newest } = draft;
  const all = allSets(draft);
  const available = counted(all, "availableReplicas");
  const enough = available >= replicasOf(deployment) - maxUnavailable(deployment);
  const condition: NewCondition = enough
    ? {
      type: "Available",
      status: "True",
      reason: "MinimumReplicasAvailable",
      message: "Deployment has minimum availability.",
    }
    : {
      type: "Available",
      status: "False",
      reason: "MinimumReplicasUnavailable",
      message: "Deployment does not have minimum availability.",
    };
  const reportsTerminating = all.every((set) => set.isNew || statusOf(set).terminatingReplicas !== undefined);
  return {
    observedGeneration: orAbsent(deployment.metadata.generation ?? 0),
    replicas: orAbsent(counted(all, "replicas")),
    updatedReplicas: orAbsent(newest === undefined ? 0 : statusOf(newest).replicas ?? 0),
    readyReplicas: orAbsent(counted(all, "readyReplicas")),
    availableReplicas: orAbsent(available),
    unavailableReplicas: orAbsent(Math.max(0, wantedPods(all) - available)),
    terminatingReplicas: reportsTerminating ? counted(all, "terminatingReplicas") : undefined,
    collisionCount: draft.collisionCount,
    conditions: withCondition(draft.conditions, condition, draft.now, stamped) as DeploymentCondition[],
  };
}

const orAbsent = (count: number) => count === 0 ? undefined : count;

/** Status during and after a rollout: statusOfSets(), with progress judged and the sets' failures taken over. */
export function rolloutStatus(draft: Draft): DeploymentStatus {
  const { deployment } = draft;
  const status = statusOfSets(draft);
  if (!hasDeadline(deployment)) {
    status.conditions = withoutCondition(status.conditions, "Progressing") as DeploymentCondition[];
  }
  const current = conditionOf(draft.conditions, "Progressing");
  const settled = status.replicas === status.updatedReplicas && current?.reason === "NewReplicaSetAvailable";
  if (hasDeadline(deployment) && !settled) judgeProgress(draft, status);
  const failure = replicaFailure(draft);
  status.conditions =
    (failure === undefined
      ? withoutCondition(status.conditions, "ReplicaFailure")
      : withCondition(status.conditions, failure, draft.now, stamped)) as DeploymentCondition[];
  return status;
}

function judgeProgress(draft: Draft, status: DeploymentStatus): void {
  const { deployment, newest, now } = draft;
  const what = newest === undefined
    ? `Deployment ${JSON.stringify(deployment.metadata.name)}`
    : `ReplicaSet ${JSON.stringify(newest.stored.metadata.name)}`;
  const say = (value: "True" | "False", reason: string, verb: string): NewCondition => ({
    type: "Progressing",
    status: value,
    reason,
    message: `${what} ${verb}.`,
  });
  if (isComplete(deployment, status)) {
    const done = say("True", "NewReplicaSetAvailable", "has successfully progressed");
    status.conditions = withCondition(status.conditions, done, now, stamped) as DeploymentCondition[];
  } else if (progressed(deployment.status, status)) {
    // Replaced even when it says the same: its lastUpdateTime is what the deadline counts from.
    const going = say("True", "ReplicaSetUpdated", "is progressing");
    status.conditions = replaceCondition(status.conditions, going, now, stamped) as DeploymentCondition[];
  } else if (timedOut(deployment, status, now)) {
    const late = say("False", "ProgressDeadlineExceeded", "has timed out progressing");
    status.conditions = withCondition(status.conditions, late, now, stamped) as DeploymentCondition[];
  }
}

/** More new pods, fewer old ones, or more of them ready or available than the deployment's status says. */
function progressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas;
  return (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) || old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0);
}

function timedOut(deployment: Deployment, status: DeploymentStatus, now: Instant): boolean {
  const condition = conditionOf(status.conditions, "Progressing");
  // Pods that fail after a rollout is complete are no failure of the rollout.
  if (condition === undefined || condition.reason === "NewReplicaSetAvailable") return false;
  if (condition.reason === "ProgressDeadlineExceeded") return true;
  return deadline(deployment, condition.lastUpdateTime) < now;
}

const deadline = ({ spec }: Deployment, from: string | undefined) =>
  Date.parse(from ?? "") + (spec.progressDeadlineSeconds ?? 0) * 1000;

/** When to look again whether the deadline has passed. */
export function deadlineAt(deployment: Deployment, status: DeploymentStatus): Instant | undefined {
  const condition = conditionOf(status.conditions, "Progressing");
  if (!hasDeadline(deployment) || condition === undefined || isComplete(deployment, status)) return undefined;
  if (condition.reason === "ProgressDeadlineExceeded" || condition.reason === "NewReplicaSetAvailable") {
    return undefined;
  }
  // Times have whole seconds: one later, the deadline has passed for certain.
  return deadline(deployment, condition.lastUpdateTime) + 1000;
}

/** Why pods could not be made: the newest set's reason before the others'. */
function replicaFailure(draft: Draft): NewCondition | undefined {
  const failing = (set: DraftSet) => conditionOf(statusOf(set).conditions, "ReplicaFailure");
  const sets = draft.newest === undefined ? draft.old : [draft.newest, ...draft.old];
  const found = sets.map(failing).find((condition) => condition !== undefined);
  return found as NewCondition | undefined;
}
