import assert from "assert";
import type { ServiceSpec } from "../lib/types/core_v1.ts";
import { type NodeView, type PortEntry, serviceEntry } from "./model.ts";
import { at, draining, entryOf, service, slice, unready } from "./testing/objects.ts";

const node: NodeView = { name: "n1", zone: "z1", addresses: ["192.0.2.1"] };
const http = { port: 8080, protocol: "TCP" as const };
const web = (spec: Partial<ServiceSpec> = {}) =>
  service("web", { clusterIP: "10.96.0.1", ports: [{ port: 80 }], ...spec });
const show = (port: PortEntry, kind: "cluster" | "local" = "cluster") =>
  port[kind].map((b) => `${b.ip}:${b.port}`).join(" ");
const entry = (spec: Partial<ServiceSpec>, ...endpoints: Parameters<typeof slice>[2]) =>
  entryOf(node, web(spec), slice("web", [http], endpoints)).ports[0]!;

Deno.test("serviceEntry() uses ready endpoints, sorted, each once", () => {
  const twice = entryOf(
    node,
    web(),
    slice("web", [http], [at("10.244.2.10"), at("10.244.1.9", "n1")]),
    slice("web", [http], [at("10.244.2.10", undefined, unready), at("10.244.1.10"), at("10.244.3.1", "n2", unready)]),
  );
  assert.equal(show(twice.ports[0]!), "10.244.1.9:8080 10.244.1.10:8080 10.244.2.10:8080");
  assert.deepEqual(twice.ports[0]!.cluster.map((b) => b.local), [true, false, false]);
});

Deno.test("serviceEntry() uses terminating endpoints that serve only when none is ready, never both", () => {
  const mixed = [at("10.244.1.1", "n1", draining), at("10.244.1.2", "n2")];
  assert.equal(show(entry({}, ...mixed)), "10.244.1.2:8080");
  assert.equal(show(entry({}, mixed[0]!, at("10.244.1.3", "n1", unready))), "10.244.1.1:8080");
  const local = entry({ internalTrafficPolicy: "Local" }, ...mixed);
  assert.equal(show(local, "local"), "10.244.1.1:8080");
});

Deno.test("serviceEntry() takes missing conditions for ready and serving", () => {
  assert.equal(show(entry({}, { addresses: ["10.244.1.1"] })), "10.244.1.1:8080");
});

Deno.test("serviceEntry() matches ports by name and protocol", () => {
  const { ports } = entryOf(
    node,
    web({ ports: [{ name: "a", port: 80 }, { name: "b", port: 81 }, { name: "a-udp", port: 80, protocol: "UDP" }] }),
    slice("web", [{ name: "a", port: 8080, protocol: "TCP" }, { name: "a-udp", port: 53, protocol: "UDP" }], [
      at("10.244.1.1"),
    ]),
    slice("web", [{ name: "b", port: 9090, protocol: "TCP" }, { name: "a", port: 80, protocol: "UDP" }], [
      at("10.244.1.2"),
    ]),
  );
  assert.deepEqual(ports.map((port) => [port.id, show(port)]), [
    ["default/web/tcp/80", "10.244.1.1:8080"],
    ["default/web/tcp/81", "10.244.1.2:9090"],
    ["default/web/udp/80", "10.244.1.1:53"],
  ]);
});

Deno.test("serviceEntry(): policies", () => {
  const two = [at("10.244.1.1", "n1"), at("10.244.2.1", "n2")] as const;
  const lists = (spec: Partial<ServiceSpec>) => {
    const port = entry(spec, ...two);
    return [show(port), show(port, "local"), port.internalLocal, port.externalLocal];
  };
  const all = "10.244.1.1:8080 10.244.2.1:8080";
  const mine = "10.244.1.1:8080";
  const nodePort = [{ port: 80, nodePort: 30080 }];
  assert.deepEqual(lists({}), [all, "", false, false]);
  assert.deepEqual(lists({ internalTrafficPolicy: "Local" }), ["", mine, true, false]);
  assert.deepEqual(lists({ externalTrafficPolicy: "Local" }), [all, "", false, false], "without an external way in");
  assert.deepEqual(lists({ externalTrafficPolicy: "Local", ports: nodePort }), [all, mine, false, true]);
  assert.deepEqual(lists({ internalTrafficPolicy: "Local", ports: nodePort }), [all, mine, true, false]);
});

Deno.test("serviceEntry() follows hints when every endpoint has one and one is for here", () => {
  const hint = (zones: string[], nodes: string[] = []) => ({
    hints: {
      ...(zones.length > 0 ? { forZones: zones.map((name) => ({ name })) } : {}),
      ...(nodes.length > 0 ? { forNodes: nodes.map((name) => ({ name })) } : {}),
    },
  });
  const a = (more: object) => at("10.244.1.1", "n1", more);
  const b = (more: object) => at("10.244.1.2", "n2", more);
  assert.equal(show(entry({}, a(hint(["z1"])), b(hint(["z2"])))), "10.244.1.1:8080");
  assert.equal(show(entry({}, a(hint(["z2"])), b(hint(["z2"])))), "10.244.1.1:8080 10.244.1.2:8080");
  assert.equal(show(entry({}, a(hint(["z1"])), b({}))), "10.244.1.1:8080 10.244.1.2:8080");
  assert.equal(
    show(entry({}, a(hint(["z1"], ["n2"])), b(hint(["z1"], ["n1"])))),
    "10.244.1.2:8080",
    "nodes before zones",
  );
});

Deno.test("serviceEntry() leaves alone what is not for it", () => {
  const none = [
    web({ clusterIP: "None" }),
    web({ clusterIP: "" }),
    service("web", { type: "ExternalName", externalName: "example.org" }),
    service("web", web().spec, { labels: { "service.kubernetes.io/service-proxy-name": "other" } }),
    service("web", web().spec, { labels: { "service.kubernetes.io/headless": "" } }),
  ];
  for (const one of none) assert.equal(serviceEntry(one, [], node), undefined);
});

Deno.test("serviceEntry() notes what it can't do and does the rest", () => {
  const one = entryOf(
    node,
    service("web", {
      clusterIP: "10.96.0.1",
      clusterIPs: ["10.96.0.1", "fd00::1"],
      externalIPs: ["2001:db8::1", "203.0.113.1"],
      type: "LoadBalancer",
      loadBalancerSourceRanges: ["2001:db8::/32"],
      ports: [{ port: 80 }, { port: 81, protocol: "SCTP" }],
    }, { ingress: [{ ip: "203.0.113.2" }, { ip: "203.0.113.3", ipMode: "Proxy" }] }),
    slice("web", [http], [at("fd00::2")], { addressType: "IPv6" }),
  );
  assert.equal(one.ports.length, 1);
  const [port] = one.ports;
  assert.deepEqual([port!.clusterIps, port!.externalIps, port!.loadBalancerIps], [["10.96.0.1"], ["203.0.113.1"], [
    "203.0.113.2",
  ]]);
  assert.deepEqual(port!.sourceRanges, ["255.255.255.255/32"], "nobody, not everybody");
  assert.equal(one.notes.length, 4);
});

Deno.test("serviceEntry() counts ready local addresses for the health port", () => {
  const one = entryOf(
    node,
    web({
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 31000,
      ports: [{ port: 80, nodePort: 30080 }],
    }),
    slice("web", [http], [at("10.244.1.1", "n1"), at("10.244.1.2", "n1", draining), at("10.244.2.1", "n2")]),
  );
  assert.deepEqual(one.healthCheck, { port: 31000, localEndpoints: 1 });
});
