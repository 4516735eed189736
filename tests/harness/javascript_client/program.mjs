/**
 * What the official Kubernetes JavaScript client does with a cluster, on Node: prints `ok <part>` for each part that went well, and ends
 * with 1 at the first that did not. KUBECONFIG says which cluster, IMAGE what its pod runs.
 */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { get } from "node:http";
import { PassThrough, Writable } from "node:stream";

// Node finds it in the folder that the test installs; Deno, which checks this file, need not.
const library = "@kubernetes/client-node";
const k8s = await import(library);

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const namespace = "javascript";
const { PatchStrategy } = k8s;

/** Resolves with what `of` answers as soon as that is something, and fails after a while that no machine needs. */
async function eventually(what, of) {
  for (let tries = 0; tries < 600; tries++) {
    const found = await of();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`never: ${what}`);
}

/** A stream that keeps what it is sent. */
function keeping() {
  const chunks = [];
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

const refused = (code) => (error) => {
  assert.equal(error.code, code, String(error));
  const status = JSON.parse(error.body);
  assert.equal(status.kind, "Status");
  assert.equal(status.code, code);
  return true;
};

async function versions() {
  const { gitVersion } = await config.makeApiClient(k8s.VersionApi).getCode();
  assert.match(gitVersion, /^v1\.36\./);
  const { groups } = await config.makeApiClient(k8s.ApisApi).getAPIVersions();
  assert.ok(groups.some(({ name }) => name === "apps"));
  const health = new k8s.Health(config);
  assert.equal(await health.readyz({}), true);
  assert.equal(await health.livez({}), true);
}

async function creates() {
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  await eventually(
    "its service account",
    () => core.readNamespacedServiceAccount({ namespace, name: "default" }).catch(() => undefined),
  );
  for (let i = 0; i < 5; i++) {
    const body = { metadata: { generateName: "made-", labels: { made: "yes" } }, data: { i: String(i) } };
    const { metadata } = await core.createNamespacedConfigMap({ namespace, body });
    assert.match(metadata.name, /^made-[a-z0-9]{5}$/);
    assert.ok(metadata.creationTimestamp instanceof Date);
  }
  const body = { metadata: { name: "dry" } };
  await core.createNamespacedConfigMap({ namespace, body, dryRun: "All" });
  await assert.rejects(core.readNamespacedConfigMap({ namespace, name: "dry" }), refused(404));
  await assert.rejects(core.createNamespace({ body: { metadata: { name: namespace } } }), refused(409));
  await assert.rejects(
    core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "A_b" } } }),
    refused(422),
  );
}

async function lists() {
  const labelSelector = "made=yes";
  const { items, metadata } = await core.listNamespacedConfigMap({ namespace, labelSelector });
  assert.equal(items.length, 5);
  assert.ok(metadata.resourceVersion);
  const names = [];
  let _continue;
  do {
    const page = await core.listNamespacedConfigMap({ namespace, labelSelector, limit: 2, _continue });
    names.push(...page.items.map((item) => item.metadata.name));
    _continue = page.metadata._continue;
  } while (_continue);
  assert.deepEqual(names, items.map((item) => item.metadata.name));
  const fieldSelector = `metadata.name=${names[0]}`;
  assert.equal((await core.listConfigMapForAllNamespaces({ fieldSelector })).items.length, 1);
}

/** An informer and a watch see what the next parts do; the answer says what they saw. */
async function follows() {
  const seen = [];
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const informer = k8s.makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace }));
  for (const verb of ["add", "update", "delete"]) {
    informer.on(verb, ({ metadata, data }) => seen.push(`${verb} ${metadata.name} ${data?.value ?? ""}`.trim()));
  }
  informer.on("error", (error) => seen.push(`error ${error}`));
  await informer.start();
  const watched = [];
  const query = { fieldSelector: "metadata.name=followed", allowWatchBookmarks: true };
  const note = (type, { kind }) => type !== "BOOKMARK" && watched.push(`${type} ${kind}`);
  const watching = await new k8s.Watch(config).watch(path, query, note, () => {});

  const body = { metadata: { name: "followed" }, data: { value: "1" } };
  await core.createNamespacedConfigMap({ namespace, body });
  await core.replaceNamespacedConfigMap({ namespace, name: "followed", body: { ...body, data: { value: "2" } } });
  await core.deleteNamespacedConfigMap({ namespace, name: "followed" });
  await eventually("a deletion", () => seen.includes("delete followed 2") && watched.length === 3);
  const own = seen.filter((line) => line.includes("followed"));
  assert.deepEqual(own, ["add followed 1", "update followed 2", "delete followed 2"]);
  assert.equal(seen.filter((line) => line.startsWith("add made-")).length, 5);
  assert.deepEqual(watched, ["ADDED ConfigMap", "MODIFIED ConfigMap", "DELETED ConfigMap"]);
  assert.equal(informer.list(namespace).some(({ metadata }) => metadata.name === "followed"), false);
  watching.abort();
  await informer.stop();
}

