/** What a namespace that is being deleted says about what is left in it (pkg/controller/namespace/deletion/status_condition_utils.go). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { NamespaceCondition } from "../../../lib/types/core_v1.ts";
import { type NewCondition, withCondition } from "../condition.ts";

/** What a pass over a namespace's content has found. */
export interface Leftovers {
  discoveryFailures: readonly string[];
  deletionFailures: readonly string[];
  /** `pods.` or `deployments.apps` → objects that are still there. */
  remaining: ReadonlyMap<string, number>;
  /** Finalizer → objects that it holds. */
  finalizers: ReadonlyMap<string, number>;
}

const fine: readonly NewCondition[] = [
  {
    type: "NamespaceDeletionDiscoveryFailure",
    status: "False",
    reason: "ResourcesDiscovered",
    message: "All resources successfully discovered",
  },
  {
    type: "NamespaceDeletionGroupVersionParsingFailure",
    status: "False",
    reason: "ParsedGroupVersions",
    message: "All legacy kube types successfully parsed",
  },
  {
    type: "NamespaceDeletionContentFailure",
    status: "False",
    reason: "ContentDeleted",
    message: "All content successfully deleted, may be waiting on finalization",
  },
  {
    type: "NamespaceContentRemaining",
    status: "False",
    reason: "ContentRemoved",
    message: "All content successfully removed",
  },
  {
    type: "NamespaceFinalizersRemaining",
    status: "False",
    reason: "ContentHasNoFinalizers",
    message: "All content-preserving finalizers finished",
  },
];

export function deletionConditions(
  current: readonly NamespaceCondition[] | undefined,
  leftovers: Leftovers,
  now: Instant,
): NamespaceCondition[] {
  const bad = troubles(leftovers);
  let conditions = [...current ?? []];
  for (const ok of fine) {
    const next = bad.find((condition) => condition.type === ok.type) ?? ok;
    const before = conditions.find((condition) => condition.type === next.type);
    // Here a changed message counts as a change: it says how many are left.
    if (before?.status === next.status && before.reason === next.reason && before.message !== next.message) {
      conditions = conditions.map((condition) =>
        condition === before ? { ...before, message: next.message } : condition
      );
    } else conditions = withCondition(conditions, next, now) as NamespaceCondition[];
  }
  return conditions;
}

function troubles({ discoveryFailures, deletionFailures, remaining, finalizers }: Leftovers): NewCondition[] {
  const found: NewCondition[] = [];
  const say = (type: string, reason: string, message: string) => found.push({ type, status: "True", reason, message });
  if (discoveryFailures.length > 0) {
    const message = `Discovery failed for some groups, ${discoveryFailures.length} failing: ${
      discoveryFailures.join(", ")
    }`;
    say("NamespaceDeletionDiscoveryFailure", "DiscoveryFailed", message);
  }
  if (deletionFailures.length > 0) {
    const message = `Failed to delete all resource types, ${deletionFailures.length} remaining: ${
      deletionFailures.join(", ")
    }`;
    say("NamespaceDeletionContentFailure", "ContentDeletionFailed", message);
  }
  const counts = (map: ReadonlyMap<string, number>, text: (name: string, count: number) => string) =>
    [...map].filter(([, count]) => count > 0).map(([name, count]) => text(name, count)).sort().join(", ");
  const kinds = counts(remaining, (name, count) => `${name} has ${count} resource instances`);
  if (kinds !== "") say("NamespaceContentRemaining", "SomeResourcesRemain", `Some resources are remaining: ${kinds}`);
  const held = counts(finalizers, (name, count) => `${name} in ${count} resource instances`);
  if (held !== "") {
    const message = `Some content in the namespace has finalizers remaining: ${held}`;
    say("NamespaceFinalizersRemaining", "SomeFinalizersRemain", message);
  }
  return found;
}

/** Nothing is left, and nothing is unknown. */
export function isEmpty({ discoveryFailures, deletionFailures, remaining }: Leftovers): boolean {
  return discoveryFailures.length + deletionFailures.length === 0 &&
    [...remaining.values()].every((count) => count === 0);
}
