import assert from "assert";
import type { KubeObject } from "../../../lib/kind.ts";
import { Pod, ReplicaSet } from "../../../lib/types/kinds.ts";
import { Graph, type GraphNode } from "./graph.ts";
import { type GarbageView, type OwnerState, planGarbage } from "./plan.ts";

const verbs = ["list"];
const node = (uid: string, more: Partial<GraphNode> = {}): GraphNode => ({
  uid,
  kind: { ...Pod, verbs },
  ref: { namespace: "default", name: uid },
  resourceVersion: "1",
  owners: [],
  finalizers: [],
  deleting: false,
  ...more,
});
const owner = (uid: string, blockOwnerDeletion = true) => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  name: uid,
  uid,
  blockOwnerDeletion,
});

function plan(states: OwnerState[], more: Partial<GarbageView> = {}): string[] {
  const owners = states.map((state, i) => ({ reference: owner(`o${i}`), state }));
  const view = { node: node("n"), dependents: [], complete: true, ...more, owners };
  return planGarbage(view).map((action) => {
    if (action.do === "delete") return `delete ${action.policy}`;
    if (action.do === "verify") return `verify ${action.owners.map(({ uid }) => uid)}`;
    if (action.do === "dropOwners") return `drop ${action.uids} of ${action.node.uid}`;
    return action.do === "removeFinalizer" ? `finalizer ${action.finalizer}` : action.do;
  });
}

Deno.test("planGarbage() deletes what has no owner left, and only that", () => {
  const table: [string, OwnerState[], Partial<GarbageView>, string[]][] = [
    ["no owners", [], {}, []],
    ["an owner", ["solid"], {}, []],
    ["an owner that is gone", ["absent"], {}, ["delete Background"]],
    ["one of two gone", ["solid", "absent"], {}, ["drop o1 of n"]],
    ["one of two waits", ["solid", "waiting"], {}, ["drop o1 of n"]],
    ["not known: asked first", ["absent", "unknown"], {}, ["verify o1"]],
    ["not known, and not all kinds listed", ["unknown"], { complete: false }, []],
    ["nobody can tell", ["unresolvable"], {}, []],
    ["waits, without dependents", ["waiting"], {}, ["delete Background"]],
    ["waits, with dependents", ["waiting"], { dependents: [node("d")] }, ["delete Foreground"]],
    ["a circle", ["waiting"], { dependents: [node("d", { deleting: true, finalizers: ["foregroundDeletion"] })] }, [
      "unblock",
      "delete Foreground",
    ]],
    ["its own wish: orphan", ["absent"], { node: node("n", { finalizers: ["orphan"] }) }, ["delete Orphan"]],
    ["its own wish: foreground", ["absent"], { node: node("n", { finalizers: ["foregroundDeletion"] }) }, [
      "delete Foreground",
    ]],
    ["being deleted already", ["absent"], { node: node("n", { deleting: true }) }, []],
  ];
  for (const [name, states, more, expected] of table) assert.deepEqual(plan(states, more), expected, name);
});

Deno.test("planGarbage() lets owners go when their dependents have", () => {
  const foreground = node("n", { deleting: true, finalizers: ["foregroundDeletion"] });
  const blocking = node("d", { owners: [owner("n")] });
  const free = node("d", { owners: [owner("n", false)] });
  assert.deepEqual(plan([], { node: foreground, dependents: [blocking] }), []);
  assert.deepEqual(plan([], { node: foreground, dependents: [free] }), ["finalizer foregroundDeletion"]);
  assert.deepEqual(plan([], { node: foreground, complete: false }), []);
  const orphaning = node("n", { deleting: true, finalizers: ["orphan"] });
  assert.deepEqual(plan([], { node: orphaning, dependents: [blocking] }), ["drop n of d", "finalizer orphan"]);
});

const object = (uid: string, more: object = {}) =>
  ({ metadata: { uid, name: uid, namespace: "default", resourceVersion: "1", ...more } }) as KubeObject;

Deno.test("Graph tells of what a change concerns", () => {
  const told: string[] = [];
  const graph = new Graph((uid) => told.push(uid));
  const kind = { ...ReplicaSet, verbs };
  const says = (...uids: string[]) => assert.deepEqual(told.splice(0).sort(), uids.sort());
  graph.set(kind, object("owner"));
  says();
  graph.set(kind, object("child", { ownerReferences: [owner("owner")] }));
  says("child");
  graph.set(kind, object("child", { ownerReferences: [owner("owner")], resourceVersion: "2" }));
  says();
  assert.equal(graph.get("child")!.resourceVersion, "2", "deletions need the newest");
  graph.set(kind, object("owner", { deletionTimestamp: "x", finalizers: ["foregroundDeletion"] }));
  says("owner", "child");
  graph.delete("child");
  says("owner");
  graph.set(kind, object("late", { ownerReferences: [owner("owner")] }));
  says("late", "owner");
  graph.judge("default", "owner", "absent");
  graph.delete("owner");
  says("late");
  assert.deepEqual(graph.dependentsOf("owner").map(({ uid }) => uid), ["late"]);
});

Deno.test("Graph forgets what the server said about an owner when it learns more", () => {
  const graph = new Graph(() => {});
  graph.judge("default", "o", "solid");
  graph.judge("other", "o", "absent");
  assert.deepEqual([graph.verdict("default", "o"), graph.verdict("other", "o")], ["solid", "absent"]);
  graph.set({ ...ReplicaSet, verbs }, object("o"));
  graph.delete("o");
  assert.equal(graph.verdict("default", "o"), undefined, "it was solid, and now it is gone");
});
