/**
 * Everything is killed once, under load: what was acknowledged stays, what runs goes on, and it heals by itself. How long each took is
 * printed.
 */
import assert from "assert";
import type { Component } from "../harness/cluster.ts";
import { until } from "../harness/lab/host.ts";
import { Load, type Report } from "../harness/load.ts";
import { deployment, idlePod, service } from "../harness/manifests.ts";
import { scenario, type Scene } from "./scenario.ts";

/** How long each sort of fault may take to heal. ms */
const healMs = 30_000;

// deno-lint-ignore no-console
const say = (line: string) => console.log(`    ${line}`);

interface Trial {
  scene: Scene;
  load: Load;
}

/** The running containers of the two Deployments: id and start, by pod and name. */
async function containers({ cluster }: Scene): Promise<Record<string, string>> {
  const { items } = await cluster.json("get pods -l app");
  const found: Record<string, string> = {};
  for (const { metadata, status } of items) {
    if (metadata.deletionTimestamp !== undefined || metadata.labels.app === "probe") continue;
    for (const { name, containerID, state, restartCount } of status.containerStatuses ?? []) {
      found[`${metadata.name}/${name}`] = `${containerID} ${state.running?.startedAt} ${restartCount}`;
    }
  }
  return found;
}

async function get({ host }: Scene, url: string): Promise<boolean> {
  return (await host.exec(["curl", "-sS", "--max-time", "1", "-o", "/dev/null", url])).code === 0;
}

let made = 0;

/** A Service that is made now is answered soon: API, controllers and proxy work. */
async function newServiceAnswers(scene: Scene): Promise<void> {
  const name = `new-${made++}`;
  const { cluster } = scene;
  await until(healMs, async () => {
    const applied = await cluster.kubectl("apply -f -", { stdin: service(name, { ports: ["80:8080"], app: "web" }) });
    return applied.code === 0;
  }, `Service ${name} could not be made`);
  const { spec } = await cluster.json(`get service ${name}`);
  await until(healMs, () => get(scene, `http://${spec.clusterIP}`), `Service ${name} has never answered`);
}

/** A pod that is made now runs soon: API, scheduler and agent work. */
async function newPodRuns({ cluster }: Scene): Promise<void> {
  const name = `new-${made++}`;
  const pod = idlePod(name).replace(`"app":"${name}"`, '"app":"probe"');
  await until(
    healMs,
    async () => (await cluster.kubectl("apply -f -", { stdin: pod })).code === 0,
    `pod ${name} could not be made`,
  );
  await cluster.ask(`wait --for=condition=Ready pod/${name} --timeout=${healMs / 1000}s`);
  await cluster.ask(`delete pod ${name} --wait=false`);
}

async function writeWorks({ cluster }: Scene): Promise<void> {
  const name = `new-${made++}`;
  const written = async () => (await cluster.kubectl(`create configmap ${name}`)).code === 0;
  await until(healMs, written, `ConfigMap ${name} could not be made`);
}

function assertCalm(report: Report, what: string): void {
  assert.equal(report.requests.failed, 0, `${what}: requests to the Service failed: ${JSON.stringify(report)}`);
  assert.equal(report.stream.failed, 0, `${what}: the stream broke: ${JSON.stringify(report)}`);
}

interface Fault {
  name: string;
  strike(trial: Trial): Promise<void>;
  heals(scene: Scene): Promise<void>;
  /** Pods are expected to change. */
  changesPods?: true;
  /** A connection that is being served when its server is killed is lost with it. */
  losesRequests?: true;
}

