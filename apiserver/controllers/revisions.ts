/**
 * ControllerRevisions: what a DaemonSet or a StatefulSet was before, as a patch that makes it so again
 * (k8s.io/kubernetes/pkg/controller/history). Pure. Which of them to make, renumber and delete is said here for both kinds.
 */
import { apiVersionOf, type Kind, type KubeObject } from "../../lib/kind.ts";
import type { ControllerRevision } from "../../lib/types/apps_v1.ts";
import type { PodTemplateSpec } from "../../lib/types/core_v1.ts";
import { ControllerRevision as RevisionKind } from "../../lib/types/kinds.ts";
import { controllerReference } from "./owner.ts";
import { same } from "./same.ts";

/** On pods: the revision that they are of. On revisions of DaemonSets: their hash. */
export const revisionHashLabel = "controller-revision-hash";

/** The only part of an owner that its revisions keep. `$patch` lets a client go back with a strategic merge patch. */
export function templatePatch(template: PodTemplateSpec): Record<string, unknown> {
  return { spec: { template: { ...template, $patch: "replace" } } };
}

/** The template that a revision keeps; `undefined` when it is none of ours. */
export function revisedTemplate({ data }: ControllerRevision): PodTemplateSpec | undefined {
  const template = (data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | undefined)?.spec
    ?.template;
  if (template === undefined) return undefined;
  const { $patch: _, ...rest } = template;
  return rest as PodTemplateSpec;
}

export function keepsTemplate(revision: ControllerRevision, template: PodTemplateSpec): boolean {
  return same(revision.data, templatePatch(template));
}

const compareText = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;

/** Oldest first; equal numbers by age, then by name. */
export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  return a.revision - b.revision ||
    Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) ||
    compareText(a.metadata.name, b.metadata.name);
}

export interface NewRevision {
  name: string;
  revision: number;
  labels: Record<string, string>;
}

/** The revision to create for the owner's template. */
export function newRevision(
  kind: Kind,
  owner: KubeObject & { spec: { template: PodTemplateSpec } },
  { name, revision, labels }: NewRevision,
): ControllerRevision {
  return {
    apiVersion: apiVersionOf(RevisionKind) as ControllerRevision["apiVersion"],
    kind: "ControllerRevision",
    metadata: {
      name,
      namespace: owner.metadata.namespace!,
      labels,
      annotations: owner.metadata.annotations,
      ownerReferences: [controllerReference(kind, owner)],
    },
    data: templatePatch(owner.spec.template),
    revision,
  } as unknown as ControllerRevision;
}

/** The oldest ones beyond `limit` that nothing lives on. */
export function surplusRevisions(
  old: readonly ControllerRevision[],
  limit: number,
  isLive: (revision: ControllerRevision) => boolean,
): readonly ControllerRevision[] {
  const surplus = Math.max(0, old.length - limit);
  return [...old].sort(byRevision).filter((revision) => !isLive(revision)).slice(0, surplus);
}
