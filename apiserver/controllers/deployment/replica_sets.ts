/** Which replica set belongs to the current template, its name, revision and annotations (deployment/sync.go, deployment_util.go). Pure. */
import { revisionHistoryCharactersMax } from "../../../lib/limits.ts";
import { apiVersionOf, type Kind } from "../../../lib/kind.ts";
import type { Deployment, ReplicaSet } from "../../../lib/types/apps_v1.ts";
import type { PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import { Deployment as DeploymentKind, ReplicaSet as ReplicaSetKind } from "../../../lib/types/kinds.ts";
import { controllerReference } from "../owner.ts";
import { same } from "../same.ts";
import type { DraftSet } from "./draft.ts";
import { maxSurge, replicasOf } from "./fenceposts.ts";
import { templateHash } from "./hash.ts";

const prefix = "deployment.kubernetes.io/";
export const revisionAnnotation = `${prefix}revision`;
export const revisionHistoryAnnotation = `${prefix}revision-history`;
export const desiredReplicasAnnotation = `${prefix}desired-replicas`;
export const maxReplicasAnnotation = `${prefix}max-replicas`;
export const hashLabel = "pod-template-hash";
/** Names of objects have at most this many characters. */
const nameCharactersMax = 253;

/** Annotations of the deployment that its replica sets do not take over. */
const notCopied = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  "deprecated.deployment.rollback.to",
]);

/** Equal but for the label that only the replica set's template has. */
export function templatesEqual(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return same(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { [hashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** The oldest replica set with the deployment's template: there may be several after a change of how hashes are made. */
export function newestOf<T extends { stored: ReplicaSet }>(deployment: Deployment, byAge: readonly T[]): T | undefined {
  return byAge.find(({ stored }) => templatesEqual(stored.spec.template!, deployment.spec.template));
}

export function revisionOf(annotations: Record<string, string> | undefined): number {
  const revision = Number(annotations?.[revisionAnnotation]);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** The name that the replica set of this template has. */
export function replicaSetName(deployment: Deployment, hash: string): string {
  return `${deployment.metadata.name.slice(0, nameCharactersMax - hash.length - 1)}-${hash}`;
}

/** The replica set of the current template, without annotations and replicas yet. */
export function newReplicaSet(deployment: Deployment, collisionCount: number | undefined): ReplicaSet {
  const hash = templateHash(deployment.spec.template, collisionCount);
  const labels = { ...deployment.spec.template.metadata?.labels, [hashLabel]: hash };
  const template = { ...deployment.spec.template, metadata: { ...deployment.spec.template.metadata, labels } };
  const { selector, minReadySeconds } = deployment.spec;
  return {
    apiVersion: apiVersionOf(ReplicaSetKind) as ReplicaSet["apiVersion"],
    kind: "ReplicaSet",
    metadata: {
      name: replicaSetName(deployment, hash),
      namespace: deployment.metadata.namespace,
      labels,
      ownerReferences: [controllerReference(DeploymentKind as Kind, deployment)],
    },
    spec: {
      replicas: 0,
      minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template,
    },
  } as unknown as ReplicaSet;
}

/** Sets on the newest replica set what it takes over from the deployment, and its revision. */
export function annotateNewest(deployment: Deployment, newest: DraftSet, revision: number): void {
  const { annotations } = newest;
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!notCopied.has(key)) annotations[key] = value;
  }
  const before = annotations[revisionAnnotation];
  // An annotation that someone else wrote there is left alone.
  if (before !== undefined && before !== "" && !/^-?\d+$/.test(before)) return;
  if (Number(before ?? 0) < revision) {
    annotations[revisionAnnotation] = String(revision);
    // It had a revision and gets a newer one: a rollback to it.
    if (before !== undefined) rememberRevision(annotations, before);
  }
  if (newest.isNew) annotateReplicas(deployment, newest);
}

function rememberRevision(annotations: Record<string, string>, revision: string): void {
  const history = (annotations[revisionHistoryAnnotation] ?? "").split(",");
  if (history[0] === "") {
    annotations[revisionHistoryAnnotation] = revision;
    return;
  }
  const length = () => [...history, revision].join(",").length;
  while (history.length > 0 && length() > revisionHistoryCharactersMax) history.shift();
  if (length() <= revisionHistoryCharactersMax) {
    annotations[revisionHistoryAnnotation] = [...history, revision].join(",");
  }
}

/** Writes down for which size of the deployment the set was scaled last: proportional scaling starts from there. */
export function annotateReplicas(deployment: Deployment, set: DraftSet): void {
  set.annotations[desiredReplicasAnnotation] = String(replicasOf(deployment));
  set.annotations[maxReplicasAnnotation] = String(replicasOf(deployment) + maxSurge(deployment));
}

/** A whole number that an annotation says. */
export function annotatedNumber(set: DraftSet, annotation: string): number | undefined {
  const text = set.annotations[annotation];
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}
