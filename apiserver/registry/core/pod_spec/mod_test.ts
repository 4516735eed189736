import assert from "assert";
import { clone } from "../../../../lib/patch/equal.ts";
import type { PodSpec } from "../../../../lib/types/core_v1.ts";
import { errorsOf, type Loose, makeSpec } from "./fixtures.ts";
import { defaultPodSpec, defaultSpecOfPod, validatePodSpec } from "./mod.ts";

const everything: Loose = {
  serviceAccount: "robot",
  hostNetwork: true,
  overhead: { cpu: "1500u" },
  containers: [{
    name: "web",
    image: "registry.example.com:5000/web",
    ports: [{ containerPort: 80 }],
    env: [
      { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
    ],
    resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } },
    livenessProbe: { httpGet: { port: 80 } },
    readinessProbe: { grpc: { port: 81 }, periodSeconds: 3 },
    lifecycle: { preStop: { httpGet: { port: 80, path: "/stop" } } },
  }],
  initContainers: [{ name: "copy", image: "busybox@sha256:" + "a".repeat(64) }],
  volumes: [
    { name: "none" },
    { name: "secret", secret: { secretName: "s" } },
    { name: "config", configMap: { name: "c", defaultMode: 0 } },
    {
      name: "mixed",
      projected: {
        sources: [{ serviceAccountToken: { path: "token" } }, {
          downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] },
        }],
      },
    },
    { name: "host", hostPath: { path: "/srv" } },
    { name: "disk", iscsi: { targetPortal: "10.0.0.1", iqn: "iqn.2001-04.com.example:storage", lun: 0 } },
    { name: "image", image: { reference: "models:latest" } },
    {
      name: "claim",
      ephemeral: {
        volumeClaimTemplate: { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
      },
    },
  ],
};

const container = {
  imagePullPolicy: "Always",
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};

const defaulted: Loose = {
  serviceAccount: "robot",
  serviceAccountName: "robot",
  hostNetwork: true,
  overhead: { cpu: "2m" },
  dnsPolicy: "ClusterFirst",
  restartPolicy: "Always",
  securityContext: {},
  terminationGracePeriodSeconds: 30,
  schedulerName: "default-scheduler",
  containers: [{
    ...everything.containers[0],
    ...container,
    ports: [{ containerPort: 80, protocol: "TCP" }],
    env: [
      { name: "NODE", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "spec.nodeName" } } },
      { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "0" } } },
    ],
    livenessProbe: {
      httpGet: { port: 80, path: "/", scheme: "HTTP" },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
    readinessProbe: {
      grpc: { port: 81, service: "" },
      timeoutSeconds: 1,
      periodSeconds: 3,
      successThreshold: 1,
      failureThreshold: 3,
    },
    lifecycle: { preStop: { httpGet: { port: 80, path: "/stop", scheme: "HTTP" } } },
  }],
  initContainers: [{
    ...everything.initContainers[0],
    ...container,
    imagePullPolicy: "IfNotPresent",
    resources: {},
  }],
  volumes: [
    { name: "none", emptyDir: {} },
    { name: "secret", secret: { secretName: "s", defaultMode: 420 } },
    { name: "config", configMap: { name: "c", defaultMode: 0 } },
    {
      name: "mixed",
      projected: {
        defaultMode: 420,
        sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 3600 } }, {
          downwardAPI: { items: [{ path: "labels", fieldRef: { apiVersion: "v1", fieldPath: "metadata.labels" } }] },
        }],
      },
    },
    { name: "host", hostPath: { path: "/srv", type: "" } },
    {
      name: "disk",
      iscsi: { targetPortal: "10.0.0.1", iqn: "iqn.2001-04.com.example:storage", lun: 0, iscsiInterface: "default" },
    },
    { name: "image", image: { reference: "models:latest", pullPolicy: "Always" } },
    {
      name: "claim",
      ephemeral: {
        volumeClaimTemplate: {
          spec: {
            accessModes: ["ReadWriteOnce"],
            resources: { requests: { storage: "1Gi" } },
            volumeMode: "Filesystem",
          },
        },
      },
    },
  ],
};

Deno.test("defaultPodSpec() fills in what templates and pods have in common, once", () => {
  const spec = clone(everything) as PodSpec;
  defaultPodSpec(spec);
  assert.deepEqual(spec, defaulted);
  defaultPodSpec(spec);
  assert.deepEqual(spec, defaulted);
  assert.deepEqual(errorsOf(spec), []);
});

Deno.test("defaultSpecOfPod() adds what only pods get, once", () => {
  const spec = clone(everything) as PodSpec;
  defaultPodSpec(spec);
  defaultSpecOfPod(spec);
  assert.equal(spec.enableServiceLinks, true);
  assert.deepEqual(spec.containers[0]!.resources!.requests, { cpu: "500m", memory: "1Gi" });
  assert.deepEqual(spec.containers[0]!.ports, [{ containerPort: 80, hostPort: 80, protocol: "TCP" }]);
  const once = clone(spec);
  defaultPodSpec(spec);
  defaultSpecOfPod(spec);
  assert.deepEqual(spec, once);
  assert.deepEqual(validatePodSpec(spec, "spec", { name: "web" }), []);
});

