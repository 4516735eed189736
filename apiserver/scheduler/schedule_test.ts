import assert from "assert";
import { seededRandom } from "../../lib/seams/random.ts";
import type { Node, Pod, Service } from "../../lib/types/core_v1.ts";
import { emptyCatalogue } from "./catalogue.ts";
import { failureMessage } from "./message.ts";
import { podInfo } from "./pod_info.ts";
import { feasibleWanted, isPlaced, schedule } from "./schedule.ts";
import { Snapshot } from "./snapshot.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

interface NodeWish {
  labels?: Record<string, string>;
  cpu?: string;
  memory?: string;
  pods?: number;
  more?: Record<string, string>;
  taints?: string[];
  unschedulable?: boolean;
  images?: Loose[];
}

/** Taints are written `key=value:Effect`. */
function node(name: string, wish: NodeWish = {}): Node {
  const { cpu = "4", memory = "8Gi", pods = 110 } = wish;
  return {
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...wish.labels } },
    spec: {
      unschedulable: wish.unschedulable,
      taints: (wish.taints ?? []).map((text) => {
        const [, key, value, effect] = /^([^=:]+)=?([^:]*):(.*)$/.exec(text)!;
        return { key, value, effect };
      }),
    },
    status: { allocatable: { cpu, memory, pods: String(pods), ...wish.more }, images: wish.images },
  } as Loose;
}

let serial = 0;
function pod(spec: Loose = {}, metadata: Loose = {}): Pod {
  const { cpu, memory, ports, ...rest } = spec;
  const requests = { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}), ...spec.requests };
  delete rest.requests;
  const uid = `p${serial++}`;
  return {
    metadata: {
      name: uid,
      namespace: "default",
      uid,
      labels: { app: "web" },
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...metadata,
    },
    spec: { containers: [{ name: "c", image: "web:1", resources: { requests }, ports }], ...rest },
    status: {},
  } as Loose;
}

interface Case {
  name: string;
  nodes: Node[];
  /** Node → pods that are there. */
  there?: Record<string, Pod[]>;
  pod: Pod;
  /** The Node, one of several, or the message. */
  expect: string | string[];
  namespaces?: Record<string, Record<string, string>>;
  catalogue?: Partial<typeof emptyCatalogue>;
}

function run({ nodes, there = {}, pod, namespaces = {}, catalogue }: Case): string {
  const snapshot = new Snapshot();
  snapshot.namespaceLabels = (name) => namespaces[name];
  nodes.forEach((n) => snapshot.setNode(n));
  for (const [name, pods] of Object.entries(there)) pods.forEach((p) => snapshot.add(podInfo(p), name));
  const options = { start: 0, random: seededRandom(1) };
  const placement = schedule(podInfo(pod), snapshot, { ...emptyCatalogue, ...catalogue }, options);
  return isPlaced(placement) ? placement.node.name : failureMessage(placement);
}

function check(cases: Case[]): void {
  for (const one of cases) {
    const actual = run(one);
    if (Array.isArray(one.expect)) assert(one.expect.includes(actual), `${one.name}: ${actual}`);
    else assert.equal(actual, one.expect, one.name);
  }
}

