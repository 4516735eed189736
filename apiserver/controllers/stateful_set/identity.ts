/** The pods of a StatefulSet: ordinals, names, labels, volumes (pkg/controller/statefulset/stateful_set_utils.go). Pure. */
import type { Kind, New } from "../../../lib/kind.ts";
import type { ControllerRevision, StatefulSet } from "../../../lib/types/apps_v1.ts";
import type { PersistentVolumeClaim, Pod, Volume } from "../../../lib/types/core_v1.ts";
import { StatefulSet as StatefulSetKind } from "../../../lib/types/kinds.ts";
import { podFromTemplate } from "../pod_template.ts";
import { revisedTemplate, revisionHashLabel } from "../revisions.ts";

export const podNameLabel = "statefulset.kubernetes.io/pod-name";
export const podIndexLabel = "apps.kubernetes.io/pod-index";

/** The number at the end of the pod's name; `undefined` when it is no pod of that set. */
export function ordinalOf(pod: { metadata: { name: string } }, set: StatefulSet): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(pod.metadata.name);
  return match !== null && match[1] === set.metadata.name ? Number(match[2]) : undefined;
}

export const podName = (set: StatefulSet, ordinal: number) => `${set.metadata.name}-${ordinal}`;
export const firstOrdinal = (set: StatefulSet) => set.spec.ordinals?.start ?? 0;
export const replicasOf = (set: StatefulSet) => set.spec.replicas ?? 1;

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  const index = ordinal - firstOrdinal(set);
  return index >= 0 && index < replicasOf(set);
}

/** The name of the revision that the pod is of. */
export const podRevision = ({ metadata }: Pod) => metadata.labels?.[revisionHashLabel] ?? "";

/** Labels by which a pod is known by its name and number. */
export function identityLabels(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [podNameLabel]: podName(set, ordinal), [podIndexLabel]: String(ordinal) };
}

export const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number) =>
  `${template.metadata.name}-${set.metadata.name}-${ordinal}`;

/** The volume claims of one pod, by their templates' names. */
export function claimsOf(set: StatefulSet, ordinal: number): Map<string, New<PersistentVolumeClaim>> {
  return new Map((set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { labels, annotations, finalizers } = template.metadata;
    const claim: New<PersistentVolumeClaim> = {
      metadata: {
        name: claimName(set, template, ordinal),
        namespace: set.metadata.namespace,
        labels: { ...labels, ...set.spec.selector.matchLabels },
        annotations,
        finalizers,
      },
      spec: template.spec,
    };
    return [template.metadata.name, claim];
  }));
}

/** A pod of the set as the revision describes it. */
export function newPod(set: StatefulSet, ordinal: number, revision: ControllerRevision): New<Pod> {
  const template = revisedTemplate(revision) ?? set.spec.template;
  const pod = podFromTemplate(template, StatefulSetKind as Kind, set);
  const name = podName(set, ordinal);
  const { generateName: _, ...metadata } = pod.metadata;
  const labels = { ...metadata.labels, ...identityLabels(set, ordinal), [revisionHashLabel]: revision.metadata.name };
  const claims = claimsOf(set, ordinal);
  const mounted = [...claims].map(([name, claim]): Volume => ({
    name,
    persistentVolumeClaim: { claimName: claim.metadata.name! },
  }));
  const others = (pod.spec.volumes ?? []).filter(({ name }) => !claims.has(name));
  const volumes = mounted.length + others.length === 0 ? undefined : [...mounted, ...others];
  return {
    ...pod,
    metadata: { ...metadata, name, labels },
    spec: { ...pod.spec, hostname: name, subdomain: set.spec.serviceName, volumes },
  };
}
