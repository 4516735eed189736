/** Decides what becomes of an object whose owners go (pkg/controller/garbagecollector/garbagecollector.go). Pure. */
import type { OwnerReference } from "../../../lib/types/meta_v1.ts";
import { foreground, type GraphNode, isForeground, orphan } from "./graph.ts";

/**
 * `solid`: it is there. `waiting`: it is being deleted and waits for its dependents. `absent`: the server says that it is gone.
 * `unknown`: not in the graph, the server must be asked. `unresolvable`: nobody can tell, as its kind is not served; it counts as there.
 */
export type OwnerState = "solid" | "waiting" | "absent" | "unknown" | "unresolvable";

export interface GarbageView {
  node: GraphNode;
  owners: readonly { reference: OwnerReference; state: OwnerState }[];
  dependents: readonly GraphNode[];
  /** Every kind has been listed: an object without dependents here has none. */
  complete: boolean;
}

export type GarbageAction =
  | { do: "verify"; owners: readonly OwnerReference[]; why: string }
  | { do: "dropOwners"; node: GraphNode; uids: readonly string[]; why: string }
  | { do: "unblock"; node: GraphNode; why: string }
  | { do: "delete"; node: GraphNode; policy: "Background" | "Foreground" | "Orphan"; why: string }
  | { do: "removeFinalizer"; node: GraphNode; finalizer: string; why: string };

export function planGarbage(view: GarbageView): readonly GarbageAction[] {
  const { node, owners, dependents, complete } = view;
  if (node.deleting) return planDeleting(view);
  const unknown = owners.filter(({ state }) => state === "unknown").map(({ reference }) => reference);
  // Before all has been listed most owners are unknown only to us.
  if (unknown.length > 0) return !complete ? [] : [{ do: "verify", owners: unknown, why: "owners that are not known" }];
  if (owners.length === 0) return [];
  const of = (...states: OwnerState[]) =>
    owners.filter(({ state }) => states.includes(state)).map(({ reference }) => reference.uid);
  const waiting = of("waiting");
  if (of("solid", "unresolvable").length > 0) {
    // One that stays: the others must not keep a reference, or an owner that waits would wait for ever.
    const stale = [...of("absent"), ...waiting];
    return stale.length === 0 ? [] : [{ do: "dropOwners", node, uids: stale, why: "another owner keeps it" }];
  }
  if (waiting.length > 0 && dependents.length > 0) {
    const why = "its owner waits for it, and it has dependents of its own";
    // An owner somewhere below us waits for us in turn: the circle is cut here.
    const circle = dependents.some(isForeground);
    return [
      ...(circle ? [{ do: "unblock", node, why: "a circle of owners" } as const] : []),
      { do: "delete", node, policy: "Foreground", why },
    ];
  }
  const policy = node.finalizers.includes(orphan)
    ? "Orphan"
    : node.finalizers.includes(foreground)
    ? "Foreground"
    : "Background";
  return [{ do: "delete", node, policy, why: waiting.length > 0 ? "its owner waits for it" : "its owners are gone" }];
}

/** What is being deleted may have to let go of its dependents, or wait for them. */
function planDeleting({ node, dependents, complete }: GarbageView): readonly GarbageAction[] {
  if (!complete) return [];
  if (node.finalizers.includes(orphan)) {
    const drops = dependents.map((dependent): GarbageAction => ({
      do: "dropOwners",
      node: dependent,
      uids: [node.uid],
      why: "its owner is deleted without it",
    }));
    return [...drops, { do: "removeFinalizer", node, finalizer: orphan, why: "its dependents are orphans now" }];
  }
  if (isForeground(node)) {
    const blocking = dependents.filter(({ owners }) =>
      owners.some((owner) => owner.uid === node.uid && owner.blockOwnerDeletion)
    );
    if (blocking.length > 0) return [];
    return [{ do: "removeFinalizer", node, finalizer: foreground, why: "no dependent blocks it any more" }];
  }
  return [];
}
