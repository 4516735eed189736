/** The controllers of workloads among all others: what they make is run, fails, is updated and collected. */
import assert from "assert";
import type { Kind } from "../../lib/kind.ts";
import { rfc3339 } from "../../lib/seams/clock.ts";
import type { DaemonSet, StatefulSet } from "../../lib/types/apps_v1.ts";
import type { CronJob, Job } from "../../lib/types/batch_v1.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
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

/** Ends a pod as an agent would say it. */
function end(cluster: Cluster, pod: Pod, exitCode = 0): void {
  const at = rfc3339(cluster.clock.now());
  const status = {
    ...pod.status,
    phase: exitCode === 0 ? "Succeeded" : "Failed",
    conditions: [],
    containerStatuses: [{ name: "web", state: { terminated: { exitCode, finishedAt: at } } }],
  };
  cluster.client.store.replace(kinds.Pod as Kind, { ...pod, status } as Loose, "status");
}

const running = (cluster: Cluster) => pods(cluster).filter(({ status }) => status.phase === "Running");
const jobNamed = (cluster: Cluster, name = "web") => cluster.get(kinds.Job, `default/${name}`) as Job;
const conditions = ({ status }: Job) =>
  (status.conditions ?? []).filter((one) => one.status === "True").map(({ type, reason }) => `${type} ${reason}`);

/** A Job as the server stores it. */
const jobObject = (more: object = {}, name = "web") => ({
  metadata: { namespace: "default", name },
  spec: {
    selector: { matchLabels: { job: name } },
    template: {
      metadata: { labels: { job: name } },
      spec: { restartPolicy: "Never", containers: [{ name: "web", image: "web:1" }] },
    },
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: "TerminatingOrFailed",
    ...more,
  },
});

const events = (cluster: Cluster) => cluster.all(kinds.Event).map(({ reason, message }) => `${reason}: ${message}`);

check("run a Job to its completions, and count each pod once", async (cluster) => {
  await cluster.client.create(kinds.Job, jobObject({ parallelism: 2, completions: 3 }) as Loose);
  for (let done = 0; done < 3; done++) {
    await cluster.until(`pod ${done}`, () => running(cluster).length === Math.min(2, 3 - done));
    assert.deepEqual(running(cluster)[0]!.metadata.finalizers, ["batch.kubernetes.io/job-tracking"]);
    end(cluster, running(cluster)[0]!);
  }
  await cluster.until("complete", () => jobNamed(cluster).status.completionTime);
  const { status } = jobNamed(cluster);
  assert.deepEqual(conditions(jobNamed(cluster)), [
    "SuccessCriteriaMet CompletionsReached",
    "Complete CompletionsReached",
  ]);
  const { succeeded, failed, active, ready, terminating, uncountedTerminatedPods } = status;
  assert.deepEqual([succeeded, failed, active, ready, terminating, uncountedTerminatedPods], [
    3,
    undefined,
    undefined,
    0,
    0,
    {},
  ]);
  assert(cluster.all(kinds.Pod).every(({ metadata }) => metadata.finalizers === undefined));
  await cluster.until("event", () => events(cluster).includes("Completed: Job completed"));
});

check("try a Job again, later and later, until its backoffLimit", async (cluster) => {
  await cluster.client.create(kinds.Job, jobObject({ backoffLimit: 2 }) as Loose);
  const waits: number[] = [];
  for (let failure = 0; failure < 3; failure++) {
    const since = cluster.clock.now();
    await cluster.until("the next try", () => running(cluster).length === 1, 120);
    waits.push((cluster.clock.now() - since) / 1000);
    end(cluster, running(cluster)[0]!, 1);
  }
  await cluster.until("failed", () => conditions(jobNamed(cluster)).length === 2);
  assert.deepEqual(conditions(jobNamed(cluster)), [
    "FailureTarget BackoffLimitExceeded",
    "Failed BackoffLimitExceeded",
  ]);
  assert.equal(jobNamed(cluster).status.failed, 3);
  assert(waits[1]! >= 9 && waits[1]! < 12 && waits[2]! >= 19 && waits[2]! < 22, String(waits));
  await cluster.until(
    "event",
    () => events(cluster).includes("BackoffLimitExceeded: Job has reached the specified backoff limit"),
  );
});

