import assert from "assert";
import { balancedPorts, type LoadBalancerView, planLoadBalancer } from "./load_balancer.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const service = (name: string, more: Loose = {}): Loose => ({
  metadata: { namespace: "default", name, creationTimestamp: more.made ?? "2026-01-02T00:00:00Z" },
  spec: {
    type: "LoadBalancer",
    ports: more.ports ?? [{ port: 80 }],
    loadBalancerClass: more.class,
    externalTrafficPolicy: more.local ? "Local" : "Cluster",
    ...more.spec,
  },
  status: { loadBalancer: { ingress: more.ingress?.map((ip: string) => ({ ip, ipMode: "VIP" })) } },
});
const node = (name: string, ip: string, more: Loose = {}): Loose => ({
  metadata: { name, labels: more.labels, deletionTimestamp: more.deleting },
  spec: { taints: more.taints },
  status: {
    addresses: [
      { type: "Hostname", address: name },
      { type: "InternalIP", address: ip },
      ...(more.external === undefined ? [] : [{ type: "ExternalIP", address: more.external }]),
    ],
  },
});
const slice = (...endpoints: [nodeName: string, ready: boolean, serving?: boolean][]): Loose => ({
  metadata: {},
  endpoints: endpoints.map(([nodeName, ready, serving]) => ({ nodeName, conditions: { ready, serving } })),
});

const two = [node("b", "10.0.0.2"), node("a", "10.0.0.1")];
const plan = (view: Partial<LoadBalancerView>) =>
  planLoadBalancer({
    service: service("web"),
    rivals: [],
    nodes: two,
    slices: [],
    reserved: new Map([["TCP/6443", "the API"]]),
    ...view,
  }).map((action) => action.do === "warn" ? action.message : action.ingress.map(({ ip }) => ip).join(" "));

Deno.test("planLoadBalancer() lists the addresses of the nodes that take part", () => {
  const cases: [string, Partial<LoadBalancerView>, string[]][] = [
    ["all nodes, by name", {}, ["10.0.0.1 10.0.0.2"]],
    ["nothing to change", { service: service("web", { ingress: ["10.0.0.1", "10.0.0.2"] }) }, []],
    ["a node that is gone", { service: service("web", { ingress: ["10.0.0.1", "10.0.0.9"] }) }, ["10.0.0.1 10.0.0.2"]],
    ["an external address first", { nodes: [node("a", "10.0.0.1", { external: "192.0.2.1" })] }, ["192.0.2.1"]],
    ["an excluded node", {
      nodes: [
        ...two,
        node("c", "10.0.0.3", { labels: { "node.kubernetes.io/exclude-from-external-load-balancers": "" } }),
      ],
    }, ["10.0.0.1 10.0.0.2"]],
    ["a node that is to be deleted", {
      nodes: [
        ...two,
        node("c", "10.0.0.3", { taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] }),
      ],
    }, ["10.0.0.1 10.0.0.2"]],
    ["another's class", { service: service("web", { class: "example.com/lb" }) }, []],
    ["another type", { service: service("web", { spec: { type: "NodePort" } }) }, []],
    ["policy Local: where something answers", {
      service: service("web", { local: true }),
      slices: [slice(["b", true], ["a", false])],
    }, ["10.0.0.2"]],
    ["policy Local: who terminates still answers", {
      service: service("web", { local: true }),
      slices: [slice(["b", false, true])],
    }, ["10.0.0.2"]],
    ["policy Local: nobody", { service: service("web", { local: true, ingress: ["10.0.0.1"] }) }, [""]],
  ];
  for (const [name, view, wanted] of cases) assert.deepEqual(plan(view), wanted, name);
});

Deno.test("planLoadBalancer() gives a port of the nodes to the oldest Service, and never one of the cluster's own", () => {
  const old = service("old", { made: "2026-01-01T00:00:00Z" });
  const young = service("young", { ingress: ["10.0.0.1"] });
  assert.deepEqual(plan({ service: old, rivals: [young] }), ["10.0.0.1 10.0.0.2"]);
  assert.deepEqual(plan({ service: young, rivals: [old] }), [
    "The Service has no address of a load balancer: port TCP/80 of the nodes belongs to Service default/old, which is older",
    "",
  ]);
  const udp = service("young", { ports: [{ port: 80, protocol: "UDP" }] });
  assert.deepEqual(plan({ service: udp, rivals: [old] }), ["10.0.0.1 10.0.0.2"], "another protocol");
  assert.deepEqual(plan({ service: service("api", { ports: [{ port: 6443 }] }) }), [
    "The Service has no address of a load balancer: port TCP/6443 of the nodes is that of the API",
  ]);
});

Deno.test("balancedPorts() are those of Services that the nodes balance", () => {
  assert.deepEqual(balancedPorts(service("web", { ports: [{ port: 80 }, { port: 53, protocol: "UDP" }] })), [
    "TCP/80",
    "UDP/53",
  ]);
  assert.deepEqual(balancedPorts(service("web", { class: "example.com/lb" })), []);
});