async function killContainer({ host, cluster }: Scene): Promise<void> {
  const { items: [pod] } = await cluster.json("get pods -l app=web");
  const id = pod.status.containerStatuses[0].containerID.replace(/^\w+:\/\//, "");
  const { stdout } = await host.exec([
    ...["curl", "-sS", "--unix-socket", host.engineSocket],
    `http://d/v1.41/containers/${id}/json`,
  ]);
  const { code, stderr } = await host.exec(["kill", "-KILL", `${JSON.parse(stdout).State.Pid}`]);
  assert.equal(code, 0, stderr);
}

const killed = (component: Component, heals: Fault["heals"]): Fault => ({
  name: `kill -9 of ${component}`,
  strike: ({ scene }) => scene.cluster.kill(component),
  heals,
});

const everything: Component[] = ["supervisor", "apiserver", "agent", "proxy", "redis-server"];

async function allWorks(scene: Scene): Promise<void> {
  await newPodRuns(scene);
  await newServiceAnswers(scene);
}

const faults: Fault[] = [
  {
    name: "a pod is deleted",
    changesPods: true,
    strike: async ({ scene: { cluster } }) => {
      const [pod] = (await cluster.ask("get pods -l app=web -o name")).split("\n");
      await cluster.ask(`delete ${pod} --wait=false`);
    },
    heals: async ({ cluster }) => {
      await cluster.eventually("get deployment web --no-headers", (text) => / 2\/2 /.test(text), healMs);
      await cluster.eventually("get pods -l app=web --no-headers", (text) => text.trim().split("\n").length === 2);
    },
  },
  {
    name: "a container's process is killed",
    changesPods: true,
    losesRequests: true,
    strike: ({ scene }) => killContainer(scene),
    heals: async ({ cluster }) => {
      const restarted = / 1\/1 +Running +1 /;
      await cluster.eventually("get pods -l app=web --no-headers", (text) => restarted.test(text), healMs);
      await cluster.eventually("get deployment web --no-headers", (text) => / 2\/2 /.test(text), healMs);
    },
  },
  killed("agent", newPodRuns),
  killed("proxy", newServiceAnswers),
  killed("apiserver", writeWorks),
  killed("redis-server", writeWorks),
  {
    name: "kill -9 of the supervisor, then start",
    strike: async ({ scene: { cluster } }) => {
      await cluster.kill("supervisor");
      await cluster.start();
    },
    heals: allWorks,
  },
  {
    name: "kill -9 of everything at once, then start",
    strike: async ({ scene: { cluster } }) => {
      await cluster.kill(...everything);
      await cluster.start();
    },
    heals: allWorks,
  },
  {
    name: "stop and start",
    strike: async ({ scene: { cluster } }) => {
      await cluster.stop();
      await cluster.start();
    },
    heals: allWorks,
  },
];

async function suffer(trial: Trial, fault: Fault): Promise<void> {
  const { scene, load } = trial;
  const before = await containers(scene);
  await load.report();
  const begun = performance.now();
  await fault.strike(trial);
  await fault.heals(scene);
  const healed = Math.round(performance.now() - begun);
  const report = await load.report();
  const { writes, requests, stream } = report;
  say(
    `${scene.engine}: ${fault.name}: healed after ${healed} ms; longest pause of writes ${writes.longestGapMs} ms, requests ` +
      `${requests.longestGapMs} ms, stream ${stream.longestGapMs} ms; requests failed ${requests.failed} of ${
        requests.ok + requests.failed
      }`,
  );
  if (fault.losesRequests) report.requests.failed = 0;
  assertCalm(report, fault.name);
  if (!fault.changesPods) assert.deepEqual(await containers(scene), before, "containers were restarted");
}

async function prepare({ cluster }: Scene): Promise<{ web: string; echo: string }> {
  await cluster.ask("apply -f -", {
    stdin: [
      deployment("web", { image: "qinchaowhut/allen:v1", replicas: 2, port: 8080 }),
      service("web", { ports: ["80:8080"] }),
      deployment("echo", { image: "localhost/echo:1", port: 9000 }),
      service("echo", { ports: ["9000:9000"] }),
    ].join(""),
  });
  for (const name of ["web", "echo"]) await cluster.ask(`rollout status deployment ${name} --timeout=60s`);
  const ip = async (name: string) => (await cluster.json(`get service ${name}`)).spec.clusterIP as string;
  return { web: await ip("web"), echo: await ip("echo") };
}

scenario("the cluster heals", async (scene) => {
  const { cluster, host } = scene;
  const { web, echo } = await prepare(scene);
  await using load = await Load.start(host, {
    kubeconfig: `${cluster.dataDir}/kubeconfig`,
    writers: 4,
    requests: `http://${web}/`,
    stream: `${echo}:9000`,
  });
  for (const fault of faults) await scene.step(fault.name, () => suffer({ scene, load }, fault));
  await scene.step("every acknowledged write is there", async () => {
    const acknowledged = await load.acknowledged();
    const stored = new Set((await cluster.ask("get configmaps -l load=yes -o name")).split("\n"));
    const lost = acknowledged.filter((name) => !stored.has(`configmap/${name}`));
    say(`${scene.engine}: ${acknowledged.length} writes were acknowledged, ${lost.length} are lost`);
    assert.deepEqual(lost, []);
    assert.ok(acknowledged.length > 500, `only ${acknowledged.length} were acknowledged`);
  });
  await scene.step("the connection through the Service was never broken", async () => {
    assert.equal((await load.report()).connections, 1);
  });
}, { images: ["v1", "echo", "busybox:1.36"], programs: ["perl"] });
