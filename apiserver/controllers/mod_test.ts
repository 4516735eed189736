/** All controllers together: what one makes, another acts on. */
import assert from "assert";
import { rfc3339 } from "../../lib/seams/clock.ts";
import { statusError } from "../../lib/status.ts";
import type { Deployment, ReplicaSet } from "../../lib/types/apps_v1.ts";
import type { Namespace, Node, Pod } from "../../lib/types/core_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { check, type ControlledCluster as Cluster, type Loose } from "../../tests/harness/controllers.ts";

const web = (image = "web:1", more: object = {}) => ({
  metadata: { namespace: "default", name: "web" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    progressDeadlineSeconds: 600,
    revisionHistoryLimit: 10,
    ...more,
  },
});

const deployment = (cluster: Cluster) => cluster.get(kinds.Deployment, "default/web") as Deployment;
const complete = (cluster: Cluster, replicas = 3) => {
  const { metadata, status } = deployment(cluster);
  return status.observedGeneration === metadata.generation && status.updatedReplicas === replicas &&
    status.availableReplicas === replicas && status.replicas === replicas;
};

async function deploy(cluster: Cluster): Promise<void> {
  await cluster.client.create(kinds.Deployment, web() as Loose);
  await cluster.until("rollout", () => complete(cluster));
}

check("make what every cluster has", async (cluster) => {
  await cluster.until("the rest", () => cluster.get(kinds.EndpointSlice, "default/kubernetes"));
  assert.deepEqual(cluster.all(kinds.Namespace).map(({ metadata }) => metadata.name).sort(), [
    "default",
    "kube-node-lease",
    "kube-public",
    "kube-system",
  ]);
  await cluster.until("service accounts", () => cluster.all(kinds.ServiceAccount).length === 4);
  const maps = (name: string) => cluster.all(kinds.ConfigMap).filter(({ metadata }) => metadata.name === name);
  await cluster.until("root CAs", () => maps("kube-root-ca.crt").length === 4);
  await cluster.until("settings", () => maps("sauropod-config").length === 1);
  const service = cluster.get(kinds.Service, "default/kubernetes")!;
  assert.equal(service.spec.clusterIP, "10.96.0.1");
  assert.deepEqual(cluster.get(kinds.EndpointSlice, "default/kubernetes")!.endpoints, [
    { addresses: ["192.0.2.1"], conditions: { ready: true } },
  ]);
  await cluster.until("pod ranges", () => cluster.all(kinds.Node).every(({ spec }) => spec.podCIDR));
  assert.deepEqual(cluster.all(kinds.Node).map(({ spec }) => spec.podCIDR), ["10.244.0.0/24", "10.244.1.0/24"]);
});

check("roll a Deployment out, update it without a gap, and keep its history", async (cluster) => {
  await deploy(cluster);
  await cluster.client.patch(kinds.Deployment, { namespace: "default", name: "web" }, {
    type: "merge",
    patch: { spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } } },
  });
  let least = 3;
  await cluster.until("update", () => {
    const ready = cluster.all(kinds.Pod).filter((pod) =>
      pod.metadata.deletionTimestamp === undefined && pod.status.conditions?.[0]?.status === "True"
    );
    least = Math.min(least, ready.length);
    return complete(cluster) && cluster.all(kinds.Pod).length === 3;
  });
  assert.equal(least, 3, "maxUnavailable is 0");
  const sets = cluster.all(kinds.ReplicaSet);
  assert.deepEqual(sets.map(({ spec }) => spec.replicas).sort(), [0, 3]);
  assert(cluster.all(kinds.Pod).every((pod) => pod.spec.containers[0]!.image === "web:2"));
  assert.equal(deployment(cluster).metadata.annotations!["deployment.kubernetes.io/revision"], "2");
  const reasons = deployment(cluster).status.conditions!.map(({ type, reason }) => `${type} ${reason}`).sort();
  assert.deepEqual(reasons, ["Available MinimumReplicasAvailable", "Progressing NewReplicaSetAvailable"]);
  await cluster.until(
    "events",
    () => cluster.all(kinds.Event).some(({ message }) => /^Scaled up replica set web-\w+ from 0 to 3$/.test(message!)),
  );
});

