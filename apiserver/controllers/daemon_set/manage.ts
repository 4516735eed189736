/** One pod on every Node that should have one, none where there should be none (daemon_controller.go manage). Pure. */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import { burstDaemonsMax } from "../../../lib/limits.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { DaemonSet } from "../../../lib/types/apps_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { scaled } from "../deployment/fenceposts.ts";
import { isAvailable, isReady } from "../pod_state.ts";
import { revisionHashLabel } from "../revisions.ts";
import type { Fit } from "./node_fit.ts";
import type { DaemonAction, Failure, PodReport } from "./plan.ts";

/** What all parts of one plan share. */
export interface DaemonDraft {
  set: DaemonSet;
  /** By name. */
  nodes: readonly (Fit & { name: string })[];
  /** The set's pods by Node: those that have arrived first, then the oldest. Also of Nodes that there are not. */
  byNode: ReadonlyMap<string, readonly Pod[]>;
  /** Of the current revision. */
  hash: string;
  failures: ReadonlyMap<string, Failure>;
  now: Instant;
}

export const failureKey = ({ metadata, status }: DaemonSet, node: string) =>
  `${metadata.uid}/${status.observedGeneration ?? 0}/${node}`;

/** A new pod may be there before the old one has gone. */
export const allowsSurge = (set: DaemonSet) =>
  set.spec.updateStrategy?.type === "RollingUpdate" &&
  scaled(set.spec.updateStrategy.rollingUpdate?.maxSurge, 1, "up") > 0;

/** What is to be done, gathered. */
interface Work {
  create: string[];
  remove: Pod[];
  failedOn: string[];
  reports: PodReport[];
  wakes: WakeAt[];
}

export interface Managed {
  actions: readonly (DaemonAction | WakeAt)[];
  /** Pods are created or deleted. */
  changes: boolean;
}

export function manage(draft: DaemonDraft): Managed {
  const work: Work = { create: [], remove: [], failedOn: [], reports: [], wakes: [] };
  for (const node of draft.nodes) manageNode(draft, node, work);
  const here = new Set(draft.nodes.map(({ name }) => name));
  for (const [node, pods] of draft.byNode) {
    // It can never be scheduled, and nobody else would collect it.
    if (!here.has(node)) work.remove.push(...pods.filter((pod) => !pod.spec.nodeName && !isLeaving(pod)));
  }
  const changes = work.create.length + work.remove.length > 0;
  return { actions: [...work.wakes, ...podActions(work, draft.hash)], changes };
}

/** Deletions and creations of one plan, as many as are done at once. */
export function podActions(
  { create, remove, failedOn = [], reports = [] }: Partial<Work> & Pick<Work, "create" | "remove">,
  hash: string,
): DaemonAction[] {
  const actions: DaemonAction[] = [];
  const pods = remove.slice(0, burstDaemonsMax);
  if (pods.length > 0) actions.push({ do: "deletePods", pods, failedOn, reports, why: "not wanted where they are" });
  const nodes = create.slice(0, burstDaemonsMax);
  if (nodes.length > 0) actions.push({ do: "createPods", nodes, hash, why: "nodes without a pod of the set" });
  return actions;
}

export const isLeaving = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined;

function manageNode(draft: DaemonDraft, node: Fit & { name: string }, work: Work): void {
  const pods = draft.byNode.get(node.name);
  if (node.run && pods === undefined) {
    work.create.push(node.name);
  } else if (node.stay) {
    const running = (pods ?? []).filter((pod) => !isLeaving(pod) && !hasEnded(draft, node.name, pod, work));
    prune(draft, node, running, work);
  } else {
    work.remove.push(...(pods ?? []).filter((pod) => !isLeaving(pod)));
  }
}

/** Daemons don't end: what has is removed, and comes again. Where one fails over and over, later and later. */
function hasEnded({ set, failures, now }: DaemonDraft, node: string, pod: Pod, work: Work): boolean {
  const { phase } = pod.status;
  const where = `daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${node}`;
  if (phase === "Failed") {
    const failure = failures.get(failureKey(set, node));
    if (failure !== undefined && now - failure.at < failure.delayMs) {
      const at = failure.at + failure.delayMs;
      work.wakes.push({ do: "wakeAt", at, why: `the failed pod on ${node} is replaced then` });
      return true;
    }
    const message = `Found failed ${where}, will try to kill it`;
    work.reports.push({ type: "Warning", reason: "FailedDaemonPod", message });
    work.failedOn.push(node);
  } else if (phase === "Succeeded") {
    const message = `Found succeeded ${where}, will try to delete it`;
    work.reports.push({ type: "Normal", reason: "SucceededDaemonPod", message });
  } else {
    return false;
  }
  work.remove.push(pod);
  return true;
}

/** Several pods on one Node: one stays, or two while the new one is on its way. */
function prune(draft: DaemonDraft, node: Fit & { name: string }, running: readonly Pod[], work: Work): void {
  const { set, hash, now } = draft;
  if (!allowsSurge(set)) {
    work.remove.push(...running.slice(1));
    return;
  }
  if (running.length <= 1) {
    if (running.length === 0 && node.run) work.create.push(node.name);
    return;
  }
  const isNew = (pod: Pod) => pod.metadata.labels?.[revisionHashLabel] === hash;
  const [current, previous] = [running.find(isNew), running.find((pod) => !isNew(pod))];
  work.remove.push(...running.filter((pod) => pod !== current && pod !== previous));
  if (current === undefined || previous === undefined) return;
  const replaced = !isReady(previous) || isAvailable(current, set.spec.minReadySeconds ?? 0, now);
  if (replaced) work.remove.push(previous);
}
