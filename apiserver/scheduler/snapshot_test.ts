import assert from "assert";
import fc from "fast-check";
import type { Node, Pod } from "../../lib/types/core_v1.ts";
import { podInfo } from "./pod_info.ts";
import { Snapshot } from "./snapshot.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const node = (name: string, zone: string): Node =>
  ({
    metadata: { name, labels: { zone } },
    spec: {},
    status: { allocatable: { cpu: "4", memory: "8Gi", pods: "10" } },
  }) as Loose;

const pod = (uid: string, app: string): Pod =>
  ({
    metadata: { name: uid, namespace: "default", uid, labels: { app } },
    spec: { containers: [{ resources: { requests: { cpu: "100m" } }, ports: [{ hostPort: 80 }] }] },
    status: {},
  }) as Loose;

/** What a fresh count says. */
function counted(snapshot: Snapshot): Record<string, number> {
  const domains: Record<string, number> = {};
  for (const { pods, labels } of snapshot.nodes) {
    for (const { labels: { app } } of pods.values()) {
      if (app === "web") domains[labels.zone!] = (domains[labels.zone!] ?? 0) + 1;
    }
  }
  return domains;
}

Deno.test("Snapshot keeps its counts right whatever comes and goes", () => {
  const names = fc.constantFrom("a", "b", "c");
  const zones = fc.constantFrom("1", "2");
  const uids = fc.constantFrom("p1", "p2", "p3", "p4", "p5");
  const step = fc.oneof(
    fc.record({ do: fc.constant("node" as const), name: names, zone: zones }),
    fc.record({ do: fc.constant("dropNode" as const), name: names }),
    fc.record({ do: fc.constant("pod" as const), uid: uids, app: fc.constantFrom("web", "db"), name: names }),
    fc.record({ do: fc.constant("dropPod" as const), uid: uids }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const snapshot = new Snapshot();
    const web = () => snapshot.tally("web", "default", ({ labels }) => labels.app === "web");
    for (const one of steps) {
      if (one.do === "node") snapshot.setNode(node(one.name, one.zone));
      if (one.do === "dropNode") snapshot.removeNode(one.name);
      if (one.do === "pod") snapshot.add(podInfo(pod(one.uid, one.app)), one.name);
      if (one.do === "dropPod") snapshot.remove(one.uid);
      assert.deepEqual(Object.fromEntries(web().inDomains("zone")), counted(snapshot));
      snapshot.nodes.forEach((info, i) => {
        assert.equal(info.index, i);
        assert.equal(info.cpu, info.pods.size * 100);
        assert.equal(info.hasPorts, info.pods.size > 0);
      });
    }
  }));
});

Deno.test("Snapshot keeps pods whose Node comes later", () => {
  const snapshot = new Snapshot();
  snapshot.add(podInfo(pod("p", "web")), "a");
  assert.equal(snapshot.nodeOf("p"), undefined);
  snapshot.setNode(node("a", "1"));
  assert.equal(snapshot.nodeOf("p")?.name, "a");
  snapshot.removeNode("a");
  assert.equal(snapshot.nodeOf("p"), undefined);
  snapshot.setNode(node("a", "1"));
  assert.equal(snapshot.get("a")!.pods.size, 1);
});
