/**
 * Decides what a DaemonSet needs: its history, pods to create and delete on its Nodes, and its status. Pure.
 * Source: pkg/controller/daemon/daemon_controller.go.
 */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { ControllerRevision, DaemonSet, DaemonSetStatus } from "../../../lib/types/apps_v1.ts";
import type { Node, Pod } from "../../../lib/types/core_v1.ts";
import type { Claims } from "../owner.ts";
import { isFinished } from "../pod_state.ts";
import { fitOf, targetNode } from "./node_fit.ts";
import { planHistory } from "./history.ts";
import { type DaemonDraft, manage } from "./manage.ts";
import { rollOut } from "./rolling.ts";
import { daemonStatus, hasStatus, nextLook } from "./status.ts";

/** How often a daemon pod of a Node has failed of late. */
export interface Failure {
  at: Instant;
  delayMs: number;
}

export interface DaemonView {
  set: DaemonSet;
  nodes: readonly Node[];
  pods: Claims<Pod>;
  revisions: Claims<ControllerRevision>;
  /** A revision by its name, whoever owns it. */
  named(name: string): ControllerRevision | undefined;
  /** By `failureKey`. */
  failures: ReadonlyMap<string, Failure>;
}

export interface PodReport {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

export type DaemonAction =
  | { do: "adoptPod" | "releasePod"; pod: Pod; why: string }
  | { do: "adoptRevision" | "releaseRevision" | "deleteRevision"; revision: ControllerRevision; why: string }
  | { do: "createRevision" | "updateRevision"; revision: ControllerRevision; why: string }
  /** Pods of a revision that is kept twice get the other one's label. */
  | { do: "relabel"; pod: Pod; hash: string; why: string }
  | { do: "createPods"; nodes: readonly string[]; hash: string; why: string }
  | { do: "deletePods"; pods: readonly Pod[]; failedOn: readonly string[]; reports: readonly PodReport[]; why: string }
  | { do: "updateStatus"; status: DaemonSetStatus; why: string }
  | { do: "warn"; reason: string; message: string; why: string };

type Planned = readonly (DaemonAction | WakeAt)[];

export function planDaemonSet(view: DaemonView, now: Instant): Planned {
  const { set, pods, revisions } = view;
  if (selectsAll(set)) {
    const message = "This daemon set is selecting all pods. A non-empty selector is required.";
    return [{ do: "warn", reason: "SelectingAll", message, why: "its selector is empty" }];
  }
  if (set.metadata.deletionTimestamp !== undefined) return [];
  const actions: (DaemonAction | WakeAt)[] = [
    ...revisions.release.map((revision) => ({ do: "releaseRevision", revision, why: strayed }) as const),
    ...revisions.adopt.map((revision) => ({ do: "adoptRevision", revision, why: orphaned }) as const),
    ...pods.release.map((pod) => ({ do: "releasePod", pod, why: strayed }) as const),
    ...pods.adopt.map((pod) => ({ do: "adoptPod", pod, why: orphaned }) as const),
  ];
  const history = planHistory(view);
  actions.push(...history.actions);
  if (history.hash === undefined) return actions;
  const draft = draftOf(view, history.hash, now);
  // Before what it counts is changed: a status must be told even when nothing can be created.
  const status = daemonStatus(draft);
  if (!hasStatus(set, status)) actions.push({ do: "updateStatus", status, why: "it differs from what the pods say" });
  const managed = manage(draft);
  actions.push(...managed.actions);
  // What is missing or too much comes first: an update is planned from a set in order.
  if (!managed.changes && set.spec.updateStrategy?.type !== "OnDelete") actions.push(...rollOut(draft));
  if (!managed.changes) actions.push(...history.cleanUp(draft));
  const wake = nextLook(draft);
  if (wake !== undefined) actions.push({ do: "wakeAt", at: wake, why: "a ready pod becomes available" });
  return actions;
}

const strayed = "its labels match the selector no more";
const orphaned = "an orphan that matches the selector";

function selectsAll({ spec: { selector } }: DaemonSet): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

function draftOf({ set, nodes, pods, failures }: DaemonView, hash: string, now: Instant): DaemonDraft {
  const byNode = new Map<string, Pod[]>();
  for (const pod of [...pods.mine, ...pods.adopt]) {
    // On its way out: nothing is left to do about it.
    if (isFinished(pod) && pod.metadata.deletionTimestamp !== undefined) continue;
    const node = targetNode(pod);
    if (node !== undefined) byNode.set(node, [...byNode.get(node) ?? [], pod]);
  }
  for (const list of byNode.values()) list.sort(byPlaceAndAge);
  const sorted = [...nodes].sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1);
  const fit = fitOf(set);
  return {
    set,
    nodes: sorted.map((node) => ({ name: node.metadata.name, ...fit(node) })),
    byNode,
    hash,
    failures,
    now,
  };
}

/** Those that have a Node first, then the oldest. */
function byPlaceAndAge(a: Pod, b: Pod): number {
  return Number(!!b.spec.nodeName) - Number(!!a.spec.nodeName) ||
    Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) ||
    (a.metadata.name < b.metadata.name ? -1 : 1);
}
