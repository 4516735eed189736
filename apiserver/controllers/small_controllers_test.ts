/** The controllers of one file each. */
import assert from "assert";
import type { Namespace, Node, Pod } from "../../lib/types/core_v1.ts";
import { addressAt, overlaps, parseRange, rangeText, subnetAt } from "./cidr.ts";
import { lastSeen } from "./event_ttl.ts";
import { planKubernetesService } from "./kubernetes_service.ts";
import { deletionConditions, isEmpty } from "./namespace/conditions.ts";
import { planNamespace } from "./namespace/controller.ts";
import { planNodeIpam } from "./node_ipam.ts";
import { planPodGc } from "./pod_gc.ts";
import { planRootCa } from "./root_ca.ts";
import { canonicalJson, same } from "./same.ts";
import { planServiceAccount } from "./service_account.ts";
import { slowStart } from "./slow_start.ts";
import { planTaintEviction } from "./taint_eviction.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const now = Date.UTC(2026, 0, 1, 12);
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();
const namespace = (
  more: Loose = {},
): Namespace => ({
  metadata: { name: "team", deletionTimestamp: more.deleted },
  spec: { finalizers: ["kubernetes"] },
  status: {},
} as Loose);

Deno.test("planNodeIpam() gives every Node a range of its own", () => {
  const node = (name: string, podCIDR?: string): Node => ({ metadata: { name }, spec: { podCIDR } } as Loose);
  const plan = (nodes: Node[], clusterCidr = "10.244.0.0/16") =>
    planNodeIpam({ nodes, clusterCidr }, 0).map((action) =>
      action.do === "assign" ? `${action.node.metadata.name} ${action.podCIDR}` : action.do
    );
  assert.deepEqual(plan([node("b"), node("a")]), ["a 10.244.0.0/24", "b 10.244.1.0/24"]);
  assert.deepEqual(plan([node("a", "10.244.1.0/24"), node("b"), node("c")]), ["b 10.244.0.0/24", "c 10.244.2.0/24"]);
  assert.deepEqual(plan([node("a", "10.244.0.0/20"), node("b")]), ["b 10.244.16.0/24"], "a wider one is kept clear of");
  assert.deepEqual(plan([node("a"), node("b"), node("c")], "10.0.0.0/23"), [
    "a 10.0.0.0/24",
    "b 10.0.1.0/24",
    "exhausted",
  ]);
  assert.deepEqual(plan([node("a"), node("b")], "10.0.0.0/28"), ["a 10.0.0.0/28", "exhausted"]);
});

Deno.test("parseRange() reads IPv4 ranges", () => {
  assert.equal(rangeText(parseRange("10.96.3.7/16")), "10.96.0.0/16");
  assert.equal(addressAt(parseRange("10.96.0.0/16"), 1), "10.96.0.1");
  assert.equal(subnetAt(parseRange("10.0.0.0/24"), 24, 1), undefined);
  assert(overlaps(parseRange("10.0.0.0/8"), parseRange("10.200.0.0/24")));
  assert(!overlaps(parseRange("10.0.0.0/24"), parseRange("10.0.1.0/24")));
  for (const text of ["10.0.0.0", "10.0.0.256/8", "10.0.0.0/33", "fd00::/64"]) {
    assert.throws(() => parseRange(text), /is no IPv4 range/);
  }
});

Deno.test("planTaintEviction() evicts when a toleration ends", () => {
  const taint = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" as const };
  const since = now - 100_000;
  const plan = (tolerations: Loose[], more: Loose = {}) => {
    const pod = { metadata: { deletionTimestamp: more.deleting }, spec: { tolerations } } as Loose as Pod;
    const [action] = planTaintEviction({ pod, taints: [{ taint, since }, ...more.taints ?? []] }, now);
    return action?.do === "wakeAt" ? (action.at - now) / 1000 : action?.do;
  };
  const tolerates = (tolerationSeconds?: number) => ({
    key: taint.key,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds,
  });
  assert.equal(plan([]), "evict");
  assert.equal(plan([tolerates()]), undefined);
  assert.equal(plan([tolerates(300)]), 200);
  assert.equal(plan([tolerates(100)]), "evict");
  assert.equal(plan([tolerates(-1)]), "evict");
  assert.equal(plan([tolerates(300), tolerates(150)]), 50, "the shortest counts");
  assert.equal(
    plan([tolerates(300)], { taints: [{ taint: { key: "other", effect: "NoExecute" }, since: now }] }),
    "evict",
    "every taint counts",
  );
  assert.equal(plan([], { deleting: at(0) }), undefined);
});

