import assert from "assert";
import type { Pod, Service } from "../../../lib/types/core_v1.ts";
import { planEndpoints } from "./controller.ts";
import { subsetsOf, truncated } from "./subsets.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const service = (spec: Loose = {}): Service => ({
  metadata: { name: "web", namespace: "default", labels: { team: "a" } },
  spec: {
    selector: { app: "web" },
    clusterIP: "10.96.0.9",
    ports: [{ name: "http", port: 80, targetPort: "web", protocol: "TCP" }, {
      name: "metrics",
      port: 9,
      protocol: "TCP",
    }],
    ...spec,
  },
} as Loose);

const pod = (ip: string, more: Loose = {}): Pod => ({
  metadata: { name: `p-${ip}`, namespace: "default", uid: ip, deletionTimestamp: more.deleting },
  spec: { nodeName: "n1", containers: [{ ports: [{ name: "web", containerPort: more.port ?? 8080 }] }] },
  status: { podIPs: [{ ip }], conditions: [{ type: "Ready", status: more.ready ?? "True" }] },
} as Loose);

const brief = (of: Service, pods: Pod[]) =>
  subsetsOf(of, pods).map(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
    `${addresses.map(({ ip }) => ip)} / ${notReadyAddresses.map(({ ip }) => ip)} : ${
      ports.map(({ name, port }) => `${name} ${port}`)
    }`
  );

Deno.test("subsetsOf() merges what has the same addresses, and keeps apart what has not", () => {
  assert.deepEqual(brief(service(), [pod("10.0.0.2"), pod("10.0.0.1"), pod("10.0.0.3", { ready: "False" })]), [
    "10.0.0.1,10.0.0.2 / 10.0.0.3 : http 8080,metrics 9",
  ]);
  assert.deepEqual(brief(service(), [pod("10.0.0.1"), pod("10.0.0.2", { port: 9090 })]), [
    "10.0.0.1 /  : http 8080",
    "10.0.0.1,10.0.0.2 /  : metrics 9",
    "10.0.0.2 /  : http 9090",
  ]);
  assert.deepEqual(brief(service(), [pod("10.0.0.1", { deleting: "x" })]), []);
  assert.deepEqual(
    brief(service({ publishNotReadyAddresses: true }), [pod("10.0.0.1", { deleting: "x", ready: "False" })]),
    [
      "10.0.0.1 /  : http 8080,metrics 9",
    ],
  );
  assert.deepEqual(brief(service({ clusterIP: "None", ports: undefined }), [pod("10.0.0.1")]), ["10.0.0.1 /  : "]);
});

Deno.test("truncated() keeps 1,000 addresses, ready ones first", () => {
  const list = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ ip: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }));
  const { subsets, isTruncated } = truncated([{ addresses: list(900), notReadyAddresses: list(300) }]);
  assert(isTruncated);
  assert.deepEqual([subsets[0]!.addresses!.length, subsets[0]!.notReadyAddresses!.length], [900, 100]);
  assert(!truncated([{ addresses: list(1000) }]).isTruncated);
});

Deno.test("planEndpoints() creates, updates and removes, and leaves other people's alone", () => {
  const key = "default/web";
  const [create] = planEndpoints({ key, service: service(), pods: [pod("10.0.0.1")], endpoints: undefined }, 0);
  assert(create?.do === "create");
  assert.deepEqual(create.endpoints.metadata.labels, {
    team: "a",
    "endpoints.kubernetes.io/managed-by": "endpoint-controller",
  });
  const endpoints = create.endpoints as Loose;
  const plan = (view: Loose) =>
    planEndpoints({ key, pods: [], endpoints, service: undefined, ...view }, 0).map((action) => action.do);
  assert.deepEqual(plan({ service: service(), pods: [pod("10.0.0.1")] }), []);
  assert.deepEqual(plan({ service: service() }), ["update"]);
  assert.deepEqual(plan({}), ["delete"]);
  assert.deepEqual(plan({ service: service({ selector: undefined }) }), []);
  assert.deepEqual(plan({ service: service({ type: "ExternalName" }) }), []);
  assert.deepEqual(
    plan({ endpoints: { metadata: { annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } } } }),
    [],
  );
});
