import assert from "assert";
import type { KubeObject } from "../../lib/kind.ts";
import { createKey, createRequest } from "../../lib/pki/request.ts";
import { StatusError } from "../../lib/status.ts";
import { certificateSubjectRestriction } from "./certificate_subject_restriction.ts";
import { forbiddenLabels } from "./node_labels.ts";
import { nodeRestriction } from "./node_restriction.ts";
import type { Attributes, Lookup } from "./plugin.ts";

// deno-lint-ignore no-explicit-any -- parts of objects
type Any = any;

const agent = { name: "system:node:n1", groups: ["system:nodes", "system:authenticated"] };
const proxy = { name: "system:node-proxy:n1", groups: ["system:node-proxier", "system:authenticated"] };

const pods: Record<string, Any> = {
  "ns/mine": { metadata: { name: "mine", uid: "u1" }, spec: { nodeName: "n1" } },
  "ns/others": { metadata: { name: "others", uid: "u2" }, spec: { nodeName: "n2" } },
};
const lookup = { get: (_: string, key: string) => pods[key] } as unknown as Lookup;

interface Case {
  operation?: Attributes["operation"];
  /** `pods/status@group` */
  resource: string;
  namespace?: string;
  name?: string;
  object?: Any;
  old?: Any;
  user?: Attributes["user"];
}

/** What the plugin says, after `… is forbidden: `; `undefined` when it has nothing against it. */
function verdict({ operation = "UPDATE", resource, name = "", user = agent, ...rest }: Case): string | undefined {
  const [path, group = ""] = resource.split("@");
  const [plural, subresource] = path!.split("/");
  const attributes = {
    operation,
    name,
    user,
    subresource,
    resource: { group, plural },
    ...rest,
  } as unknown as Attributes;
  for (const plugin of [nodeRestriction, certificateSubjectRestriction]) {
    try {
      plugin.validate!(attributes, lookup);
    } catch (error) {
      assert(error instanceof StatusError && error.code === 403, String(error));
      return error.message.slice(error.message.indexOf(" is forbidden: ") + " is forbidden: ".length);
    }
  }
  return undefined;
}

function check(table: readonly [Case, string | undefined][]): void {
  for (const [one, want] of table) assert.equal(verdict(one), want, JSON.stringify(one));
}

const node = (name: string, more: Any = {}): KubeObject =>
  ({ metadata: { name, ...more.metadata }, spec: more.spec ?? {}, status: more.status ?? {} }) as Any;
const labels = (map: Record<string, string>) => ({ metadata: { labels: map } });

Deno.test("nodeRestriction keeps a node to its own Node, without the labels and taints that choose its pods", () => {
  const resource = "nodes";
  check([
    [
      { operation: "CREATE", resource, object: node("n1", labels({ "kubernetes.io/hostname": "n1", zone: "a" })) },
      undefined,
    ],
    [{ operation: "CREATE", resource, object: node("n2") }, 'node "n1" is not allowed to modify node "n2"'],
    [
      { operation: "CREATE", resource, object: node("n1", labels({ "node-restriction.kubernetes.io/secure": "1" })) },
      'node "n1" is not allowed to set the following labels: node-restriction.kubernetes.io/secure',
    ],
    [{ resource, name: "n2", object: node("n2"), old: node("n2") }, 'node "n1" is not allowed to modify node "n2"'],
    [
      {
        resource,
        name: "n1",
        object: node("n1", { spec: { taints: [] } }),
        old: node("n1", { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } }),
      },
      'node "n1" is not allowed to modify taints',
    ],
    [
      { resource, name: "n1", object: node("n1"), old: node("n1", labels({ "node-role.kubernetes.io/worker": "" })) },
      'node "n1" is not allowed to modify labels: node-role.kubernetes.io/worker',
    ],
    [{ resource, name: "n1", object: node("n1", labels({ mine: "1" })), old: node("n1") }, undefined],
    [{ resource, name: "n2", object: node("n2"), old: node("n2"), user: { name: "admin", groups: [] } }, undefined],
  ]);
});

Deno.test("nodeRestriction lets a Node be one machine", () => {
  const on = (machineID: string) =>
    node("n1", { status: { nodeInfo: { machineID }, addresses: [{ type: "InternalIP", address: "192.0.2.9" }] } });
  const resource = "nodes/status";
  check([
    [{ resource, name: "n1", object: on("a"), old: on("a") }, undefined],
    [{ resource, name: "n1", object: on("a"), old: node("n1") }, undefined],
    [{ resource, name: "n1", object: node("n1"), old: on("a") }, undefined],
    [
      { resource, name: "n1", object: on("b"), old: on("a") },
      'node "n1" is the machine a (192.0.2.9), and this is the machine b: start this one with another --node-name, or, if ' +
      "that machine is gone for good, `kubectl delete node n1`",
    ],
  ]);
});

