/** Objects of every namespaced kind go with their namespace and with their owner; and the control plane lives with kinds turned off. */
import assert from "assert";
import { parseRuntimeConfig } from "../../lib/runtime_config.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { type ControlPlane, createControlPlane } from "../harness/control_plane.ts";
import { someone } from "../harness/secured.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const root = someone("root", "system:masters");
const networking = "/apis/networking.k8s.io/v1/namespaces/gone";

/** Where they are, and what is enough for one. */
const objects: readonly [path: string, body: object][] = [
  [`${networking}/ingresses`, { spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } } }],
  [`${networking}/networkpolicies`, { spec: { podSelector: {} } }],
  ["/apis/autoscaling/v2/namespaces/gone/horizontalpodautoscalers", {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" } },
  }],
  ["/apis/storage.k8s.io/v1/namespaces/gone/csistoragecapacities", { storageClassName: "local" }],
];

async function withCluster(config: string, run: (cluster: ControlPlane) => Promise<void>): Promise<void> {
  const cluster = await createControlPlane({ runtimeConfig: parseRuntimeConfig(config) });
  try {
    await run(cluster);
  } finally {
    await cluster.close();
  }
}

const there = async ({ as }: ControlPlane, path: string) => (await as(root, "GET", path)).status === 200;

async function make(cluster: ControlPlane, owner?: Loose): Promise<void> {
  for (const [path, body] of objects) {
    const ownerReferences = owner && [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid }];
    const { status, text } = await cluster.as(root, "POST", path, {
      metadata: { name: "a", ownerReferences },
      ...body,
    });
    assert.equal(status, 201, text);
  }
}

const left = async (cluster: ControlPlane) => {
  const found = await Promise.all(objects.map(([path]) => there(cluster, `${path}/a`)));
  return objects.filter((_, i) => found[i]).map(([path]) => path);
};

Deno.test("objects of every group go with their owner, and with their namespace", () =>
  withCluster("", async (cluster) => {
    const { admin } = cluster;
    await admin.create(kinds.Namespace, { metadata: { name: "gone" } } as Loose);
    const ref = { namespace: "gone", name: "owner" };
    await make(cluster, await admin.create(kinds.ConfigMap, { metadata: ref } as Loose));
    await admin.delete(kinds.ConfigMap, ref);
    await cluster.until("collected", async () => (await left(cluster)).length === 0, 300);
    await make(cluster);
    await admin.delete(kinds.Namespace, { name: "gone" });
    await cluster.until("the namespace is gone", async () => !await there(cluster, "/api/v1/namespaces/gone"), 300);
    assert.deepEqual(await left(cluster), []);
  }));

Deno.test("controllers do their work where kinds are turned off that they would look at", () =>
  withCluster("api/all=false,batch/v1=true", async (cluster) => {
    const { admin } = cluster;
    await admin.create(kinds.Namespace, { metadata: { name: "gone" } } as Loose);
    await cluster.until("an account", () => there(cluster, "/api/v1/namespaces/gone/serviceaccounts/default"));
    await admin.create(kinds.Job, {
      metadata: { namespace: "gone", name: "once" },
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "a" }] } } },
    } as Loose);
    const status = { allocatable: { cpu: "4", memory: "8Gi", pods: "110" } };
    await admin.create(kinds.Node, { metadata: { name: "n" }, status } as Loose);
    await admin.patch(kinds.Node, { name: "n" }, { type: "merge", patch: { spec: { taints: null } } });
    const pods = async () => (await cluster.as(root, "GET", "/api/v1/namespaces/gone/pods")).body.items;
    await cluster.until("its pod, and its place", async () => (await pods())[0]?.spec.nodeName === "n");
  }));
