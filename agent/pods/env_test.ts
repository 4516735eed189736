import assert from "assert";
import type { ConfigMap, Container, Pod, Secret, Service } from "../../lib/types/core_v1.ts";
import { ConfigError, envNeedsPodIP, envReferences, type EnvSources, makeEnv } from "./env.ts";
import { expand } from "./expansion.ts";
import { serviceEnv } from "./service_env.ts";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "p",
    namespace: "ns",
    uid: "u",
    labels: { app: "web", "a.b/c": "d" },
    annotations: { note: 'say "x"' },
  },
  spec: {
    nodeName: "n1",
    serviceAccountName: "sa",
    containers: [{ name: "other", resources: { limits: { memory: "64Mi" } } }],
  },
  status: {},
} as unknown as Pod;

const sources: EnvSources = {
  configMap: (name) => name === "c" ? { data: { a: "1", "bad=key": "x" } } as unknown as ConfigMap : undefined,
  secret: (name) => name === "s" ? { data: { k: btoa("geheim") } } as unknown as Secret : undefined,
  services: { SVC_SERVICE_HOST: "10.96.0.7" },
  around: { hostIPs: ["192.168.0.9"], podIPs: ["10.244.0.5", "fd00::5"], allocatable: { cpu: "4", memory: "8Gi" } },
};

function check(name: string, container: Partial<Container>, expected: Record<string, string>): void {
  Deno.test(`makeEnv() ${name}`, () => {
    const env = makeEnv(pod, { name: "app", ...container }, sources);
    assert.deepEqual(Object.fromEntries(env), { SVC_SERVICE_HOST: "10.96.0.7", ...expected });
  });
}

const field = (fieldPath: string) => ({ fieldRef: { fieldPath } });

check("gives every container the services", {}, {});
check("expands what was set before, and services", {
  env: [
    { name: "A", value: "1" },
    { name: "B", value: "$(A)$(LATER)$(SVC_SERVICE_HOST)$$(A)" },
    { name: "LATER", value: "x" },
  ],
}, { A: "1", B: "1$(LATER)10.96.0.7$(A)", LATER: "x" });
check("takes all keys of a configmap, with a prefix, but those that are no names", {
  envFrom: [{ prefix: "P_", configMapRef: { name: "c" } }],
}, { P_a: "1" });
check("takes all keys of a secret", { envFrom: [{ secretRef: { name: "s" } }] }, { k: "geheim" });
check("lets env win over envFrom, and later ones over earlier ones", {
  envFrom: [{ configMapRef: { name: "c" } }],
  env: [{ name: "a", value: "2" }, { name: "a", value: "3" }],
}, { a: "3" });
check("lets the pod's own variable win over a service's", {
  env: [{ name: "SVC_SERVICE_HOST", value: "mine" }],
}, { SVC_SERVICE_HOST: "mine" });
check("leaves out what is optional and missing", {
  envFrom: [{ configMapRef: { name: "no", optional: true } }],
  env: [
    { name: "A", valueFrom: { configMapKeyRef: { name: "c", key: "no", optional: true } } },
    { name: "B", valueFrom: { secretKeyRef: { name: "no", key: "k", optional: true } } },
  ],
}, {});
check("reads single keys", {
  env: [
    { name: "A", valueFrom: { configMapKeyRef: { name: "c", key: "a" } } },
    { name: "B", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
  ],
}, { A: "1", B: "geheim" });
check("tells of the pod itself", {
  env: [
    { name: "NAME", valueFrom: field("metadata.name") },
    { name: "NS", valueFrom: field("metadata.namespace") },
    { name: "UID", valueFrom: field("metadata.uid") },
    { name: "LABEL", valueFrom: field("metadata.labels['a.b/c']") },
    { name: "NONE", valueFrom: field("metadata.annotations['none']") },
    { name: "NODE", valueFrom: field("spec.nodeName") },
    { name: "SA", valueFrom: field("spec.serviceAccountName") },
    { name: "HOST", valueFrom: field("status.hostIP") },
    { name: "IP", valueFrom: field("status.podIP") },
    { name: "IPS", valueFrom: field("status.podIPs") },
  ],
}, {
  NAME: "p",
  NS: "ns",
  UID: "u",
  LABEL: "d",
  NONE: "",
  NODE: "n1",
  SA: "sa",
  HOST: "192.168.0.9",
  IP: "10.244.0.5",
  IPS: "10.244.0.5,fd00::5",
});
check("divides resources and rounds up; without a limit the node is the limit", {
  resources: { limits: { cpu: "1500m" }, requests: { memory: "100M" } },
  env: [
    { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
    { name: "MILLI", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
    { name: "MEM", valueFrom: { resourceFieldRef: { resource: "requests.memory", divisor: "1Mi" } } },
    { name: "NODE", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Gi" } } },
    { name: "REQ", valueFrom: { resourceFieldRef: { resource: "requests.cpu" } } },
    {
      name: "OTHER",
      valueFrom: { resourceFieldRef: { resource: "limits.memory", containerName: "other", divisor: "1Mi" } },
    },
  ],
}, { CPU: "2", MILLI: "1500", MEM: "96", NODE: "8", REQ: "0", OTHER: "64" });

for (
  const [container, message] of [
    [{ envFrom: [{ configMapRef: { name: "no" } }] }, 'configmap "no" not found'],
    [{ envFrom: [{ secretRef: { name: "no" } }] }, 'secret "no" not found'],
    [
      { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "c", key: "no" } } }] },
      "couldn't find key no in ConfigMap ns/c",
    ],
    [
      { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "toString" } } }] },
      "couldn't find key toString in Secret ns/s",
    ],
    [
      { env: [{ name: "A", valueFrom: { fileKeyRef: { key: "k", path: "p", volumeName: "v" } } }] },
      "fileKeyRef is not supported by this agent",
    ],
  ] as const
) {
  Deno.test(`makeEnv() refuses: ${message}`, () => {
    assert.throws(
      () => makeEnv(pod, { name: "app", ...container } as unknown as Container, sources),
      (error) => error instanceof ConfigError && error.message === message,
    );
  });
}

