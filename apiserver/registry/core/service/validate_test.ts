import assert from "assert";
import type { ServiceSpec } from "../../../../lib/types/core_v1.ts";
import { created, createErrors, statusErrors, updateErrors } from "../../meta/kind_scene.ts";
import { service } from "../service.ts";

type Spec = Record<string, unknown>;

const ports = [{ port: 80 }];
const selector = { app: "web" };

function check(table: [Spec, string[]][]): void {
  for (const [spec, expected] of table) {
    assert.deepEqual(createErrors(service, { spec: { ports, selector, ...spec } }), expected, JSON.stringify(spec));
  }
}

Deno.test("service says what is wrong with its ports", () => {
  check([
    [{}, []],
    [{ ports: [] }, ["spec.ports: Required value"]],
    [{ ports: [], clusterIP: "None" }, []],
    [{ ports: [{ port: 80 }, { port: 0, protocol: "ICMP", targetPort: "HTTP" }] }, [
      "spec.ports[0].name: Required value",
      "spec.ports[1].name: Required value",
      "spec.ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
      'spec.ports[1].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
      'spec.ports[1].targetPort: Invalid value: "HTTP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'spec.ports[1].targetPort: Invalid value: "HTTP": must contain at least one letter (a-z)',
    ]],
    [{ ports: [{ name: "a", port: 80 }, { name: "a", port: 80 }] }, [
      'spec.ports[1].name: Duplicate value: "a"',
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ]],
    [{ ports: [{ name: "a", port: 53 }, { name: "b", port: 53, protocol: "UDP" }] }, []],
    [{ ports: [{ port: 80, nodePort: 30001 }] }, [
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ]],
    [
      { type: "NodePort", ports: [{ name: "a", port: 80, nodePort: 30001 }, { name: "b", port: 81, nodePort: 30001 }] },
      [
        "spec.ports[1].nodePort: Duplicate value: 30001",
      ],
    ],
    [{
      type: "NodePort",
      ports: [{ name: "a", port: 80, nodePort: 30001 }, { name: "b", port: 80, protocol: "UDP", nodePort: 30001 }],
    }, []],
    [{ ports: [{ port: 80, appProtocol: "a b" }] }, [
      "spec.ports[0].appProtocol: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', " +
      "and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " +
      "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ]],
  ]);
});

Deno.test("service says what is wrong with its addresses", () => {
  const notConfigured = "not configured on this cluster";
  const dual = "this cluster is not configured for dual-stack services";
  check([
    [{ clusterIP: "10.96.0.9" }, []],
    [{ clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.8"] }, [
      'spec.clusterIPs: Invalid value: ["10.96.0.8"]: first value must match `clusterIP`',
    ]],
    [{ clusterIPs: ["10.96.0.8"] }, [
      'spec.clusterIPs: Invalid value: ["10.96.0.8"]: must be empty when `clusterIP` is not specified',
    ]],
    [{ clusterIP: "none" }, [
      'spec.clusterIPs[0]: Invalid value: "none": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]],
    [{ clusterIP: "None", clusterIPs: ["None", "10.96.0.9"] }, [
      'spec.clusterIPs: Invalid value: ["None","10.96.0.9"]: \'None\' must be the first and only value',
    ]],
    [
      { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9", "10.96.0.8"], ipFamilyPolicy: "RequireDualStack" },
      [
        'spec.clusterIPs: Invalid value: ["10.96.0.9","10.96.0.8"]: may specify no more than one IP for each IP family',
      ],
    ],
    [{ clusterIP: "fd00::9" }, [
      'spec.clusterIPs[0]: Invalid value: ["fd00::9"]: IPv6 is not configured on this cluster',
    ]],
    [{ clusterIP: "10.96.0.9", ipFamilies: ["IPv6"] }, [
      'spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ]],
    [{ clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9", "fd00::9"], ipFamilyPolicy: "PreferDualStack" }, [
      'spec.clusterIPs[1]: Invalid value: ["10.96.0.9","fd00::9"]: IPv6 is not configured on this cluster',
    ]],
    [{ ipFamilies: ["IPv6"] }, [`spec.ipFamilies[0]: Invalid value: "IPv6": ${notConfigured}`]],
    [{ ipFamilies: ["IPv5"] }, ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"']],
    [{ ipFamilyPolicy: "RequireDualStack" }, [`spec.ipFamilyPolicy: Invalid value: "RequireDualStack": ${dual}`]],
    [{ ipFamilyPolicy: "PreferDualStack" }, []],
    [{ ipFamilies: ["IPv4", "IPv6"] }, [
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when " +
      "multiple IP families are specified",
    ]],
    [{ ipFamilyPolicy: "Both" }, [
      'spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ]],
    [{ clusterIP: "None", selector: {} }, []],
    [{ clusterIP: "None", type: "NodePort" }, [
      "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services",
    ]],
    [{ externalIPs: ["127.0.0.1", "1.2.3"] }, [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.externalIPs[1]: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]],
  ]);
});

Deno.test("service says what is wrong with its type and its traffic", () => {
  const balanced = "may only be used when `type` is 'LoadBalancer'";
  check([
    [{ type: "Magic" }, [
      'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ]],
    [{ type: "ExternalName", ports: [] }, ["spec.externalName: Required value"]],
    [{ type: "ExternalName", externalName: "db.example.com.", ports: [] }, []],
    [{
      type: "ExternalName",
      externalName: "a",
      clusterIP: "None",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
    }, [
      "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
      "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
      "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
    ]],
    [{ sessionAffinity: "Always" }, [
      'spec.sessionAffinity: Unsupported value: "Always": supported values: "ClientIP", "None"',
    ]],
    [{ sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } }, [
      "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400",
    ]],
    [{ externalTrafficPolicy: "Local" }, [
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ]],
    [{ type: "NodePort", externalTrafficPolicy: "Near" }, [
      'spec.externalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
    ]],
    [{ internalTrafficPolicy: "Near", trafficDistribution: "Far" }, [
      'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
      'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
    ]],
    [{ healthCheckNodePort: 30001 }, [
      "spec.healthCheckNodePort: Invalid value: 30001: may only be set when `type` is 'LoadBalancer' and " +
      "`externalTrafficPolicy` is 'Local'",
    ]],
    [{ type: "LoadBalancer", externalTrafficPolicy: "Local" }, []],
    [{ allocateLoadBalancerNodePorts: true, loadBalancerClass: "a/b", loadBalancerSourceRanges: ["10.0.0.0/8"] }, [
      `spec.LoadBalancerSourceRanges: Forbidden: ${balanced}`,
      `spec.allocateLoadBalancerNodePorts: Forbidden: ${balanced}`,
      `spec.loadBalancerClass: Forbidden: ${balanced}`,
    ]],
    [{ type: "LoadBalancer", loadBalancerSourceRanges: [" 10.0.0.0/8", "10.0.0.1/8"] }, [
      'spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
    ]],
    [{ selector: { "a b": "c" } }, [
      "spec.selector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must " +
      "start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation " +
      "is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ]],
  ]);
});

Deno.test("service checks the annotations that were there before the fields", () => {
  const ranges = "service.beta.kubernetes.io/load-balancer-source-ranges";
  const annotated = (annotations: Record<string, string>, spec: Spec = {}) =>
    createErrors(service, { metadata: { annotations }, spec: { ports, ...spec } });
  assert.deepEqual(annotated({ [ranges]: "" }), [
    `metadata.annotations[${ranges}]: Forbidden: may only be used when \`type\` is 'LoadBalancer'`,
  ]);
  assert.deepEqual(annotated({ [ranges]: "10.0.0.0/8, x" }, { type: "LoadBalancer" }), [
    `metadata.annotations[${ranges}]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
  ]);
  const [hints, mode] = ["service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"];
  assert.deepEqual(annotated({ [hints]: "Auto", [mode]: "Auto" }), []);
  assert.deepEqual(annotated({ [hints]: "Auto", [mode]: "Disabled" }), [
    `metadata.annotations[${mode}]: Invalid value: "Disabled": must match annotations[${hints}] when both are specified`,
  ]);
});

Deno.test("service keeps its cluster IP, its class and its health check port", () => {
  const web = created(service, { spec: { ports, clusterIP: "10.96.0.9" } });
  const headless = created(service, { spec: { ports, clusterIP: "None", selector } });
  const balanced = created(service, {
    spec: {
      type: "LoadBalancer",
      ports,
      clusterIP: "10.96.0.9",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 30001,
    },
  });
  const table: [typeof web, Partial<ServiceSpec>, string[]][] = [
    [web, { clusterIP: "10.96.0.10" }, [
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set',
    ]],
    [web, { clusterIP: "None" }, ['spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set']],
    [headless, { clusterIP: "10.96.0.9" }, [
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set',
    ]],
    [web, { type: "ExternalName", externalName: "a.b" }, []],
    [web, { ipFamilies: ["IPv6"] }, [
      'spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
      'spec.ipFamilies[0]: Invalid value: ["IPv6"]: may not change once set',
    ]],
    [balanced, { loadBalancerClass: "a/b", healthCheckNodePort: 30002 }, [
      'spec.loadBalancerClass: Invalid value: "a/b": may not change once set',
      "spec.healthCheckNodePort: Forbidden: field is immutable",
    ]],
  ];
  for (const [old, change, expected] of table) {
    assert.deepEqual(updateErrors(service, old, ({ spec }) => Object.assign(spec, change)), expected);
  }
});

Deno.test("service's status has addresses of a load balancer only, and whole ones", () => {
  const plain = created(service, { spec: { ports } });
  const balanced = created(service, { spec: { type: "LoadBalancer", ports } });
  const errors = (of: typeof plain, ingress: Record<string, string>[]) =>
    statusErrors(service, of, ({ status }) => status.loadBalancer = { ingress });
  assert.deepEqual(errors(plain, [{ ip: "1.2.3.4" }]), [
    "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
  ]);
  assert.deepEqual(errors(balanced, [{ ip: "1.2.3.4" }, { hostname: "lb.example.com" }]), []);
  assert.deepEqual(errors(balanced, [{ hostname: "1.2.3.4", ipMode: "VIP" }, { ip: "x", ipMode: "Odd" }]), [
    "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set",
    'status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    'status.loadBalancer.ingress[1].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    'status.loadBalancer.ingress[1].ipMode: Unsupported value: "Odd": supported values: "Proxy", "VIP"',
  ]);
});
