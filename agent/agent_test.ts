import assert from "assert";
import { FakeClock } from "../lib/seams/clock.ts";
import type { ContainerStatus, Node, Pod } from "../lib/types/core_v1.ts";
import {
  ConfigMap as ConfigMapKind,
  Node as NodeKind,
  Pod as PodKind,
  Secret as SecretKind,
} from "../lib/types/kinds.ts";
import type { FakeEngine } from "./engine/fake.ts";
import { type AgentScene, startAgent } from "../tests/harness/agent.ts";

const container = (pod: Pod | undefined, name = "app"): ContainerStatus | undefined =>
  [...pod?.status.containerStatuses ?? [], ...pod?.status.initContainerStatuses ?? []].find((s) => s.name === name);
const condition = (pod: Pod | undefined, type: string) => pod?.status.conditions?.find((c) => c.type === type)?.status;
const isReady = (pod: Pod | undefined) => condition(pod, "Ready") === "True";
const waiting = (pod: Pod | undefined, name = "app") => container(pod, name)?.state?.waiting?.reason;

function scenario(name: string, body: (fixture: AgentScene<FakeEngine>, clock: FakeClock) => Promise<void>): void {
  Deno.test(`agent ${name}`, async () => {
    const clock = new FakeClock();
    await using fixture = await startAgent({ clock });
    await body(fixture, clock);
  });
}

const ready = (fixture: AgentScene<FakeEngine>, name = "p") =>
  fixture.until(`${name} is Ready`, () => isReady(fixture.pod(name)) && fixture.pod(name));

