import assert from "assert";
import { created, defaulted, isIdempotent, updated } from "../../meta/kind_scene.ts";
import { service } from "../service.ts";

const http = { port: 80 };

Deno.test("service has the defaults of its type", () => {
  const plain = { sessionAffinity: "None", internalTrafficPolicy: "Cluster" };
  const ports = [{ port: 80, protocol: "TCP", targetPort: 80 }];
  const table: [Record<string, unknown>, Record<string, unknown>][] = [
    [{}, { type: "ClusterIP", ...plain }],
    [{ ports: [http] }, { type: "ClusterIP", ...plain, ports }],
    [{ clusterIP: "", type: "", ports: [{ port: 80, nodePort: 0, name: "", protocol: "", targetPort: 0 }] }, {
      type: "ClusterIP",
      ...plain,
      ports,
    }],
    [{ externalIPs: ["1.2.3.4"] }, {
      type: "ClusterIP",
      ...plain,
      externalIPs: ["1.2.3.4"],
      externalTrafficPolicy: "Cluster",
    }],
    [{ type: "NodePort" }, { type: "NodePort", ...plain, externalTrafficPolicy: "Cluster" }],
    [{ type: "LoadBalancer" }, {
      type: "LoadBalancer",
      ...plain,
      externalTrafficPolicy: "Cluster",
      allocateLoadBalancerNodePorts: true,
    }],
    [{ type: "ExternalName", externalName: "a.b" }, {
      type: "ExternalName",
      externalName: "a.b",
      sessionAffinity: "None",
    }],
    [{ sessionAffinity: "ClientIP" }, {
      type: "ClusterIP",
      ...plain,
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    }],
    [{ sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }, { type: "ClusterIP", ...plain }],
  ];
  for (const [spec, expected] of table) {
    assert.deepEqual(defaulted(service, { spec }).spec, expected as unknown);
    assert.ok(isIdempotent(service, { spec }), JSON.stringify(spec));
  }
  const balanced = {
    spec: { type: "LoadBalancer" },
    status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }, { hostname: "a" }] } },
  };
  assert.deepEqual(defaulted(service, balanced).status.loadBalancer!.ingress, [
    { ip: "1.2.3.4", ipMode: "VIP" },
    { hostname: "a" },
  ]);
});

Deno.test("service has the families that follow from what it asks for", () => {
  const families = (spec: Record<string, unknown>) => {
    const { ipFamilies, ipFamilyPolicy, clusterIPs } = created(service, { spec }).spec;
    return [ipFamilyPolicy, ipFamilies?.join(), clusterIPs?.join()].map((text) => text ?? "-").join(" ");
  };
  const table: [Record<string, unknown>, string][] = [
    [{}, "SingleStack IPv4 -"],
    [{ clusterIP: "10.96.0.9" }, "SingleStack IPv4 10.96.0.9"],
    [{ clusterIP: "fd00::9" }, "SingleStack - fd00::9"],
    [{ ipFamilyPolicy: "PreferDualStack" }, "PreferDualStack IPv4 -"],
    [{ ipFamilies: ["IPv6"] }, "SingleStack IPv6 -"],
    [{ clusterIP: "None", selector: { a: "b" } }, "SingleStack IPv4 None"],
    [{ clusterIP: "None" }, "RequireDualStack IPv4,IPv6 None"],
    [{ clusterIP: "None", ipFamilyPolicy: "SingleStack" }, "SingleStack IPv4 None"],
    [{ clusterIP: "None", ipFamilies: ["IPv6"] }, "RequireDualStack IPv6,IPv4 None"],
    [{ type: "ExternalName", externalName: "a" }, "- - -"],
  ];
  for (const [spec, expected] of table) assert.equal(families(spec), expected, JSON.stringify(spec));
});

const stored = {
  type: "LoadBalancer",
  clusterIP: "10.96.0.9",
  clusterIPs: ["10.96.0.9"],
  externalTrafficPolicy: "Local",
  healthCheckNodePort: 30010,
  loadBalancerClass: "a/b",
  ports: [{ name: "a", port: 80, nodePort: 30001 }, { name: "b", port: 81, nodePort: 30002 }],
};

Deno.test("service keeps what was picked for it when the manifest it was made from comes again", () => {
  const old = created(service, { spec: stored });
  const again = updated(service, old, ({ spec }) => {
    delete spec.clusterIP;
    delete spec.clusterIPs;
    delete spec.healthCheckNodePort;
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
    for (const port of spec.ports!) delete port.nodePort;
  });
  assert.deepEqual(again.spec, old.spec);
  const swapped = updated(service, old, ({ spec }) => {
    spec.ports = [{ name: "a", port: 80 }, { name: "c", port: 82, nodePort: 30001 }, { name: "d", port: 83 }];
  });
  assert.deepEqual(swapped.spec.ports!.map(({ nodePort }) => nodePort), [undefined, 30001, undefined]);
  const renumbered = updated(service, old, ({ spec }) => spec.clusterIP = "10.96.0.10");
  assert.deepEqual(renumbered.spec.clusterIPs, ["10.96.0.10"]);
});

Deno.test("service loses what its new type has no use for, unless the client changed it", () => {
  const old = created(service, { spec: stored });
  Object.assign(old.status, { loadBalancer: { ingress: [{ ip: "1.2.3.4", ipMode: "VIP" }] } });
  const plain = updated(service, old, ({ spec }) => spec.type = "ClusterIP");
  assert.deepEqual(plain.spec, {
    type: "ClusterIP",
    clusterIP: "10.96.0.9",
    clusterIPs: ["10.96.0.9"],
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
    ports: [
      { name: "a", port: 80, protocol: "TCP", targetPort: 80 },
      { name: "b", port: 81, protocol: "TCP", targetPort: 81 },
    ],
  });
  assert.deepEqual(plain.status, { loadBalancer: {} });
  const named = updated(service, old, ({ spec }) => Object.assign(spec, { type: "ExternalName", externalName: "a.b" }));
  for (const gone of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"]) {
    assert.equal(gone in named.spec, false, gone);
  }
  const changed = updated(
    service,
    old,
    ({ spec }) => Object.assign(spec, { type: "ClusterIP", healthCheckNodePort: 30011 }),
  );
  assert.equal(changed.spec.healthCheckNodePort, 30011);
});