check("report a rollout that gets nowhere, and undo it", async (cluster) => {
  await deploy(cluster);
  cluster.badImages.add("web:bad");
  const image = async (image: string) => {
    const patch = { spec: { template: { spec: { containers: [{ name: "web", image }] } } } };
    await cluster.client.patch(kinds.Deployment, { namespace: "default", name: "web" }, { type: "merge", patch });
  };
  await image("web:bad");
  const reason = () => deployment(cluster).status.conditions?.find(({ type }) => type === "Progressing")?.reason;
  await cluster.until("the deadline", () => reason() === "ProgressDeadlineExceeded", 700);
  assert.equal(cluster.all(kinds.Pod).filter((pod) => pod.spec.containers[0]!.image === "web:1").length, 3);
  await image("web:1");
  await cluster.until("back", () => complete(cluster) && cluster.all(kinds.Pod).length === 3);
  assert.equal(deployment(cluster).metadata.annotations!["deployment.kubernetes.io/revision"], "3");
});

check("replace pods that fail or are deleted, and adopt orphans", async (cluster) => {
  const orphan = {
    metadata: { namespace: "default", name: "stray", labels: { app: "web" } },
    spec: { containers: [{ image: "x" }] },
  };
  const set = { ...web(), spec: { replicas: 2, selector: web().spec.selector, template: web().spec.template } };
  await cluster.client.create(kinds.Pod, orphan as Loose);
  await cluster.client.create(kinds.ReplicaSet, set as Loose);
  const status = () => (cluster.get(kinds.ReplicaSet, "default/web") as ReplicaSet).status;
  await cluster.until("two ready", () => status().readyReplicas === 2);
  assert.equal(cluster.get(kinds.Pod, "default/stray")!.metadata.ownerReferences![0]!.kind, "ReplicaSet");
  assert.equal(cluster.all(kinds.Pod).length, 2);
  await cluster.client.delete(kinds.Pod, { namespace: "default", name: "stray" });
  await cluster.until("replaced", () => !cluster.get(kinds.Pod, "default/stray") && status().readyReplicas === 2);
  const [pod] = cluster.all(kinds.Pod);
  await cluster.client.patch(kinds.Pod, pod!.metadata, {
    type: "merge",
    patch: { metadata: { labels: { app: "debug" } } },
  });
  await cluster.until("released", () => cluster.all(kinds.Pod).length === 3 && status().readyReplicas === 2);
  assert.equal(cluster.get(kinds.Pod, `default/${pod!.metadata.name}`)!.metadata.ownerReferences, undefined);
});

check("say why pods can't be created, and try again", async (cluster) => {
  cluster.client.server.refuse = ({ verb, kind }) => {
    if (verb === "create" && kind.kind === "Pod") throw statusError("Forbidden", "exceeded quota");
  };
  await cluster.client.create(kinds.Deployment, web() as Loose);
  const failure = () => deployment(cluster).status.conditions?.find(({ type }) => type === "ReplicaFailure");
  await cluster.until("failure", failure);
  assert.deepEqual([failure()!.reason, failure()!.message], ["FailedCreate", "exceeded quota"]);
  cluster.client.server.refuse = () => {};
  await cluster.until("recovery", () => complete(cluster) && !failure(), 120);
});

check("collect what a deleted owner leaves, in all three ways", async (cluster) => {
  await deploy(cluster);
  await cluster.client.delete(kinds.Deployment, { namespace: "default", name: "web" }, {
    propagationPolicy: "Background",
  });
  const left = () => cluster.all(kinds.ReplicaSet).length + cluster.all(kinds.Pod).length;
  await cluster.until("background", () => left() === 0);

  await deploy(cluster);
  await cluster.client.delete(kinds.Deployment, { namespace: "default", name: "web" }, {
    propagationPolicy: "Foreground",
  });
  await cluster.until("foreground", () => {
    if (left() > 0) assert(deployment(cluster), "the owner goes last");
    return left() === 0 && !deployment(cluster);
  });

  await deploy(cluster);
  await cluster.client.delete(kinds.Deployment, { namespace: "default", name: "web" }, { propagationPolicy: "Orphan" });
  await cluster.until("orphan", () => !deployment(cluster));
  await cluster.clock.advance(60_000);
  assert.equal(cluster.all(kinds.ReplicaSet)[0]!.metadata.ownerReferences, undefined);
  assert.equal(left(), 4);
});