scenario("runs a pod and tells of it", async (fixture) => {
  await fixture.apply("p", {});
  const pod = await ready(fixture);
  assert.equal(pod.status.phase, "Running");
  assert.match(pod.status.podIP!, /^10\.244\.0\.\d+$/);
  assert.equal(pod.status.hostIP, "192.168.0.9");
  assert.equal(container(pod)!.restartCount, 0);
  assert.match(container(pod)!.containerID!, /^podman:\/\//);
  const reasons = () => fixture.events().filter((e) => !/^(Starting|Node)/.test(e));
  await fixture.until("Events", () => reasons().length >= 3);
  assert.deepEqual(reasons(), [
    'Pulled: Container image "app:1" already present on machine',
    "Created: Created container: app",
    "Started: Started container app",
  ]);
});

scenario("deletes a pod after its containers ended and its last status was told", async (fixture) => {
  await fixture.apply("p", {});
  await ready(fixture);
  await fixture.api.delete(PodKind, { namespace: "default", name: "p" }, { gracePeriodSeconds: 30 });
  await fixture.until("it is gone", () => fixture.pod("p") === undefined);
  const journal = fixture.engine.journal.map((line) => line.replace(/k8s_(\w+)_p_.*_(\d+)/, "$1"));
  assert.deepEqual(journal.filter((line) => /^(kill|remove)/.test(line)), [
    "kill app SIGTERM",
    "kill POD SIGKILL",
    "remove app",
    "remove POD",
  ]);
  const statuses = fixture.api.server.writes.filter((w) =>
    w.verb === "patch" && w.subresource === "status" && w.kind === PodKind
  );
  assert.ok(statuses.some(({ body }) => /"phase":"Succeeded"/.test(JSON.stringify(body))));
  assert.equal(fixture.network.attached.size, 0);
  assert.deepEqual(await fixture.engine.list({}), []);
});

scenario("kills a container that outlives its grace", async (fixture, clock) => {
  await fixture.apply("p", { containers: [{ name: "app", image: "app:1", command: ["stubborn"] }] });
  await ready(fixture);
  await fixture.api.delete(PodKind, { namespace: "default", name: "p" }, { gracePeriodSeconds: 5 });
  await fixture.until("SIGTERM", () => fixture.engine.journal.some((line) => line.endsWith("SIGTERM")));
  assert.notEqual(fixture.pod("p"), undefined);
  await fixture.until("a timer", () => clock.next !== undefined);
  await clock.advance(5_001);
  await fixture.until("it is gone", () => fixture.pod("p") === undefined);
});

scenario("restarts a container that ends, at once and then in back-off", async (fixture, clock) => {
  await fixture.apply("p", { containers: [{ name: "app", image: "app:1", command: ["say", "hi", "", "3"] }] });
  const pod = await fixture.until(
    "back-off",
    () => waiting(fixture.pod("p")) === "CrashLoopBackOff" && fixture.pod("p"),
  );
  assert.equal(container(pod)!.restartCount, 1);
  assert.equal(container(pod)!.lastState!.terminated!.exitCode, 3);
  assert.match(container(pod)!.state!.waiting!.message!, /^back-off 10s restarting failed container=app/);
  await clock.advance(10_001);
  await fixture.until("the second restart", () => container(fixture.pod("p"))!.restartCount === 2);
  await fixture.until("20 s", () => container(fixture.pod("p"))!.state?.waiting?.message?.startsWith("back-off 20s"));
});

scenario("goes on with the back-off after its own restart, and adopts what runs", async (fixture, clock) => {
  await fixture.apply("crash", { containers: [{ name: "app", image: "app:1", command: ["say", "", "", "1"] }] });
  await fixture.apply("p", {});
  await fixture.until("back-off", () => waiting(fixture.pod("crash")) === "CrashLoopBackOff");
  const before = await ready(fixture);
  await clock.advance(10_001);
  await fixture.until(
    "20 s",
    () => container(fixture.pod("crash"))!.state?.waiting?.message?.startsWith("back-off 20s"),
  );
  const journal = fixture.engine.journal.length;
  await fixture.restart();
  await fixture.until(
    "it works",
    () => fixture.agent.workers.memory(before.metadata.uid)?.address?.ip === before.status.podIP,
  );
  assert.deepEqual(fixture.engine.journal.slice(journal).filter((line) => !line.startsWith("pull")), []);
  assert.deepEqual(fixture.pod("p")!.status, before.status);
  assert.match(container(fixture.pod("crash"))!.state!.waiting!.message!, /^back-off 20s/);
  await clock.advance(20_001);
  await fixture.until("the third restart", () => container(fixture.pod("crash"))!.restartCount === 3);
});

scenario("brings down a pod that was deleted while it was away", async (fixture) => {
  const pod = await fixture.apply("p", {});
  await ready(fixture);
  await fixture.stop();
  await fixture.api.delete(PodKind, { namespace: "default", name: "p" }, { gracePeriodSeconds: 0 });
  await fixture.restart();
  await fixture.until(
    "its containers are gone",
    () => [...fixture.engine.journal].filter((l) => l.startsWith("remove")).length === 2,
  );
  await fixture.until("it is forgotten", () => fixture.agent.workers.memory(pod.metadata.uid) === undefined);
});

scenario("makes a pod anew after a power cut", async (fixture) => {
  await fixture.apply("p", {});
  await ready(fixture);
  await fixture.stop();
  fixture.engine.powerCut();
  fixture.engine.resume();
  await fixture.restart();
  const pod = await fixture.until(
    "it runs again",
    () => container(fixture.pod("p"))?.restartCount === 1 && isReady(fixture.pod("p")) && fixture.pod("p"),
  );
  assert.equal(container(pod)!.lastState!.terminated!.reason, "ContainerStatusUnknown");
});

scenario("starts its pods again after a power cut while nobody answers at the API", async (fixture, clock) => {
  await fixture.api.create(ConfigMapKind, { metadata: { name: "c", namespace: "default" }, data: { a: "1" } });
  const pod = await fixture.apply("p", { volumes: [{ name: "v", configMap: { name: "c" } }] });
  await ready(fixture);
  await fixture.stop();
  fixture.engine.powerCut();
  fixture.engine.resume();
  fixture.apiAway = true;
  await fixture.restart();
  const runs = async () => (await fixture.engine.list({})).filter(({ status }) => status === "running").length === 2;
  let running = false;
  await fixture.until("it runs again", () => {
    void clock.advance(200);
    void runs().then((now) => running ||= now);
    return running;
  });
  fixture.apiAway = false;
  await fixture.until("it is told", () => {
    void clock.advance(500);
    return container(fixture.pod("p"))?.restartCount === 1 && isReady(fixture.pod("p"));
  });
  assert.equal(fixture.pod("p")!.metadata.uid, pod.metadata.uid);
});

scenario("starts a new sandbox when the infra container dies", async (fixture) => {
  await fixture.apply("p", {});
  await ready(fixture);
  const [sandbox] = (await fixture.engine.list({})).filter(({ name }) => name.startsWith("k8s_POD"));
  await fixture.engine.kill(sandbox!.id, "SIGKILL");
  await fixture.until(
    "a second container",
    () => container(fixture.pod("p"))?.restartCount === 1 && isReady(fixture.pod("p")),
  );
  assert.ok(fixture.events().some((e) => e.startsWith("SandboxChanged: Pod sandbox changed")));
});

scenario("runs init containers in turn, and a sidecar beside them", async (fixture) => {
  fixture.engine.addImage("init:1");
  await fixture.apply("p", {
    initContainers: [
      { name: "side", image: "init:1", command: ["serve"], restartPolicy: "Always" },
      { name: "a", image: "init:1", command: ["say"] },
      { name: "b", image: "init:1", command: ["say"] },
    ],
  });
  await ready(fixture);
  const starts = fixture.engine.journal.filter((l) => l.startsWith("start")).map((l) => /k8s_(\w+)_p_/.exec(l)![1]);
  assert.deepEqual(starts, ["POD", "side", "a", "b", "app"]);
});

scenario("ends a pod that is not restarted with the exit code of its container", async (fixture) => {
  await fixture.apply("p", {
    restartPolicy: "Never",
    containers: [{
      name: "app",
      image: "app:1",
      command: ["say", "out", "err", "7"],
      terminationMessagePolicy: "FallbackToLogsOnError",
    }],
  });
  const pod = await fixture.until("Failed", () => fixture.pod("p")?.status.phase === "Failed" && fixture.pod("p"));
  const { terminated } = container(pod)!.state!;
  assert.equal(terminated!.exitCode, 7);
  assert.equal(terminated!.reason, "Error");
  assert.match(terminated!.message!, /out\n(.*\n)?err|err/);
  assert.equal(condition(pod, "Ready"), "False");
  await fixture.until("the network is given back", () => fixture.network.attached.size === 0);
  await fixture.restart();
  await fixture.until("it is looked at again", () => fixture.agent.workers.memory(pod.metadata.uid)?.volumesReleased);
  assert.equal(container(fixture.pod("p"))!.state!.terminated!.message, terminated!.message);
});

scenario("shows an image that can't be pulled, and pulls it when it can be", async (fixture, clock) => {
  await fixture.apply("p", { containers: [{ name: "app", image: "other:1", command: ["serve"] }] });
  await fixture.until("ErrImagePull", () => waiting(fixture.pod("p")) === "ErrImagePull");
  await fixture.until("a timer", () => clock.next !== undefined);
  await clock.advance(2_100);
  await fixture.until("ImagePullBackOff", () => waiting(fixture.pod("p")) === "ImagePullBackOff");
  fixture.engine.publish("other:1");
  await clock.advance(10_000);
  await ready(fixture);
});

scenario("waits for a configmap and a secret, and starts as soon as they are there", async (fixture) => {
  await fixture.apply("p", {
    containers: [{
      name: "app",
      image: "app:1",
      command: ["serve"],
      env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "c", key: "a" } } }],
      volumeMounts: [{ name: "v", mountPath: "/v" }],
    }],
    volumes: [{ name: "v", secret: { secretName: "s" } }],
  });
  await fixture.until(
    "FailedMount",
    () =>
      fixture.events().some((e) => e === 'FailedMount: MountVolume.SetUp failed for volume "v" : secret "s" not found'),
  );
  await fixture.api.create(SecretKind, { metadata: { name: "s", namespace: "default" }, data: { k: btoa("x") } });
  await fixture.until("config error", () => waiting(fixture.pod("p")) === "CreateContainerConfigError");
  assert.equal(container(fixture.pod("p"))!.state!.waiting!.message, 'configmap "c" not found');
  await fixture.api.create(ConfigMapKind, { metadata: { name: "c", namespace: "default" }, data: { a: "1" } });
  const pod = await ready(fixture);
  const file = `${fixture.directory}/memory/${pod.metadata.uid}/v/k`;
  assert.equal(await Deno.readTextFile(file), "x");
});

