import assert from "assert";
import { createInformer } from "../../lib/informer/informer.ts";
import { nodeLeaveMsMax } from "../../lib/limits.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { nextTurn } from "../../lib/seams/turn.ts";
import { Node as NodeKind, Pod as PodKind } from "../../lib/types/kinds.ts";
import { createFakeClient } from "../../tests/harness/fake_client.ts";
import { leaveNode, leftAnnotation, podsToMove, returnNode } from "./leave.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const node = (name: string, more: { ready?: boolean; unschedulable?: boolean } = {}): Loose => ({
  metadata: { name },
  spec: more.unschedulable ? { unschedulable: true } : {},
  status: { conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }] },
});
const pod = (name: string, more: { owner?: string; phase?: string } = {}): Loose => ({
  metadata: {
    name,
    namespace: "default",
    ownerReferences: more.owner === undefined ? [] : [{ kind: more.owner, controller: true, name: "o", uid: "o" }],
  },
  spec: { nodeName: "n1", containers: [{ name: "app", image: "app:1" }] },
  status: { phase: more.phase ?? "Running" },
});

Deno.test("podsToMove() leaves what would come back, what has ended, and everything where there is no other node", () => {
  const pods = [
    pod("a"),
    pod("b", { owner: "ReplicaSet" }),
    pod("c", { owner: "DaemonSet" }),
    pod("d", { phase: "Failed" }),
  ];
  const names = (...nodes: Loose[]) => podsToMove(pods, nodes, "n1").map(({ metadata }) => metadata.name).join(" ");
  assert.equal(names(node("n1"), node("n2")), "a b");
  assert.equal(names(node("n1")), "");
  assert.equal(names(node("n1"), node("n2", { ready: false }), node("n3", { unschedulable: true })), "");
});

async function scene() {
  const clock = new FakeClock();
  const client = createFakeClient({ clock });
  for (const one of [node("n1"), node("n2")]) await client.create(NodeKind, one);
  for (const one of [pod("a"), pod("b", { owner: "DaemonSet" })]) await client.create(PodKind, one);
  const stop = new AbortController();
  const pods = createInformer(client, PodKind, { clock });
  const nodes = createInformer(client, NodeKind, { clock });
  const running = Promise.all([pods.run(stop.signal), nodes.run(stop.signal)]);
  await Promise.all([pods.synced, nodes.synced]);
  return {
    client,
    clock,
    options: { client, clock, pods, nodes, name: "n1" },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

Deno.test("leaveNode() takes nothing new and ends when the pods are gone; returnNode() takes it back", async () => {
  await using s = await scene();
  const leaving = leaveNode(s.options);
  let ended = false;
  void leaving.then(() => ended = true);
  for (let turn = 0; turn < 10; turn++) await nextTurn();
  const { spec, metadata } = await s.client.get(NodeKind, { name: "n1" });
  assert.deepEqual([spec.unschedulable, metadata.annotations?.[leftAnnotation]], [true, "true"]);
  const left = (await s.client.list(PodKind, {})).items;
  assert.deepEqual(left.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp !== undefined]), [
    ["a", true],
    ["b", false],
  ]);
  assert.equal(ended, false);
  await s.client.delete(PodKind, { namespace: "default", name: "a" }, { gracePeriodSeconds: 0 });
  await leaving;
  while (s.options.nodes.get("n1")?.spec.unschedulable !== true) await nextTurn();
  await returnNode(s.options);
  const back = await s.client.get(NodeKind, { name: "n1" });
  assert.deepEqual([back.spec.unschedulable, back.metadata.annotations?.[leftAnnotation]], [undefined, undefined]);
});

Deno.test("leaveNode() does not wait for ever", async () => {
  await using s = await scene();
  const leaving = leaveNode(s.options);
  for (let turn = 0; turn < 10; turn++) await nextTurn();
  await s.clock.advance(nodeLeaveMsMax);
  await leaving;
});
