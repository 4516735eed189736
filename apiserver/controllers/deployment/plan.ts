/** Decides what a Deployment needs. Pure. Source: pkg/controller/deployment/deployment_controller.go syncDeployment. */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Deployment, DeploymentStatus, ReplicaSet } from "../../../lib/types/apps_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { conditionOf, withoutCondition } from "../condition.ts";
import type { Claims } from "../owner.ts";
import { same } from "../same.ts";
import { cleanUp } from "./clean_up.ts";
import { allSets, byAge, type Draft, type DraftSet, draftSet } from "./draft.ts";
import { isRolling } from "./fenceposts.ts";
import { oldPodsRunning, scaleDownOld } from "./recreate.ts";
import {
  annotateNewest,
  newestOf,
  newReplicaSet,
  revisionAnnotation,
  revisionOf,
  templatesEqual,
} from "./replica_sets.ts";
import { newestReplicas, rollForward } from "./rolling.ts";
import { isScalingEvent, scaleSet, scaleSets } from "./scale.ts";
import {
  deadlineAt,
  hasDeadline,
  isComplete,
  notePaused,
  rolloutStatus,
  setCondition,
  statusOfSets,
} from "./status.ts";

export interface DeploymentView {
  deployment: Deployment;
  sets: Claims<ReplicaSet>;
  /** Pods of the deployment's sets, by the uid of their set. Only `Recreate` looks at them. */
  pods: ReadonlyMap<string, readonly Pod[]>;
  /** The replica set of this name in the deployment's namespace, whoever owns it. */
  named(name: string): ReplicaSet | undefined;
}

export type DeploymentAction =
  | { do: "adopt"; set: ReplicaSet; why: string }
  | { do: "release"; set: ReplicaSet; why: string }
  | { do: "createSet"; set: ReplicaSet; why: string }
  | { do: "updateSet"; set: ReplicaSet; why: string; event?: string }
  | { do: "deleteSet"; set: ReplicaSet; why: string }
  | { do: "updateStatus"; deployment: Deployment; why: string }
  | { do: "warn"; reason: string; message: string; why: string };

type Plan = readonly (DeploymentAction | WakeAt)[];

export function planDeployment(view: DeploymentView, now: Instant): Plan {
  const { deployment, sets } = view;
  if (selectsAll(deployment)) return refuseAll(deployment);
  if (sets.adopt.length + sets.release.length > 0) return claimSets(view);
  const draft = beginDraft(view, now);
  const deletions = decide(draft, view);
  return [...changes(draft), ...deletions.actions, ...statusChange(draft, deletions.status)];
}

interface Decision {
  status: DeploymentStatus;
  actions: DeploymentAction[];
}

/** Changes the draft to what is wanted, and answers the status and the old sets to delete. */
function decide(draft: Draft, view: DeploymentView): Decision {
  const { deployment } = view;
  if (deployment.metadata.deletionTimestamp !== undefined) return { status: statusOfSets(draft), actions: [] };
  notePaused(draft);
  if (draft.newest !== undefined) takeOverNewest(draft, draft.newest);
  if (deployment.spec.paused || isScalingEvent(draft)) {
    scaleSets(draft);
    return { status: statusOfSets(draft), actions: deployment.spec.paused ? cleanUp(draft) : [] };
  }
  return isRolling(deployment) ? roll(draft, view) : recreate(draft, view);
}

function roll(draft: Draft, view: DeploymentView): Decision {
  const newest = draft.newest ?? createNewest(draft, view);
  if (newest === undefined) return { status: rolloutStatus(draft), actions: [] };
  if (rollForward(draft, newest)) return { status: rolloutStatus(draft), actions: [] };
  return finish(draft);
}