scenario("changes a volume's files after its secret", async (fixture, clock) => {
  const secret = await fixture.api.create(SecretKind, {
    metadata: { name: "s", namespace: "default" },
    data: { k: btoa("1") },
  });
  await fixture.apply("p", { volumes: [{ name: "v", secret: { secretName: "s" } }] });
  const pod = await ready(fixture);
  const file = `${fixture.directory}/memory/${pod.metadata.uid}/v/k`;
  const inode = (await Deno.stat(file)).ino;
  await fixture.api.update(SecretKind, { ...secret, data: { k: btoa("2"), more: btoa("3") } });
  await fixture.until("a new file", () => {
    void clock.advance(100);
    return Deno.readTextFileSync(file) === "2";
  });
  assert.notEqual((await Deno.stat(file)).ino, inode);
});

scenario("fails a pod that does not fit", async (fixture) => {
  await fixture.apply("p", { containers: [{ name: "app", image: "app:1", resources: { requests: { cpu: "5" } } }] });
  const pod = await fixture.until("Failed", () => fixture.pod("p")?.status.phase === "Failed" && fixture.pod("p"));
  assert.equal(pod.status.reason, "OutOfcpu");
  assert.equal(
    pod.status.message,
    "Pod was rejected: Node didn't have enough resource: cpu, requested: 5000, used: 0, capacity: 4000",
  );
});

