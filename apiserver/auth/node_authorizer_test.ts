import assert from "assert";
import { createFixture } from "../../tests/harness/rest.ts";
import type { Resource } from "../rest/resource.ts";
import { persistentVolume } from "../registry/core/persistent_volume.ts";
import { persistentVolumeClaim } from "../registry/core/persistent_volume_claim.ts";
import { pod } from "../registry/core/pod.ts";
import { nodeAuthorizer } from "./node_authorizer.ts";
import { createNodeObjects, type NodeObjects } from "./node_objects.ts";
import type { Access } from "./rules.ts";
import { authenticated } from "./user.ts";

// deno-lint-ignore no-explicit-any -- parts of objects
type Any = any;

const container = (more: object = {}) => ({ name: "c", image: "i", ...more });
const podOn = (node: string | undefined, name: string, spec: object = {}) => ({
  metadata: { name, namespace: "ns" },
  spec: { nodeName: node, containers: [container()], ...spec },
});

const everything = podOn("n1", "all", {
  serviceAccountName: "account",
  imagePullSecrets: [{ name: "pull" }],
  initContainers: [container({ name: "i", envFrom: [{ secretRef: { name: "env-from" } }] })],
  containers: [container({
    env: [
      { name: "A", valueFrom: { secretKeyRef: { name: "env", key: "k" } } },
      { name: "B", valueFrom: { configMapKeyRef: { name: "map-env", key: "k" } } },
    ],
    envFrom: [{ configMapRef: { name: "map-env-from" } }],
  })],
  volumes: [
    { name: "s", secret: { secretName: "volume" } },
    { name: "m", configMap: { name: "map-volume" } },
    {
      name: "p",
      projected: { sources: [{ secret: { name: "projected" } }, { configMap: { name: "map-projected" } }] },
    },
    { name: "c", persistentVolumeClaim: { claimName: "claim" } },
    { name: "e", ephemeral: { volumeClaimTemplate: { spec: {} } } },
  ],
});

const claim = { metadata: { name: "claim", namespace: "ns" }, spec: { volumeName: "volume-1" } };
const volume = {
  metadata: { name: "volume-1" },
  spec: {
    claimRef: { namespace: "ns", name: "claim" },
    csi: { driver: "d", volumeHandle: "h", nodePublishSecretRef: { name: "csi", namespace: "storage" } },
  },
};

async function withObjects(
  run: (objects: NodeObjects, put: (kind: string, object: Any) => Promise<void>) => Promise<void>,
) {
  const resources = [pod, persistentVolumeClaim, persistentVolume].map((one) => ({
    ...one,
    validate: () => [],
    prepareCreate: undefined,
  })) as unknown as Resource[];
  const f = await createFixture({ resources });
  const objects = createNodeObjects(f.cache, resources.map(({ storage }) => storage));
  try {
    await run(objects, async (kind, object) => {
      const { namespace } = object.metadata;
      const path = `/api/v1/${namespace === undefined ? "" : `namespaces/${namespace}/`}${kind}`;
      const { status, text } = await f.send("POST", path, object);
      assert.equal(status, 201, text);
      await f.cache.fresh();
    });
    const gone = await f.send("DELETE", "/api/v1/namespaces/ns/pods/all?gracePeriodSeconds=0");
    assert.equal(gone.status, 200);
    await f.cache.fresh();
    assert.equal(objects.relates("n1", "secrets", { namespace: "ns", name: "pull" }), false, "after the pod is gone");
  } finally {
    objects.close();
    await f.close();
  }
}

Deno.test("createNodeObjects() relates a node with what its pods refer to, and with nothing else", () =>
  withObjects(async (objects, put) => {
    await put("pods", everything);
    await put("pods", podOn("n2", "other", { imagePullSecrets: [{ name: "others" }] }));
    await put("pods", podOn(undefined, "waiting", { imagePullSecrets: [{ name: "waiting" }] }));
    const mirror = podOn("n1", "mirror", { imagePullSecrets: [{ name: "mirrored" }] });
    Object.assign(mirror.metadata, { annotations: { "kubernetes.io/config.mirror": "x" } });
    await put("pods", mirror);
    await put("persistentvolumeclaims", claim);
    await put("persistentvolumes", volume);
    const related: Record<string, readonly string[]> = {
      secrets: ["pull", "env-from", "env", "volume", "projected"],
      configmaps: ["map-env", "map-env-from", "map-volume", "map-projected"],
      persistentvolumeclaims: ["claim", "all-e"],
      serviceaccounts: ["account"],
      pods: ["all", "mirror"],
    };
    const relates = (kind: string, name: string, namespace?: string) =>
      objects.relates("n1", kind as "secrets", { namespace, name });
    for (const [kind, names] of Object.entries(related)) {
      for (const name of names) {
        assert.equal(relates(kind, name, "ns"), true, `${kind} ${name}`);
        assert.equal(relates(kind, name, "elsewhere"), false, `${kind} ${name} of another namespace`);
      }
    }
    for (const name of ["others", "waiting", "mirrored", "none"]) {
      assert.equal(relates("secrets", name, "ns"), false, name);
    }
    assert.deepEqual([relates("persistentvolumes", "volume-1"), relates("persistentvolumes", "volume-2")], [
      true,
      false,
    ]);
    assert.deepEqual([relates("secrets", "csi", "storage"), relates("secrets", "csi", "ns")], [true, false]);
    assert.equal(objects.relates("n3", "secrets", { namespace: "ns", name: "pull" }), false);
  }));