Deno.test("schedule() asks Nodes for resources", () => {
  const big = () => pod({ cpu: "3" });
  check([
    { name: "room", nodes: [node("a")], pod: big(), expect: "a" },
    { name: "no nodes", nodes: [], pod: big(), expect: "no nodes available to schedule pods" },
    {
      name: "used",
      nodes: [node("a")],
      there: { a: [big()] },
      pod: big(),
      expect: "0/1 nodes are available: 1 Insufficient cpu.",
    },
    {
      name: "several reasons, each counted",
      nodes: [node("a", { cpu: "1" }), node("b", { cpu: "1", memory: "1Gi" }), node("c", { pods: 0 })],
      pod: pod({ cpu: "2", memory: "2Gi" }),
      expect: "0/3 nodes are available: 1 Insufficient memory, 1 Too many pods, 2 Insufficient cpu.",
    },
    {
      name: "nothing requested, but no place",
      nodes: [node("a", { pods: 1 })],
      there: { a: [pod()] },
      pod: pod(),
      expect: "0/1 nodes are available: 1 Too many pods.",
    },
    {
      name: "extended resources",
      nodes: [node("a"), node("b", { more: { "example.com/gpu": "2" } })],
      there: { b: [pod({ requests: { "example.com/gpu": "1" } })] },
      pod: pod({ requests: { "example.com/gpu": "1" } }),
      expect: "b",
    },
    {
      name: "extended resources lack",
      nodes: [node("a")],
      pod: pod({ requests: { "example.com/gpu": "1" } }),
      expect: "0/1 nodes are available: 1 Insufficient example.com/gpu.",
    },
    {
      name: "ephemeral storage",
      nodes: [node("a", { more: { "ephemeral-storage": "1Gi" } })],
      pod: pod({ requests: { "ephemeral-storage": "2Gi" } }),
      expect: "0/1 nodes are available: 1 Insufficient ephemeral-storage.",
    },
    {
      name: "the largest init container counts",
      nodes: [node("a")],
      pod: pod({ cpu: "1", initContainers: [{ name: "i", resources: { requests: { cpu: "5" } } }] }),
      expect: "0/1 nodes are available: 1 Insufficient cpu.",
    },
    {
      name: "sidecars run beside",
      nodes: [node("a")],
      pod: pod({
        cpu: "3",
        initContainers: [{ name: "i", restartPolicy: "Always", resources: { requests: { cpu: "2" } } }],
      }),
      expect: "0/1 nodes are available: 1 Insufficient cpu.",
    },
    {
      name: "overhead",
      nodes: [node("a")],
      pod: pod({ cpu: "4", overhead: { cpu: "1m" } }),
      expect: "0/1 nodes are available: 1 Insufficient cpu.",
    },
  ]);
});

Deno.test("schedule() keeps pods from Nodes that they don't tolerate or match", () => {
  check([
    {
      name: "cordoned",
      nodes: [node("a", { unschedulable: true })],
      pod: pod(),
      expect: "0/1 nodes are available: 1 node(s) were unschedulable.",
    },
    {
      name: "cordon tolerated",
      nodes: [node("a", { unschedulable: true })],
      pod: pod({ tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] }),
      expect: "a",
    },
    {
      name: "tainted",
      nodes: [
        node("a", { taints: ["x=y:NoSchedule"] }),
        node("b", { taints: ["x:NoExecute"] }),
        node("c", { cpu: "1" }),
      ],
      pod: pod({ cpu: "2" }),
      expect: "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).",
    },
    { name: "preferring is no must", nodes: [node("a", { taints: ["x:PreferNoSchedule"] })], pod: pod(), expect: "a" },
    {
      name: "the other one is preferred",
      nodes: [node("a", { taints: ["x:PreferNoSchedule"] }), node("b")],
      pod: pod(),
      expect: "b",
    },
    {
      name: "selector",
      nodes: [node("a"), node("b", { labels: { disk: "ssd" } })],
      pod: pod({ nodeSelector: { disk: "ssd" } }),
      expect: "b",
    },
    {
      name: "selector unmatched",
      nodes: [node("a")],
      pod: pod({ nodeSelector: { disk: "ssd" } }),
      expect: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    },
    {
      name: "Gt",
      nodes: [node("a", { labels: { cores: "4" } }), node("b", { labels: { cores: "16" } })],
      pod: pod(required([{ matchExpressions: [{ key: "cores", operator: "Gt", values: ["8"] }] }])),
      expect: "b",
    },
    {
      name: "Lt",
      nodes: [node("a", { labels: { cores: "4" } }), node("b", { labels: { cores: "16" } })],
      pod: pod(required([{ matchExpressions: [{ key: "cores", operator: "Lt", values: ["8"] }] }])),
      expect: "a",
    },
    {
      name: "terms are alternatives",
      nodes: [node("a", { labels: { y: "1" } })],
      pod: pod(
        required([{ matchExpressions: [{ key: "x", operator: "Exists" }] }, {
          matchExpressions: [{ key: "y", operator: "Exists" }],
        }]),
      ),
      expect: "a",
    },
    {
      name: "an empty term matches nothing",
      nodes: [node("a")],
      pod: pod(required([{}])),
      expect: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    },
    {
      name: "by name",
      nodes: [node("a"), node("b")],
      pod: pod(required([{ matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }] }])),
      expect: "b",
    },
    {
      name: "by name, and that is full",
      nodes: [node("a"), node("b", { pods: 0 })],
      pod: pod(required([{ matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }] }])),
      expect: "0/2 nodes are available: 1 Too many pods, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    },
    {
      name: "preferred",
      nodes: [node("a"), node("b", { labels: { disk: "ssd" } })],
      pod: pod({
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, preference: { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] } },
            ],
          },
        },
      }),
      expect: "b",
    },
  ]);
});

