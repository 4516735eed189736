/** Watches over Nodes: their heartbeats, taints and the readiness of pods on silent ones. */
import type { Client } from "../../../lib/client/client.ts";
import * as limits from "../../../lib/limits.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import { isReason } from "../../../lib/status.ts";
import type { Node, Pod } from "../../../lib/types/core_v1.ts";
import { Node as NodeKind, Pod as PodKind } from "../../../lib/types/kinds.ts";
import { aspectOf, createBell } from "../changes.ts";
import type { Parts } from "../parts.ts";
import { together } from "../slow_start.ts";
import { type Heartbeat, lifeSign, readiness, silentAt } from "./health.ts";
import { type NodeAction, type NodeView, planNode } from "./plan.ts";
import { zoneOf, type Zones, zonesOf } from "./zones.ts";

export function nodeLifecycleController(parts: Parts): Controller<NodeView, NodeAction> {
  const { informers, clock } = parts;
  const { nodeGraceMs: graceMs = limits.nodeGraceMs, nodeName: own } = parts.config;
  const { nodes, leases, pods } = informers;
  const heartbeats = new Map<string, Heartbeat>();
  const evictions = new Map<string, Instant>();
  const bell = createBell("node-lifecycle");
  let zones: Zones = { states: new Map(), allDown: false };

  /** A changed sign of life is a heartbeat; the first look counts as one, whenever the Node was last heard. */
  function listen(node: Node): Heartbeat {
    const { name } = node.metadata;
    const sign = lifeSign(node, leases.get(`kube-node-lease/${name}`)?.spec.renewTime);
    const known = heartbeats.get(name);
    if (known?.sign === sign) return known;
    const heard = { sign, seenAt: clock.now() };
    heartbeats.set(name, heard);
    return heard;
  }
  /** Counts the zones anew when a Node's readiness changes; where rates change all Nodes are looked at. */
  function recount(): void {
    const before = zones;
    zones = zonesOf(nodes.list(), { own });
    if (before.allDown === zones.allDown) return;
    for (const node of nodes.list()) bell.ring(node.metadata.name);
  }
  /** Who is silent for so long that its next heartbeat is overdue when others' grace, begun a heartbeat earlier, ends. */
  function fears(): Zones | undefined {
    const since = clock.now() - (graceMs - limits.heartbeatSpreadMs);
    const isSilent = (node: Node) => readiness(node) === "True" && listen(node).seenAt <= since;
    if (![...nodes.list()].some(isSilent)) return undefined;
    return zonesOf(nodes.list(), { own, isDown: (node) => readiness(node) !== "True" || isSilent(node) });
  }
  nodes.onChange(({ now, old, key }) => {
    if (now === undefined) heartbeats.delete(key);
    else listen(now);
    const moved = old === undefined || now === undefined || readiness(old) !== readiness(now) ||
      zoneOf(old) !== zoneOf(now);
    if (moved) recount();
    registered(parts, old, now);
  });
  leases.onChange(({ now }) => {
    const node = now?.metadata.namespace === "kube-node-lease" ? nodes.get(now.metadata.name) : undefined;
    if (node !== undefined) listen(node);
  });
  return {
    name: "node-controller",
    sources: [source(aspectOf(nodes, nodeAspect), ({ metadata }) => [metadata.name]), bell.source],
    view(name) {
      const node = nodes.get(name);
      if (node === undefined) return undefined;
      const heartbeat = listen(node);
      const isWell = readiness(node) === "True" && clock.now() < silentAt(node, heartbeat, graceMs);
      return {
        node,
        heartbeat,
        feared: isWell ? undefined : fears(),
        graceMs,
        pods: pods.by("node", name),
        zones,
        lastEviction: evictions.get(zoneOf(node)),
      };
    },
    plan: planNode,
    async execute(action, client, { node }) {
      if (action.do === "setTaints" && action.evicts) evictions.set(zoneOf(node), clock.now());
      await executeNode(action, client, node, parts);
    },
  };
}

/** A heartbeat alone concerns nobody; while a Node lives its silence is looked for by the clock. */
const nodeAspect = ({ metadata, spec, status }: Node) => ({
  labels: metadata.labels,
  spec,
  conditions: (status.conditions ?? []).map(({ type, status }) => ({ type, status })),
  deleting: metadata.deletionTimestamp,
});

function registered({ recorder }: Parts, old: Node | undefined, now: Node | undefined): void {
  const node = now ?? old!;
  if (old !== undefined && now !== undefined) return;
  const { name } = node.metadata;
  const [reason, text] = now === undefined
    ? ["RemovingNode", `Removing Node ${name} from Controller`]
    : ["RegisteredNode", `Registered Node ${name} in Controller`];
  recorder.event(node, "Normal", reason, `Node ${name} event: ${text}`);
}

async function executeNode(action: NodeAction, client: Client, node: Node, { clock, recorder }: Parts): Promise<void> {
  switch (action.do) {
    case "setConditions": {
      const { conditions } = action;
      const metadata = { resourceVersion: node.metadata.resourceVersion };
      await client.patch(NodeKind, node.metadata, { type: "merge", patch: { metadata, status: { conditions } } }, {
        subresource: "status",
      });
      recorder.event(node, "Normal", "NodeNotReady", `Node ${node.metadata.name} status is now: NodeNotReady`);
      return;
    }
    case "setTaints": {
      // A list of taints is replaced whole: what somebody else added since the plan must not get lost.
      const fresh = await client.get(NodeKind, node.metadata);
      const metadata = { resourceVersion: fresh.metadata.resourceVersion };
      if (JSON.stringify(fresh.spec.taints) !== JSON.stringify(node.spec.taints)) return;
      await client.patch(NodeKind, node.metadata, {
        type: "merge",
        patch: { metadata, spec: { taints: action.taints } },
      });
      return;
    }
    case "markNotReady":
      await together(action.pods, (pod) => markNotReady(client, pod, clock.now()));
      for (const pod of action.pods) recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready");
  }
}

async function markNotReady(client: Client, pod: Pod, now: Instant): Promise<void> {
  const unready = { status: "False", lastTransitionTime: rfc3339(now) };
  const conditions = pod.status.conditions!.map((condition) =>
    condition.type === "Ready" ? { ...condition, ...unready } : condition
  );
  const metadata = { resourceVersion: pod.metadata.resourceVersion };
  try {
    await client.patch(PodKind, pod.metadata, { type: "merge", patch: { metadata, status: { conditions } } }, {
      subresource: "status",
    });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
