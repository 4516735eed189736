/** Workloads as people use them, with the stock kubectl: Jobs, CronJobs, DaemonSets, StatefulSets, volumes and budgets, on two hosts. */
import assert from "assert";
import type { Cluster } from "../harness/cluster.ts";
import { loadImages } from "../harness/images.ts";
import { createLab } from "../harness/lab/lab.ts";
import { ManyHosts } from "../harness/many_hosts.ts";
import { obstacle } from "./scenario.ts";

const image = "busybox:1.36";

/** JSON, one object a line: kubectl reads any number of them. */
const text = (...objects: object[]) => objects.map((object) => `${JSON.stringify(object)}\n`).join("");

const container = (command: string, more: object = {}) => ({
  name: "main",
  image,
  imagePullPolicy: "IfNotPresent",
  command: ["sh", "-c", command],
  ...more,
});

/** Ends when it is told to. */
const idle = "trap 'exit 0' TERM; while :; do sleep 1; done";

const job = (name: string, command: string, spec: object = {}) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
  spec: { template: { spec: { restartPolicy: "Never", containers: [container(command)] } }, ...spec },
});

const labelled = (name: string, spec: object, version = "1") => ({
  metadata: { labels: { app: name } },
  spec: {
    terminationGracePeriodSeconds: 2,
    containers: [container(idle, { env: [{ name: "VERSION", value: version }] })],
    ...spec,
  },
});

async function jobs(cluster: Cluster): Promise<void> {
  const stdin = text(
    job("once", "echo counted"),
    job("each", "echo index $JOB_COMPLETION_INDEX", { completionMode: "Indexed", completions: 3, parallelism: 2 }),
    job("never", "exit 3", { backoffLimit: 0 }),
    job("short", idle, { activeDeadlineSeconds: 2 }),
    job("gone", "true", { ttlSecondsAfterFinished: 1 }),
  );
  await cluster.ask("apply -f -", { stdin });
  await cluster.ask("wait --for=condition=complete job/once job/each --timeout=60s");
  assert.match(await cluster.ask("logs job/once"), /^counted\n$/);
  const status = (name: string, path: string) => cluster.ask(["get", "job", name, "-o", `jsonpath={.status.${path}}`]);
  assert.equal(await status("each", "completedIndexes"), "0-2");
  const logs = await cluster.ask("logs -l job-name=each --prefix=false");
  assert.deepEqual(logs.trim().split("\n").sort(), ["index 0", "index 1", "index 2"]);
  await cluster.ask("wait --for=condition=failed job/never job/short --timeout=60s");
  assert.equal(await status("never", 'conditions[?(@.type=="Failed")].reason'), "BackoffLimitExceeded");
  assert.equal(await status("short", 'conditions[?(@.type=="Failed")].reason'), "DeadlineExceeded");
  assert.match(await cluster.ask("get job once"), /once +Complete +1\/1/);
  // Events are told after what they are about.
  await cluster.eventually("describe job once", (said) => /Normal +Completed .*Job completed/.test(said));
  await cluster.ask("wait --for=delete job/gone --timeout=90s");
  await cluster.ask("delete job once each never short");
  await cluster.eventually("get pods -o name", (pods) => pods === "");
}

async function cronJobs(cluster: Cluster): Promise<void> {
  await cluster.ask(["create", "cronjob", "tick", `--image=${image}`, "--schedule=* * * * *", "--", "echo", "tick"]);
  await cluster.ask("create job now --from=cronjob/tick");
  await cluster.ask("wait --for=condition=complete job/now --timeout=90s");
  const first = /^job.batch\/tick-\d+$/m;
  const found = first.exec(await cluster.eventually("get jobs -o name", (names) => first.test(names), 75_000))![0];
  await cluster.ask(`wait --for=condition=complete ${found} --timeout=90s`);
  assert.equal(await cluster.ask(`logs ${found}`), "tick\n");
  const seen = /Saw completed job: tick-\d+, condition: Complete/;
  await cluster.eventually("describe cronjob tick", (said) => seen.test(said));
  await cluster.ask("delete cronjob tick");
  await cluster.eventually("get jobs,pods -o name", (left) => left === "");
}

