/** Volumes that wait for their first consumer: scheduler and binder agree, through a real API server, with the rights that they have. */
import assert from "assert";
import * as kinds from "../../lib/types/kinds.ts";
import { type ControlPlane, createControlPlane } from "../harness/control_plane.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const csi = { driver: "example.com", volumeHandle: "v" };
const wait = "WaitForFirstConsumer";

async function withCluster(run: (cluster: ControlPlane) => Promise<void>): Promise<void> {
  const cluster = await createControlPlane();
  try {
    for (const name of ["a", "b"]) {
      const metadata = { name, labels: { "kubernetes.io/hostname": name } };
      const status = { allocatable: { cpu: "4", memory: "8Gi", pods: "110" } };
      await cluster.admin.create(kinds.Node, { metadata, status } as Loose);
    }
    await cluster.until(
      "a service account",
      () => cluster.admin.get(kinds.ServiceAccount, { namespace: "default", name: "default" }).catch(() => undefined),
    );
    await run(cluster);
  } finally {
    await cluster.close();
  }
}

const storageClass = ({ admin }: ControlPlane, name: string, provisioner: string) =>
  admin.create(kinds.StorageClass, { metadata: { name }, provisioner, volumeBindingMode: wait } as Loose);

const claim = ({ admin }: ControlPlane, name: string, storageClassName: string) =>
  admin.create(kinds.PersistentVolumeClaim, {
    metadata: { namespace: "default", name },
    spec: { storageClassName, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  } as Loose);

function volume({ admin }: ControlPlane, name: string, node: string, spec: Loose = {}): Promise<Loose> {
  const matchExpressions = [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }];
  return admin.create(kinds.PersistentVolume, {
    metadata: { name },
    spec: {
      storageClassName: "local",
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "1Gi" },
      local: { path: "/data" },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      ...spec,
    },
  } as Loose);
}

const pod = ({ admin }: ControlPlane, name: string, claimName: string, spec: Loose = {}) =>
  admin.create(kinds.Pod, {
    metadata: { namespace: "default", name },
    spec: {
      tolerations: [{ operator: "Exists" }],
      containers: [{ name: "c", image: "web" }],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName } }],
      ...spec,
    },
  } as Loose);

const ref = (name: string) => ({ namespace: "default", name });
const nodeOf = async ({ admin }: ControlPlane, name: string) => (await admin.get(kinds.Pod, ref(name))).spec.nodeName;
const claimOf = ({ admin }: ControlPlane, name: string) => admin.get(kinds.PersistentVolumeClaim, ref(name));
const reasons = async ({ admin }: ControlPlane) =>
  (await admin.list(kinds.Event)).items.map((event) => `${event.reason}: ${event.message}`);

Deno.test("a claim that waits gets the volume of the Node to which its pod goes", () =>
  withCluster(async (cluster) => {
    await storageClass(cluster, "local", "kubernetes.io/no-provisioner");
    await claim(cluster, "data", "local");
    await volume(cluster, "on-b", "b");
    await cluster.until("told", async () =>
      (await reasons(cluster)).includes(
        "WaitForFirstConsumer: waiting for first consumer to be created before binding",
      ));
    assert.equal((await claimOf(cluster, "data")).spec.volumeName, undefined, "nobody needs it yet");
    await pod(cluster, "web", "data");
    await cluster.until("bound", () => nodeOf(cluster, "web"));
    assert.equal(await nodeOf(cluster, "web"), "b");
    const bound = await claimOf(cluster, "data");
    assert.deepEqual([bound.spec.volumeName, bound.status.phase], ["on-b", "Bound"]);
  }));

Deno.test("a pod waits until there is a volume that a Node reaches", () =>
  withCluster(async (cluster) => {
    await storageClass(cluster, "local", "kubernetes.io/no-provisioner");
    await claim(cluster, "data", "local");
    await pod(cluster, "web", "data", { nodeSelector: { "kubernetes.io/hostname": "a" } });
    await volume(cluster, "on-b", "b");
    const message =
      "FailedScheduling: 0/2 nodes are available: 1 node(s) didn't find available persistent volumes to " +
      "bind, 1 node(s) didn't match Pod's node affinity/selector.";
    await cluster.until("refused", async () => (await reasons(cluster)).some((text) => text.startsWith(message)));
    await volume(cluster, "on-a", "a");
    await cluster.until("bound", async () => await nodeOf(cluster, "web") === "a");
    assert.equal((await claimOf(cluster, "data")).spec.volumeName, "on-a");
  }));

Deno.test("a provisioner is told the Node, and the pod is tried again where it could not make the volume", () =>
  withCluster(async (cluster) => {
    const { admin } = cluster;
    await storageClass(cluster, "made", "example.com/disks");
    await claim(cluster, "data", "made");
    await pod(cluster, "web", "data");
    const selected = async () =>
      (await claimOf(cluster, "data")).metadata.annotations?.["volume.kubernetes.io/selected-node"];
    await cluster.until("selected", selected);
    const first = await selected();
    await admin.patch(kinds.PersistentVolumeClaim, ref("data"), {
      type: "merge",
      patch: { metadata: { annotations: { "volume.kubernetes.io/selected-node": null } } },
    });
    await cluster.until(
      "refused",
      async () => (await reasons(cluster)).some((text) => text.includes(`not set to scheduled node "${first}"`)),
    );
    await cluster.until("selected again", selected);
    const { metadata } = await claimOf(cluster, "data");
    assert.equal(metadata.annotations!["volume.kubernetes.io/storage-provisioner"], "example.com/disks");
    const claimRef = { kind: "PersistentVolumeClaim", namespace: "default", name: "data", uid: metadata.uid };
    const made = { storageClassName: "made", claimRef };
    await volume(cluster, "made-1", (await selected())!, made);
    await cluster.until("bound", () => nodeOf(cluster, "web"));
    assert.equal(await nodeOf(cluster, "web"), await selected());
    assert.equal((await claimOf(cluster, "data")).status.phase, "Bound");
  }));

Deno.test("an attributes' class stays while a volume or a claim has it", () =>
  withCluster(async (cluster) => {
    const { admin } = cluster;
    const gold = { metadata: { name: "gold" }, driverName: "example.com", parameters: { iops: "9" } };
    const made = await admin.create(kinds.VolumeAttributesClass, gold as Loose);
    assert.deepEqual(made.metadata.finalizers, ["kubernetes.io/vac-protection"]);
    await volume(cluster, "v", "a", {
      volumeAttributesClassName: "gold",
      storageClassName: "x",
      local: undefined,
      csi,
    });
    await admin.delete(kinds.VolumeAttributesClass, { name: "gold" });
    const found = () => admin.get(kinds.VolumeAttributesClass, { name: "gold" }).catch(() => undefined);
    let looks = 0;
    await cluster.until("the controller has looked", () => ++looks > 20);
    assert((await found())?.metadata.deletionTimestamp, "it is in use");
    await admin.delete(kinds.PersistentVolume, { name: "v" });
    await cluster.until("gone", async () => await found() === undefined);
  }));
