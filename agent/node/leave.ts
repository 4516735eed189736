/**
 * A node's way out, for a host that is shut down or taken from the cluster: nothing new is scheduled here, its pods are deleted so that others
 * take their places, and each is stopped once nothing is sent to it any longer, as with `kubectl drain`. Pods of DaemonSets stay: their
 * like would only come back. The next start takes it back.
 */
import { getLogger } from "log";
import type { Client } from "../../lib/client/client.ts";
import type { Informer } from "../../lib/informer/informer.ts";
import { nodeLeaveMsMax } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Node, Pod } from "../../lib/types/core_v1.ts";
import { Node as NodeKind, Pod as PodKind } from "../../lib/types/kinds.ts";

/** On a Node that was made unschedulable by its own agent. */
export const leftAnnotation = "dev.sauropod/left";

export interface LeaveOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** This node's. */
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly name: string;
}

const logger = getLogger(["sauropod", "agent", "node"]);

const isReady = ({ status }: Node) =>
  status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;

/** The pods that have to go; none when no other node could take their places. Pure. */
export function podsToMove(pods: Iterable<Pod>, nodes: Iterable<Node>, name: string): Pod[] {
  const others = [...nodes].filter((node) => node.metadata.name !== name && isReady(node) && !node.spec.unschedulable);
  if (others.length === 0) return [];
  return [...pods].filter(({ metadata, status }) =>
    status.phase !== "Succeeded" && status.phase !== "Failed" &&
    !metadata.ownerReferences?.some(({ controller, kind }) => controller === true && kind === "DaemonSet")
  );
}

/** Resolves when the pods are gone, or have not gone in time. */
export async function leaveNode({ client, clock, pods, nodes, name }: LeaveOptions): Promise<void> {
  const moving = podsToMove(pods.list(), nodes.list(), name);
  if (moving.length === 0) return;
  logger.info("leaving: {count} pods move to other nodes", { count: moving.length });
  if (nodes.get(name)?.spec.unschedulable !== true) {
    const patch = { metadata: { annotations: { [leftAnnotation]: "true" } }, spec: { unschedulable: true } };
    await client.patch(NodeKind, { name }, { type: "merge", patch });
  }
  const left = new Set(moving.map(({ metadata }) => metadata.uid));
  const gone = Promise.withResolvers<void>();
  pods.onChange(({ old, now }) => {
    if (now === undefined && old !== undefined) left.delete(old.metadata.uid);
    if (left.size === 0) gone.resolve();
  });
  await Promise.all(moving.map(async ({ metadata }) => {
    try {
      await client.delete(PodKind, metadata, { preconditions: { uid: metadata.uid } });
    } catch (error) {
      if (!isReason(error, "NotFound", "Conflict")) throw error;
      left.delete(metadata.uid);
    }
  }));
  if (left.size === 0) return;
  const cancel = clock.after(nodeLeaveMsMax, () => {
    logger.warn("{count} pods did not end in time", { count: left.size });
    gone.resolve();
  });
  await gone.promise;
  cancel();
}

/** Takes pods again, if it was leaveNode() that refused them. */
export async function returnNode({ client, nodes, name }: Omit<LeaveOptions, "pods" | "clock">): Promise<void> {
  await nodes.synced;
  if (nodes.get(name)?.metadata.annotations?.[leftAnnotation] === undefined) return;
  const patch = { metadata: { annotations: { [leftAnnotation]: null } }, spec: { unschedulable: null } };
  await client.patch(NodeKind, { name }, { type: "merge", patch });
}