async function daemonSets(cluster: Cluster, nodes: readonly string[]): Promise<void> {
  const set = (version: string) => ({
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "every" },
    spec: { selector: { matchLabels: { app: "every" } }, template: labelled("every", {}, version) },
  });
  await cluster.ask("apply -f -", { stdin: text(set("1")) });
  await cluster.ask("rollout status daemonset every --timeout=60s");
  const places = async () =>
    (await cluster.json("get pods -l app=every")).items.map(({ spec }: { spec: { nodeName: string } }) => spec.nodeName)
      .sort();
  assert.deepEqual(await places(), [...nodes].sort());
  await cluster.ask("apply -f -", { stdin: text(set("2")) });
  await cluster.ask("rollout status daemonset every --timeout=90s");
  const version = async () =>
    (await cluster.ask(["exec", "daemonset/every", "--", "sh", "-c", "echo $VERSION"])).trim();
  assert.equal(await version(), "2");
  assert.match(await cluster.ask("rollout history daemonset every"), /REVISION[^]*1[^]*2/);
  await cluster.ask("rollout undo daemonset every");
  await cluster.ask("rollout status daemonset every --timeout=90s");
  assert.equal(await version(), "1");
  await cluster.ask(`taint node ${nodes[1]} away=:NoExecute`);
  await cluster.eventually(
    "get daemonset every -o jsonpath={.status.desiredNumberScheduled}",
    (count) => count === "1",
  );
  await cluster.ask(`taint node ${nodes[1]} away-`);
  await cluster.ask("rollout status daemonset every --timeout=60s");
  await cluster.ask("delete daemonset every");
  await cluster.eventually("get pods,controllerrevisions -o name", (left) => left === "");
}

/** A directory of one node. */
const volume = (path: string, name: string, node: string) => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    capacity: { storage: "1Gi" },
    accessModes: ["ReadWriteOnce"],
    hostPath: { path: `${path}/${name}`, type: "DirectoryOrCreate" },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] }],
      },
    },
  },
});

const statefulSet = (version: string) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db" },
  spec: {
    serviceName: "db",
    replicas: 2,
    selector: { matchLabels: { app: "db" } },
    template: labelled("db", {
      containers: [container(`echo $VERSION $HOSTNAME >> /data/log; ${idle}`, {
        env: [{ name: "VERSION", value: version }],
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      })],
    }),
    volumeClaimTemplates: [{
      metadata: { name: "data" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        storageClassName: "",
        resources: { requests: { storage: "100Mi" } },
      },
    }],
  },
});