Deno.test("planPodGc() removes what nobody else does", () => {
  const pod = (name: string, more: Loose = {}): Pod => ({
    metadata: {
      name,
      namespace: "default",
      creationTimestamp: at(more.age ? -more.age : -1),
      deletionTimestamp: more.deleting,
    },
    spec: { nodeName: more.node },
    status: { phase: more.phase ?? "Running", reason: more.reason },
  } as Loose);
  const nodes = new Map<string, Node>([
    ["up", { spec: {}, status: { conditions: [{ type: "Ready", status: "True" }] } } as Loose],
    [
      "off",
      { spec: { taints: [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }] }, status: {} } as Loose,
    ],
  ]);
  const plan = (pods: Pod[], missing = new Map<string, number>()) =>
    planPodGc({ pods, nodes, missing }, now).map((action) =>
      action.do === "remove"
        ? action.pod.metadata.name
        : `${action.node}: ${action.pods.map(({ metadata }) => metadata.name)}`
    );
  const deleting = at(0);
  assert.deepEqual(plan([pod("a", { node: "up" }), pod("b", { node: "up", deleting }), pod("c")]), []);
  assert.deepEqual(plan([pod("a", { deleting })]), ["a"], "deleted before it had a node");
  assert.deepEqual(plan([pod("a", { node: "off" }), pod("b", { node: "off", deleting })]), ["b"], "out of service");
  const lost = [pod("a", { node: "lost" }), pod("b", { node: "lost" })];
  assert.deepEqual(plan(lost), []);
  assert.deepEqual(plan(lost, new Map([["lost", now - 39_000]])), []);
  assert.deepEqual(plan(lost, new Map([["lost", now - 40_000]])), ["lost: a,b"]);
  const many = Array.from({ length: 12_502 }, (_, i) => pod(`p${i}`, { phase: "Succeeded", age: i, node: "up" }));
  many.push(pod("evicted", { phase: "Failed", reason: "Evicted", node: "up" }));
  assert.deepEqual(plan(many), ["evicted", "p12501", "p12500"]);
});

Deno.test("planServiceAccount() and planRootCa() fill namespaces that stay", () => {
  assert.deepEqual(planServiceAccount({ namespace: namespace(), exists: true }, 0), []);
  assert.equal(planServiceAccount({ namespace: namespace(), exists: false }, 0).length, 1);
  assert.deepEqual(planServiceAccount({ namespace: namespace({ deleted: at(0) }), exists: false }, 0), []);
  const [create] = planRootCa({ namespace: namespace(), map: undefined, caPem: "A" }, 0);
  assert(create?.do === "create");
  const map = create.map as Loose;
  assert.deepEqual(planRootCa({ namespace: namespace(), map, caPem: "A" }, 0), []);
  const [update] = planRootCa({ namespace: namespace(), map, caPem: "B" }, 0);
  assert(update?.do === "update");
  assert.deepEqual(update.map.data, { "ca.crt": "B" });
});

Deno.test("planKubernetesService() makes and mends the way to the API server", () => {
  const config: Loose = { serviceCidr: "10.96.0.0/12", advertiseAddress: "192.0.2.1", port: 6443 };
  const none = {
    namespace: namespace(),
    service: undefined,
    endpoints: undefined,
    slice: undefined,
    servers: [],
    config,
  };
  const plan = (view: Loose, now = 0): Loose[] => [...planKubernetesService(view, now)];
  const made = plan(none);
  assert.deepEqual(made.map((action) => `${action.do} ${action.what}`), [
    "create service",
    "create endpoints",
    "create slice",
  ]);
  const [service, endpoints, slice] = made.map((action) => action.object as Loose);
  const defaulted = { ...service, spec: { ...service.spec, ipFamilies: ["IPv4"] } };
  assert.deepEqual(plan({ ...none, service: defaulted, endpoints, slice }), []);
  const moved = plan({
    ...none,
    service: defaulted,
    endpoints,
    slice,
    config: { ...config, advertiseAddress: "192.0.2.2" },
  });
  assert.deepEqual(moved.map((action) => `${action.do} ${action.what}`), ["update endpoints", "update slice"]);
  assert.deepEqual(plan({ ...none, namespace: undefined }), []);
});

