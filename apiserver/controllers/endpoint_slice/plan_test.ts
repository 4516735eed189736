import assert from "assert";
import fc from "fast-check";
import type { Node, Pod, Service } from "../../../lib/types/core_v1.ts";
import type { Endpoint, EndpointSlice } from "../../../lib/types/discovery_v1.ts";
import { endpointKey } from "./endpoint.ts";
import { pack } from "./pack.ts";
import { planSlices, type SliceAction, type SlicesView } from "./plan.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const service = (spec: Loose = {}, metadata: Loose = {}): Service => ({
  metadata: { name: "web", namespace: "default", uid: "svc", creationTimestamp: "2026-01-01T00:00:00Z", ...metadata },
  spec: {
    selector: { app: "web" },
    clusterIP: "10.96.0.9",
    ipFamilies: ["IPv4"],
    ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
    ...spec,
  },
} as Loose);

const pod = (name: string, more: Loose = {}): Pod => ({
  metadata: {
    name,
    namespace: "default",
    uid: `uid-${name}`,
    labels: { app: "web" },
    deletionTimestamp: more.deleting,
  },
  spec: {
    nodeName: "n1",
    containers: [{ name: "c", ports: more.ports }],
    hostname: more.hostname,
    subdomain: more.subdomain,
    ...more.spec,
  },
  status: {
    phase: more.phase ?? "Running",
    podIPs: (more.ips ?? [`10.0.0.${name.length}`]).map((ip: string) => ({ ip })),
    conditions: [{ type: "Ready", status: more.ready ?? "True", lastTransitionTime: "2026-01-01T00:01:00Z" }],
  },
} as Loose);

const nodes: Record<string, Node> = {
  n1: { metadata: { name: "n1", labels: { "topology.kubernetes.io/zone": "z1" } } } as Loose,
};

function plan(
  of: Service,
  pods: Pod[],
  slices: EndpointSlice[] = [],
  more: Partial<SlicesView> = {},
): readonly SliceAction[] {
  return planSlices({ service: of, pods, slices, node: (name) => nodes[name], ...more }, 0);
}

/** The slices after the actions. */
function apply(slices: readonly EndpointSlice[], actions: readonly SliceAction[]): EndpointSlice[] {
  const result = new Map(slices.map((slice) => [slice.metadata.name, slice]));
  for (const action of actions) {
    const name = action.slice.metadata.name ?? `new-${result.size}-${actions.indexOf(action)}`;
    if (action.do === "deleteSlice") result.delete(name);
    else result.set(name, { ...action.slice, metadata: { ...action.slice.metadata, name } } as EndpointSlice);
  }
  return [...result.values()];
}

const endpointsOf = (slices: readonly EndpointSlice[]) => slices.flatMap(({ endpoints }) => endpoints ?? []);

Deno.test("planSlices() tells ready, serving and terminating apart", () => {
  const of = (pod: Pod, spec = {}) => endpointsOf(apply([], plan(service(spec), [pod])))[0]?.conditions;
  const table: [string, Loose, Loose, Loose][] = [
    ["ready", {}, {}, { ready: true, serving: true, terminating: false }],
    ["not ready", { ready: "False" }, {}, { ready: false, serving: false, terminating: false }],
    ["terminating", { deleting: "x" }, {}, { ready: false, serving: true, terminating: true }],
    ["terminating and not ready", { deleting: "x", ready: "False" }, {}, {
      ready: false,
      serving: false,
      terminating: true,
    }],
    ["published anyway", { deleting: "x", ready: "False" }, { publishNotReadyAddresses: true }, {
      ready: true,
      serving: false,
      terminating: true,
    }],
    ["finished", { phase: "Succeeded" }, {}, undefined],
    ["without an address", { ips: [] }, {}, undefined],
    ["on a Node that is gone", { spec: { nodeName: "gone" } }, {}, undefined],
  ];
  for (const [name, more, spec, expected] of table) assert.deepEqual(of(pod("a", more), spec), expected, name);
});

Deno.test("planSlices() says all about an endpoint", () => {
  const headless = service({ clusterIP: "None", trafficDistribution: "PreferClose" }, {
    labels: { team: "a", "kubernetes.io/service-name": "forged" },
  });
  const [slice] = apply([], plan(headless, [pod("a", { hostname: "h", subdomain: "web" })]));
  assert.deepEqual(slice!.metadata.labels, {
    team: "a",
    "service.kubernetes.io/headless": "",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  });
  assert.equal(slice!.metadata.generateName, "web-");
  assert.equal(
    slice!.metadata.annotations!["endpoints.kubernetes.io/last-change-trigger-time"],
    "2026-01-01T00:00:00Z",
  );
  assert.deepEqual(slice!.metadata.ownerReferences, [
    { apiVersion: "v1", kind: "Service", name: "web", uid: "svc", controller: true, blockOwnerDeletion: true },
  ]);
  assert.deepEqual(slice!.endpoints, [{
    addresses: ["10.0.0.1"],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: "Pod", namespace: "default", name: "a", uid: "uid-a" },
    nodeName: "n1",
    zone: "z1",
    hostname: "h",
    hints: { forZones: [{ name: "z1" }] },
  }]);
});

