/** A pod's spec as the engine, the resolver and the node understand it. */
import assert from "assert";
import type { Container, Pod, PodSpec } from "../../lib/types/core_v1.ts";
import { type NodeRoom, rejectionOf } from "./admit.ts";
import { goDuration } from "./crash_backoff.ts";
import { ConfigError } from "./env.ts";
import { HostnameError, hostsFile, kernelHostname } from "./hosts.ts";
import { containerLabels, containerName, identityOf } from "./names.ts";
import { qosClass } from "./qos.ts";
import { engineResources, oomScoreAdj } from "./resources.ts";
import { parseResolvConf, resolvConf, resolverOf } from "./resolv.ts";
import { sandboxSpec } from "./sandbox_spec.ts";
import { engineSecurity } from "./security.ts";

const pod = (spec: Partial<PodSpec> = {}, name = "p"): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "ns", uid: "u1", resourceVersion: "1", creationTimestamp: "" },
  spec: { containers: [{ name: "app" }], ...spec },
  status: {},
});
const domain = "cluster.local";

// Names.
for (
  const [spec, name, expected] of [
    [{}, "web", "web"],
    [{ hostname: "h" }, "web", "h"],
    [{ hostname: "h", subdomain: "s" }, "web", "h"],
    [{ hostname: "h", subdomain: "s", setHostnameAsFQDN: true }, "web", "h.s.ns.svc.cluster.local"],
    [{ hostnameOverride: "any.name" }, "web", "any.name"],
    [{}, `${"a".repeat(62)}-bcd`, "a".repeat(62)],
  ] as [Partial<PodSpec>, string, string][]
) {
  Deno.test(`kernelHostname() is ${expected} for ${JSON.stringify(spec)}`, () => {
    assert.equal(kernelHostname(pod(spec, name), domain), expected);
  });
}

Deno.test("kernelHostname() refuses a name that Linux does not take", () => {
  const long = pod({ hostname: "h".repeat(60), subdomain: "s", setHostnameAsFQDN: true });
  assert.throws(() => kernelHostname(long, domain), HostnameError);
});

Deno.test("hostsFile() of a pod in the host's network begins with the host's own", () => {
  const text = hostsFile(pod({ hostNetwork: true, hostAliases: [{ ip: "1.1.1.1", hostnames: ["one", "uno"] }] }), {
    podIPs: ["192.168.0.9"],
    clusterDomain: domain,
    hostFile: "127.0.0.1 localhost\n",
  });
  assert.equal(
    text,
    "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n\n# Entries added by HostAliases.\n1.1.1.1\tone\tuno\n",
  );
});

