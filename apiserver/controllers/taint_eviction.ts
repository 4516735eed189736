/**
 * Evicts pods that don't tolerate their Node's NoExecute taints, at once or when their toleration ends
 * (pkg/controller/tainteviction/taint_eviction.go).
 */
import type { Client } from "../../lib/client/client.ts";
import { type Controller, source, type WakeAt } from "../../lib/controller/controller.ts";
import { keyOf } from "../../lib/kind.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import { tolerates } from "../../lib/tolerations.ts";
import type { Node, Pod, Taint } from "../../lib/types/core_v1.ts";
import { Pod as PodKind } from "../../lib/types/kinds.ts";
import { aspectOf } from "./changes.ts";
import { replaceCondition } from "./condition.ts";
import type { Parts } from "./parts.ts";

export interface TaintEvictionView {
  pod: Pod;
  /** The NoExecute taints of its Node, and since when they are there. */
  taints: readonly { taint: Taint; since: Instant }[];
}

export interface TaintEvictionAction {
  do: "evict";
  pod: Pod;
  why: string;
}

export function planTaintEviction(
  { pod, taints }: TaintEvictionView,
  now: Instant,
): readonly (TaintEvictionAction | WakeAt)[] {
  if (pod.metadata.deletionTimestamp !== undefined || taints.length === 0) return [];
  const ends = taints.map(({ taint, since }) => since + toleratedMs(pod, taint));
  const at = Math.min(...ends);
  if (at <= now) return [{ do: "evict", pod, why: "it does not tolerate a taint of its node any longer" }];
  return at === Infinity ? [] : [{ do: "wakeAt", at, why: "its toleration ends" }];
}

/** For how long the pod tolerates the taint: the shortest of its matching tolerations; 0 without one. */
function toleratedMs(pod: Pod, taint: Taint): number {
  const matching = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
  if (matching.length === 0) return 0;
  const limits = matching.map(({ tolerationSeconds }) => tolerationSeconds).filter((seconds) => seconds !== undefined);
  return limits.length === 0 ? Infinity : Math.max(0, Math.min(...limits)) * 1000;
}

const noExecuteOf = ({ spec }: Node) => (spec.taints ?? []).filter((taint) => taint.effect === "NoExecute");

export function taintEvictionController(
  { informers, clock, recorder }: Parts,
): Controller<TaintEvictionView, TaintEvictionAction> {
  const { pods, nodes } = informers;
  /** When taints without a time were first seen, by the Node's uid and the taint's key. */
  const firstSeen = new Map<string, Instant>();
  nodes.onChange(({ old, now }) => {
    const keys = (node: Node | undefined) =>
      node === undefined
        ? []
        : noExecuteOf(node).filter((taint) => !taint.timeAdded).map((taint) => `${node.metadata.uid} ${taint.key}`);
    const present = new Set(keys(now));
    for (const key of keys(old)) if (!present.has(key)) firstSeen.delete(key);
    for (const key of present) if (!firstSeen.has(key)) firstSeen.set(key, clock.now());
  });
  const sinceOf = (node: Node, taint: Taint) =>
    Date.parse(taint.timeAdded ?? "") || (firstSeen.get(`${node.metadata.uid} ${taint.key}`) ?? clock.now());
  const podAspect = (
    { metadata, spec }: Pod,
  ) => [spec.nodeName, spec.tolerations, metadata.deletionTimestamp !== undefined];
  return {
    name: "taint-eviction-controller",
    sources: [
      source(aspectOf(pods, podAspect), (pod) => pod.spec.nodeName ? [keyOf(pod)] : []),
      source(aspectOf(nodes, noExecuteOf), ({ metadata }) => pods.by("node", metadata.name).map(keyOf)),
    ],
    workers: 8,
    view(key) {
      const pod = pods.get(key);
      const node = pod?.spec.nodeName ? nodes.get(pod.spec.nodeName) : undefined;
      if (pod === undefined || node === undefined) return undefined;
      return { pod, taints: noExecuteOf(node).map((taint) => ({ taint, since: sinceOf(node, taint) })) };
    },
    plan: planTaintEviction,
    async execute({ pod }, client) {
      const { namespace, name } = pod.metadata;
      recorder.event(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${namespace}/${name}`);
      await evict(client, pod, clock.now());
    },
  };
}

async function evict(client: Client, pod: Pod, now: Instant): Promise<void> {
  const target = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByTaintManager",
    message: "Taint manager: deleting due to NoExecute taint",
  } as const;
  const conditions = replaceCondition(pod.status.conditions, target, now);
  const metadata = { resourceVersion: pod.metadata.resourceVersion };
  try {
    await client.patch(PodKind, pod.metadata, { type: "merge", patch: { metadata, status: { conditions } } }, {
      subresource: "status",
    });
    await client.delete(PodKind, pod.metadata, { preconditions: { uid: pod.metadata.uid } });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
