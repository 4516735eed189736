/** Decides what becomes of a Node that changes, or falls silent. Pure. Source: pkg/controller/nodelifecycle. */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import { silentNodesRecheckMs } from "../../../lib/limits.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Node, NodeCondition, Pod, Taint } from "../../../lib/types/core_v1.ts";
import { podCondition } from "../pod_state.ts";
import { type Heartbeat, readyCondition, silentAt, silentConditions } from "./health.ts";
import { currentNoExecute, type NoExecute, wantedNoExecute, wantedTaints } from "./taints.ts";
import { nextEviction, zoneOf, type Zones } from "./zones.ts";

export interface NodeView {
  node: Node;
  heartbeat: Heartbeat;
  /** How long it may be silent. ms */
  graceMs: number;
  pods: readonly Pod[];
  zones: Zones;
  /** The same if the Nodes that we have not heard for almost as long are down, too; `undefined` when there are none. */
  feared: Zones | undefined;
  /** When a Node of this zone was last tainted NoExecute by us. */
  lastEviction: Instant | undefined;
}

export type NodeAction =
  | { do: "setConditions"; conditions: NodeCondition[]; why: string }
  | { do: "setTaints"; taints: Taint[]; evicts: boolean; why: string }
  | { do: "markNotReady"; pods: readonly Pod[]; why: string };

export function planNode(view: NodeView, now: Instant): readonly (NodeAction | WakeAt)[] {
  const { heartbeat } = view;
  let { node } = view;
  if (node.metadata.deletionTimestamp !== undefined) return [];
  const actions: (NodeAction | WakeAt)[] = [];
  const silent = silentAt(node, heartbeat, view.graceMs);
  if (now < silent) {
    actions.push({ do: "wakeAt", at: silent, why: "without a heartbeat its state becomes unknown" });
  } else {
    const conditions = silentConditions(node, now);
    if (conditions !== undefined) {
      actions.push({ do: "setConditions", conditions, why: "no heartbeat came" });
      node = { ...node, status: { ...node.status, conditions } };
    }
  }
  const { noExecute, evicts, wake } = decideNoExecute(view, node, now);
  if (wake !== undefined) actions.push({ do: "wakeAt", at: wake, why: "its turn to be evicted from" });
  const taints = wantedTaints(node, noExecute, now);
  if (taints !== undefined) actions.push({ do: "setTaints", taints, evicts, why: "its conditions changed" });
  const unready = podsToMark(node, view.pods);
  if (unready.length > 0) actions.push({ do: "markNotReady", pods: unready, why: "their node is not ready" });
  return actions;
}

interface Decision {
  noExecute: NoExecute;
  /** It is a new taint that lets pods be evicted: counts against the zone's rate. */
  evicts: boolean;
  wake?: Instant;
}

function decideNoExecute({ zones, feared, lastEviction }: NodeView, node: Node, now: Instant): Decision {
  const wanted = wantedNoExecute(node);
  const current = currentNoExecute(node);
  // With everything down, nobody is evicted from anywhere: taints that were set before are taken back.
  if (zones.allDown) return { noExecute: "none", evicts: false };
  // Swapping one for the other evicts nobody who was not to be evicted already.
  if (wanted === "none" || current !== "none") return { noExecute: wanted, evicts: false };
  const next = nextEviction(feared ?? zones, zoneOf(node), lastEviction);
  // Nodes that were cut off together fall silent one after another: whose turn comes first must not pay for it.
  if (next === undefined && feared !== undefined) {
    return { noExecute: "none", evicts: false, wake: now + silentNodesRecheckMs };
  }
  if (next === undefined) return { noExecute: "none", evicts: false };
  if (next > now) return { noExecute: "none", evicts: false, wake: next };
  return { noExecute: wanted, evicts: true };
}

/** Pods that still say that they are ready, since before their Node stopped being so. */
function podsToMark(node: Node, pods: readonly Pod[]): Pod[] {
  const ready = readyCondition(node);
  if (ready === undefined || ready.status === "True") return [];
  const since = Date.parse(ready.lastTransitionTime ?? "") || Infinity;
  return pods.filter((pod) => {
    const condition = podCondition(pod, "Ready");
    // Its agent lives and says otherwise since: it knows better.
    const newer = ready.status === "False" && Date.parse(condition?.lastTransitionTime ?? "") > since;
    return condition?.status === "True" && !newer;
  });
}