check("empty a namespace that is deleted, pods first", async (cluster) => {
  const metadata = { name: "team" };
  const spec = { finalizers: ["kubernetes"] };
  await cluster.client.create(kinds.Namespace, { metadata, spec } as Loose);
  await cluster.until("service account", () => cluster.get(kinds.ServiceAccount, "team/default"));
  const pod = { metadata: { namespace: "team", name: "p" }, spec: { containers: [{ image: "x" }] } };
  await cluster.client.create(kinds.Pod, pod as Loose);
  await cluster.until("pod", () => cluster.get(kinds.Pod, "team/p")?.status.phase === "Running");
  const node = cluster.get(kinds.Pod, "team/p")!.spec.nodeName!;
  cluster.down.add(node);
  await cluster.client.delete(kinds.Namespace, metadata);
  const condition = (type: string) =>
    (cluster.get(kinds.Namespace, "team") as Namespace).status.conditions?.find((c) => c.type === type);
  await cluster.until("conditions", () => condition("NamespaceContentRemaining")?.status === "True");
  assert.equal(
    condition("NamespaceContentRemaining")!.message,
    "Some resources are remaining: pods. has 1 resource instances",
  );
  assert(cluster.get(kinds.ServiceAccount, "team/default"), "nothing else goes before the pods");
  cluster.down.delete(node);
  await cluster.until("gone", () => !cluster.get(kinds.Namespace, "team"));
  assert(!cluster.get(kinds.ServiceAccount, "team/default"));
});

check("keep the slices and Endpoints of a Service current", async (cluster) => {
  const service = {
    metadata: { namespace: "default", name: "web", labels: { team: "a" } },
    spec: {
      selector: { app: "web" },
      clusterIP: "10.96.0.9",
      ipFamilies: ["IPv4"],
      ports: [{ port: 80, protocol: "TCP", targetPort: 8080 }],
    },
  };
  await cluster.client.create(kinds.Service, service as Loose);
  const slices = () =>
    cluster.all(kinds.EndpointSlice).filter(({ metadata }) => metadata.labels!["kubernetes.io/service-name"] === "web");
  await cluster.until("placeholder", () => slices().length === 1);
  await deploy(cluster);
  const ready = () =>
    slices().flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions!.ready);
  await cluster.until("endpoints", () => ready().length === 3);
  assert.deepEqual(slices()[0]!.ports, [{ name: "", port: 8080, protocol: "TCP" }]);
  assert.deepEqual(slices()[0]!.metadata.labels, {
    team: "a",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  });
  assert.match(ready()[0]!.zone!, /^z-n[12]$/);
  await cluster.until(
    "Endpoints",
    () => cluster.get(kinds.Endpoints, "default/web")?.subsets?.[0]?.addresses?.length === 3,
  );
  await cluster.client.delete(kinds.Service, service.metadata);
  await cluster.until("cleared", () => slices().length === 0 && !cluster.get(kinds.Endpoints, "default/web"));
});

check("mirror Endpoints of a Service without a selector", async (cluster) => {
  const metadata = { namespace: "default", name: "db" };
  await cluster.client.create(
    kinds.Service,
    { metadata, spec: { clusterIP: "10.96.0.8", ports: [{ port: 5432 }] } } as Loose,
  );
  const subsets = [{ addresses: [{ ip: "192.0.2.7" }], ports: [{ name: "sql", port: 5432, protocol: "TCP" }] }];
  await cluster.client.create(kinds.Endpoints, { metadata, subsets } as Loose);
  const slices = () =>
    cluster.all(kinds.EndpointSlice).filter(({ metadata }) => metadata.labels!["kubernetes.io/service-name"] === "db");
  await cluster.until("mirrored", () => slices().length === 1);
  assert.deepEqual(slices()[0]!.endpoints, [{ addresses: ["192.0.2.7"], conditions: { ready: true } }]);
  await cluster.client.patch(kinds.Endpoints, metadata, { type: "merge", patch: { subsets: [] } });
  await cluster.until("cleared", () => slices().length === 0);
});

