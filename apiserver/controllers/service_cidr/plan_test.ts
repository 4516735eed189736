import assert from "assert";
import { planAddress } from "./address_plan.ts";
import { planDefaultRange, planRange, type RangeView } from "./range_plan.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const now = Date.UTC(2026, 0, 1);
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString();
const finalizer = "networking.k8s.io/service-cidr-finalizer";
const ready = (
  message = "Kubernetes Service CIDR is ready",
) => [{ type: "Ready", status: "True", reason: "", message }];

interface Range {
  cidrs?: string[];
  name?: string;
  deleted?: number;
  finalizers?: string[];
  conditions?: Loose[];
}

const range = (
  { cidrs = ["10.97.0.0/24"], name = "more", deleted, finalizers = [finalizer], conditions }: Range,
): Loose => ({
  metadata: { name, finalizers, deletionTimestamp: deleted === undefined ? undefined : at(deleted) },
  spec: { cidrs },
  status: { conditions },
});

/** Actions as words: what is done, and what it is set to. */
const words = (actions: readonly Loose[]) =>
  actions.map((action) => {
    if (
      action.do === "setReady"
    ) return `${action.condition.status} ${action.condition.reason} ${action.condition.message}`;
    if (action.do === "setFinalizers") return `finalizers ${action.finalizers.join()}`;
    return action.do === "wakeAt" ? `wake in ${(action.at - now) / 1000} s` : action.do;
  });

const needed =
  "False Terminating There are still IPAddresses referencing the ServiceCIDR, please remove them or create " +
  "a new ServiceCIDR";

Deno.test("planRange() keeps a range while Services have addresses that are in no other", () => {
  const table: [name: string, view: Partial<Omit<RangeView, "range">> & { range: Loose }, expected: string[]][] = [
    ["new", { range: range({ finalizers: [] }) }, [
      `finalizers ${finalizer}`,
      "True  Kubernetes Service CIDR is ready",
    ]],
    ["the cluster's own", { range: range({ name: "kubernetes" }) }, ["True  Kubernetes Service CIDR is ready"]],
    ["ready", { range: range({ conditions: ready() }) }, []],
    ["among the pods", { range: range({ cidrs: ["10.244.8.0/24"] }) }, [
      "False OverlapsPodRange The range overlaps that of pods, 10.244.0.0/16: no Service gets an address of it",
    ]],
    ["going, unused", { range: range({ deleted: 4 }) }, ["wake in 6 s"]],
    ["gone, unused", { range: range({ deleted: 10, finalizers: ["x", finalizer] }) }, ["finalizers x"]],
    ["going, not ours to keep", { range: range({ deleted: 4, finalizers: ["x"] }) }, []],
    ["used", { range: range({ deleted: 20 }), addresses: ["10.96.0.1", "10.97.0.9"] }, [needed]],
    ["used elsewhere", { range: range({ deleted: 20 }), addresses: ["10.97.1.9", "fd00::1"] }, ["finalizers "]],
    ["used, and in another", {
      range: range({ deleted: 20 }),
      addresses: ["10.97.0.9"],
      others: [range({ name: "half", cidrs: ["10.97.0.0/25"] })],
    }, ["finalizers "]],
    ["used, and in another that goes", {
      range: range({ deleted: 20 }),
      addresses: ["10.97.0.9"],
      others: [range({ name: "half", cidrs: ["10.97.0.0/25"], deleted: 1 })],
    }, [needed]],
    ["inside of a larger one", {
      range: range({ deleted: 20 }),
      addresses: ["10.97.0.9"],
      others: [range({ name: "all", cidrs: ["10.96.0.0/12"] })],
    }, ["finalizers "]],
  ];
  for (const [name, view, expected] of table) {
    const actions = planRange({ others: [], addresses: [], clusterCidr: "10.244.0.0/16", ...view }, now);
    assert.deepEqual(words(actions), expected, name);
  }
});

Deno.test("planDefaultRange() makes the range that the cluster was started with", () => {
  const plan = (found?: Loose) => planDefaultRange({ found, configured: "10.96.0.0/16" });
  assert.deepEqual(plan().map((action) => action.do === "create" && action.object), [
    { metadata: { name: "kubernetes" }, spec: { cidrs: ["10.96.0.0/16"] } },
  ]);
  assert.deepEqual(plan(range({ cidrs: ["10.96.0.0/16"] })), []);
  assert.deepEqual(plan(range({ cidrs: ["10.96.0.0/12"] })).map((action) => action.why), [
    "The default ServiceCIDR values [10.96.0.0/12] do not match --service-cidr 10.96.0.0/16",
  ]);
});

Deno.test("planAddress() has an IPAddress for each cluster IP, and none besides", () => {
  const holder: Loose = { metadata: { namespace: "default", name: "web" }, spec: { clusterIPs: ["10.96.0.9"] } };
  const address = (managedBy: string | undefined, service: string, secondsAgo = 3): Loose => ({
    metadata: {
      labels: managedBy === undefined ? undefined : { "ipaddress.kubernetes.io/managed-by": managedBy },
      creationTimestamp: at(secondsAgo),
    },
    spec: { parentRef: { resource: "services", namespace: "default", name: service } },
  });
  const ours = "ipallocator.k8s.io";
  const table: [name: string, address: Loose, holder: Loose, expected: string[]][] = [
    ["nothing", undefined, undefined, []],
    ["a new Service", undefined, holder, ["createAddress"]],
    ["its own", address(ours, "web"), holder, []],
    ["another's", address(ours, "old"), holder, ["deleteAddress"]],
    ["a Service that is gone", address(ours, "web"), undefined, ["deleteAddress"]],
    ["made by hand, just now", address(undefined, "web"), undefined, ["wake in 57 s"]],
    ["made by hand, for nobody", address(undefined, "web", 60), undefined, ["deleteAddress"]],
    ["kept by somebody else", address("example.com", "web", 900), undefined, []],
  ];
  for (const [name, found, service, expected] of table) {
    assert.deepEqual(words(planAddress({ name: "10.96.0.9", address: found, holder: service }, now)), expected, name);
  }
  const [made] = planAddress({ name: "10.96.0.9", address: undefined, holder }, now) as Loose[];
  assert.deepEqual(made.object, {
    metadata: {
      name: "10.96.0.9",
      labels: { "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": ours },
    },
    spec: { parentRef: { group: "", resource: "services", namespace: "default", name: "web" } },
  });
});
