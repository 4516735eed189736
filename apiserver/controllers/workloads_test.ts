/** The controllers of workloads among all others: what they make is run, fails, is updated and collected. */
import assert from "assert";
import type { DaemonSet } from "../../lib/types/apps_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { check, type ControlledCluster as Cluster, type Loose } from "../../tests/harness/controllers.ts";

const template = (image: string, more: object = {}) => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image }], ...more },
});
const metadata = { namespace: "default", name: "web" };
const selector = { matchLabels: { app: "web" } };
const imagePatch = (image: string) => ({
  type: "merge" as const,
  patch: { spec: { template: { spec: { containers: [{ name: "web", image }] } } } },
});
const pods = (cluster: Cluster) => cluster.all(kinds.Pod).filter((pod) => !pod.metadata.deletionTimestamp);

const daemons = (cluster: Cluster) => cluster.get(kinds.DaemonSet, "default/web") as DaemonSet;

async function daemonsReady(cluster: Cluster, count: number): Promise<void> {
  await cluster.until(`${count} daemons`, () => {
    const { metadata: { generation }, status } = daemons(cluster);
    return status.observedGeneration === generation && status.updatedNumberScheduled === count &&
      status.numberAvailable === count && status.desiredNumberScheduled === count && pods(cluster).length === count;
  });
}

check("run a DaemonSet on every node, update it, and go back", async (cluster) => {
  const updateStrategy = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } };
  const spec = { selector, template: template("web:1"), updateStrategy, revisionHistoryLimit: 10 };
  await cluster.client.create(kinds.DaemonSet, { metadata, spec } as Loose);
  await daemonsReady(cluster, 2);
  assert.deepEqual(pods(cluster).map((pod) => pod.spec.nodeName).sort(), ["n1", "n2"]);
  await cluster.client.patch(kinds.DaemonSet, metadata, imagePatch("web:2"));
  await daemonsReady(cluster, 2);
  assert(pods(cluster).every((pod) => pod.spec.containers[0]!.image === "web:2"));
  await cluster.client.patch(kinds.DaemonSet, metadata, imagePatch("web:1"));
  await daemonsReady(cluster, 2);
  const revisions = cluster.all(kinds.ControllerRevision);
  assert.deepEqual(revisions.map(({ revision }) => revision).sort(), [2, 3]);

  cluster.nodes = ["n1", "n2", "n3"];
  await cluster.client.create(kinds.Node, { metadata: { name: "n3" }, spec: {}, status: {} } as Loose);
  await daemonsReady(cluster, 3);
  const taints = [{ key: "k", effect: "NoExecute" }];
  await cluster.client.patch(kinds.Node, { name: "n2" }, { type: "merge", patch: { spec: { taints } } });
  await daemonsReady(cluster, 2);

  await cluster.client.delete(kinds.DaemonSet, metadata, { propagationPolicy: "Background" });
  await cluster.until("collected", () => pods(cluster).length + cluster.all(kinds.ControllerRevision).length === 0);
});
