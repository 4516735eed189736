/**
 * The garbage collector: objects go when all their owners have gone; owners that are deleted in the foreground go after their
 * dependents; dependents of owners that are deleted with `orphan` lose their reference. An owner counts as gone only when the server
 * itself has said so.
 */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, runController } from "../../../lib/controller/controller.ts";
import type { Kind, KubeObject } from "../../../lib/kind.ts";
import { isReason } from "../../../lib/status.ts";
import type { OwnerReference } from "../../../lib/types/meta_v1.ts";
import { createBell } from "../changes.ts";
import { groupOf } from "../owner.ts";
import type { Parts } from "../parts.ts";
import { Graph, type GraphNode, isForeground } from "./graph.ts";
import { Monitors } from "./monitors.ts";
import { type GarbageAction, type GarbageView, type OwnerState, planGarbage } from "./plan.ts";

export const garbageCollectorName = "generic-garbage-collector";

export async function runGarbageCollector(parts: Parts, signal: AbortSignal): Promise<void> {
  const bell = createBell("garbage");
  const held = new Set<string>();
  const graph = new Graph((uid) => bell.ring(uid));
  const monitors = new Monitors(graph, parts);
  const controller: Controller<GarbageView, GarbageAction> = {
    name: garbageCollectorName,
    sources: [bell.source],
    workers: 8,
    view(uid) {
      const node = graph.get(uid);
      if (node === undefined) return undefined;
      const { complete } = monitors;
      // Looked at again when all kinds have been listed.
      if (!complete) held.add(uid);
      const owners = node.owners.map((reference) => ({ reference, state: stateOf(reference, node, graph, monitors) }));
      return { node, owners, dependents: graph.dependentsOf(uid), complete };
    },
    plan: planGarbage,
    async execute(action, client, { node }) {
      if (action.do !== "verify") return await executeGarbage(action, client);
      for (const reference of action.owners) await verify(client, reference, node, graph, monitors);
      bell.ring(node.uid);
    },
  };
  const onComplete = () => {
    for (const uid of held) bell.ring(uid);
    held.clear();
  };
  const loop = runController(controller, { client: parts.client, clock: parts.clock, signal });
  await Promise.all([loop, monitors.run(signal, onComplete)]);
}

function stateOf(reference: OwnerReference, node: GraphNode, graph: Graph, monitors: Monitors): OwnerState {
  const kind = monitors.kindOf(groupOf(reference.apiVersion), reference.kind);
  const { namespace } = node.ref;
  const owner = graph.get(reference.uid);
  if (owner !== undefined && owner.ref.name === reference.name && owner.kind.kind === reference.kind) {
    // A cluster-scoped owner has no namespace; an owner in another namespace is not what the reference means.
    if (owner.ref.namespace === undefined || owner.ref.namespace === namespace) {
      return isForeground(owner) ? "waiting" : "solid";
    }
  }
  if (kind === undefined || (kind.namespaced && namespace === undefined)) return "unresolvable";
  return graph.verdict(namespace, reference.uid) ?? "unknown";
}

/** Asks the server about an owner, and remembers what it says. */
async function verify(
  client: Client,
  reference: OwnerReference,
  node: GraphNode,
  graph: Graph,
  monitors: Monitors,
): Promise<void> {
  const kind = monitors.kindOf(groupOf(reference.apiVersion), reference.kind);
  if (kind === undefined) return;
  const { namespace } = node.ref;
  try {
    const owner = await client.get(
      kind as Kind,
      kind.namespaced ? { namespace, name: reference.name } : { name: reference.name },
    );
    const { uid, deletionTimestamp, finalizers } = owner.metadata;
    const waits = deletionTimestamp !== undefined && (finalizers ?? []).includes("foregroundDeletion");
    graph.judge(namespace, reference.uid, uid !== reference.uid ? "absent" : waits ? "waiting" : "solid");
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
    graph.judge(namespace, reference.uid, "absent");
  }
}

async function executeGarbage(action: Exclude<GarbageAction, { do: "verify" }>, client: Client): Promise<void> {
  const { node } = action;
  try {
    if (action.do === "delete") {
      const preconditions = { uid: node.uid, resourceVersion: node.resourceVersion };
      await client.delete(node.kind as Kind, node.ref, { propagationPolicy: action.policy, preconditions });
      return;
    }
    const live = await client.get(node.kind as Kind, node.ref);
    if (live.metadata.uid !== node.uid) return;
    const metadata = changed(action, live);
    if (metadata === undefined) return;
    const { resourceVersion } = live.metadata;
    await client.patch(node.kind as Kind, node.ref, {
      type: "merge",
      patch: { metadata: { ...metadata, resourceVersion } },
    });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}

/** The members of the object's metadata to write; `undefined` when they are as wanted already. */
function changed(
  action: Exclude<GarbageAction, { do: "verify" | "delete" }>,
  { metadata }: KubeObject,
): object | undefined {
  const owners = metadata.ownerReferences ?? [];
  switch (action.do) {
    case "dropOwners": {
      const left = owners.filter(({ uid }) => !action.uids.includes(uid));
      return left.length === owners.length ? undefined : { ownerReferences: left.length === 0 ? null : left };
    }
    case "unblock":
      return { ownerReferences: owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })) };
    case "removeFinalizer": {
      const finalizers = metadata.finalizers ?? [];
      const left = finalizers.filter((finalizer) => finalizer !== action.finalizer);
      return left.length === finalizers.length ? undefined : { finalizers: left.length === 0 ? null : left };
    }
  }
}