check("run an Indexed Job with a limit of failures for each index", async (cluster) => {
  const spec = { completionMode: "Indexed", completions: 3, parallelism: 3, backoffLimitPerIndex: 1 };
  const job = jobObject({ ...spec, backoffLimit: 2 ** 31 - 1 });
  await cluster.client.create(kinds.Job, job as Loose);
  const index = (pod: Pod) => pod.metadata.labels!["batch.kubernetes.io/job-completion-index"];
  const at = (wanted: string) => running(cluster).find((pod) => index(pod) === wanted);
  await cluster.until("all", () => running(cluster).length === 3);
  assert.deepEqual(running(cluster).map(({ spec }) => spec.hostname).sort(), ["web-0", "web-1", "web-2"]);
  assert.match(at("1")!.metadata.name, /^web-1-[a-z0-9]{5}$/);
  end(cluster, at("0")!);
  end(cluster, at("2")!);
  end(cluster, at("1")!, 1);
  await cluster.until("index 1 again", () => at("1") !== undefined);
  assert.equal(at("1")!.metadata.annotations!["batch.kubernetes.io/job-index-failure-count"], "1");
  end(cluster, at("1")!, 1);
  await cluster.until("failed", () => conditions(jobNamed(cluster)).includes("Failed FailedIndexes"));
  const { completedIndexes, failedIndexes, succeeded, failed } = jobNamed(cluster).status;
  assert.deepEqual([completedIndexes, failedIndexes, succeeded, failed], ["0,2", "1", 2, 2]);
});

check("suspend a Job, resume it, end it at its deadline, and delete it after its time", async (cluster) => {
  const job = jobObject({ parallelism: 2, completions: 2, activeDeadlineSeconds: 30, ttlSecondsAfterFinished: 60 });
  await cluster.client.create(kinds.Job, job as Loose);
  const suspend = (suspend: boolean) =>
    cluster.client.patch(kinds.Job, job.metadata, { type: "merge", patch: { spec: { suspend } } });
  await cluster.until("running", () => running(cluster).length === 2);
  await suspend(true);
  await cluster.until("suspended", () => cluster.all(kinds.Pod).length === 0);
  assert.deepEqual(conditions(jobNamed(cluster)), ["Suspended JobSuspended"]);
  assert.equal(jobNamed(cluster).status.failed, undefined);
  await cluster.clock.advance(60_000);
  await suspend(false);
  await cluster.until("running again", () => running(cluster).length === 2);
  const started = Date.parse(jobNamed(cluster).status.startTime!);
  assert(cluster.clock.now() - started < 5_000);
  await cluster.until("deadline", () => conditions(jobNamed(cluster)).includes("Failed DeadlineExceeded"), 60);
  assert(cluster.clock.now() - started >= 30_000);
  assert.equal(jobNamed(cluster).status.failed, 2);
  await cluster.until("deleted", () => jobNamed(cluster) === undefined, 90);
});

check("let the pods of a deleted Job go", async (cluster) => {
  await cluster.client.create(kinds.Job, jobObject() as Loose);
  await cluster.until("running", () => running(cluster).length === 1);
  await cluster.client.delete(kinds.Job, { namespace: "default", name: "web" }, { propagationPolicy: "Background" });
  await cluster.until("gone", () => cluster.all(kinds.Pod).length === 0);
  await cluster.client.create(kinds.Job, jobObject({}, "kept") as Loose);
  await cluster.until("running", () => running(cluster).length === 1);
  await cluster.client.delete(kinds.Job, { namespace: "default", name: "kept" }, { propagationPolicy: "Orphan" });
  await cluster.until("orphaned", () => cluster.all(kinds.Pod).every((pod) => !pod.metadata.finalizers?.length));
  await cluster.until("job gone", () => jobNamed(cluster, "kept") === undefined);
  assert.equal(running(cluster).length, 1);
});