const label = (text: string) =>
  `Invalid value: "${text}": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', ` +
  "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation " +
  "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomain = (text: string) =>
  `Invalid value: "${text}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' ` +
  "or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const cases: [string, Loose, string[]][] = [
  ["nothing but defaults", {}, []],
  ["no containers", { containers: [] }, ["containers: Required value"]],
  ["unknown restart policy", { restartPolicy: "Sometimes" }, [
    'restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
  ]],
  ["unknown DNS policy", { dnsPolicy: "Guess" }, [
    'dnsPolicy: Unsupported value: "Guess": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
  ]],
  ["bad names", { serviceAccountName: "A", nodeName: "B", hostname: "C", subdomain: "D", priorityClassName: "E" }, [
    `serviceAccountName: ${subdomain("A")}`,
    `nodeName: ${subdomain("B")}`,
    `hostname: ${label("C")}`,
    `subdomain: ${label("D")}`,
    `priorityClassName: ${subdomain("E")}`,
  ]],
  ["bad runtime class", { runtimeClassName: "" }, [`runtimeClassName: ${subdomain("")}`]],
  ["deadline of no time", { activeDeadlineSeconds: 0 }, [
    "activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
  ]],
  ["unknown preemption policy", { preemptionPolicy: "Ask" }, [
    'preemptionPolicy: Unsupported value: "Ask": supported values: "PreemptLowerPriority", "Never"',
  ]],
  ["overhead of something else", { overhead: { storage: "1Gi" } }, [
    'overhead.limits[storage]: Invalid value: "storage": must be a standard resource for containers',
  ]],
  ["user namespace beside the host's others", { hostUsers: false, hostPID: true, hostIPC: true, hostNetwork: true }, [
    "hostNetwork: Forbidden: when `hostUsers` is false",
    "HostPID: Forbidden: when `hostUsers` is false",
    "HostIPC: Forbidden: when `hostUsers` is false",
  ]],
  ["unknown operating system", { os: { name: "plan9" } }, [
    'os: Unsupported value: "plan9": supported values: "linux", "windows"',
  ]],
  ["linux with options of windows", {
    os: { name: "linux" },
    securityContext: { windowsOptions: { runAsUserName: "x" } },
  }, ["securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod"]],
  ["windows with options of linux", {
    os: { name: "windows" },
    hostPID: true,
    securityContext: { runAsUser: 1, sysctls: [{ name: "net.ipv4.ip_forward", value: "1" }] },
    containers: [{ name: "web", image: "x", securityContext: { privileged: false } }],
  }, [
    "hostPID: Forbidden: cannot be set for a windows pod",
    "securityContext.sysctls: Forbidden: cannot be set for a windows pod",
    "securityContext.runAsUser: Forbidden: cannot be set for a windows pod",
    "containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod",
  ]],
  ["gates", { schedulingGates: [{ name: "a" }, { name: "a" }], readinessGates: [{ conditionType: "x y" }] }, [
    "readinessGates[0].conditionType: Invalid value: \"x y\": name part must consist of alphanumeric characters, '-', " +
    "'_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', " +
    "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    'schedulingGates[1]: Duplicate value: "a"',
  ]],
  ["a group without a name", { schedulingGroup: {} }, [
    "schedulingGroup.podGroupName: Invalid value: null: must specify one of: `podGroupName`",
  ]],
  ["claims", {
    resourceClaims: [{ name: "gpu" }, {
      name: "gpu",
      resourceClaimName: "a",
      resourceClaimTemplateName: "b",
    }],
  }, [
    'resourceClaims[0]: Invalid value: {"name":"gpu"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
    'resourceClaims[1].name: Duplicate value: "gpu"',
    'resourceClaims[1]: Invalid value: {"name":"gpu","resourceClaimName":"a","resourceClaimTemplateName":"b"}: at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified',
  ]],
  ["host ports that differ on the host's network", {
    hostNetwork: true,
    containers: [{ name: "web", image: "x", ports: [{ containerPort: 80, hostPort: 81 }, { containerPort: 82 }] }],
  }, [
    "containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true",
  ]],
];

Deno.test("validatePodSpec() says all that is wrong, in Kubernetes' words", async (t) => {
  for (const [name, changes, expected] of cases) {
    await t.step(name, () => assert.deepEqual(errorsOf(makeSpec(changes)), expected));
  }
});

Deno.test("validatePodSpec() asks a Pod's own spec for host ports that templates leave out", () => {
  const spec = makeSpec({ hostNetwork: true });
  spec.containers[0]!.ports = [{ containerPort: 80, protocol: "TCP" }];
  assert.deepEqual(errorsOf(spec), []);
  assert.deepEqual(errorsOf(spec, "spec"), [
    "containers[0].ports[0].hostPort: Invalid value: 0: must match `containerPort` when `hostNetwork` is true",
  ]);
});

Deno.test("validatePodSpec() of an empty spec names everything that has to be there", () => {
  const errors = validatePodSpec({ containers: [] }, "spec", {}).map(({ field, message }) => `${field}: ${message}`);
  assert.deepEqual(errors, [
    "spec.terminationGracePeriodSeconds: Required value",
    "spec.containers: Required value",
    "spec.restartPolicy: Required value",
    "spec.dnsPolicy: Required value",
  ]);
});
