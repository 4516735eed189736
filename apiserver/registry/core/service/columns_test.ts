import assert from "assert";
import type { Service } from "../../../../lib/types/core_v1.ts";
import type { ConnectSubresource } from "../../../rest/resource.ts";
import { created, header, row } from "../../meta/kind_scene.ts";
import { service } from "../service.ts";

const ports = [{ port: 80 }, { port: 443, nodePort: 30443, protocol: "UDP" }];
const ingress = [{ hostname: "lb.example.com" }, { ip: "2.2.2.2" }, { ip: "1.1.1.1" }];

Deno.test("service columns are kubectl's", () => {
  assert.equal(header(service), "Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector*");
  const table: [Record<string, unknown>, string][] = [
    [{ clusterIP: "10.96.0.9", ports: [{ port: 80 }] }, "ClusterIP 10.96.0.9 <none> 80/TCP 0s | <none>"],
    [
      { externalIPs: ["1.2.3.4", "1.2.3.5"], selector: { b: "2", a: "1" } },
      "ClusterIP <none> 1.2.3.4,1.2.3.5 <none> 0s | a=1,b=2",
    ],
    [{ type: "NodePort", ports }, "NodePort <none> <none> 80/TCP,443:30443/UDP 0s | <none>"],
    [{ type: "LoadBalancer", clusterIP: "10.96.0.9" }, "LoadBalancer 10.96.0.9 <pending> <none> 0s | <none>"],
    [{ type: "ExternalName", externalName: "a.b" }, "ExternalName <none> a.b <none> 0s | <none>"],
    [{ clusterIP: "None" }, "ClusterIP None <none> <none> 0s | <none>"],
  ];
  for (const [spec, expected] of table) assert.equal(row(service, created(service, { spec })), `web ${expected}`);
  const balanced = created(service, { spec: { type: "LoadBalancer", externalIPs: ["9.9.9.9"] } });
  balanced.status.loadBalancer = { ingress };
  assert.match(row(service, balanced), /^web LoadBalancer <none> 1\.1\.1\.1,2\.2\.2\.2,lb\.example\.com,9\.9\.9\.9 /);
});

Deno.test("service is reached through a port by number, name, or without either", () => {
  const { nameIn, locate } = service.subresources.proxy as ConnectSubresource<Service>;
  const named = created(service, {
    spec: { clusterIP: "10.96.0.9", ports: [{ name: "a", port: 80 }, { name: "b", port: 81 }] },
  });
  const plain = created(service, { spec: { clusterIP: "10.96.0.9", ports: [{ port: 8080 }] } });
  const headless = created(service, { spec: { clusterIP: "None", ports: [{ port: 8080 }] } });
  const reach = (of: Service, id: string) => locate(of, new URLSearchParams("q=1"), "a b/c", id);
  const at = (port: number, scheme = "http") => ({
    to: "address",
    host: "10.96.0.9",
    port,
    scheme,
    path: "/a%20b/c?q=1",
  });
  assert.deepEqual(reach(named, "web:80"), at(80));
  assert.deepEqual(reach(named, "https:web:b"), at(81, "https"));
  assert.deepEqual(reach(plain, "web"), at(8080));
  assert.equal(nameIn!("https:web:b"), "web");
  const unavailable: [Service, string, RegExp][] = [
    [named, "web", /^no endpoints available for service "web"$/],
    [named, "web:82", /^no service port 82 found for service "web"$/],
    [headless, "web", /^no endpoints available for service "web"$/],
  ];
  for (const [of, id, message] of unavailable) assert.throws(() => reach(of, id), { message });
  assert.throws(() => nameIn!("ftp:web:b"), /invalid service request "ftp:web:b"/);
});

Deno.test("service warns of what a headless one ignores", () => {
  const headless = created(service, {
    spec: { clusterIP: "None", externalIPs: ["1.2.3.4"], sessionAffinity: "ClientIP" },
  });
  assert.deepEqual(service.warnings!(headless, undefined), [
    "spec.externalIPs is ignored for headless services",
    "spec.SessionAffinity is ignored for headless services",
  ]);
  assert.deepEqual(service.warnings!(created(service, {}), undefined), []);
});