const own = authenticated("system:node:n1", ["system:nodes"]);
const authorizer = nodeAuthorizer({
  relates: (node, _, { namespace, name }) => node === "n1" && name === "mine" && (namespace ?? "ns") === "ns",
});

interface Question {
  verb: string;
  resource: string;
  name?: string;
  namespace?: string;
  selects?: string;
}

function answer({ verb, resource, name, namespace, selects }: Question, user = own): boolean | string {
  const [path, group = ""] = resource.split("@");
  const [plural, subresource] = path!.split("/");
  const access: Access = {
    verb,
    path: "",
    resource: {
      group,
      name: plural!,
      subresource,
      namespace,
      object: name,
      selects: (field) => field === "spec.nodeName" ? selects : undefined,
    },
  };
  return authorizer.allows(user, access);
}

const noRelation = "no relationship found between node 'n1' and this object";

Deno.test("nodeAuthorizer() answers as Kubernetes' does", () => {
  const table: [Question, boolean | string][] = [
    [{ verb: "get", resource: "secrets", name: "mine", namespace: "ns" }, true],
    [{ verb: "watch", resource: "configmaps", name: "mine", namespace: "ns" }, true],
    [{ verb: "get", resource: "secrets", name: "other", namespace: "ns" }, noRelation],
    [{ verb: "list", resource: "secrets", namespace: "ns" }, "No Object name found"],
    [{ verb: "list", resource: "secrets" }, "can only read namespaced object of this type"],
    [{ verb: "update", resource: "secrets", name: "mine", namespace: "ns" }, "can only read resources of this type"],
    [{ verb: "get", resource: "configmaps", name: "sauropod-config", namespace: "kube-system" }, true],
    [{ verb: "get", resource: "persistentvolumes", name: "mine" }, true],
    [
      { verb: "list", resource: "persistentvolumeclaims", name: "mine", namespace: "ns" },
      "can only get individual resources of this type",
    ],
    [{ verb: "patch", resource: "persistentvolumeclaims/status", name: "mine", namespace: "ns" }, true],
    [{ verb: "create", resource: "serviceaccounts/token", name: "mine", namespace: "ns" }, true],
    [{ verb: "create", resource: "serviceaccounts/token", name: "other", namespace: "ns" }, noRelation],
    [
      { verb: "list", resource: "serviceaccounts", namespace: "ns" },
      "can only create tokens for individual service accounts",
    ],
    [{ verb: "list", resource: "pods", selects: "n1" }, true],
    [{ verb: "watch", resource: "pods", selects: "n2" }, "can only list/watch pods with spec.nodeName field selector"],
    [{ verb: "list", resource: "pods" }, "can only list/watch pods with spec.nodeName field selector"],
    [{ verb: "get", resource: "pods", name: "mine", namespace: "ns" }, true],
    [{ verb: "get", resource: "pods", name: "other", namespace: "ns" }, noRelation],
    [{ verb: "patch", resource: "pods/status", name: "p", namespace: "ns" }, true],
    [{ verb: "create", resource: "pods/eviction", name: "p", namespace: "ns" }, true],
    [{ verb: "create", resource: "pods/exec", name: "p", namespace: "ns" }, "cannot access pods/exec"],
    [
      { verb: "patch", resource: "pods", name: "mine", namespace: "ns" },
      "can only get, list, watch, create and delete pods",
    ],
    [{ verb: "list", resource: "nodes" }, true],
    [{ verb: "patch", resource: "nodes/status", name: "n1" }, true],
    [{ verb: "delete", resource: "nodes", name: "n1" }, "can only read nodes, and write its own Node and its status"],
    [{ verb: "update", resource: "leases@coordination.k8s.io", name: "n1", namespace: "kube-node-lease" }, true],
    [{ verb: "create", resource: "leases@coordination.k8s.io", namespace: "kube-node-lease" }, true],
    [
      { verb: "update", resource: "leases@coordination.k8s.io", name: "n2", namespace: "kube-node-lease" },
      "can only access node lease with the same name as the requesting node",
    ],
    [
      { verb: "get", resource: "leases@coordination.k8s.io", name: "n1", namespace: "kube-system" },
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    [{ verb: "watch", resource: "services" }, true],
    [{ verb: "create", resource: "events", namespace: "ns" }, true],
    [{ verb: "create", resource: "certificatesigningrequests@certificates.k8s.io" }, true],
    [{ verb: "update", resource: "certificatesigningrequests/approval@certificates.k8s.io", name: "c" }, false],
    [{ verb: "delete", resource: "deployments@apps", name: "d", namespace: "ns" }, false],
  ];
  for (const [question, want] of table) assert.equal(answer(question), want, JSON.stringify(question));
});

Deno.test("nodeAuthorizer() says nothing about who is no node", () => {
  const question = { verb: "get", resource: "secrets", name: "mine", namespace: "ns" };
  for (
    const user of [
      authenticated("system:node:n1"),
      authenticated("bob", ["system:nodes"]),
      authenticated("system:node:", ["system:nodes"]),
      authenticated("system:node-proxy:n1", ["system:node-proxier"]),
    ]
  ) assert.equal(answer(question, user), false, user.name);
});
