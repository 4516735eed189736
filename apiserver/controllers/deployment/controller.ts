/** The controller of Deployments: gathers what planDeployment() needs, and does what it says. */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf, type Kind, type New } from "../../../lib/kind.ts";
import { matchesLabels, selectorFrom } from "../../../lib/selector/labels.ts";
import { isReason } from "../../../lib/status.ts";
import type { Deployment, ReplicaSet } from "../../../lib/types/apps_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import { aspectOf } from "../changes.ts";
import { adopt, claim, controllerKey, controllerOf, release } from "../owner.ts";
import type { Parts } from "../parts.ts";
import { isNamespaceTerminating } from "../pod_template.ts";
import { createRefused, type DeploymentAction, type DeploymentView, planDeployment } from "./plan.ts";

const deploymentKind = kinds.Deployment as Kind;
const setKind = kinds.ReplicaSet as Kind;

export function deploymentController(parts: Parts): Controller<DeploymentView, DeploymentAction> {
  const { deployments, replicaSets, pods } = parts.informers;
  const matcher = (deployment: Deployment) => {
    const selector = selectorFrom(deployment.spec.selector);
    return (set: ReplicaSet) => matchesLabels(selector, set.metadata.labels);
  };
  const keysOfSet = (set: ReplicaSet): readonly string[] => {
    if (controllerOf(set) !== undefined) return present(controllerKey(set, deploymentKind));
    return deployments.by("namespace", set.metadata.namespace).filter((d) => matcher(d)(set)).map(keyOf);
  };
  /** Only `Recreate` waits for pods. */
  const keysOfPod = (pod: Pod): readonly string[] => {
    const setKey = controllerKey(pod, setKind);
    const set = setKey === undefined ? undefined : replicaSets.get(setKey);
    const key = set === undefined ? undefined : controllerKey(set, deploymentKind);
    const deployment = key === undefined ? undefined : deployments.get(key);
    return deployment?.spec.strategy?.type === "Recreate" ? [key!] : [];
  };
  return {
    name: "deployment-controller",
    sources: [
      source(deployments, (deployment) => [keyOf(deployment)]),
      source(replicaSets, keysOfSet),
      source(aspectOf(pods, (pod) => pod.status.phase), keysOfPod),
    ],
    view(key) {
      const deployment = deployments.get(key);
      if (deployment === undefined) return undefined;
      const { namespace, uid } = deployment.metadata;
      const candidates = [...replicaSets.by("controller", uid), ...replicaSets.by("orphan", namespace)];
      const sets = claim(deployment, candidates, matcher(deployment));
      const recreates = deployment.spec.strategy?.type === "Recreate";
      return {
        deployment,
        sets,
        pods: new Map(recreates ? sets.mine.map(({ metadata: { uid } }) => [uid, pods.by("controller", uid)]) : []),
        named: (name) => replicaSets.get(`${namespace}/${name}`),
      };
    },
    plan: planDeployment,
    execute: (action, client, { deployment }) => executeDeployment(action, client, deployment, parts),
  };
}

const present = (key: string | undefined) => key === undefined ? [] : [key];

async function executeDeployment(
  action: DeploymentAction,
  client: Client,
  deployment: Deployment,
  parts: Parts,
): Promise<void> {
  const { recorder } = parts;
  switch (action.do) {
    case "adopt":
      return await adopt(client, deploymentKind, deployment, setKind, action.set);
    case "release":
      return await release(client, deployment, setKind, action.set);
    case "createSet":
      return await createSet(client, deployment, action.set, parts);
    case "updateSet":
      await client.update(kinds.ReplicaSet, action.set);
      if (action.event !== undefined) recorder.event(deployment, "Normal", "ScalingReplicaSet", action.event);
      return;
    case "deleteSet":
      return await deleteSet(client, action.set);
    case "updateStatus":
      await client.update(kinds.Deployment, action.deployment, { subresource: "status" });
      return;
    case "warn":
      recorder.event(deployment, "Warning", action.reason, action.message);
  }
}

async function createSet(
  client: Client,
  deployment: Deployment,
  set: ReplicaSet,
  { recorder, clock }: Parts,
): Promise<void> {
  try {
    const created = await client.create(kinds.ReplicaSet, set as New<ReplicaSet>);
    const replicas = set.spec.replicas ?? 0;
    if (replicas === 0) return;
    const message = `Scaled up replica set ${created.metadata.name} from 0 to ${replicas}`;
    recorder.event(deployment, "Normal", "ScalingReplicaSet", message);
  } catch (error) {
    // AlreadyExists: the informer is behind; once it has caught up the plan knows whether the set is ours or a collision.
    if (!isReason(error, "AlreadyExists") && !isNamespaceTerminating(error)) {
      const { message } = error as Error;
      const text = `Failed to create new replica set ${JSON.stringify(set.metadata.name)}: ${message}`;
      recorder.event(deployment, "Warning", "ReplicaSetCreateError", text);
      const refused = createRefused(deployment, set, message, clock.now());
      if (refused !== undefined) await client.update(kinds.Deployment, refused, { subresource: "status" });
    }
    throw error;
  }
}

async function deleteSet(client: Client, set: ReplicaSet): Promise<void> {
  try {
    await client.delete(kinds.ReplicaSet, set.metadata, { preconditions: { uid: set.metadata.uid } });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