Deno.test("planKubernetesService() has every API server that renews its Lease, and this one in any case", () => {
  const config: Loose = { serviceCidr: "10.96.0.0/12", advertiseAddress: "192.0.2.1", port: 6443 };
  const server = (address: string, seenAt: number, port = 6443): Loose => ({
    lease: { metadata: { name: address }, spec: { leaseDurationSeconds: 15 } },
    endpoint: { address, port },
    seenAt,
  });
  const check = (
    servers: Loose[],
    seconds: number,
    expected: { addresses: string[]; wakes: number[]; gone?: string[] },
  ) => {
    const view = {
      namespace: namespace(),
      service: undefined,
      endpoints: undefined,
      slice: undefined,
      servers,
      config,
    };
    const actions: Loose[] = [...planKubernetesService(view, seconds * 1000)];
    const object = (what: string) => actions.find((action) => action.what === what)!.object;
    const ips = object("endpoints").subsets[0].addresses.map(({ ip }: Loose) => ip);
    assert.deepEqual(ips, expected.addresses);
    assert.deepEqual(object("slice").endpoints.flatMap(({ addresses }: Loose) => addresses), expected.addresses);
    assert.deepEqual(actions.filter((a) => a.do === "wakeAt").map((a) => a.at / 1000), expected.wakes);
    const gone = actions.filter((a) => a.do === "forget").map((a) => a.lease.metadata.name);
    assert.deepEqual(gone, expected.gone ?? []);
  };
  const all = [server("192.0.2.1", 0), server("192.0.2.3", 5_000), server("192.0.2.2", 9_000)];
  check(all, 10, { addresses: ["192.0.2.1", "192.0.2.2", "192.0.2.3"], wakes: [15, 20, 24] });
  check(all, 20, { addresses: ["192.0.2.1", "192.0.2.2"], wakes: [3600, 3605, 24] });
  check(all, 3606, { addresses: ["192.0.2.1"], wakes: [3609], gone: ["192.0.2.1", "192.0.2.3"] });
  check([server("192.0.2.2", 0, 7443), server("2001:db8::1", 0)], 1, { addresses: ["192.0.2.1"], wakes: [15, 15] });
});

Deno.test("lastSeen() is the latest that an Event says", () => {
  assert.equal(lastSeen({ metadata: { creationTimestamp: at(-10) }, lastTimestamp: at(-5) } as Loose), now - 5000);
  assert.equal(
    lastSeen(
      { metadata: { creationTimestamp: at(-10) }, eventTime: at(-20), series: { lastObservedTime: at(-1) } } as Loose,
    ),
    now - 1000,
  );
});

Deno.test("planNamespace() asks ever more slowly", () => {
  const wait = (deletedBefore: number) => {
    const [, wake] = planNamespace(namespace({ deleted: at(-deletedBefore) }), now);
    return wake?.do === "wakeAt" ? (wake.at - now) / 1000 : undefined;
  };
  assert.deepEqual([wait(0), wait(8), wait(3600)], [0.5, 2, 15]);
  assert.deepEqual(planNamespace(namespace(), now), []);
});

Deno.test("deletionConditions() say what is left, in Kubernetes' words", () => {
  const nothing = { discoveryFailures: [], deletionFailures: [], remaining: new Map(), finalizers: new Map() };
  const left = {
    ...nothing,
    remaining: new Map([["pods.", 2], ["deployments.apps", 1]]),
    finalizers: new Map([["example.com/hold", 1]]),
  };
  const first = deletionConditions(undefined, left, now);
  const say = (conditions: Loose[]) =>
    conditions.filter(({ status }) => status === "True").map(({ type, reason, message }) =>
      `${type} ${reason} ${message}`
    );
  assert.deepEqual(say(first), [
    "NamespaceContentRemaining SomeResourcesRemain Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances",
    "NamespaceFinalizersRemaining SomeFinalizersRemain Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
  ]);
  assert.deepEqual(deletionConditions(first, left, now + 5000), first, "the same is said once");
  assert.deepEqual(say(deletionConditions(first, nothing, now)), []);
  assert(isEmpty(nothing) && !isEmpty(left) && !isEmpty({ ...nothing, discoveryFailures: ["x"] }));
});

Deno.test("slowStart() doubles, and stops after a batch that failed", async () => {
  const batches: number[] = [];
  let running = 0;
  await slowStart(10, async () => {
    running++;
    await Promise.resolve();
    if (running > 0) batches.push(running);
    running = 0;
  });
  assert.deepEqual(batches, [1, 2, 4, 3]);
  let calls = 0;
  await assert.rejects(
    slowStart(100, (i) => {
      calls++;
      return i === 1 ? Promise.reject(new Error("quota")) : Promise.resolve();
    }),
    /quota/,
  );
  assert.equal(calls, 3);
});

Deno.test("same() compares as JSON goes over the wire", () => {
  const table: [unknown, unknown, boolean][] = [
    [{ a: undefined }, {}, true],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: {} }, {}, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [null, {}, false],
    [{ a: 1 }, { a: 1, b: 2 }, false],
  ];
  for (const [a, b, expected] of table) {
    assert.equal(same(a, b), expected, JSON.stringify([a, b]));
    assert.equal(same(b, a), expected, JSON.stringify([b, a]));
  }
  assert.equal(canonicalJson({ b: [{ d: 1, c: 2 }], a: undefined }), '{"b":[{"c":2,"d":1}]}');
});