check("start a CronJob's Jobs every minute, and keep as many as are wanted", async (cluster) => {
  const cronJob = {
    metadata,
    spec: {
      schedule: "* * * * *",
      concurrencyPolicy: "Allow",
      suspend: false,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
      jobTemplate: { spec: jobObject().spec },
    },
  };
  await cluster.client.create(kinds.CronJob, cronJob as Loose);
  const status = () => (cluster.get(kinds.CronJob, "default/web") as CronJob).status;
  for (let minute = 1; minute <= 3; minute++) {
    await cluster.until("a job", () => running(cluster).length === 1, 70);
    assert.equal(new Date(cluster.clock.now()).getUTCMinutes(), minute);
    assert.equal(Date.parse(status().lastScheduleTime!) % 60_000, 0);
    end(cluster, running(cluster)[0]!);
    await cluster.until("its end", () => status().active === undefined && status().lastSuccessfulTime !== undefined);
  }
  await cluster.until("history", () => cluster.all(kinds.Job).length === 1);
  await cluster.client.delete(kinds.CronJob, metadata, { propagationPolicy: "Background" });
  await cluster.until("collected", () => cluster.all(kinds.Job).length + cluster.all(kinds.Pod).length === 0);
});

const statefulSet = (cluster: Cluster) => cluster.get(kinds.StatefulSet, "default/web") as StatefulSet;

async function rolledOut(cluster: Cluster, count: number): Promise<void> {
  await cluster.until(`${count} pods`, () => {
    const { metadata: { generation }, status } = statefulSet(cluster);
    return status.observedGeneration === generation && status.currentRevision === status.updateRevision &&
      status.updatedReplicas === count && status.availableReplicas === count && cluster.all(kinds.Pod).length === count;
  });
}

const images = (cluster: Cluster) =>
  Object.fromEntries(cluster.all(kinds.Pod).map((pod) => [pod.metadata.name, pod.spec.containers[0]!.image]));

check("run a StatefulSet in order, update it, heal it, and keep its claims", async (cluster) => {
  const spec = {
    replicas: 3,
    serviceName: "web",
    selector,
    template: template("web:1"),
    podManagementPolicy: "OrderedReady",
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0, maxUnavailable: 1 } },
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete", whenDeleted: "Retain" },
    volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } }],
  };
  await cluster.client.create(kinds.StatefulSet, { metadata, spec } as Loose);
  await rolledOut(cluster, 3);
  const byAge = cluster.all(kinds.Pod).sort((a, b) =>
    Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion)
  );
  assert.deepEqual(byAge.map((pod) => pod.metadata.name), ["web-0", "web-1", "web-2"]);
  const claims = () => cluster.all(kinds.PersistentVolumeClaim).map((claim) => claim.metadata.name).sort();
  assert.deepEqual(claims(), ["data-web-0", "data-web-1", "data-web-2"]);

  await cluster.client.patch(kinds.StatefulSet, metadata, imagePatch("web:2"));
  await cluster.until("the last first", () => images(cluster)["web-2"] === "web:2");
  assert.equal(images(cluster)["web-0"], "web:1");
  await rolledOut(cluster, 3);
  assert.deepEqual(images(cluster), { "web-0": "web:2", "web-1": "web:2", "web-2": "web:2" });

  cluster.badImages.add("web:bad");
  await cluster.client.patch(kinds.StatefulSet, metadata, imagePatch("web:bad"));
  await cluster.until("it stands", () => images(cluster)["web-2"] === "web:bad");
  await cluster.client.patch(kinds.StatefulSet, metadata, imagePatch("web:2"));
  await rolledOut(cluster, 3);

  await cluster.client.patch(kinds.StatefulSet, metadata, { type: "merge", patch: { spec: { replicas: 1 } } });
  await rolledOut(cluster, 1);
  await cluster.until("claims go with their pods", () => claims().join() === "data-web-0");
  await cluster.client.delete(kinds.StatefulSet, metadata, { propagationPolicy: "Background" });
  await cluster.until(
    "collected",
    () => cluster.all(kinds.Pod).length + cluster.all(kinds.ControllerRevision).length === 0,
  );
  assert.deepEqual(claims(), ["data-web-0"]);
});