function recreate(draft: Draft, view: DeploymentView): Decision {
  if (scaleDownOld(draft) || oldPodsRunning(draft, view.pods)) return { status: rolloutStatus(draft), actions: [] };
  const newest = draft.newest ?? createNewest(draft, view);
  if (newest === undefined) return { status: rolloutStatus(draft), actions: [] };
  scaleSet(draft, newest, draft.deployment.spec.replicas ?? 1);
  return finish(draft);
}

function finish(draft: Draft): Decision {
  const complete = isComplete(draft.deployment, draft.deployment.status);
  return { status: rolloutStatus(draft), actions: complete ? cleanUp(draft) : [] };
}

function beginDraft({ deployment, sets }: DeploymentView, now: Instant): Draft {
  const drafts = sets.mine.map((set) => draftSet(set)).sort(byAge);
  const newest = newestOf(deployment, drafts);
  return {
    deployment,
    now,
    newest,
    old: drafts.filter((set) => set !== newest),
    conditions: [...deployment.status.conditions ?? []],
    collisionCount: deployment.status.collisionCount,
    revision: deployment.metadata.annotations?.[revisionAnnotation],
  };
}

const nextRevision = (draft: Draft) => Math.max(0, ...draft.old.map((set) => revisionOf(set.annotations))) + 1;

/** The newest set exists: its annotations, minReadySeconds and revision follow the deployment. */
function takeOverNewest(draft: Draft, newest: DraftSet): void {
  const { deployment } = draft;
  annotateNewest(deployment, newest, nextRevision(draft));
  newest.minReadySeconds = deployment.spec.minReadySeconds;
  draft.revision = newest.annotations[revisionAnnotation] ?? draft.revision;
  if (hasDeadline(deployment) && conditionOf(draft.conditions, "Progressing") === undefined) {
    const message = `Found new replica set ${JSON.stringify(newest.stored.metadata.name)}`;
    setCondition(draft, { type: "Progressing", status: "True", reason: "FoundNewReplicaSet", message });
  }
}

/** Drafts the set of the current template. `undefined`: its name is taken, and the next attempt will use another. */
function createNewest(draft: Draft, view: DeploymentView): DraftSet | undefined {
  const { deployment } = draft;
  const template = newReplicaSet(deployment, draft.collisionCount);
  const there = view.named(template.metadata.name);
  if (there !== undefined && !isOurs(there, deployment)) {
    draft.collisionCount = (draft.collisionCount ?? 0) + 1;
    return undefined;
  }
  const newest = draftSet(template, { isNew: true });
  const revision = nextRevision(draft);
  newest.replicas = newestReplicas(draft, newest);
  annotateNewest(deployment, newest, revision);
  draft.newest = newest;
  draft.revision = String(revision);
  if (hasDeadline(deployment)) {
    const message = `Created new replica set ${JSON.stringify(template.metadata.name)}`;
    setCondition(draft, { type: "Progressing", status: "True", reason: "NewReplicaSetCreated", message });
  }
  return newest;
}

const isOurs = (set: ReplicaSet, { metadata, spec }: Deployment) =>
  (set.metadata.ownerReferences ?? []).some((owner) => owner.controller && owner.uid === metadata.uid) &&
  templatesEqual(set.spec.template!, spec.template);

/** The draft's sets that differ from what is stored. Sets that grow come first, so that a roll loses no capacity on the way. */
function changes(draft: Draft): DeploymentAction[] {
  const changed = allSets(draft).filter((set) => set.isNew || !same(desired(set), set.stored));
  return changed.sort((a, b) => growth(b) - growth(a)).map((set) => change(set));
}

const growth = (set: DraftSet) => set.isNew ? set.replicas : set.replicas - (set.stored.spec.replicas ?? 1);

function desired(set: DraftSet): ReplicaSet {
  const annotations = Object.keys(set.annotations).length === 0 ? set.stored.metadata.annotations : set.annotations;
  return {
    ...set.stored,
    metadata: { ...set.stored.metadata, annotations },
    spec: { ...set.stored.spec, replicas: set.replicas, minReadySeconds: set.minReadySeconds },
  };
}