scenario("runs a preStop hook before it signals", async (fixture) => {
  const ran: string[] = [];
  fixture.engine.programs.set("hook", async () => {
    ran.push("hook");
    return 0;
  });
  await fixture.apply("p", {
    containers: [{
      name: "app",
      image: "app:1",
      command: ["serve"],
      lifecycle: { preStop: { exec: { command: ["hook"] } } },
    }],
  });
  await ready(fixture);
  await fixture.api.delete(PodKind, { namespace: "default", name: "p" }, { gracePeriodSeconds: 30 });
  await fixture.until("it is gone", () => fixture.pod("p") === undefined);
  assert.deepEqual(ran, ["hook"]);
});

scenario("restarts a container whose postStart hook fails", async (fixture) => {
  await fixture.apply("p", {
    containers: [{
      name: "app",
      image: "app:1",
      command: ["serve"],
      lifecycle: { postStart: { exec: { command: ["say", "", "no", "1"] } } },
    }],
  });
  await fixture.until("a restart", () => (container(fixture.pod("p"))?.restartCount ?? 0) > 0);
  assert.ok(fixture.events().some((e) => e.startsWith("FailedPostStartHook: PostStartHook failed: exit code 1")));
});

scenario("restarts a container whose liveness probe fails, and tells why", async (fixture, clock) => {
  let alive = true;
  fixture.engine.programs.set("probe", async () => alive ? 0 : 1);
  await fixture.apply("p", {
    containers: [{
      name: "app",
      image: "app:1",
      command: ["serve"],
      livenessProbe: { exec: { command: ["probe"] }, periodSeconds: 1, failureThreshold: 2 },
    }],
  });
  await ready(fixture);
  alive = false;
  await fixture.until("a restart", () => {
    void clock.advance(250);
    return (container(fixture.pod("p"))?.restartCount ?? 0) > 0;
  });
  const events = fixture.events();
  assert.ok(events.some((e) => e.startsWith("Unhealthy: Liveness probe failed:")));
  assert.ok(events.includes("Killing: Container app failed liveness probe, will be restarted"));
});

scenario("is ready only while its readiness probe says so", async (fixture, clock) => {
  let listening = false;
  fixture.engine.programs.set("probe", async () => listening ? 0 : 1);
  await fixture.apply("p", {
    containers: [{
      name: "app",
      image: "app:1",
      command: ["serve"],
      readinessProbe: { exec: { command: ["probe"] }, periodSeconds: 1, failureThreshold: 1 },
    }],
  });
  await fixture.until("it runs", () => container(fixture.pod("p"))?.state?.running !== undefined);
  assert.equal(isReady(fixture.pod("p")), false);
  const said = fixture.api.server.writes.map(({ body }) => JSON.stringify(body));
  assert.deepEqual(said.filter((body) => body?.includes('"ready":true')), [], "it was never said to be ready");
  const turn = (wanted: boolean) =>
    fixture.until(`Ready ${wanted}`, () => {
      void clock.advance(100);
      return isReady(fixture.pod("p")) === wanted;
    });
  listening = true;
  await turn(true);
  listening = false;
  await turn(false);
});

scenario("waits out an engine that goes away, and goes on", async (fixture, clock) => {
  fixture.engine.stop();
  await fixture.apply("p", {});
  await fixture.until("the node is not ready", () => {
    void clock.advance(1_000);
    const node = fixture.api.store.all(NodeKind).get("n1") as Node;
    return node.status.conditions?.find(({ type }) => type === "Ready")?.status === "False";
  });
  fixture.engine.resume();
  await fixture.until("it runs", () => {
    void clock.advance(1_000);
    return isReady(fixture.pod("p"));
  });
});

Deno.test("agent makes no sandbox before its node has pod addresses", async () => {
  const clock = new FakeClock();
  await using fixture = await startAgent({ clock, withoutPodCidr: true });
  await fixture.apply("p", {});
  const node = await fixture.until("it registers", () => {
    const found = fixture.api.store.all(NodeKind).get("n1") as Node | undefined;
    return found?.status.conditions !== undefined && found;
  });
  const ready = (n: Node) => n.status.conditions!.find(({ type }) => type === "Ready")!;
  assert.equal(ready(node).status, "False");
  assert.match(ready(node).message!, /NetworkPluginNotReady/);
  assert.deepEqual(fixture.engine.journal.filter((line) => !line.startsWith("load")), []);
  await fixture.api.patch(NodeKind, { name: "n1" }, { type: "merge", patch: { spec: { podCIDR: "10.244.0.0/24" } } });
  await fixture.until("it runs", () => isReady(fixture.pod("p")));
  await fixture.until(
    "the node is Ready",
    () => ready(fixture.api.store.all(NodeKind).get("n1") as Node).status === "True",
  );
});