const required = (nodeSelectorTerms: Loose[]) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});

Deno.test("schedule() gives a host port to one pod per address", () => {
  const port = (hostIP?: string, protocol = "TCP") =>
    pod({ ports: [{ containerPort: 80, hostPort: 80, hostIP, protocol }] });
  const taken = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.";
  check([
    { name: "taken", nodes: [node("a")], there: { a: [port()] }, pod: port(), expect: taken },
    { name: "another protocol", nodes: [node("a")], there: { a: [port()] }, pod: port(undefined, "UDP"), expect: "a" },
    { name: "all addresses", nodes: [node("a")], there: { a: [port("10.0.0.1")] }, pod: port(), expect: taken },
    {
      name: "another address",
      nodes: [node("a")],
      there: { a: [port("10.0.0.1")] },
      pod: port("10.0.0.2"),
      expect: "a",
    },
    {
      name: "the same address",
      nodes: [node("a")],
      there: { a: [port("10.0.0.1")] },
      pod: port("10.0.0.1"),
      expect: taken,
    },
    { name: "elsewhere", nodes: [node("a"), node("b")], there: { a: [port()] }, pod: port(), expect: "b" },
  ]);
});

const zone = (value: string) => ({ labels: { zone: value } });
const spread = (more: Loose = {}) => ({
  topologySpreadConstraints: [{
    maxSkew: 1,
    topologyKey: "zone",
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: { app: "web" } },
    ...more,
  }],
});

Deno.test("schedule() keeps topology domains within maxSkew", () => {
  const nodes = () => [node("a", zone("1")), node("b", zone("2"))];
  const skewed = "node(s) didn't match pod topology spread constraints";
  check([
    { name: "the emptier", nodes: nodes(), there: { a: [pod()] }, pod: pod(spread()), expect: "b" },
    {
      name: "full elsewhere",
      nodes: [node("a", zone("1")), node("b", { ...zone("2"), cpu: "0" })],
      there: { a: [pod()] },
      pod: pod({ ...spread(), cpu: "1" }),
      expect: `0/2 nodes are available: 1 Insufficient cpu, 1 ${skewed}.`,
    },
    {
      name: "more skew",
      nodes: [node("a", zone("1")), node("b", { ...zone("2"), cpu: "0" })],
      there: { a: [pod()] },
      pod: pod({ ...spread({ maxSkew: 2 }), cpu: "1" }),
      expect: "a",
    },
    {
      name: "others don't count",
      nodes: [node("a", zone("1")), node("b", { ...zone("2"), cpu: "0" })],
      there: {
        a: [
          pod({}, { labels: { app: "other" } }),
          pod({}, { namespace: "other" }),
          pod({}, { deletionTimestamp: "2026-01-01T00:00:00Z" }),
        ],
      },
      pod: pod({ ...spread(), cpu: "1" }),
      expect: "a",
    },
    {
      name: "no label",
      nodes: [node("a")],
      pod: pod(spread()),
      expect: `0/1 nodes are available: 1 ${skewed} (missing required label).`,
    },
    {
      name: "Nodes that it can't go to don't count",
      nodes: [node("a", zone("1")), node("b", { labels: { zone: "2", x: "1" } })],
      there: { b: [pod()] },
      pod: pod({ ...spread(), nodeSelector: { x: "1" } }),
      expect: "b",
    },
    {
      name: "unless they should",
      nodes: [node("a", zone("1")), node("b", { labels: { zone: "2", x: "1" } })],
      there: { b: [pod()] },
      pod: pod({ ...spread({ nodeAffinityPolicy: "Ignore" }), nodeSelector: { x: "1" } }),
      expect: `0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 ${skewed}.`,
    },
    {
      name: "tainted ones count by default",
      nodes: [node("a", { ...zone("1"), taints: ["x:NoSchedule"] }), node("b", zone("2"))],
      there: { b: [pod()] },
      pod: pod(spread()),
      expect: `0/2 nodes are available: 1 ${skewed}, 1 node(s) had untolerated taint(s).`,
    },
    {
      name: "and not with Honor",
      nodes: [node("a", { ...zone("1"), taints: ["x:NoSchedule"] }), node("b", zone("2"))],
      there: { b: [pod()] },
      pod: pod(spread({ nodeTaintsPolicy: "Honor" })),
      expect: "b",
    },
    {
      name: "minDomains",
      nodes: nodes(),
      there: { a: [pod()], b: [pod()] },
      pod: pod(spread({ minDomains: 3 })),
      expect: `0/2 nodes are available: 2 ${skewed}.`,
    },
    {
      name: "matchLabelKeys",
      nodes: nodes(),
      there: {
        a: [pod({}, { labels: { app: "web", hash: "old" } })],
        b: [pod({}, { labels: { app: "web", hash: "new" } })],
      },
      pod: pod(spread({ matchLabelKeys: ["hash"] }), { labels: { app: "web", hash: "new" } }),
      expect: "a",
    },
    {
      name: "ScheduleAnyway only prefers",
      nodes: nodes(),
      there: { a: [pod(), pod()] },
      pod: pod(spread({ whenUnsatisfiable: "ScheduleAnyway" })),
      expect: "b",
    },
  ]);
});

