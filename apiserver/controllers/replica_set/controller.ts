/** The controllers of ReplicaSets and of ReplicationControllers: one core, two kinds. */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import type { Informer } from "../../../lib/informer/informer.ts";
import { keyOf, type Kind } from "../../../lib/kind.ts";
import { matchesLabels, type Selector, selectorFrom, selectorFromMap } from "../../../lib/selector/labels.ts";
import type { ReplicaSet, ReplicaSetStatus } from "../../../lib/types/apps_v1.ts";
import type { Pod, ReplicationController } from "../../../lib/types/core_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import { adopt, claim, controllerKey, controllerOf, release } from "../owner.ts";
import type { Parts } from "../parts.ts";
import { isActive, isTerminating } from "../pod_state.ts";
import { createPod, deletePod, isNamespaceTerminating, podFromTemplate } from "../pod_template.ts";
import { slowStart, together } from "../slow_start.ts";
import { planReplicas, type Replicas, type ReplicasAction, type ReplicasView } from "./plan.ts";
import { hasStatus, refusedStatus } from "./status.ts";

interface ReplicasKind<T extends Replicas> {
  name: string;
  kind: Kind<T>;
  informer: Informer<T>;
  selectorOf(owner: T): Selector;
  countsTerminating: boolean;
}

export function replicaSetController(parts: Parts): Controller<ReplicasView, ReplicasAction> {
  return replicasController(parts, {
    name: "replicaset-controller",
    kind: kinds.ReplicaSet as Kind<ReplicaSet & Replicas>,
    informer: parts.informers.replicaSets as Informer<ReplicaSet & Replicas>,
    selectorOf: (owner) => selectorFrom(owner.spec.selector),
    countsTerminating: true,
  });
}

export function replicationControllerController(parts: Parts): Controller<ReplicasView, ReplicasAction> {
  return replicasController(parts, {
    name: "replication-controller",
    kind: kinds.ReplicationController as Kind<ReplicationController & Replicas>,
    informer: parts.informers.replicationControllers as Informer<ReplicationController & Replicas>,
    selectorOf: (owner) => selectorFromMap(owner.spec.selector),
    countsTerminating: false,
  });
}

function replicasController<T extends Replicas>(
  parts: Parts,
  of: ReplicasKind<T>,
): Controller<ReplicasView, ReplicasAction> {
  const { pods } = parts.informers;
  const kind = of.kind as unknown as Kind;
  const selectors = new WeakMap<T, Selector>();
  const selectorOf = (owner: T) => {
    const known = selectors.get(owner) ?? of.selectorOf(owner);
    selectors.set(owner, known);
    return known;
  };
  const keysOfPod = (pod: Pod) => {
    if (controllerOf(pod) !== undefined) return present(controllerKey(pod, kind));
    if (pod.metadata.deletionTimestamp !== undefined) return [];
    return of.informer.by("namespace", pod.metadata.namespace)
      .filter((owner) => matchesLabels(selectorOf(owner), pod.metadata.labels)).map(keyOf);
  };
  return {
    name: of.name,
    sources: [source(of.informer, (owner) => [keyOf(owner)]), source(pods, keysOfPod)],
    workers: 8,
    view(key) {
      const owner = of.informer.get(key);
      if (owner === undefined) return undefined;
      const owned = pods.by("controller", owner.metadata.uid);
      const orphans = pods.by("orphan", owner.metadata.namespace);
      const matches = (pod: Pod) => matchesLabels(selectorOf(owner), pod.metadata.labels);
      const claims = claim(owner, [...owned, ...orphans].filter(isActive), matches);
      const surplus = claims.mine.length + claims.adopt.length > (owner.spec.replicas ?? 1);
      return {
        owner,
        pods: claims,
        terminating: owned.filter((pod) => isTerminating(pod) && matches(pod)).length,
        countsTerminating: of.countsTerminating,
        related: surplus ? relatedPods(owner) : [],
      };
    },
    plan: planReplicas,
    execute: (action, client, view) => executeReplicas(action, client, view, kind, parts),
  };

  /** Pods that the replica sets of the owner's own controller select, its own among them. */
  function relatedPods(owner: T): readonly Pod[] {
    const controller = controllerOf(owner);
    const siblings = controller === undefined ? [owner] : of.informer.by("controller", controller.uid);
    const all = new Set<Pod>();
    for (const pod of pods.by("namespace", owner.metadata.namespace)) {
      if (siblings.some((sibling) => matchesLabels(selectorOf(sibling), pod.metadata.labels))) all.add(pod);
    }
    return [...all];
  }
}

const present = (key: string | undefined) => key === undefined ? [] : [key];

async function executeReplicas(
  action: ReplicasAction,
  client: Client,
  view: ReplicasView,
  kind: Kind,
  { recorder, clock }: Parts,
): Promise<void> {
  const { owner } = view;
  const update = async (status: ReplicaSetStatus) => {
    if (!hasStatus(owner, status)) {
      await client.update(kind, { ...owner, status } as Replicas, { subresource: "status" });
    }
  };
  const reporting = async (reason: "FailedCreate" | "FailedDelete", status: ReplicaSetStatus, work: Promise<void>) => {
    try {
      await work;
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      await update(refusedStatus(status, owner.status, reason, (error as Error).message, clock.now()));
      throw error;
    }
  };
  switch (action.do) {
    case "adopt":
      return await adopt(client, kind, owner, kinds.Pod as Kind, action.pod);
    case "release":
      return await release(client, owner, kinds.Pod as Kind, action.pod);
    case "createPods": {
      const pod = podFromTemplate(owner.spec.template!, kind, owner);
      const work = slowStart(action.count, () => createPod(client, recorder, owner, pod));
      return await reporting("FailedCreate", action.status, work);
    }
    case "deletePods": {
      const work = together(action.pods, (pod) => deletePod(client, recorder, owner, pod));
      return await reporting("FailedDelete", action.status, work);
    }
    case "updateStatus":
      return await update(action.status);
  }
}