const host = parseResolvConf(
  "# made by hand\nnameserver 1.1.1.1 ; quad\nsearch old.example\nsearch corp.example.\noptions timeout:2\n",
);
for (
  const [what, spec, expected] of [
    [
      "ClusterFirst",
      {},
      "search ns.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n",
    ],
    [
      "ClusterFirst in the host's network",
      { hostNetwork: true },
      "search corp.example\nnameserver 1.1.1.1\noptions timeout:2\n",
    ],
    [
      "ClusterFirstWithHostNet",
      { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" },
      "search ns.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n",
    ],
    ["Default", { dnsPolicy: "Default" }, "search corp.example\nnameserver 1.1.1.1\noptions timeout:2\n"],
    [
      "None",
      {
        dnsPolicy: "None",
        dnsConfig: {
          nameservers: ["9.9.9.9"],
          searches: ["x"],
          options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
        },
      },
      "search x\nnameserver 9.9.9.9\noptions ndots:2 edns0\n",
    ],
    [
      "an option of the pod's own",
      { dnsConfig: { options: [{ name: "ndots", value: "1" }], nameservers: ["10.96.0.10", "8.8.8.8"] } },
      "search ns.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\nnameserver 8.8.8.8\noptions ndots:1\n",
    ],
  ] as [string, Partial<PodSpec>, string][]
) {
  Deno.test(`resolverOf() follows ${what}`, () => {
    const resolver = resolverOf(pod(spec), { host, clusterDns: ["10.96.0.10"], clusterDomain: domain });
    assert.equal(resolvConf(resolver), expected);
  });
}

Deno.test("identityOf() reads what containerLabels() wrote", () => {
  const identity = { container: "app", attempt: 3, sandboxAttempt: 1, restartDelayMs: 20_000, hash: "ff" };
  const read = identityOf(containerLabels(pod(), { cluster: "c", node: "n" }, identity));
  assert.deepEqual(read, { ...identity, podUid: "u1", podName: "p", podNamespace: "ns" });
  assert.equal(identityOf({ other: "label" }), undefined);
  const made = containerLabels(pod(), { cluster: "c", node: "n" }, {
    ...identity,
    resources: { limits: { cpu: "1" } },
  });
  assert.deepEqual(identityOf(made)?.resources, { limits: { cpu: "1" } });
  for (const odd of ["{", "null", "7"]) {
    assert.equal(identityOf({ ...made, "dev.sauropod.resources": odd })?.resources, undefined, odd);
  }
  assert.equal(containerName(pod(), "app", 3), "k8s_app_p_ns_u1_3");
});

Deno.test("goDuration() is written as Go does", () => {
  assert.deepEqual([10_000, 80_000, 300_000, 3_600_000].map(goDuration), ["10s", "1m20s", "5m0s", "1h0m0s"]);
});

// Resources.
for (
  const [requests, limits, expected] of [
    [{}, {}, { cpuShares: 2 }],
    [{ cpu: "250m", memory: "64Mi" }, {}, { cpuShares: 256 }],
    [{}, { cpu: "2", memory: "64Mi" }, { cpuShares: 2048, nanoCpus: 2_000_000_000, memoryBytes: 67_108_864 }],
    [{ cpu: "1m" }, { cpu: "1m" }, { cpuShares: 2, nanoCpus: 10_000_000 }],
  ] as [Record<string, string>, Record<string, string>, object][]
) {
  Deno.test(`engineResources() of ${JSON.stringify({ requests, limits })}`, () => {
    assert.deepEqual(engineResources({ name: "app", resources: { requests, limits } }), expected);
  });
}

Deno.test("engineResources() refuses what the node does not have", () => {
  assert.throws(() => engineResources({ name: "app", resources: { limits: { "example.com/gpu": "1" } } }), ConfigError);
});

const resources = (requests: Record<string, string>, limits: Record<string, string>): Container => ({
  name: "app",
  resources: { requests, limits },
});
for (
  const [container, qos, score] of [
    [resources({}, {}), "BestEffort", 1000],
    [resources({ cpu: "1" }, {}), "Burstable", 999],
    [resources({ memory: "4Gi" }, {}), "Burstable", 500],
    [resources({ cpu: "1", memory: "1Gi" }, { cpu: "1", memory: "1Gi" }), "Guaranteed", undefined],
    [resources({ cpu: "1", memory: "1Gi" }, { cpu: "2", memory: "1Gi" }), "Burstable", 875],
    [resources({}, { cpu: "2" }), "Burstable", 999],
  ] as [Container, string, number | undefined][]
) {
  Deno.test(`qosClass() of ${JSON.stringify(container.resources)} is ${qos}`, () => {
    const one = pod({ containers: [container] });
    assert.equal(qosClass(one), qos);
    assert.equal(oomScoreAdj(one, container, 8 * 2 ** 30), score);
  });
}

// Security.
const secure = (spec: Partial<PodSpec>, container: Partial<Container>, user = "") =>
  engineSecurity(pod(spec), { name: "app", ...container }, {
    image: { user },
    seccompProfile: (n) => n === "p.json" ? "{}" : undefined,
  });

Deno.test("engineSecurity() merges the container's context over the pod's", () => {
  const made = secure({
    securityContext: {
      runAsUser: 1,
      runAsGroup: 2,
      fsGroup: 3,
      supplementalGroups: [4, 3],
      seccompProfile: { type: "Unconfined" },
    },
  }, {
    securityContext: {
      runAsUser: 10,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { add: ["CAP_NET_ADMIN"], drop: ["all"] },
      seLinuxOptions: { type: "t", level: "s0" },
    },
  });
  assert.deepEqual(made, {
    user: "10:2",
    groups: ["4", "3"],
    privileged: false,
    readOnlyRootfs: true,
    capAdd: ["NET_ADMIN"],
    capDrop: ["ALL"],
    securityOpt: ["no-new-privileges", "seccomp=unconfined", "label=type:t", "label=level:s0"],
  });
});

Deno.test("engineSecurity() keeps the image's user when only a group is named", () => {
  assert.equal(secure({}, { securityContext: { runAsGroup: 5 } }, "app:7").user, "app:5");
  assert.equal(secure({}, { securityContext: { runAsGroup: 5 } }).user, "0:5");
  assert.equal(secure({}, { securityContext: { runAsUser: 5 } }).user, "5");
  assert.equal(secure({}, {}, "app").user, undefined);
});

Deno.test("engineSecurity() reads a seccomp profile of the node's", () => {
  const profile = (localhostProfile: string) =>
    secure({}, { securityContext: { seccompProfile: { type: "Localhost", localhostProfile } } }).securityOpt;
  assert.deepEqual(profile("p.json"), ["seccomp={}"]);
  assert.throws(() => profile("no.json"), /cannot load seccomp profile "no\.json"/);
});

const where = '(pod: "p_ns(u1)", container: app)';
for (
  const [context, user, message] of [
    [{}, "", `container has runAsNonRoot and image will run as root ${where}`],
    [{}, "0:5", `container has runAsNonRoot and image will run as root ${where}`],
    [
      {},
      "app",
      `container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root ${where}`,
    ],
    [{ runAsUser: 0 }, "1000", `container's runAsUser breaks non-root policy ${where}`],
    [{ runAsUser: 5 }, "", undefined],
    [{}, "1000", undefined],
  ] as const
) {
  Deno.test(`engineSecurity() with runAsNonRoot, ${JSON.stringify(context)} and image user "${user}": ${message ?? "runs"}`, () => {
    const run = () => secure({ securityContext: { runAsNonRoot: true } }, { securityContext: context }, user);
    if (message === undefined) run();
    else assert.throws(run, (error) => error instanceof ConfigError && error.message === message);
  });
}

Deno.test("sandboxSpec() shares what the pod asks to share with the host", () => {
  const input = { attempt: 2, image: "infra", owner: { cluster: "c", node: "n" }, clusterDomain: domain };
  const own = sandboxSpec(
    pod({ securityContext: { sysctls: [{ name: "net.ipv4.tcp_syncookies", value: "0" }] } }),
    input,
  );
  assert.deepEqual([own.name, own.networkMode, own.ipcMode, own.pidMode, own.utsMode, own.hostname], [
    "k8s_POD_p_ns_u1_2",
    "none",
    "shareable",
    undefined,
    undefined,
    "p",
  ]);
  assert.deepEqual(own.sysctls, { "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.tcp_syncookies": "0" });
  const open = sandboxSpec(pod({ hostNetwork: true, hostPID: true, hostIPC: true }), input);
  assert.deepEqual([open.networkMode, open.ipcMode, open.pidMode, open.utsMode, open.hostname, open.sysctls], [
    "host",
    "host",
    "host",
    "host",
    undefined,
    {},
  ]);
});

// Admission.
const room: NodeRoom = {
  allocatable: { cpu: "2", memory: "4Gi", pods: "3" },
  labels: { disk: "ssd" },
  others: [
    pod({
      containers: [{
        name: "a",
        resources: { requests: { cpu: "500m" } },
        ports: [{ containerPort: 80, hostPort: 8080 }],
      }],
    }),
  ],
};
const cpu = (value: string, more: Partial<Container> = {}): Container => ({
  name: "app",
  resources: { requests: { cpu: value } },
  ...more,
});
for (
  const [what, spec, reason] of [
    ["fits", { containers: [cpu("1500m")] }, undefined],
    ["asks for too much", { containers: [cpu("1501m")] }, "OutOfcpu"],
    ["has a large init container", { initContainers: [cpu("3")], containers: [cpu("1m")] }, "OutOfcpu"],
    [
      "has a sidecar",
      { initContainers: [cpu("1", { restartPolicy: "Always" })], containers: [cpu("600m")] },
      "OutOfcpu",
    ],
    ["wants another node", { nodeSelector: { disk: "hdd" } }, "NodeAffinity"],
    ["wants this node", { nodeSelector: { disk: "ssd" } }, undefined],
    ["is for another system", { os: { name: "windows" } }, "PodOSNotSupported"],
    ["wants a taken port", { containers: [{ name: "a", ports: [{ containerPort: 1, hostPort: 8080 }] }] }, "NodePorts"],
    ["wants the port for UDP", {
      containers: [{ name: "a", ports: [{ containerPort: 1, hostPort: 8080, protocol: "UDP" }] }],
    }, undefined],
    [
      "sets a sysctl of everybody's",
      { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } },
      "SysctlForbidden",
    ],
    [
      "sets a network sysctl of the host",
      { hostNetwork: true, securityContext: { sysctls: [{ name: "net.ipv4.tcp_syncookies", value: "1" }] } },
      "SysctlForbidden",
    ],
    ["wants a user namespace", { hostUsers: false }, "UnsupportedFeature"],
    ["names a runtime class", { runtimeClassName: "gvisor" }, "UnsupportedFeature"],
  ] as [string, Partial<PodSpec>, string | undefined][]
) {
  Deno.test(`rejectionOf() a pod that ${what}: ${reason ?? "none"}`, () =>
    assert.equal(rejectionOf(pod(spec), room)?.reason, reason));
}

Deno.test("rejectionOf() counts pods", () => {
  const full = { ...room, others: [pod(), pod(), pod()] };
  assert.equal(
    rejectionOf(pod(), full)?.message,
    "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
  );
});
