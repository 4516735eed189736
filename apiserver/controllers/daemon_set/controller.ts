/** The controller of DaemonSets: gathers what planDaemonSet() needs, and does what it says. */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf, type Kind, type KubeObject, type New } from "../../../lib/kind.ts";
import { daemonFailureMaxMs, daemonFailureMinMs, daemonFailuresMax } from "../../../lib/limits.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import { matchesLabels, type Selector, selectorFrom } from "../../../lib/selector/labels.ts";
import { isReason } from "../../../lib/status.ts";
import type { ControllerRevision, DaemonSet } from "../../../lib/types/apps_v1.ts";
import type { Pod, PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import { aspectOf } from "../changes.ts";
import { adopt, claim, controllerKey, controllerOf, release } from "../owner.ts";
import type { Parts } from "../parts.ts";
import { createPod, deletePod, isNamespaceTerminating, podFromTemplate } from "../pod_template.ts";
import { revisionHashLabel } from "../revisions.ts";
import { slowStart, together } from "../slow_start.ts";
import { failureKey } from "./manage.ts";
import { daemonTolerations, pinned } from "./node_fit.ts";
import { type DaemonAction, type DaemonView, type Failure, planDaemonSet } from "./plan.ts";
import { generationLabel, templateGeneration } from "./rolling.ts";

const setKind = kinds.DaemonSet as Kind;
const podKind = kinds.Pod as Kind;
const revisionKind = kinds.ControllerRevision as Kind;

export function daemonSetController(parts: Parts): Controller<DaemonView, DaemonAction> {
  const { daemonSets, controllerRevisions, pods, nodes } = parts.informers;
  const failures = new Map<string, Failure>();
  const selectors = new WeakMap<DaemonSet, Selector>();
  const selectorOf = (set: DaemonSet) => {
    const known = selectors.get(set) ?? selectorFrom(set.spec.selector);
    selectors.set(set, known);
    return known;
  };
  const selects = (set: DaemonSet) => (object: KubeObject) => matchesLabels(selectorOf(set), object.metadata.labels);
  const keysOf = (object: Pod | ControllerRevision): readonly string[] => {
    if (controllerOf(object) !== undefined) return present(controllerKey(object, setKind));
    if (object.metadata.deletionTimestamp !== undefined) return [];
    return daemonSets.by("namespace", object.metadata.namespace).filter((set) => selects(set)(object)).map(keyOf);
  };
  const fitting = aspectOf(nodes, ({ metadata, spec }) => [metadata.labels, spec.taints]);
  return {
    name: "daemon-set-controller",
    sources: [
      source(daemonSets, (set) => [keyOf(set)]),
      source(controllerRevisions, keysOf),
      source(pods, keysOf),
      source(fitting, () => [...daemonSets.list()].map(keyOf)),
    ],
    view(key) {
      const set = daemonSets.get(key);
      if (set === undefined) return undefined;
      const { namespace, uid } = set.metadata;
      const ours = [...pods.by("controller", uid), ...pods.by("orphan", namespace)];
      const kept = [...controllerRevisions.by("controller", uid), ...controllerRevisions.by("orphan", namespace)];
      return {
        set,
        nodes: [...nodes.list()],
        pods: claim(set, ours, selects(set)),
        revisions: claim(set, kept, selects(set)),
        named: (name) => controllerRevisions.get(`${namespace}/${name}`),
        failures,
      };
    },
    plan: planDaemonSet,
    execute: (action, client, { set }) => executeDaemonSet(action, client, { set, failures, parts }),
  };
}

const present = (key: string | undefined) => key === undefined ? [] : [key];

interface Context {
  set: DaemonSet;
  failures: Map<string, Failure>;
  parts: Parts;
}

async function executeDaemonSet(action: DaemonAction, client: Client, context: Context): Promise<void> {
  const { set, failures, parts: { recorder, clock } } = context;
  switch (action.do) {
    case "adoptPod":
      return await adopt(client, setKind, set, podKind, action.pod);
    case "releasePod":
      return await release(client, set, podKind, action.pod);
    case "adoptRevision":
      return await adopt(client, setKind, set, revisionKind, action.revision);
    case "releaseRevision":
      return await release(client, set, revisionKind, action.revision);
    case "createRevision":
      await client.create(kinds.ControllerRevision, action.revision as New<ControllerRevision>);
      return;
    case "updateRevision":
      await client.update(kinds.ControllerRevision, action.revision);
      return;
    case "deleteRevision":
      return await deleteRevision(client, action.revision);
    case "relabel": {
      const patch = { metadata: { labels: { [revisionHashLabel]: action.hash } } };
      await client.patch(kinds.Pod, action.pod.metadata, { type: "merge", patch });
      return;
    }
    case "createPods":
      return await createPods(client, action, context);
    case "deletePods":
      for (const { type, reason, message } of action.reports) recorder.event(set, type, reason, message);
      for (const node of action.failedOn) remember(failures, failureKey(set, node), clock.now());
      return await together(action.pods, (pod) => deletePod(client, recorder, set, pod));
    case "updateStatus":
      await client.update(kinds.DaemonSet, { ...set, status: action.status }, { subresource: "status" });
      return;
    case "warn":
      recorder.event(set, "Warning", action.reason, action.message);
  }
}

async function createPods(
  client: Client,
  { nodes, hash }: { nodes: readonly string[]; hash: string },
  { set, parts: { recorder } }: Context,
): Promise<void> {
  const pod = podFromTemplate(templateOf(set, hash), setKind, set);
  const onNode = (node: string) => ({ ...pod, spec: { ...pod.spec, affinity: pinned(pod.spec.affinity, node) } });
  try {
    await slowStart(nodes.length, (i) => createPod(client, recorder, set, onNode(nodes[i]!)));
  } catch (error) {
    if (!isNamespaceTerminating(error)) throw error;
  }
}

/** What the pods of the set are made from. */
function templateOf(set: DaemonSet, hash: string): PodTemplateSpec {
  const { metadata, spec } = set.spec.template;
  const generation = templateGeneration(set);
  const counted: Record<string, string> = generation === undefined ? {} : { [generationLabel]: generation };
  const labels = { ...metadata?.labels, ...counted, [revisionHashLabel]: hash };
  return { metadata: { ...metadata, labels }, spec: { ...spec, tolerations: daemonTolerations(spec) } };
}

/** Counts a failure: the next pod there is replaced later. */
function remember(failures: Map<string, Failure>, key: string, now: Instant): void {
  const before = failures.get(key);
  const forgotten = before === undefined || now - before.at > 2 * daemonFailureMaxMs;
  failures.delete(key);
  failures.set(key, {
    at: now,
    delayMs: forgotten ? daemonFailureMinMs : Math.min(2 * before.delayMs, daemonFailureMaxMs),
  });
  if (failures.size > daemonFailuresMax) failures.delete(failures.keys().next().value!);
}

async function deleteRevision(client: Client, { metadata }: ControllerRevision): Promise<void> {
  try {
    await client.delete(kinds.ControllerRevision, metadata, { preconditions: { uid: metadata.uid } });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
