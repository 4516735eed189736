/**
 * Pods that nobody else removes: those of Nodes that are gone, those that were deleted before they had a Node, those on Nodes declared
 * out of service, and the oldest of too many finished ones (pkg/controller/podgc/gc_controller.go).
 */
import { finishedPodsMax, orphanQuarantineMs, podRemovalsMax, podSweepMs } from "../../lib/limits.ts";
import type { Client } from "../../lib/client/client.ts";
import type { Controller } from "../../lib/controller/controller.ts";
import { source } from "../../lib/controller/controller.ts";
import { keyOf, type Ref } from "../../lib/kind.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Node, Pod } from "../../lib/types/core_v1.ts";
import { Node as NodeKind, Pod as PodKind } from "../../lib/types/kinds.ts";
import { createBell, filtered } from "./changes.ts";
import { replaceCondition } from "./condition.ts";
import type { Parts } from "./parts.ts";
import { isFinished } from "./pod_state.ts";
import { together } from "./slow_start.ts";

export interface PodGcView {
  pods: readonly Pod[];
  nodes: ReadonlyMap<string, Node>;
  /** Since when a Node that pods name is known to be missing. */
  missing: ReadonlyMap<string, Instant>;
}

export type PodGcAction =
  | { do: "remove"; pod: Pod; why: string }
  /** Removes the pods of a Node once the server confirms that it is gone. */
  | { do: "removeOrphans"; node: string; pods: readonly Pod[]; why: string };

export function planPodGc({ pods, nodes, missing }: PodGcView, now: Instant): readonly PodGcAction[] {
  const actions: PodGcAction[] = [];
  const finished = pods.filter(isFinished);
  const surplus = finished.length - finishedPodsMax;
  if (surplus > 0) {
    const oldest = finished.sort(byEvictionAndAge).slice(0, surplus);
    actions.push(...oldest.map((pod) => ({ do: "remove", pod, why: "too many pods are finished" }) as const));
  }
  const orphans = new Map<string, Pod[]>();
  for (const pod of pods) {
    const { nodeName } = pod.spec;
    const deleting = pod.metadata.deletionTimestamp !== undefined;
    if (!nodeName) {
      if (deleting) actions.push({ do: "remove", pod, why: "it was deleted before it had a node" });
    } else if (!nodes.has(nodeName)) {
      const since = missing.get(nodeName);
      if (since !== undefined && now - since >= orphanQuarantineMs) {
        orphans.set(nodeName, [...orphans.get(nodeName) ?? [], pod]);
      }
    } else if (deleting && isOutOfService(nodes.get(nodeName)!)) {
      actions.push({ do: "remove", pod, why: "its node is out of service" });
    }
  }
  for (const [node, pods] of orphans) actions.push({ do: "removeOrphans", node, pods, why: "the node is gone" });
  return actions;
}

/** Declared by a person to be off for good: its pods may be removed without its agent's word. */
function isOutOfService({ spec, status }: Node): boolean {
  const ready = status.conditions?.find((condition) => condition.type === "Ready")?.status === "True";
  return !ready && (spec.taints ?? []).some((taint) => taint.key === "node.kubernetes.io/out-of-service");
}

function byEvictionAndAge(a: Pod, b: Pod): number {
  const evicted = (pod: Pod) => pod.status.reason === "Evicted" ? 0 : 1;
  return evicted(a) - evicted(b) ||
    Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) ||
    (keyOf(a) < keyOf(b) ? -1 : 1);
}

export function podGcController({ informers, clock }: Parts): Controller<PodGcView, PodGcAction> {
  const { pods, nodes } = informers;
  const missing = new Map<string, Instant>();
  const gone = filtered(nodes, ({ now }) => now === undefined);
  return {
    name: "pod-garbage-collector",
    sources: [createBell("pod-gc", ["sweep"], pods.synced).source, source(gone, () => ["sweep"])],
    workers: 1,
    view() {
      const all = [...pods.list()];
      const named = new Set(all.map((pod) => pod.spec.nodeName).filter((name) => !!name) as string[]);
      const here = new Map([...nodes.list()].map((node) => [node.metadata.name, node]));
      for (const name of missing.keys()) if (here.has(name) || !named.has(name)) missing.delete(name);
      for (const name of named) if (!here.has(name) && !missing.has(name)) missing.set(name, clock.now());
      return { pods: all, nodes: here, missing };
    },
    plan: (view, now) => [
      ...limited(planPodGc(view, now)),
      { do: "wakeAt", at: now + podSweepMs, why: "the next look" },
    ],
    async execute(action, client) {
      if (action.do === "remove") return await remove(client, action.pod, clock.now());
      if (!await isGone(client, { name: action.node })) return;
      await together(action.pods, (pod) => remove(client, pod, clock.now(), orphaned));
    },
  };
}

/** What one sweep takes on. Those of a lost node count as one: they are removed at the same time. */
const limited = (actions: readonly PodGcAction[]) => actions.slice(0, podRemovalsMax);

const orphaned = { reason: "DeletionByPodGC", message: "PodGC: node no longer exists" };

async function isGone(client: Client, node: Ref): Promise<boolean> {
  try {
    await client.get(NodeKind, node);
    return false;
  } catch (error) {
    if (isReason(error, "NotFound")) return true;
    throw error;
  }
}

/** Says that the pod has failed, unless it has finished, and removes it at once. */
async function remove(client: Client, pod: Pod, now: Instant, disruption?: typeof orphaned): Promise<void> {
  try {
    if (!isFinished(pod)) {
      const target = { type: "DisruptionTarget", status: "True", ...disruption! } as const;
      const conditions = disruption === undefined ? undefined : replaceCondition(pod.status.conditions, target, now);
      const status = { phase: "Failed", ...(conditions === undefined ? {} : { conditions }) };
      await client.patch(PodKind, pod.metadata, { type: "merge", patch: { status } }, { subresource: "status" });
    }
    await client.delete(PodKind, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