const near = (kind: "podAffinity" | "podAntiAffinity", more: Loose = {}) => ({
  affinity: {
    [kind]: {
      requiredDuringSchedulingIgnoredDuringExecution: [{
        topologyKey: "zone",
        labelSelector: { matchLabels: { app: "db" } },
        ...more,
      }],
    },
  },
});
const db = (more: Loose = {}) => pod({}, { labels: { app: "db" }, ...more });

Deno.test("schedule() keeps pods together and apart", () => {
  const nodes = () => [node("a", zone("1")), node("b", zone("1")), node("c", zone("2"))];
  const preferred = (kind: string, weight: number) => ({
    affinity: {
      [kind]: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight, podAffinityTerm: { topologyKey: "zone", labelSelector: { matchLabels: { app: "db" } } } },
        ],
      },
    },
  });
  check([
    { name: "together", nodes: nodes(), there: { c: [db()] }, pod: pod(near("podAffinity")), expect: "c" },
    {
      name: "nobody to join",
      nodes: nodes(),
      pod: pod(near("podAffinity")),
      expect: "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.",
    },
    {
      name: "the first of its kind",
      nodes: [node("a"), node("b", zone("1"))],
      pod: pod(near("podAffinity"), { labels: { app: "db" } }),
      expect: "b",
    },
    { name: "apart", nodes: nodes(), there: { a: [db()] }, pod: pod(near("podAntiAffinity")), expect: "c" },
    {
      name: "nowhere apart",
      nodes: nodes(),
      there: { a: [db()], c: [db()] },
      pod: pod(near("podAntiAffinity")),
      expect: "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.",
    },
    {
      name: "they want to be apart",
      nodes: nodes(),
      there: { a: [pod(near("podAntiAffinity"))] },
      pod: db(),
      expect: "c",
    },
    {
      name: "they want to be apart everywhere",
      nodes: [node("a", zone("1"))],
      there: { a: [pod(near("podAntiAffinity"))] },
      pod: db(),
      expect: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    },
    {
      name: "another namespace is not meant",
      nodes: nodes(),
      there: { c: [db({ namespace: "other" })] },
      pod: pod(near("podAffinity")),
      expect: "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.",
    },
    {
      name: "unless it is named",
      nodes: nodes(),
      there: { c: [db({ namespace: "other" })] },
      pod: pod(near("podAffinity", { namespaces: ["other"] })),
      expect: "c",
    },
    {
      name: "or selected",
      nodes: nodes(),
      there: { c: [db({ namespace: "other" })] },
      namespaces: { other: { team: "x" } },
      pod: pod(near("podAffinity", { namespaceSelector: { matchLabels: { team: "x" } } })),
      expect: "c",
    },
    {
      name: "prefers company",
      nodes: nodes(),
      there: { c: [db()] },
      pod: pod(preferred("podAffinity", 10)),
      expect: "c",
    },
    {
      name: "prefers to be alone",
      nodes: nodes(),
      there: { c: [db()] },
      pod: pod(preferred("podAntiAffinity", 10)),
      expect: ["a", "b"],
    },
    {
      name: "others prefer its company",
      nodes: nodes(),
      there: { c: [pod(preferred("podAffinity", 10))] },
      pod: db(),
      expect: "c",
    },
  ]);
});