Deno.test("planSlices() keeps a placeholder, and groups pods by the ports that a name means on them", () => {
  const empty = apply([], plan(service(), []));
  assert.equal(empty.length, 1);
  assert.deepEqual(plan(service(), [], empty), [], "the placeholder stays");
  const named = service({ ports: [{ name: "http", port: 80, targetPort: "web", protocol: "TCP" }] });
  const old = pod("old", { ports: [{ name: "web", containerPort: 8080 }] });
  const young = pod("young", { ports: [{ name: "web", containerPort: 9090 }] });
  const slices = apply(empty, plan(named, [old, young, pod("none")], empty));
  assert.deepEqual(slices.map(({ ports }) => ports?.[0]?.port).sort(), [8080, 9090, undefined].sort());
  assert(slices.some(({ metadata }) => metadata.name === empty[0]!.metadata.name), "the placeholder was made use of");
});

Deno.test("planSlices() makes slices for each family, and of its own Service only what that still has", () => {
  const dual = service({ ipFamilies: ["IPv4", "IPv6"] });
  const both = apply([], plan(dual, [pod("a", { ips: ["10.0.0.1", "fd00::1"] })]));
  assert.deepEqual(both.map(({ addressType, endpoints }) => [addressType, endpoints![0]!.addresses]), [["IPv4", [
    "10.0.0.1",
  ]], ["IPv6", ["fd00::1"]]]);
  const single = apply(both, plan(service(), [pod("a", { ips: ["10.0.0.1", "fd00::1"] })], both));
  assert.deepEqual(single.map(({ addressType }) => addressType), ["IPv4"]);
});

Deno.test("planSlices() changes nothing twice, and only what changed", () => {
  const pods = Array.from({ length: 250 }, (_, i) => pod(`p${i}`, { ips: [`10.0.${i >> 8}.${i & 255}`] }));
  const slices = apply([], plan(service(), pods));
  assert.deepEqual(slices.map(({ endpoints }) => endpoints!.length), [100, 100, 50]);
  assert.deepEqual(plan(service(), pods, slices), []);
  const changed = pods.map((p, i) => i === 120 ? pod("p120", { ips: ["10.0.0.120"], ready: "False" }) : p);
  const actions = plan(service(), changed, slices);
  assert.deepEqual(actions.map((action) => [action.do, action.slice.metadata.name]), [[
    "updateSlice",
    slices[1]!.metadata.name,
  ]]);
  assert.deepEqual(
    plan(service({}, { deletionTimestamp: "x" }), pods).map((action) => action.do),
    [],
    "no new slices for a Service that goes",
  );
});

Deno.test("pack() loses and doubles nothing, keeps the limit and changes as few slices as possible", () => {
  const endpoint = (n: number): Endpoint => ({ addresses: [`10.0.0.${n}`], conditions: { ready: n % 2 === 0 } });
  const set = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 30 });
  fc.assert(fc.property(set, set, (before, after) => {
    const max = 5;
    const slices: EndpointSlice[] = [];
    for (let i = 0; i < before.length; i += max) {
      slices.push({ metadata: { name: `s${i}` }, endpoints: before.slice(i, i + max).map(endpoint) } as Loose);
    }
    const packing = pack(slices, after.map(endpoint), () => false, max);
    const untouched = slices.filter((slice) =>
      !packing.delete.includes(slice) && !packing.update.some((update) => update.slice === slice)
    );
    const lists = [
      ...packing.create,
      ...packing.update.map(({ endpoints }) => endpoints),
      ...untouched.map(({ endpoints }) => endpoints!),
    ];
    assert(lists.every((list) => list.length > 0 && list.length <= max));
    assert.deepEqual(lists.flat().map(endpointKey).sort(), after.map(endpoint).map(endpointKey).sort());
    if (JSON.stringify([...before].sort()) === JSON.stringify([...after].sort())) {
      assert.equal(untouched.length, slices.length);
    }
  }));
});

Deno.test("pack() puts a few into one slice that has room for all of them, the fullest", () => {
  const endpoint = (n: number): Endpoint => ({ addresses: [`10.0.0.${n}`] });
  const slice = (name: string, from: number, count: number) =>
    ({
      metadata: { name },
      endpoints: Array.from({ length: count }, (_, i) => endpoint(from + i)),
    }) as Loose as EndpointSlice;
  const slices = [slice("a", 0, 2), slice("b", 10, 3), slice("c", 20, 5)];
  const all = [...endpointsOf(slices), endpoint(30), endpoint(31)];
  const packing = pack(slices, all, () => false, 5);
  assert.deepEqual(packing.update.map(({ slice }) => slice.metadata.name), ["b"]);
  assert.deepEqual(packing.create, []);
});