Deno.test("nodeRestriction keeps a node to the pods that are bound to it", () => {
  const { "ns/mine": mine, "ns/others": others } = pods;
  const labelled = { ...mine, metadata: { ...mine.metadata, labels: { a: "b" } } };
  const mirror = (spec: Any = {}, owner: Any = { apiVersion: "v1", kind: "Node", name: "n1", controller: true }) => ({
    metadata: { name: "m", annotations: { "kubernetes.io/config.mirror": "x" }, ownerReferences: [owner] },
    spec: { nodeName: "n1", containers: [{ name: "c", image: "i" }], ...spec },
  });
  const create = (object: Any): Case => ({ operation: "CREATE", resource: "pods", namespace: "ns", object });
  check([
    [{ resource: "pods/status", namespace: "ns", name: "mine", object: mine, old: mine }, undefined],
    [
      { resource: "pods/status", namespace: "ns", name: "others", object: others, old: others },
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      { resource: "pods/status", namespace: "ns", name: "mine", object: labelled, old: mine },
      'node "n1" cannot update labels through pod status',
    ],
    [{ operation: "DELETE", resource: "pods", namespace: "ns", name: "mine", old: mine }, undefined],
    [
      { operation: "DELETE", resource: "pods", namespace: "ns", name: "others", old: others },
      'node "n1" can only delete pods with spec.nodeName set to itself',
    ],
    [
      { operation: "CREATE", resource: "pods/eviction", namespace: "ns", name: "others" },
      'node "n1" can only evict pods with spec.nodeName set to itself',
    ],
    [create(mine), 'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods'],
    [create(mirror()), undefined],
    [create(mirror({ nodeName: "n2" })), 'node "n1" can only create pods with spec.nodeName set to itself'],
    [create(mirror({ serviceAccountName: "a" })), 'node "n1" can not create pods that reference a service account'],
    [
      create(mirror({ volumes: [{ name: "v", secret: { secretName: "s" } }] })),
      'node "n1" can not create pods that reference secrets',
    ],
    [
      create(mirror({}, { apiVersion: "v1", kind: "Node", name: "n2", controller: true })),
      'node "n1" can only create pods with an owner reference set to itself',
    ],
  ]);
});

Deno.test("nodeRestriction keeps an agent and a proxy to their own Leases", () => {
  const lease = (name: string, namespace: string, user = agent): Case => ({
    operation: "CREATE",
    resource: "leases@coordination.k8s.io",
    namespace,
    object: { metadata: { name } },
    user,
  });
  check([
    [lease("n1", "kube-node-lease"), undefined],
    [lease("n2", "kube-node-lease"), "can only access node lease with the same name as the requesting node"],
    [lease("n1", "kube-system"), 'can only access leases in the "kube-node-lease" system namespace'],
    [lease("proxy-n1", "kube-system", proxy), undefined],
    [lease("proxy-n2", "kube-system", proxy), 'the proxy of node "n1" can only write the lease kube-system/proxy-n1'],
  ]);
});

Deno.test("nodeRestriction lets a node ask for tokens of its own pods only", () => {
  const token = (boundObjectRef: Any): Case => ({
    operation: "CREATE",
    resource: "serviceaccounts/token",
    namespace: "ns",
    name: "default",
    object: { metadata: {}, spec: { boundObjectRef } },
  });
  const ref = (name: string, uid: string | undefined) => ({ apiVersion: "v1", kind: "Pod", name, uid });
  check([
    [token(ref("mine", "u1")), undefined],
    [token(undefined), "node requested token not bound to a pod"],
    [token({ apiVersion: "v1", kind: "Secret", name: "s" }), "node requested token not bound to a pod"],
    [token(ref("mine", undefined)), "node requested token with a pod binding without a uid"],
    [token(ref("others", "u2")), "node requested token bound to a pod scheduled on a different node"],
    [
      token(ref("mine", "u9")),
      "the UID in the bound object reference (u9) does not match the UID in record. The object might have been deleted and then recreated",
    ],
  ]);
});

Deno.test("certificates: a node asks for its own, nobody for those of who may do everything", async () => {
  const key = await createKey();
  const ask = async (
    signerName: string,
    subject: { commonName: string; organizations?: string[] },
    user = agent,
  ): Promise<Case> => ({
    operation: "CREATE",
    resource: "certificatesigningrequests@certificates.k8s.io",
    object: { metadata: { name: "c" }, spec: { signerName, request: btoa(await createRequest(key, subject)) } },
    user,
  });
  const kubelet = "kubernetes.io/kube-apiserver-client-kubelet";
  const client = "kubernetes.io/kube-apiserver-client";
  const bob = { name: "bob", groups: [] };
  check([
    [await ask(kubelet, { commonName: "system:node:n1" }), undefined],
    [await ask(kubelet, { commonName: "system:node:n2" }), "can only create a node CSR with CN=system:node:n1"],
    [await ask("dev.sauropod/proxy-client", { commonName: "system:node-proxy:n1" }), undefined],
    [await ask(client, { commonName: "bob", organizations: ["dev"] }, bob), undefined],
    [
      await ask(client, { commonName: "bob", organizations: ["system:masters"] }, bob),
      "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed",
    ],
  ]);
});

Deno.test("forbiddenLabels() are Kubernetes' own, but for those that kubelets set", () => {
  const allowed = [
    "a",
    "example.com/a",
    "kubernetes.io/os",
    "node.kubernetes.io/x",
    "x.node.kubernetes.io/y",
    "kubelet.kubernetes.io/z",
  ];
  const not = [
    "kubernetes.io/x",
    "a.k8s.io/b",
    "node-restriction.kubernetes.io/a",
    "x.node-restriction.kubernetes.io/a",
    "node-role.kubernetes.io/a",
  ];
  assert.deepEqual(forbiddenLabels([...allowed, ...not]), not);
});