Deno.test("schedule() prefers emptier Nodes, those with the image, and spreads the pods of a Service", () => {
  const service = {
    metadata: { name: "web", namespace: "default" },
    spec: { selector: { app: "web" } },
  } as unknown as Service;
  check([
    {
      name: "emptier",
      nodes: [node("a"), node("b")],
      there: { a: [pod({ cpu: "2", memory: "4Gi" })] },
      pod: pod({ cpu: "1", memory: "1Gi" }),
      expect: "b",
    },
    {
      name: "image",
      nodes: [node("a"), node("b", { images: [{ names: ["web:1"], sizeBytes: 2_000_000_000 }] })],
      pod: pod(),
      expect: "b",
    },
    {
      name: "siblings apart, even where there is less room",
      nodes: [node("a", { cpu: "64", memory: "128Gi" }), node("b", { cpu: "64", memory: "128Gi" })],
      there: { a: [pod()], b: [pod({ cpu: "2", memory: "4Gi" }, { labels: { app: "other" } })] },
      pod: pod(),
      catalogue: { services: () => [service] },
      expect: "b",
    },
  ]);
});

Deno.test("schedule() checks bound volumes", () => {
  const uses = (claimName: string) => pod({ volumes: [{ name: "v", persistentVolumeClaim: { claimName } }] });
  const claim = (volumeName?: string, accessModes = ["ReadWriteOnce"]) =>
    ({
      metadata: { annotations: volumeName && { "pv.kubernetes.io/bind-completed": "yes" } },
      spec: { volumeName, accessModes },
    }) as Loose;
  const volume = {
    spec: {
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["2"] }] }] },
      },
    },
  } as Loose;
  const catalogue = (claims: Record<string, Loose>) => ({
    knowsVolumes: true,
    claim: (key: string) => claims[key],
    volume: (name: string) => name === "pv" ? volume : undefined,
  });
  const nodes = [node("a", zone("1")), node("b", zone("2"))];
  check([
    {
      name: "missing",
      nodes,
      pod: uses("x"),
      catalogue: catalogue({}),
      expect: '0/2 nodes are available: persistentvolumeclaim "x" not found.',
    },
    {
      name: "unbound",
      nodes,
      pod: uses("x"),
      catalogue: catalogue({ "default/x": claim() }),
      expect: "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
    },
    {
      name: "where the volume is",
      nodes,
      pod: uses("x"),
      catalogue: catalogue({ "default/x": claim("pv") }),
      expect: "b",
    },
    {
      name: "whose volume is gone",
      nodes,
      pod: uses("x"),
      catalogue: catalogue({ "default/x": claim("other") }),
      expect: "0/2 nodes are available: 2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s).",
    },
    {
      name: "named, and not bound yet",
      nodes,
      pod: uses("x"),
      catalogue: catalogue({ "default/x": { metadata: {}, spec: { volumeName: "pv", accessModes: [] } } as Loose }),
      expect: "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
    },
    {
      name: "used by one pod only",
      nodes,
      there: { b: [uses("x")] },
      pod: uses("x"),
      catalogue: catalogue({ "default/x": claim("pv", ["ReadWriteOncePod"]) }),
      expect:
        "0/2 nodes are available: 1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode, " +
        "1 node(s) didn't match PersistentVolume's node affinity.",
    },
  ]);
});

Deno.test("schedule() says what it can't give", () => {
  check([
    {
      name: "claims",
      nodes: [node("a")],
      pod: pod({ resourceClaims: [{ name: "gpu" }] }),
      expect: "0/1 nodes are available: resource claims (spec.resourceClaims) are not supported.",
    },
    {
      name: "groups",
      nodes: [node("a")],
      pod: pod({ schedulingGroup: {} }),
      expect: "0/1 nodes are available: scheduling groups (spec.schedulingGroup) are not supported.",
    },
  ]);
});

Deno.test("feasibleWanted() looks at all of few Nodes, at a share of many", () => {
  const table = [[50, 50], [99, 99], [100, 100], [1000, 420], [5000, 500], [6000, 300]];
  for (const [nodes, wanted] of table) assert.equal(feasibleWanted(nodes!), wanted);
});

Deno.test("schedule() starts where it is told and answers how many Nodes it looked at", () => {
  const snapshot = new Snapshot();
  for (let i = 0; i < 1000; i++) snapshot.setNode(node(`n${i}`));
  const placement = schedule(podInfo(pod()), snapshot, emptyCatalogue, { start: 900, random: seededRandom(1) });
  assert(isPlaced(placement));
  assert.equal(placement.evaluated, 420);
  assert((placement.node.index + 100) % 1000 < 420);
});
