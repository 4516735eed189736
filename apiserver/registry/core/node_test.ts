import assert from "assert";
import type { Node } from "../../../lib/types/core_v1.ts";
import type { ConnectSubresource } from "../../rest/resource.ts";
import {
  created,
  createErrors,
  defaulted,
  header,
  isIdempotent,
  lines,
  row,
  statusErrors,
  updateErrors,
} from "../meta/kind_scene.ts";
import { node } from "./node.ts";

const proxy = node.subresources.proxy as ConnectSubresource<Node>;

Deno.test("node has its range in two fields and may allocate what it has", () => {
  const object = defaulted(node, {
    spec: { podCIDR: "10.244.1.0/24" },
    status: { capacity: { cpu: "2", memory: "1.0001" } },
  });
  assert.deepEqual(object.spec, { podCIDR: "10.244.1.0/24", podCIDRs: ["10.244.1.0/24"] });
  assert.deepEqual(object.status.allocatable, { cpu: "2", memory: "1001m" });
  assert.deepEqual(defaulted(node, { spec: { podCIDRs: ["10.244.1.0/24"] } }).spec.podCIDR, "10.244.1.0/24");
  assert.ok(isIdempotent(node, { spec: { podCIDR: "10.244.1.0/24" }, status: { capacity: { cpu: "2" } } }));
  assert.deepEqual(created(node, { status: { phase: "Running" } }).status, { phase: "Running" });
});

Deno.test("node says all that is wrong", () => {
  const table: [Record<string, unknown>, string[]][] = [
    [{}, []],
    [{ spec: { taints: [{ key: "a/b", value: "c", effect: "NoSchedule" }, { key: "a/b", effect: "NoExecute" }] } }, []],
    [{
      spec: {
        taints: [{ key: "a" }, { key: "a", effect: "Never" }, { key: "b", effect: "NoExecute" }, {
          key: "b",
          effect: "NoExecute",
        }],
      },
    }, [
      "metadata.taints[0].effect: Required value",
      'metadata.taints[1].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      'metadata.taints[3]: Duplicate value: {"Key":"b","Value":"","Effect":"NoExecute","TimeAdded":null}: ' +
      "taints must be unique by key and effect pair",
    ]],
    [{ spec: { podCIDRs: ["10.244.1.0/24", "10.244.1.0/24"] } }, [
      'spec.podCIDRs: Invalid value: ["10.244.1.0/24","10.244.1.0/24"]: may specify no more than one CIDR for each IP family',
      'spec.podCIDRs[1]: Duplicate value: "10.244.1.0/24"',
    ]],
    [{ spec: { podCIDRs: ["10.244.1.1/24", "fd00::/64"] } }, [
      'spec.podCIDRs[0]: Invalid value: "10.244.1.1/24": must not have bits set beyond the prefix length',
    ]],
    [{ status: { capacity: { cpu: "-1", pods: "1500m" }, allocatable: { "example.com/gpu": "500m" } } }, [
      'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
      'status.capacity.pods: Invalid value: "1500m": must be an integer',
      'status.allocatable.example.com/gpu: Invalid value: "500m": must be an integer',
    ]],
    [{ metadata: { annotations: { "scheduler.alpha.kubernetes.io/taints": '[{"key":"a"}]' } } }, [
      "metadata.annotations.scheduler.alpha.kubernetes.io/taints[0].effect: Required value",
    ]],
    [{ metadata: { annotations: { "scheduler.alpha.kubernetes.io/preferAvoidPods": '{"preferAvoidPods":[{}]}' } } }, [
      "metadata.annotations.scheduler.alpha.kubernetes.io/preferAvoidPods[0].PodSignature: Required value",
    ]],
  ];
  for (const [given, expected] of table) assert.deepEqual(createErrors(node, given), expected);
});

Deno.test("node keeps its range and its provider's name once it has them", () => {
  const old = created(node, { spec: { podCIDR: "10.244.1.0/24", providerID: "a" } });
  const errors = updateErrors(
    node,
    old,
    ({ spec }) => Object.assign(spec, { podCIDR: "10.244.2.0/24", providerID: "b", externalID: "c" }),
  );
  assert.deepEqual(errors, [
    'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    "spec.externalID: Forbidden: may not be updated",
  ]);
  const bare = created(node, {});
  assert.deepEqual(
    updateErrors(node, bare, ({ spec }) => Object.assign(spec, { podCIDR: "10.244.2.0/24", providerID: "b" })),
    [],
  );
  const doubled = statusErrors(node, bare, ({ status }) => {
    status.addresses = [{ type: "InternalIP", address: "10.0.0.1" }, { type: "InternalIP", address: "10.0.0.1" }];
    status.config = { active: { configMap: { name: "c", namespace: "n", kubeletConfigKey: "k" } } };
  });
  assert.deepEqual(doubled, [
    'status.addresses[1]: Duplicate value: {"Type":"InternalIP","Address":"10.0.0.1"}',
    "status.config.active.configMap.uid: Required value: uid must be set in status",
    "status.config.active.configMap.resourceVersion: Required value: resourceVersion must be set in status",
  ]);
  assert.deepEqual(lines(node.validateUpdate!(created(node, { spec: { configSource: {} } }), bare)), [
    "spec.configSource: Invalid value: {}: exactly one reference subfield must be non-nil",
  ]);
});

Deno.test("node columns are kubectl's", () => {
  assert.equal(
    header(node),
    "Name, Status, Roles, Age, Version, Internal-IP*, External-IP*, OS-Image*, Kernel-Version*, Container-Runtime*",
  );
  const ready = (status: string) => ({ status: { conditions: [{ type: "Ready", status }] } });
  const unknown = "<none> <none> <unknown> <unknown> <unknown>";
  const table: [Record<string, unknown>, string][] = [
    [{}, `web Unknown <none> 0s  | ${unknown}`],
    [ready("True"), `web Ready <none> 0s  | ${unknown}`],
    [ready("Unknown"), `web NotReady <none> 0s  | ${unknown}`],
    [{ ...ready("False"), spec: { unschedulable: true } }, `web NotReady,SchedulingDisabled <none> 0s  | ${unknown}`],
    [{
      metadata: {
        labels: { "node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge", "node-role.kubernetes.io/": "" },
      },
      status: {
        nodeInfo: {
          kubeletVersion: "v1.36.0",
          osImage: "Debian",
          kernelVersion: "6.1",
          containerRuntimeVersion: "podman://5",
        },
        addresses: [{ type: "Hostname", address: "n" }, { type: "InternalIP", address: "10.0.0.1" }],
      },
    }, "web Unknown edge,worker 0s v1.36.0 | 10.0.0.1 <none> Debian 6.1 podman://5"],
  ];
  for (const [given, expected] of table) assert.equal(row(node, created(node, given)), expected);
});

Deno.test("node is reached at its kubelet's port only", () => {
  const object = created(node, {
    metadata: { name: "n1" },
    status: { daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } },
  });
  const locate = (id: string) => proxy.locate(object, new URLSearchParams("a=b"), "stats/summary", id);
  const expected = { to: "node", node: "n1", path: "/stats/summary?a=b" };
  assert.deepEqual(locate("n1"), expected);
  assert.deepEqual(locate("https:n1:10250"), expected);
  assert.throws(() => locate("n1:22"), /only the kubelet's port can be reached, 10250/);
  assert.equal(proxy.nameIn!("https:n1:10250"), "n1");
});
