import assert from "assert";
import type { KubeObject } from "../kind.ts";
import type { Pod, PodSpec, PodStatus, ResourceQuota } from "../types/core_v1.ts";
import { formatted } from "./amounts.ts";
import { heldSpec } from "./pod_resources.ts";
import { isInScope, unspecified, usageOf } from "./usage.ts";

const pods = { group: "", plural: "pods" };
const container = (name: string, requests?: object, limits?: object, more = {}) => ({
  name,
  resources: { requests, limits },
  ...more,
});
const pod = (spec: object, rest: object = {}) =>
  ({ metadata: {}, spec, status: {}, ...rest }) as unknown as Pod & KubeObject;
const usage = (kind: { group: string; plural: string }, object: object, now = 0) =>
  formatted(usageOf(kind, object as KubeObject, now));

Deno.test("usageOf() counts what of a pod runs at the same time", () => {
  const spec = {
    containers: [container("a", { cpu: "100m", memory: "1Gi" }, { cpu: "1" }), container("b", { cpu: "200m" })],
    initContainers: [
      container("side", { cpu: "50m" }, undefined, { restartPolicy: "Always" }),
      container("init", { cpu: "2", "nvidia.com/gpu": "1" }),
    ],
  };
  assert.deepEqual(usage(pods, pod(spec)), {
    "count/pods": "1",
    pods: "1",
    cpu: "2050m",
    "requests.cpu": "2050m",
    memory: "1Gi",
    "requests.memory": "1Gi",
    "requests.nvidia.com/gpu": "1",
    "limits.cpu": "1",
  });
});

Deno.test("usageOf() counts a pod that is over as an object only", () => {
  const over = [
    { status: { phase: "Succeeded" } },
    { metadata: { deletionTimestamp: "1970-01-01T00:00:00Z", deletionGracePeriodSeconds: 30 } },
  ];
  for (const rest of over) assert.deepEqual(usage(pods, pod({ containers: [] }, rest), 31_000), { "count/pods": "1" });
  assert.equal(usage(pods, pod({ containers: [] }, over[1]), 29_000).pods, "1");
});

Deno.test("usageOf() knows services' ports and balancers, claims' classes, and counts everything else", () => {
  const core = (plural: string) => ({ group: "", plural });
  const service = (spec: object) => usage(core("services"), { spec });
  assert.deepEqual(service({ type: "LoadBalancer", ports: [{}, {}] }), {
    services: "1",
    "count/services": "1",
    "services.nodeports": "2",
    "services.loadbalancers": "1",
  });
  const ports = [{ nodePort: 30000 }, {}];
  assert.equal(
    service({ type: "LoadBalancer", allocateLoadBalancerNodePorts: false, ports })["services.nodeports"],
    "1",
  );
  assert.equal(service({ ports })["services.nodeports"], "0");
  const spec = { storageClassName: "fast", resources: { requests: { storage: "5Gi" } } };
  assert.deepEqual(usage(core("persistentvolumeclaims"), { metadata: {}, spec }), {
    persistentvolumeclaims: "1",
    "count/persistentvolumeclaims": "1",
    "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
    "requests.storage": "5Gi",
    "fast.storageclass.storage.k8s.io/requests.storage": "5Gi",
  });
  assert.deepEqual(usage(core("secrets"), {}), { secrets: "1", "count/secrets": "1" });
  assert.deepEqual(usage({ group: "apps", plural: "deployments" }, {}), { "count/deployments.apps": "1" });
});

