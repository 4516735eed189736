/** The controller of StatefulSets: gathers what planStatefulSet() needs, and does what it says. */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf, type Kind, type KubeObject, type New } from "../../../lib/kind.ts";
import { matchesLabels, type Selector, selectorFrom } from "../../../lib/selector/labels.ts";
import { isReason } from "../../../lib/status.ts";
import type { ControllerRevision, StatefulSet } from "../../../lib/types/apps_v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../lib/types/core_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import { adopt, claim, controllerKey, controllerOf, release } from "../owner.ts";
import type { Parts } from "../parts.ts";
import { isNamespaceTerminating } from "../pod_template.ts";
import { slowStart, together } from "../slow_start.ts";
import { ordinalOf } from "./identity.ts";
import { planStatefulSet, type StatefulAction, type StatefulView } from "./plan.ts";

const setKind = kinds.StatefulSet as Kind;
const podKind = kinds.Pod as Kind;
const revisionKind = kinds.ControllerRevision as Kind;

export function statefulSetController(parts: Parts): Controller<StatefulView, StatefulAction> {
  const { statefulSets, controllerRevisions, pods, persistentVolumeClaims } = parts.informers;
  const selectors = new WeakMap<StatefulSet, Selector>();
  const selects = (set: StatefulSet) => (object: KubeObject) => {
    const known = selectors.get(set) ?? selectorFrom(set.spec.selector);
    selectors.set(set, known);
    return matchesLabels(known, object.metadata.labels);
  };
  const keysOf = (object: Pod | ControllerRevision): readonly string[] => {
    if (controllerOf(object) !== undefined) return present(controllerKey(object, setKind));
    if (object.metadata.deletionTimestamp !== undefined) return [];
    return statefulSets.by("namespace", object.metadata.namespace).filter((set) => selects(set)(object)).map(keyOf);
  };
  /** By its name: `data-web-0` is of the set `web`. */
  const keysOfClaim = ({ metadata: { namespace, name } }: PersistentVolumeClaim): readonly string[] =>
    statefulSets.by("namespace", namespace).filter((set) =>
      (set.spec.volumeClaimTemplates ?? []).some((template) =>
        name.startsWith(`${template.metadata.name}-${set.metadata.name}-`)
      )
    ).map(keyOf);
  return {
    name: "statefulset-controller",
    sources: [
      source(statefulSets, (set) => [keyOf(set)]),
      source(controllerRevisions, keysOf),
      source(pods, keysOf),
      source(persistentVolumeClaims, keysOfClaim),
    ],
    view(key) {
      const set = statefulSets.get(key);
      if (set === undefined) return undefined;
      const { namespace, uid } = set.metadata;
      const ours = [...pods.by("controller", uid), ...pods.by("orphan", namespace)];
      const kept = [...controllerRevisions.by("controller", uid), ...controllerRevisions.by("orphan", namespace)];
      return {
        set,
        pods: claim(set, ours, (pod) => selects(set)(pod) && ordinalOf(pod, set) !== undefined),
        revisions: claim(set, kept, selects(set)),
        named: (name) => controllerRevisions.get(`${namespace}/${name}`),
        claim: (name) => persistentVolumeClaims.get(`${namespace}/${name}`),
      };
    },
    plan: planStatefulSet,
    execute: (action, client, { set }) => executeStatefulSet(action, client, set, parts),
  };
}

const present = (key: string | undefined) => key === undefined ? [] : [key];

async function executeStatefulSet(
  action: StatefulAction,
  client: Client,
  set: StatefulSet,
  parts: Parts,
): Promise<void> {
  const events = eventsOf(set, parts);
  switch (action.do) {
    case "adoptPod":
      return await adopt(client, setKind, set, podKind, action.pod);
    case "releasePod":
      return await release(client, set, podKind, action.pod);
    case "adoptRevision":
      return await adopt(client, setKind, set, revisionKind, action.revision);
    case "createRevision":
      await client.create(kinds.ControllerRevision, action.revision as New<ControllerRevision>);
      return;
    case "updateRevision":
      await client.update(kinds.ControllerRevision, action.revision);
      return;
    case "deleteRevision":
      return await ignoringGone(client.delete(kinds.ControllerRevision, action.revision.metadata));
    case "updateStatus":
      await client.update(kinds.StatefulSet, { ...set, status: action.status }, { subresource: "status" });
      return;
    case "createPods":
      return await slowStart(action.pods.length, (i) => createPod(client, action.pods[i]!, events));
    case "deletePods":
      return await together(action.pods, (pod) => {
        const preconditions = { uid: pod.metadata.uid };
        return events.pod(
          "delete",
          pod.metadata.name,
          () => ignoringGone(client.delete(kinds.Pod, pod.metadata, { preconditions })),
        );
      });
    case "updatePod": {
      const patch = { metadata: { uid: action.pod.metadata.uid, labels: action.labels } };
      return await events.pod(
        "update",
        action.pod.metadata.name,
        () => ignoringGone(client.patch(kinds.Pod, action.pod.metadata, { type: "merge", patch })),
      );
    }
    case "createClaims":
      return await createClaims(client, action.pod.metadata.name, action.claims, events);
    case "updateClaim":
      await client.update(kinds.PersistentVolumeClaim, action.claim);
  }
}

type Verb = "create" | "update" | "delete";

interface Events {
  /** Does it, and records whether it went well. */
  pod(verb: Verb, name: string, run: () => Promise<void>): Promise<void>;
  claim(verb: Verb, names: { claim: string; pod: string }, run: () => Promise<void>): Promise<void>;
}

function eventsOf(set: StatefulSet, { recorder }: Parts): Events {
  const { name } = set.metadata;
  const record = async (verb: Verb, what: string, good: string, run: () => Promise<void>) => {
    const title = verb.charAt(0).toUpperCase() + verb.slice(1);
    try {
      await run();
      recorder.event(set, "Normal", `Successful${title}`, `${verb} ${what} in StatefulSet ${name} ${good}`);
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      if (!isReason(error, "AlreadyExists")) {
        const text = `${verb} ${what} in StatefulSet ${name} failed error: ${(error as Error).message}`;
        recorder.event(set, "Warning", `Failed${title}`, text);
      }
      throw error;
    }
  };
  return {
    pod: (verb, pod, run) => record(verb, `Pod ${pod}`, "successful", run),
    claim: (verb, { claim, pod }, run) => record(verb, `Claim ${claim} Pod ${pod}`, "success", run),
  };
}

async function createPod(
  client: Client,
  { pod, claims }: { pod: New<Pod>; claims: readonly New<PersistentVolumeClaim>[] },
  events: Events,
): Promise<void> {
  const name = pod.metadata.name!;
  await events.pod("create", name, async () => {
    await createClaims(client, name, claims, events);
    await client.create(kinds.Pod, pod);
  });
}

async function createClaims(
  client: Client,
  pod: string,
  claims: readonly New<PersistentVolumeClaim>[],
  events: Events,
): Promise<void> {
  for (const claim of claims) {
    await events.claim("create", { claim: claim.metadata.name!, pod }, async () => {
      await client.create(kinds.PersistentVolumeClaim, claim);
    });
  }
}

async function ignoringGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
