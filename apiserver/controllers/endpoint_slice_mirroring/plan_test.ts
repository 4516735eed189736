import assert from "assert";
import type { Endpoints, Service } from "../../../lib/types/core_v1.ts";
import type { EndpointSlice } from "../../../lib/types/discovery_v1.ts";
import { planMirror } from "./plan.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const service = (spec: Loose = {}): Service => ({ metadata: { name: "db", namespace: "default" }, spec } as Loose);
const endpoints = (
  subsets: Loose[],
  metadata: Loose = {},
): Endpoints => ({ metadata: { name: "db", namespace: "default", uid: "e", ...metadata }, subsets } as Loose);
const port = { name: "sql", port: 5432, protocol: "TCP" };
const list = (count: number) => Array.from({ length: count }, (_, i) => ({ ip: `10.1.${i >> 8}.${i & 255}` }));

function plan(of: Endpoints | undefined, slices: EndpointSlice[] = [], svc: Service | undefined = service()) {
  return planMirror({ service: svc, endpoints: of, slices }, 0);
}

Deno.test("planMirror() says in slices what Endpoints say", () => {
  const metadata = {
    labels: { team: "a" },
    annotations: { note: "x", "kubectl.kubernetes.io/last-applied-configuration": "{}" },
  };
  const subsets = [{
    addresses: [{ ip: "10.1.0.1", hostname: "h" }],
    notReadyAddresses: [{ ip: "10.1.0.2" }],
    ports: [port],
  }, { addresses: [{ ip: "fd00::1" }], ports: [port] }];
  const actions = plan(endpoints(subsets, metadata));
  const slices = actions.map((action) => action.do === "createSlice" ? action.slice : undefined);
  assert.deepEqual(slices.map((slice) => slice?.addressType), ["IPv4", "IPv6"]);
  assert.deepEqual(slices[0]!.endpoints, [
    { addresses: ["10.1.0.1"], conditions: { ready: true }, hostname: "h" },
    { addresses: ["10.1.0.2"], conditions: { ready: false } },
  ]);
  assert.deepEqual(slices[0]!.metadata.annotations, { note: "x" });
  assert.deepEqual(slices[0]!.metadata.labels, {
    team: "a",
    "kubernetes.io/service-name": "db",
    "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
  });
});

Deno.test("planMirror() mirrors only what is made by hand, and clears what is not any more", () => {
  const subsets = [{ addresses: [{ ip: "10.1.0.1" }], ports: [port] }];
  const [create] = plan(endpoints(subsets));
  assert(create?.do === "createSlice");
  const slice = { ...create.slice, metadata: { ...create.slice.metadata, name: "db-1" } } as EndpointSlice;
  const brief = (...args: Parameters<typeof plan>) => plan(...args).map((action) => action.do);
  assert.deepEqual(brief(endpoints(subsets), [slice]), []);
  assert.deepEqual(brief(endpoints(subsets, { labels: { team: "b" } }), [slice]), ["updateSlice"]);
  const cleared: [string, Endpoints | undefined, Service | undefined][] = [
    ["empty", endpoints([]), service()],
    ["gone", undefined, service()],
    ["no Service", endpoints(subsets), undefined],
    ["a Service with a selector", endpoints(subsets), service({ selector: { app: "db" } })],
    ["asked not to", endpoints(subsets, { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }), service()],
    [
      "a leader election",
      endpoints(subsets, { annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } }),
      service(),
    ],
  ];
  for (const [name, of, svc] of cleared) {
    assert.deepEqual(planMirror({ service: svc, endpoints: of, slices: [slice] }, 0).map((action) => action.do), [
      "deleteSlice",
    ], name);
  }
});

Deno.test("planMirror() takes 1,000 addresses of a subset, and says so", () => {
  const actions = plan(endpoints([{ addresses: list(1003), ports: [port] }]));
  assert.equal(actions.filter((action) => action.do === "createSlice").length, 10);
  const warning = actions.find((action) => action.do === "warn");
  assert(warning?.do === "warn");
  assert.equal(
    warning.message,
    "A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 3 addresses were skipped",
  );
});