check("taint a silent Node, mark its pods unready, and evict them when their toleration ends", async (cluster) => {
  await deploy(cluster);
  cluster.down.add("n2");
  const node = () => cluster.get(kinds.Node, "n2") as Node;
  const taints = () => (node().spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort();
  await cluster.until("silence", () => taints().length === 2, 90);
  assert.deepEqual(taints(), ["node.kubernetes.io/unreachable:NoExecute", "node.kubernetes.io/unreachable:NoSchedule"]);
  assert.equal(node().status.conditions!.find(({ type }) => type === "Ready")!.status, "Unknown");
  // These pods have no tolerations (admission would add 300 s): they go at once, and stay terminating as no agent ends them.
  const onIt = () => cluster.all(kinds.Pod).filter((pod) => pod.spec.nodeName === "n2");
  await cluster.until("eviction", () => onIt().length > 0 && onIt().every((pod) => pod.metadata.deletionTimestamp), 30);
  assert(onIt().every((pod) => pod.status.conditions!.some(({ type }) => type === "DisruptionTarget")));
  await cluster.client.delete(kinds.Node, { name: "n2" });
  cluster.nodes = ["n1"];
  await cluster.until("orphans collected", () => onIt().length === 0, 120);
  await cluster.until("replaced", () => complete(cluster));
});

check("evict nobody while no Node is heard at all", async (cluster) => {
  await deploy(cluster);
  cluster.down.add("n1").add("n2");
  const noExecute = () =>
    cluster.all(kinds.Node).flatMap(({ spec }) => spec.taints ?? []).filter(({ effect }) => effect === "NoExecute");
  await cluster.until(
    "unknown",
    () => cluster.all(kinds.Node).every(({ status }) => status.conditions![0]!.status === "Unknown"),
    90,
  );
  await cluster.clock.advance(120_000);
  assert.deepEqual(noExecute(), []);
  assert(cluster.all(kinds.Pod).every((pod: Pod) => pod.metadata.deletionTimestamp === undefined));
});

check("evict again when somebody is heard again", async (cluster) => {
  await deploy(cluster);
  cluster.down.add("n1").add("n2");
  const unknown = () =>
    cluster.all(kinds.Node).filter(({ status }) => status.conditions![0]!.status === "Unknown").length;
  await cluster.until("unknown", () => unknown() === 2, 90);
  await cluster.clock.advance(600_000);
  cluster.down.delete("n1");
  await cluster.until("one is back", () => unknown() === 1);
  const n2 = () => (cluster.get(kinds.Node, "n2") as Node).spec.taints ?? [];
  await cluster.until("the silent one's turn comes", () => n2().some(({ effect }) => effect === "NoExecute"), 30);
});

check("scale down where most pods of the same Deployment are", async (cluster) => {
  cluster.nodes = ["n1", "n2"];
  const set = (name: string, replicas: number, app: string) => ({
    metadata: { namespace: "default", name },
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: { metadata: { labels: { app } }, spec: { containers: [{ name: "c", image: "x" }] } },
    },
  });
  const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "d", uid: "absent", controller: true };
  const place = (name: string, app: string, node: string) =>
    cluster.client.create(kinds.Pod, {
      metadata: { namespace: "default", name, labels: { app } },
      spec: { containers: [{ image: "x" }], nodeName: node },
    } as Loose);
  // Two sets of one controller: on n1 there is a pod of the other set, so ours goes from there.
  cluster.client.server.refuse = ({ verb, kind }) => {
    if (verb === "delete" && kind.kind === "ReplicaSet") throw statusError("Forbidden", "kept for the test");
  };
  await place("other", "b", "n1");
  await place("ours-crowded", "a", "n1");
  await cluster.clock.advance(1_000);
  await place("ours-alone", "a", "n2");
  for (const made of [set("a", 2, "a"), set("b", 1, "b")]) {
    await cluster.client.create(
      kinds.ReplicaSet,
      { ...made, metadata: { ...made.metadata, ownerReferences: [owner] } } as Loose,
    );
  }
  await cluster.until(
    "adopted",
    () =>
      cluster.all(kinds.Pod).every(({ metadata, status }) => metadata.ownerReferences && status.phase === "Running"),
  );
  await cluster.client.patch(kinds.ReplicaSet, { namespace: "default", name: "a" }, {
    type: "merge",
    patch: { spec: { replicas: 1 } },
  });
  await cluster.until("one less", () => cluster.all(kinds.Pod).length === 2);
  assert.deepEqual(cluster.all(kinds.Pod).map(({ metadata }) => metadata.name).sort(), ["other", "ours-alone"].sort());
});

check("delete Events after an hour", async (cluster) => {
  const event = (name: string) => ({
    metadata: { namespace: "default", name },
    involvedObject: {},
    lastTimestamp: rfc3339(cluster.clock.now()),
  });
  await cluster.client.create(kinds.Event, event("old") as Loose);
  await cluster.clock.advance(3_000_000);
  await cluster.client.create(kinds.Event, event("young") as Loose);
  await cluster.clock.advance(1_200_000);
  assert.equal(cluster.get(kinds.Event, "default/old"), undefined);
  assert(cluster.get(kinds.Event, "default/young"));
});
