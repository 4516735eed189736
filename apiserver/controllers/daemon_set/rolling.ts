/** The next step of a rolling update: old pods to delete, or Nodes that get a new pod first (daemon/update.go). Pure. */
import type { Pod } from "../../../lib/types/core_v1.ts";
import type { DaemonSet } from "../../../lib/types/apps_v1.ts";
import { scaled } from "../deployment/fenceposts.ts";
import { isAvailable } from "../pod_state.ts";
import { revisionHashLabel } from "../revisions.ts";
import { type DaemonDraft, isLeaving, podActions } from "./manage.ts";
import type { DaemonAction } from "./plan.ts";

const generationAnnotation = "deprecated.daemonset.template.generation";
export const generationLabel = "pod-template-generation";

/** How often the template has changed, as older versions counted; `undefined`: nobody has. */
export function templateGeneration({ metadata }: DaemonSet): string | undefined {
  const text = metadata.annotations?.[generationAnnotation];
  return text !== undefined && /^-?\d+$/.test(text) ? text : undefined;
}

export function isUpdated(pod: Pod, set: DaemonSet, hash: string): boolean {
  const labels = pod.metadata.labels ?? {};
  const generation = templateGeneration(set);
  return labels[revisionHashLabel] === hash || (generation !== undefined && labels[generationLabel] === generation);
}

/** What may be missing and what may be too much, of the pods that are wanted. Both round up. */
function limitsOf(set: DaemonSet, wanted: number): { surge: number; unavailable: number } {
  const rolling = set.spec.updateStrategy?.rollingUpdate;
  const surge = scaled(rolling?.maxSurge, wanted, "up");
  const unavailable = scaled(rolling?.maxUnavailable, wanted, "up");
  // Neither would make no progress ever.
  return wanted > 0 && surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

interface OnNode {
  name: string;
  /** The Node should have a pod. */
  run: boolean;
  current?: Pod;
  previous?: Pod;
  /** More than one of either: managing cleans up first. */
  crowded: boolean;
}

/** Nodes that have pods of the set, or should. */
function occupied({ set, nodes, byNode, hash }: DaemonDraft): OnNode[] {
  const wanted = new Map(nodes.map(({ name, run }) => [name, run]));
  const names = [...nodes.filter(({ name, run }) => run || byNode.has(name)).map(({ name }) => name)];
  for (const name of byNode.keys()) if (!wanted.has(name)) names.push(name);
  return names.map((name) => {
    const pods = (byNode.get(name) ?? []).filter((pod) => !isLeaving(pod));
    const current = pods.filter((pod) => isUpdated(pod, set, hash));
    const previous = pods.filter((pod) => !current.includes(pod));
    const crowded = current.length > 1 || previous.length > 1;
    return { name, run: wanted.get(name) ?? false, current: current[0], previous: previous[0], crowded };
  });
}

export function rollOut(draft: DaemonDraft): DaemonAction[] {
  const wanted = draft.nodes.filter(({ run }) => run).length;
  const { surge, unavailable } = limitsOf(draft.set, wanted);
  const work = surge === 0 ? replace(draft, unavailable) : addFirst(draft, surge, wanted);
  return podActions(work, draft.hash);
}

/** Deletes as many old pods as may be missing; managing creates the new ones. */
function replace(draft: DaemonDraft, maxUnavailable: number): { create: string[]; remove: Pod[] } {
  const available = availability(draft);
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const { current, previous, crowded } of occupied(draft)) {
    if (crowded || (current === undefined) === (previous === undefined)) unavailable++;
    else if (current !== undefined) unavailable += available(current) ? 0 : 1;
    // It serves nobody: replacing it takes nothing away.
    else if (!available(previous!)) broken.push(previous!);
    else candidates.push(previous!);
  }
  return { create: [], remove: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

/** Creates new pods beside old ones, and deletes an old one when its new one is available. */
function addFirst(draft: DaemonDraft, maxSurge: number, wanted: number): { create: string[]; remove: Pod[] } {
  const available = availability(draft);
  const remove: Pod[] = [];
  const misplaced: Pod[] = [];
  const urgent: string[] = [];
  const candidates: string[] = [];
  let surging = 0;
  let serving = 0;
  for (const { name, run, current, previous, crowded } of occupied(draft)) {
    if (crowded) {
      surging++;
      continue;
    }
    const [oldServes, newServes] = [available(previous), available(current)];
    if (oldServes || newServes) serving++;
    if (previous === undefined) continue;
    if (current !== undefined) {
      if (newServes) remove.push(previous);
      else surging++;
    } else if (!run) {
      if (oldServes) misplaced.push(previous);
      else remove.push(previous);
    } else {
      (oldServes ? candidates : urgent).push(name);
    }
  }
  // Where pods are no longer wanted they go only when enough serve elsewhere: a surge promises that none is missing.
  remove.push(...misplaced.slice(0, Math.max(0, serving - wanted)));
  return { create: [...urgent, ...candidates.slice(0, Math.max(0, maxSurge - surging))], remove };
}

function availability({ set, now }: DaemonDraft): (pod: Pod | undefined) => boolean {
  const minReady = set.spec.minReadySeconds ?? 0;
  return (pod) => pod !== undefined && isAvailable(pod, minReady, now);
}