Deno.test("isInScope() asks every scope of the quota", () => {
  const quota = (spec: object) => ({ spec }) as ResourceQuota;
  const select = (scopeName: string, operator: string, values?: string[]) =>
    quota({ scopeSelector: { matchExpressions: [{ scopeName, operator, values }] } });
  const plain = { containers: [container("a")] };
  const asking = { containers: [container("a", { cpu: "1" })] };
  const term = { podAffinityTerm: { namespaces: ["x"] } };
  const abroad = {
    ...plain,
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [term] } },
  };
  const table: [ResourceQuota, object, boolean][] = [
    [quota({}), plain, true],
    [quota({ scopes: ["BestEffort"] }), plain, true],
    [quota({ scopes: ["BestEffort"] }), asking, false],
    [quota({ scopes: ["NotBestEffort", "NotTerminating"] }), asking, true],
    [quota({ scopes: ["NotBestEffort", "Terminating"] }), asking, false],
    [quota({ scopes: ["Terminating"] }), { ...plain, activeDeadlineSeconds: 5 }, true],
    [select("PriorityClass", "In", ["high"]), { ...plain, priorityClassName: "high" }, true],
    [select("PriorityClass", "In", ["high"]), plain, false],
    [select("PriorityClass", "NotIn", ["high"]), plain, true],
    [select("PriorityClass", "Exists"), { ...plain, priorityClassName: "low" }, true],
    [quota({ scopes: ["CrossNamespacePodAffinity"] }), abroad, true],
    [quota({ scopes: ["CrossNamespacePodAffinity"] }), plain, false],
  ];
  for (const [of, spec, is] of table) assert.equal(isInScope(of, pods, pod(spec)), is, JSON.stringify([of, spec]));
  assert.equal(isInScope(quota({ scopes: ["BestEffort"] }), { group: "", plural: "services" }, pod({})), false);
});

Deno.test("unspecified() names what each container has to say", () => {
  const spec = { containers: [container("b"), container("a", { cpu: "1" }, { memory: "1Gi" })] };
  assert.equal(
    unspecified(pod(spec), ["limits.memory", "cpu", "pods"]),
    "must specify cpu for: b; limits.memory for: b",
  );
  assert.equal(unspecified(pod({ ...spec, resources: { requests: { cpu: "2" } } }), ["requests.cpu"]), undefined);
  assert.equal(unspecified(pod(spec), ["pods", "count/pods"]), undefined);
});

Deno.test("heldSpec() counts a pod that is being resized with the most of what it asks for, was granted and has", () => {
  const container = (cpu: string) => ({ name: "c", resources: { requests: { cpu } } });
  const status = (has: string, granted: string) => ({
    containerStatuses: [{
      ...{ name: "c", image: "", imageID: "", ready: true, restartCount: 0 },
      resources: { requests: { cpu: has } },
      allocatedResources: { cpu: granted },
    }],
  });
  const cpu = (spec: PodSpec, told: PodStatus) => {
    const held = heldSpec({ spec, status: told } as Pod);
    return held.containers[0]!.resources!.requests!.cpu;
  };
  const never = { conditions: [{ type: "PodResizePending", status: "True", reason: "Infeasible" }] } as PodStatus;
  const later = { conditions: [{ type: "PodResizePending", status: "True", reason: "Deferred" }] } as PodStatus;
  const table: [string, PodStatus, string][] = [
    ["1", {}, "1"],
    ["1", status("1", "1"), "1"],
    ["1", status("2", "1"), "2"],
    ["1", status("1500m", "2"), "2"],
    ["3", status("2", "2"), "3"],
    ["3", { ...status("2", "2"), ...later }, "3"],
    ["3", { ...status("2", "2"), ...never }, "2"],
  ];
  for (const [asked, told, expected] of table) {
    assert.equal(cpu({ containers: [container(asked)] }, told), expected, JSON.stringify([asked, told]));
  }
  const sidecar = { ...container("1"), restartPolicy: "Always" };
  const told = { initContainerStatuses: status("2", "1").containerStatuses };
  const held = heldSpec({ spec: { containers: [], initContainers: [sidecar] }, status: told } as unknown as Pod);
  assert.equal(held.initContainers![0]!.resources!.requests!.cpu, "2");
  const spec = { containers: [container("1")] };
  assert.equal(
    heldSpec({ spec, status: status("1", "1") } as unknown as Pod),
    spec,
    "nothing is made anew where nothing differs",
  );
});