for (
  const [text, expected] of [
    ["$(A)", "1"],
    ["$$(A)", "$(A)"],
    ["$(B)", "$(B)"],
    ["$(A", "$(A"],
    ["$", "$"],
    ["a$b", "a$b"],
    ["$()", "$()"],
    ["$$$(A)", "$1"],
    ["$(A)$(A)", "11"],
  ] as const
) {
  Deno.test(`expand() makes ${expected} of ${text}`, () => {
    assert.equal(expand(text, (name) => name === "A" ? "1" : undefined), expected);
  });
}

const service = (
  name: string,
  namespace: string,
  clusterIP: string,
  ports: object[] = [{ port: 80, protocol: "TCP" }],
) => ({ metadata: { name, namespace }, spec: { clusterIP, ports } }) as unknown as Service;

Deno.test("serviceEnv() describes a service as links did", () => {
  const env = serviceEnv([
    service("my-svc", "ns", "10.96.0.7", [{ name: "http", port: 80, protocol: "TCP" }, {
      name: "dns",
      port: 53,
      protocol: "UDP",
    }]),
    service("headless", "ns", "None"),
    service("elsewhere", "other", "10.96.0.8"),
  ], { namespace: "ns", links: true });
  assert.deepEqual(env, {
    MY_SVC_SERVICE_HOST: "10.96.0.7",
    MY_SVC_SERVICE_PORT: "80",
    MY_SVC_PORT: "tcp://10.96.0.7:80",
    MY_SVC_SERVICE_PORT_HTTP: "80",
    MY_SVC_SERVICE_PORT_DNS: "53",
    MY_SVC_PORT_80_TCP: "tcp://10.96.0.7:80",
    MY_SVC_PORT_80_TCP_PROTO: "tcp",
    MY_SVC_PORT_80_TCP_PORT: "80",
    MY_SVC_PORT_80_TCP_ADDR: "10.96.0.7",
    MY_SVC_PORT_53_UDP: "udp://10.96.0.7:53",
    MY_SVC_PORT_53_UDP_PROTO: "udp",
    MY_SVC_PORT_53_UDP_PORT: "53",
    MY_SVC_PORT_53_UDP_ADDR: "10.96.0.7",
  });
});

Deno.test("serviceEnv() tells of the API server only when links are not wanted", () => {
  const services = [service("a", "ns", "10.96.0.7"), service("kubernetes", "default", "10.96.0.1")];
  const hosts = (links: boolean) =>
    Object.keys(serviceEnv(services, { namespace: "ns", links })).filter((name) => name.endsWith("_HOST"));
  assert.deepEqual(hosts(false), ["KUBERNETES_SERVICE_HOST"]);
  assert.deepEqual(hosts(true), ["A_SERVICE_HOST", "KUBERNETES_SERVICE_HOST"]);
});

Deno.test("envReferences() names what must be watched", () => {
  const container: Container = {
    name: "app",
    envFrom: [{ configMapRef: { name: "c1" } }, { secretRef: { name: "s1" } }],
    env: [
      { name: "A", valueFrom: { configMapKeyRef: { name: "c1", key: "a" } } },
      { name: "B", valueFrom: { secretKeyRef: { name: "s2", key: "a" } } },
    ],
  };
  assert.deepEqual(envReferences(container), { configMaps: ["c1"], secrets: ["s1", "s2"] });
  assert.equal(envNeedsPodIP(container), false);
  assert.equal(envNeedsPodIP({ name: "app", env: [{ name: "A", valueFrom: field("status.podIPs") }] }), true);
});
