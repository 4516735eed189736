/** Does one action of a plan. Effects decide nothing: what follows from them is the next plan's. */
import { isReason } from "../../lib/status.ts";
import { Pod as PodKind } from "../../lib/types/kinds.ts";
import type { Action } from "./actions.ts";
import { createContainer, pullImage, startContainer } from "./container_operations.ts";
import { containerEvent, type PodContext, podEvent } from "./pod_context.ts";
import { resize } from "./resize_operations.ts";
import {
  attachNetwork,
  createSandbox,
  prepareVolumes,
  releaseSandbox,
  releaseVolumes,
  startSandbox,
} from "./sandbox_operations.ts";
import { collect, removeContainer, signal, stop } from "./stop_operations.ts";

/** Rejects when it failed in a way that the pod's memory does not tell of. */
export async function execute(context: PodContext, action: Action): Promise<void> {
  switch (action.do) {
    case "prepareVolumes":
      return await prepareVolumes(context);
    case "pullImage":
      return await pullImage(context, action);
    case "createSandbox":
      return await createSandbox(context, action);
    case "startSandbox":
      return await startSandbox(context, action);
    case "attachNetwork":
      return await attachNetwork(context, action);
    case "createContainer":
      return await createContainer(context, action);
    case "startContainer":
      return await startContainer(context, action);
    case "resize":
      return await resize(context, action);
    case "stop":
      return await stop(context, action);
    case "signal":
      return await signal(context, action);
    case "collect":
      return await collect(context, action);
    case "removeContainer":
      return await removeContainer(context, action);
    case "releaseSandbox":
      return await releaseSandbox(context, action);
    case "releaseVolumes":
      return await releaseVolumes(context);
    case "fail":
      context.memory.failed = { reason: action.reason, message: action.message };
      return podEvent(context, "Warning", action.reason, action.message);
    case "backOff":
      return containerEvent(context, action.member, ["Warning", "BackOff", action.message]);
    case "deletePod":
      return await deletePod(context);
    case "forget":
    case "wakeAt":
      return;
  }
}

/** The pod's last status first: controllers count by it. */
async function deletePod({ parts, pod, memory }: PodContext): Promise<void> {
  const { name, namespace, uid } = pod.metadata;
  await parts.status.flush(uid);
  try {
    await parts.client.delete(PodKind, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    // Gone, or another one has its name: what was asked for is so.
    if (!isReason(error, "NotFound", "Conflict")) throw error;
  }
  memory.deleted = true;
}
