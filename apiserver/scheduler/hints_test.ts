import assert from "assert";
import type { Node, Pod } from "../../lib/types/core_v1.ts";
import { arrivalHelps, nodeHelps, removalHelps } from "./hints.ts";
import { NodeInfo } from "./node_info.ts";
import { type PodInfo, podInfo } from "./pod_info.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

let serial = 0;
function pod(spec: Loose = {}, labels: Record<string, string> = {}, namespace = "default"): PodInfo {
  const { cpu = "1", ports, ...rest } = spec;
  const uid = `p${serial++}`;
  const containers = [{ name: "c", resources: { requests: { cpu } }, ports }];
  return podInfo(
    { metadata: { name: uid, namespace, uid, labels }, spec: { containers, ...rest }, status: {} } as Loose as Pod,
  );
}

const node = (cpu: string, more: Loose = {}) =>
  new NodeInfo(
    {
      metadata: { name: "n", labels: more.labels },
      spec: { taints: more.taints },
      status: { allocatable: { cpu, pods: "9" } },
    } as Loose as Node,
  );

const labelSelector = { matchLabels: { app: "db" } };
const near = (kind: string) =>
  pod({
    affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone", labelSelector }] } },
  });
const spread = () =>
  pod({
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector }],
  });
const db = (namespace?: string) => pod({}, { app: "db" }, namespace);
const noLabels = () => undefined;
const refusedBy = (...plugins: string[]) => new Set(plugins);

Deno.test("nodeHelps() asks whether the Node itself would do", () => {
  const table: [string, PodInfo, NodeInfo, string, boolean][] = [
    ["room", pod(), node("2"), "NodeResourcesFit", true],
    ["too small", pod({ cpu: "4" }), node("2"), "NodeResourcesFit", false],
    ["tainted", pod(), node("2", { taints: [{ key: "x", effect: "NoSchedule" }] }), "TaintToleration", false],
    ["not selected", pod({ nodeSelector: { a: "b" } }), node("2"), "NodeAffinity", false],
    ["selected", pod({ nodeSelector: { a: "b" } }), node("2", { labels: { a: "b" } }), "NodeAffinity", true],
    ["another domain", pod({ cpu: "4" }), node("2"), "PodTopologySpread", true],
  ];
  for (const [name, info, on, plugin, expected] of table) {
    assert.equal(nodeHelps(info, on, refusedBy(plugin)), expected, name);
  }
});

Deno.test("removalHelps() asks whether the pod that went was in the way", () => {
  const port = () => pod({ ports: [{ containerPort: 80, hostPort: 80 }] });
  const table: [string, PodInfo, PodInfo, string, boolean][] = [
    ["apart from it", near("podAntiAffinity"), db(), "InterPodAffinity", true],
    ["apart from others", near("podAntiAffinity"), pod(), "InterPodAffinity", false],
    ["apart from those of its namespace", near("podAntiAffinity"), db("other"), "InterPodAffinity", false],
    ["it wanted to be apart", db(), near("podAntiAffinity"), "InterPodAffinity", true],
    ["its port", port(), port(), "NodePorts", true],
    ["no port", port(), pod(), "NodePorts", false],
    ["spread among", spread(), db(), "PodTopologySpread", true],
    ["spread among others", spread(), pod(), "PodTopologySpread", false],
    ["refused for something else", near("podAntiAffinity"), db(), "NodeAffinity", false],
  ];
  for (const [name, info, gone, plugin, expected] of table) {
    assert.equal(removalHelps(info, gone, node("2"), refusedBy(plugin), noLabels), expected, name);
  }
  assert(removalHelps(pod(), pod(), node("2"), refusedBy("NodeResourcesFit"), noLabels));
  assert(!removalHelps(pod({ cpu: "4" }), pod(), node("2"), refusedBy("NodeResourcesFit"), noLabels));
});

Deno.test("arrivalHelps() asks whether the pod that came was waited for", () => {
  const table: [string, PodInfo, PodInfo, string, boolean][] = [
    ["to join", near("podAffinity"), db(), "InterPodAffinity", true],
    ["not to join", near("podAffinity"), pod(), "InterPodAffinity", false],
    ["to be apart from", near("podAntiAffinity"), db(), "InterPodAffinity", false],
    ["spread among", spread(), db(), "PodTopologySpread", true],
    ["another namespace", spread(), db("other"), "PodTopologySpread", false],
  ];
  for (const [name, info, come, plugin, expected] of table) {
    assert.equal(arrivalHelps(info, come, refusedBy(plugin), noLabels), expected, name);
  }
});