async function patches() {
  const name = "patched";
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data: { a: "1" } } });
  const patch = (strategy, body, more = {}) =>
    core.patchNamespacedConfigMap({ namespace, name, body, ...more }, k8s.setHeaderOptions("Content-Type", strategy));
  assert.deepEqual((await patch(PatchStrategy.MergePatch, { data: { b: "2" } })).data, { a: "1", b: "2" });
  assert.deepEqual((await patch(PatchStrategy.StrategicMergePatch, { data: { a: null } })).data, { b: "2" });
  const operations = [{ op: "add", path: "/data/c", value: "3" }];
  assert.deepEqual((await patch(PatchStrategy.JsonPatch, operations)).data, { b: "2", c: "3" });
  const applied = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { c: "4" } };
  await assert.rejects(patch(PatchStrategy.ServerSideApply, applied, { fieldManager: "javascript" }), refused(409));
  const forced = await patch(PatchStrategy.ServerSideApply, applied, { fieldManager: "javascript", force: true });
  assert.deepEqual(forced.data, { b: "2", c: "4" });
  const owners = forced.metadata.managedFields.map(({ manager, operation }) => `${manager} ${operation}`);
  assert.ok(owners.includes("javascript Apply"), owners.join());
  await assert.rejects(patch(PatchStrategy.JsonPatch, [{ op: "remove", path: "/data/none" }]), refused(422));

  const objects = k8s.KubernetesObjectApi.makeApiClient(config);
  const spec = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "generic", namespace }, data: { a: "1" } };
  await objects.create(spec);
  const changed = await objects.patch({ ...spec, data: { a: "2" } }, ...Array(4), PatchStrategy.MergePatch);
  assert.equal(changed.data.a, "2");
  assert.equal((await objects.read(spec)).data.a, "2");
  await objects.delete(spec);
  await assert.rejects(objects.read(spec), refused(404));
}

async function runs() {
  const command = ["/bin/sh", "-c", "echo started; exec /bin/sh /serve"];
  const container = { name: "main", image: process.env.IMAGE, imagePullPolicy: "IfNotPresent", command };
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { terminationGracePeriodSeconds: 1, containers: [container] },
  };
  const spec = { replicas: 1, selector: { matchLabels: { app: "web" } }, template };
  await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: "web" }, spec } });
  const ready = ({ status }) => status.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  await eventually("a pod that is ready", async () => (await pods()).some(ready));
  const scale = await apps.readNamespacedDeploymentScale({ namespace, name: "web" });
  assert.equal(scale.spec.replicas, 1);
}

const pods = async () => (await core.listNamespacedPod({ namespace, labelSelector: "app=web" })).items;
const podName = async () => (await pods())[0].metadata.name;

async function logs() {
  const name = await podName();
  assert.equal(await core.readNamespacedPodLog({ namespace, name }), "started\n");
  const { stream, text } = keeping();
  const following = await new k8s.Log(config).log(namespace, name, "main", stream, { follow: true, timestamps: true });
  await eventually("a line", () => /^\d{4}-.*Z started\n$/.test(text()));
  following.abort();
}

function run(name, command, input) {
  const [stdout, stderr] = [keeping(), keeping()];
  return new Promise((resolve, reject) => {
    const stdin = input === undefined ? null : new PassThrough();
    const done = (status) => resolve({ stdout: stdout.text(), stderr: stderr.text(), status });
    new k8s.Exec(config).exec(namespace, name, "main", command, stdout.stream, stderr.stream, stdin, false, done)
      .then(() => stdin?.end(input), reject);
  });
}

async function execs() {
  const name = await podName();
  const { stdout, stderr, status } = await run(name, ["sh", "-c", "echo out; echo err >&2; exit 3"]);
  assert.deepEqual([stdout, stderr], ["out\n", "err\n"]);
  assert.equal(status.reason, "NonZeroExitCode");
  assert.deepEqual(status.details.causes, [{ reason: "ExitCode", message: "3" }]);
  const counted = await run(name, ["head", "-c", "300000"], Buffer.alloc(300_000, "x"));
  assert.equal(counted.stdout.length, 300_000);
  assert.equal(counted.status.status, "Success");
}

/** The answer to one HTTP request to a local port. */
function ask(port) {
  return new Promise((resolve, reject) => {
    // busybox ends its header lines as it likes.
    const options = { port, path: "/", host: "127.0.0.1", agent: false, insecureHTTPParser: true };
    const request = get(options, (response) => {
      let text = "";
      response.on("data", (data) => text += data);
      response.on("end", () => resolve(text));
    });
    request.on("error", reject);
    request.setTimeout(30_000, () => request.destroy(new Error("no answer")));
  });
}

async function forwards() {
  const name = await podName();
  const forward = new k8s.PortForward(config);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    // The library leaves it to its caller to tell the local side that the pod's has ended.
    forward.portForward(namespace, name, [8080], socket, null, socket)
      .then((remote) => remote.on("close", () => socket.end()), (error) => socket.destroy(error));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  for (let i = 0; i < 5; i++) assert.match(await ask(server.address().port), new RegExp(`running in pod ${name}`));
  server.close();
}

async function deletes() {
  const { items } = await core.listNamespacedConfigMap({ namespace, labelSelector: "made=yes" });
  const { status } = await core.deleteNamespacedConfigMap({ namespace, name: items[0].metadata.name });
  assert.equal(status, "Success");
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: "made=yes" });
  assert.equal((await core.listNamespacedConfigMap({ namespace, labelSelector: "made=yes" })).items.length, 0);
  await apps.deleteNamespacedDeployment({ namespace, name: "web", propagationPolicy: "Foreground" });
  await eventually("no pod", async () => (await pods()).length === 0);
  await core.deleteNamespace({ name: namespace });
  const gone = () => core.readNamespace({ name: namespace }).then(() => false, (error) => error.code === 404);
  await eventually("no namespace", gone);
}

for (const part of [versions, creates, lists, follows, patches, runs, logs, execs, forwards, deletes]) {
  try {
    await part();
  } catch (error) {
    process.stderr.write(`${part.name}: ${error.stack}\n${error.body ?? ""}\n`);
    process.exit(1);
  }
  process.stdout.write(`ok ${part.name}\n`);
}
process.exit(0);