async function statefulSets(cluster: Cluster, nodes: readonly string[]): Promise<void> {
  // Lab hosts have this machine's files.
  const path = await Deno.makeTempDir({ prefix: "sauropod-volumes-" });
  try {
    await statefulSetOn(cluster, nodes, path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function statefulSetOn(cluster: Cluster, nodes: readonly string[], path: string): Promise<void> {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db" },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 80 }] },
  };
  const stdin = text(service, volume(path, "one", nodes[0]!), volume(path, "two", nodes[1]!), statefulSet("1"));
  await cluster.ask("apply -f -", { stdin });
  await cluster.ask("rollout status statefulset db --timeout=90s");
  assert.match(await cluster.ask("get pvc"), /data-db-0 +Bound +(one|two) +1Gi +RWO/);
  const lookUp = "nslookup db-0.db.default.svc.cluster.local; nslookup db-1.db.default.svc.cluster.local; hostname";
  const { items } = await cluster.json("get pods -l app=db");
  // The names follow the pods, they are not there before them.
  const named = (said: string) =>
    /^db-1$/m.test(said) && items.every(({ status }: { status: { podIP: string } }) => said.includes(status.podIP));
  await cluster.eventually(["exec", "db-1", "--", "sh", "-c", lookUp], named);
  assert.deepEqual(
    items.map(({ metadata }: { metadata: { labels: Record<string, string> } }) =>
      metadata.labels["apps.kubernetes.io/pod-index"]
    ),
    ["0", "1"],
  );
  await cluster.ask("apply -f -", { stdin: text(statefulSet("2")) });
  await cluster.ask("rollout status statefulset db --timeout=90s");
  // A container that runs has not yet written.
  await cluster.eventually("exec db-0 -- cat /data/log", (log) => log === "1 db-0\n2 db-0\n");
  await cluster.ask("rollout undo statefulset db");
  await cluster.ask("rollout status statefulset db --timeout=90s");
  await cluster.eventually("exec db-1 -- cat /data/log", (log) => log === "1 db-1\n2 db-1\n1 db-1\n");
  await cluster.ask("scale statefulset db --replicas=1");
  await cluster.ask("wait --for=delete pod/db-1 --timeout=90s");
  await cluster.ask("delete statefulset,service db");
  await cluster.ask("wait --for=delete pod/db-0 --timeout=90s");
  await cluster.ask("delete pvc data-db-0 data-db-1");
  await cluster.eventually("get pv", (all) => (all.match(/Released/g) ?? []).length === 2);
  await cluster.ask("delete pv one two");
}

/** The only volume is on the second node, and nothing else says where the pod is to go. */
async function waitingClaims(cluster: Cluster, nodes: readonly string[]): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "sauropod-volumes-" });
  const { spec } = volume(path, "three", nodes[1]!);
  const storageClassName = "waits";
  const objects = [
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: storageClassName },
      provisioner: "kubernetes.io/no-provisioner",
      volumeBindingMode: "WaitForFirstConsumer",
    },
    { apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "three" }, spec: { ...spec, storageClassName } },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "waiting" },
      spec: { storageClassName, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    },
  ];
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "first" },
    spec: {
      containers: [container(`echo here > /data/said; ${idle}`, { volumeMounts: [{ name: "v", mountPath: "/data" }] })],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName: "waiting" } }],
      terminationGracePeriodSeconds: 1,
    },
  };
  try {
    await cluster.ask("apply -f -", { stdin: text(...objects) });
    const told = (said: string) => said.includes("waiting for first consumer to be created before binding");
    await cluster.eventually("describe pvc waiting", told);
    await cluster.ask("apply -f -", { stdin: text(pod) });
    await cluster.ask("wait --for=condition=Ready pod/first --timeout=60s");
    assert.equal(await cluster.ask("get pod first -o jsonpath={.spec.nodeName}"), nodes[1]);
    assert.match(await cluster.ask("get pvc waiting"), /waiting +Bound +three +1Gi/);
    await cluster.eventually("exec first -- cat /data/said", (said) => said === "here\n");
    await cluster.ask("delete pod first");
    await cluster.ask("delete pvc waiting");
    await cluster.ask("delete pv three");
    await cluster.ask(`delete storageclass ${storageClassName}`);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function budgets(cluster: Cluster): Promise<void> {
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template: labelled("web", {}) },
  };
  const budget = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web" },
    spec: { minAvailable: 2, selector: { matchLabels: { app: "web" } } },
  };
  await cluster.ask("apply -f -", { stdin: text(deployment, budget) });
  await cluster.ask("rollout status deployment web --timeout=60s");
  await cluster.eventually("get pdb web -o jsonpath={.status.currentHealthy}", (count) => count === "2");
  const node = (await cluster.json("get pods -l app=web")).items[0].spec.nodeName;
  const refused = await cluster.kubectl(`drain ${node} --ignore-daemonsets --timeout=8s`);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /Cannot evict pod as it would violate the pod's disruption budget/);
  await cluster.ask(["patch", "pdb", "web", "--type=merge", "-p", '{"spec":{"minAvailable":1}}']);
  await cluster.ask(`drain ${node} --ignore-daemonsets --timeout=60s`);
  await cluster.ask("rollout status deployment web --timeout=60s");
  await cluster.ask(`uncordon ${node}`);
  await cluster.ask("delete deployment,pdb web");
}

const why = obstacle("podman", []);

Deno.test({
  name: `workloads do as Kubernetes' do, on two hosts${why === undefined ? "" : ` (skipped: ${why})`}`,
  ignore: why !== undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    const name = `${Deno.env.get("LAB") ?? ""}work`;
    await using lab = await createLab({ name, hosts: ["podman", "podman"], prefix: "10.99.80" });
    for (const host of lab.hosts) await loadImages(host, [image]);
    await using many = await ManyHosts.start(lab);
    const nodes = lab.hosts.map((host) => host.name);
    let failed = 0;
    const parts: [string, () => Promise<void>][] = [
      ["Jobs end, fail, and go", () => jobs(many.first)],
      ["a CronJob's Jobs start every minute", () => cronJobs(many.first)],
      ["a DaemonSet is on both nodes, rolled out and back", () => daemonSets(many.first, nodes)],
      ["a StatefulSet keeps names and data", () => statefulSets(many.first, nodes)],
      ["a claim waits for its pod's place", () => waitingClaims(many.first, nodes)],
      ["a budget holds a drain up", () => budgets(many.first)],
    ];
    const only = Deno.env.get("STEP");
    for (const [title, part] of parts) {
      if (only !== undefined && !title.includes(only)) continue;
      if (!(await t.step(title, part))) failed++;
    }
    if (failed > 0) throw new Error(`${failed} parts failed; the last lines of each host:\n${many.log(60)}`);
  },
});