function change(set: DraftSet): DeploymentAction {
  const { name } = set.stored.metadata;
  if (set.isNew) return { do: "createSet", set: desired(set), why: "no replica set has this template" };
  const before = set.stored.spec.replicas ?? 1;
  if (before === set.replicas) return { do: "updateSet", set: desired(set), why: "its annotations are outdated" };
  const event = `Scaled ${before < set.replicas ? "up" : "down"} replica set ${name} from ${before} to ${set.replicas}`;
  return { do: "updateSet", set: desired(set), event, why: event };
}

function statusChange(draft: Draft, status: DeploymentStatus): (DeploymentAction | WakeAt)[] {
  const { deployment } = draft;
  const annotations = draft.revision === undefined
    ? deployment.metadata.annotations
    : { ...deployment.metadata.annotations, [revisionAnnotation]: draft.revision };
  const next = { ...deployment, metadata: { ...deployment.metadata, annotations }, status };
  const actions: (DeploymentAction | WakeAt)[] = [];
  if (!same(withCounts(next), withCounts(deployment))) {
    actions.push({ do: "updateStatus", deployment: next, why: "it differs from what the replica sets say" });
  }
  const at = deadlineAt(deployment, status);
  if (at !== undefined) actions.push({ do: "wakeAt", at, why: "the progress deadline passes" });
  return actions;
}

/** Absent counts are zero. */
const withCounts = ({ metadata, status }: Deployment) => ({
  annotations: metadata.annotations ?? {},
  status: {
    ...status,
    observedGeneration: status.observedGeneration ?? 0,
    replicas: status.replicas ?? 0,
    updatedReplicas: status.updatedReplicas ?? 0,
    readyReplicas: status.readyReplicas ?? 0,
    availableReplicas: status.availableReplicas ?? 0,
    unavailableReplicas: status.unavailableReplicas ?? 0,
    terminatingReplicas: status.terminatingReplicas ?? 0,
    conditions: status.conditions ?? [],
  },
});

const selectsAll = ({ spec }: Deployment) =>
  Object.keys(spec.selector.matchLabels ?? {}).length === 0 && (spec.selector.matchExpressions ?? []).length === 0;

function refuseAll(deployment: Deployment): Plan {
  const { generation } = deployment.metadata;
  const message = "This deployment is selecting all pods. A non-empty selector is required.";
  const warning: DeploymentAction = { do: "warn", reason: "SelectingAll", message, why: "its selector is empty" };
  if ((deployment.status.observedGeneration ?? 0) >= (generation ?? 0)) return [warning];
  const status = { ...deployment.status, observedGeneration: generation };
  return [warning, { do: "updateStatus", deployment: { ...deployment, status }, why: "this generation was looked at" }];
}

/** Ownership first: what is adopted comes back as a change, and is planned for then. */
function claimSets({ sets }: DeploymentView): Plan {
  return [
    ...sets.release.map((set) => ({ do: "release", set, why: "its labels match the selector no more" }) as const),
    ...sets.adopt.map((set) => ({ do: "adopt", set, why: "an orphan that matches the selector" }) as const),
  ];
}

/** The status that says that the new replica set was refused. */
export function createRefused(
  deployment: Deployment,
  set: ReplicaSet,
  message: string,
  now: Instant,
): Deployment | undefined {
  if (!hasDeadline(deployment)) return undefined;
  const text = `Failed to create new replica set ${JSON.stringify(set.metadata.name)}: ${message}`;
  const conditions = [...deployment.status.conditions ?? []];
  const current = conditionOf(conditions, "Progressing");
  if (current?.reason === "ReplicaSetCreateError" && current.status === "False") return undefined;
  const draft = { deployment, now, conditions: withoutCondition(conditions, "Progressing") } as unknown as Draft;
  setCondition(draft, { type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message: text });
  return { ...deployment, status: { ...deployment.status, conditions: draft.conditions } };
}
