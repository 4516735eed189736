import assert from "assert";
import { clone } from "../../../../lib/patch/equal.ts";
import type { EphemeralContainer, Pod } from "../../../../lib/types/core_v1.ts";
import { context, created, lines } from "../../meta/kind_scene.ts";
import { pod } from "../pod.ts";
import { podEphemeralContainers } from "./ephemeral_containers.ts";

const made = (meta: Record<string, unknown> = {}, spec: Record<string, unknown> = {}) =>
  created(pod, { metadata: meta, spec: { containers: [{ name: "a", image: "x" }], ...spec } });

function set(object: Pod, containers: EphemeralContainer[]): string[] {
  const body = clone(object);
  body.spec.ephemeralContainers = containers;
  // Whatever else the body says does not count.
  body.spec.hostname = "ignored";
  return lines(podEphemeralContainers.apply(object, body, context));
}

Deno.test("ephemeral containers are added to a pod, and its generation moves", () => {
  const object = made();
  assert.deepEqual(set(object, [{ name: "debug", image: "busybox" }]), []);
  assert.deepEqual(object.spec.ephemeralContainers!.map(({ name }) => name), ["debug"]);
  assert.equal(object.metadata.generation, 2);
  assert.equal(object.spec.hostname, undefined);
  assert.deepEqual(set(object, clone(object.spec.ephemeralContainers!)), []);
  assert.equal(object.metadata.generation, 2, "the same again is no change");
});

Deno.test("ephemeral containers stay as they are", () => {
  const object = made();
  set(object, [{ name: "debug", image: "busybox" }]);
  assert.deepEqual(set(clone(object), []), [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
  ]);
  const changed = clone(object.spec.ephemeralContainers!);
  changed[0]!.image = "alpine";
  assert.deepEqual(set(clone(object), changed), [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n' +
    '  debug.image: "busybox" -> "alpine"',
  ]);
  const mirror = made({ annotations: { "kubernetes.io/config.mirror": "x" } }, { nodeName: "n1" });
  assert.deepEqual(set(mirror, []), [": Forbidden: static pods do not support ephemeral containers"]);
});
