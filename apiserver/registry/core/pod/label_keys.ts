/**
 * matchLabelKeys and mismatchLabelKeys of affinity terms and spread constraints, written into their selectors when a pod
 * is created: schedulers then read selectors only (pkg/registry/core/pod, mutatePodAffinity).
 */
import type { Pod, PodAffinity } from "../../../../lib/types/core_v1.ts";
import type { LabelSelector } from "../../../../lib/types/meta_v1.ts";

/** Changes the pod. Not idempotent: for new pods only. */
export function applyLabelKeys({ spec, metadata }: Pod): void {
  const labels = metadata.labels ?? {};
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    for (const term of termsOf(affinity)) {
      require(term.labelSelector, { keys: term.matchLabelKeys, operator: "In" }, labels);
      require(term.labelSelector, { keys: term.mismatchLabelKeys, operator: "NotIn" }, labels);
    }
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) {
    require(constraint.labelSelector, { keys: constraint.matchLabelKeys, operator: "In" }, labels);
  }
}

function termsOf(affinity: PodAffinity | undefined) {
  return [
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
    ...affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
  ];
}

/** A term without a selector matches nothing, and stays so. Labels that the pod does not have are left out. */
function require(
  selector: LabelSelector | undefined,
  { keys, operator }: { keys: readonly string[] | undefined; operator: "In" | "NotIn" },
  labels: Readonly<Record<string, string>>,
): void {
  if (selector === undefined) return;
  for (const key of keys ?? []) {
    if (!Object.hasOwn(labels, key)) continue;
    (selector.matchExpressions ??= []).push({ key, operator, values: [labels[key]!] });
  }
}