check("keep a PodDisruptionBudget's count", async (cluster) => {
  const spec = { selector, minAvailable: "50%" };
  await cluster.client.create(kinds.PodDisruptionBudget, { metadata, spec } as Loose);
  const set = { selector, replicas: 4, template: template("web:1") };
  await cluster.client.create(kinds.ReplicaSet, { metadata, spec: set } as Loose);
  const status = () => cluster.get(kinds.PodDisruptionBudget, "default/web")!.status;
  await cluster.until("all healthy", () => status().disruptionsAllowed === 2 && status().expectedPods === 4);
  cluster.down.add("n1");
  for (const pod of cluster.all(kinds.Pod).filter((pod) => pod.spec.nodeName === "n1")) {
    await cluster.client.delete(kinds.Pod, pod.metadata);
  }
  cluster.nodes = ["n1"];
  await cluster.until("fewer", () => status().currentHealthy === 2 && status().disruptionsAllowed === 0);
});

check("bind claims to volumes, protect what is in use, and release it", async (cluster) => {
  const { client } = cluster;
  const volume = (name: string, storage: string) => ({
    metadata: { name, finalizers: ["kubernetes.io/pv-protection"] },
    spec: {
      capacity: { storage },
      accessModes: ["ReadWriteOnce"],
      hostPath: { path: `/srv/${name}` },
      persistentVolumeReclaimPolicy: "Retain",
    },
    status: { phase: "Pending" },
  });
  const claim = {
    metadata: { ...metadata, finalizers: ["kubernetes.io/pvc-protection"] },
    spec: { accessModes: ["ReadWriteOnce"], storageClassName: "", resources: { requests: { storage: "5Gi" } } },
    status: { phase: "Pending" },
  };
  const phaseOf = (name: string) => cluster.get(kinds.PersistentVolume, name)?.status.phase;
  const claimNow = () => cluster.get(kinds.PersistentVolumeClaim, "default/web");
  await client.create(kinds.PersistentVolumeClaim, claim as Loose);
  await client.create(kinds.PersistentVolume, volume("small", "1Gi") as Loose);
  await cluster.until("available", () => phaseOf("small") === "Available");
  assert.equal(claimNow()!.status.phase, "Pending");
  await client.create(kinds.PersistentVolume, volume("large", "10Gi") as Loose);
  await cluster.until("bound", () => claimNow()!.status.phase === "Bound" && phaseOf("large") === "Bound");
  assert.deepEqual(claimNow()!.status.capacity, { storage: "10Gi" });
  assert.equal(claimNow()!.spec.volumeName, "large");

  const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "web" } }];
  const user = { metadata, spec: { containers: [{ name: "c", image: "x" }], volumes } };
  await client.create(kinds.Pod, user as Loose);
  await cluster.until("in use", () => cluster.get(kinds.Pod, "default/web")?.status.phase === "Running");
  await client.delete(kinds.PersistentVolumeClaim, metadata);
  await client.delete(kinds.PersistentVolume, { name: "large" });
  await cluster.clock.advance(5_000);
  assert(claimNow() !== undefined && phaseOf("large") === "Bound", "both stay while the pod runs");
  await client.delete(kinds.Pod, metadata);
  await cluster.until("gone", () => claimNow() === undefined && phaseOf("large") === undefined);
  assert.equal(phaseOf("small"), "Available");
});
