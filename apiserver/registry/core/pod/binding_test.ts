import assert from "assert";
import { isReason } from "../../../../lib/status.ts";
import type { Binding, Pod } from "../../../../lib/types/core_v1.ts";
import { context, created, lines } from "../../meta/kind_scene.ts";
import { pod } from "../pod.ts";
import { podBinding } from "./binding.ts";

const made = (spec: Record<string, unknown> = {}, meta: Record<string, unknown> = {}) =>
  created(pod, { metadata: meta, spec: { containers: [{ name: "a", image: "x" }], ...spec } });

const binding = (target: Record<string, unknown>, meta: Record<string, unknown> = {}) =>
  ({ apiVersion: "v1", kind: "Binding", metadata: { name: "web", ...meta }, target }) as unknown as Binding;

const bind = (object: Pod, body: Binding) => lines(podBinding.apply(object, body, context));

Deno.test("a binding assigns a pod, with what the scheduler wrote beside it", () => {
  const object = made({}, { labels: { app: "web" } });
  object.status.nominatedNodeName = "n2";
  const meta = { annotations: { a: "1" }, labels: { zone: "z" }, uid: "uid-1" };
  assert.deepEqual(bind(object, binding({ kind: "Node", name: "n1" }, meta)), []);
  assert.equal(object.spec.nodeName, "n1");
  assert.deepEqual(object.metadata.labels, { app: "web", zone: "z" });
  assert.deepEqual(object.metadata.annotations, { a: "1" });
  assert.equal(object.metadata.generation, 1);
  assert.equal(object.status.nominatedNodeName, undefined);
  assert.deepEqual(object.status.conditions, [
    { type: "PodScheduled", status: "True", lastTransitionTime: "2026-01-02T03:04:05Z", observedGeneration: 1 },
  ]);
});

Deno.test("a binding without a target is refused, and one of a pod that can go nowhere conflicts", () => {
  assert.deepEqual(bind(made(), binding({ kind: "Pod" })), [
    'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
    "target.name: Required value",
  ]);
  const table: [Pod, Record<string, unknown>, string][] = [
    [made({ nodeName: "n0" }), {}, 'pod web is already assigned to node "n0"'],
    [
      made({}, { deletionTimestamp: "2026-01-02T03:04:05Z" }),
      {},
      "pod web is being deleted, cannot be assigned to a host",
    ],
    [made({ schedulingGates: [{ name: "x/y" }] }), {}, "pod web has non-empty .spec.schedulingGates"],
    [made(), { uid: "uid-2" }, "Precondition failed: UID in precondition: uid-2, UID in object meta: uid-1"],
  ];
  for (const [object, meta, why] of table) {
    const message = `Operation cannot be fulfilled on pods/binding "web": ${why}`;
    assert.throws(
      () => bind(object, binding({ name: "n1" }, meta)),
      (error: Error) => isReason(error, "Conflict") && error.message === message,
      why,
    );
  }
});
