/**
 * No request is lost while pods are replaced, moved and removed: requests run without pause, from outside through every node's port and
 * from a host through the Service's address, and none may fail. The same with draining turned off loses some.
 *
 * REQUESTS=1000000 in the environment is the long run: 20 rolling updates, 5 drains. UPDATE=1 writes the numbers to docs/rollouts.md.
 */
import assert from "assert";
import type { Cluster } from "../harness/cluster.ts";
import { type Report, Requests, type RequestsOptions } from "../harness/requests.ts";
import { manyScenario, type ManyScene } from "./many_scenario.ts";
import { writeRollouts } from "./rollouts/page.ts";

const wanted = Number(Deno.env.get("REQUESTS") ?? 20_000);
const isLong = wanted > 100_000;
const plan = isLong
  ? { replicas: 10, rollouts: 20, drains: 5, undrainedRollouts: 5, perSecond: 700 }
  : { replicas: 4, rollouts: 3, drains: 1, undrainedRollouts: 4, perSecond: 200 };
/** Pods while it is scaled up. */
const many = 10;

// deno-lint-ignore no-console
const say = (line: string) => console.log(`    ${line}`);

const labels = { app: "web" };
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: plan.replicas,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 30,
        topologySpreadConstraints: [{
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: labels },
        }],
        containers: [{
          name: "main",
          image: "localhost/web:1",
          imagePullPolicy: "IfNotPresent",
          ports: [{ containerPort: 8080 }],
          readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        }],
      },
    },
  },
};
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { type: "NodePort", selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
};

/** The two loads: by node ports from outside, by the cluster IP from a host. */
class Load implements AsyncDisposable {
  private constructor(readonly parts: readonly Requests[]) {}

  static async start({ cluster, lab, hosts }: ManyScene): Promise<Load> {
    const { spec } = await cluster.json("get service web");
    const common = { perSecond: plan.perSecond, slow: 4, slowSeconds: 10 };
    const outside: RequestsOptions = { ...common, targets: hosts.map(({ ip }) => `${ip}:${spec.ports[0].nodePort}`) };
    const inside: RequestsOptions = { ...common, targets: [`${spec.clusterIP}:80`] };
    return new Load([
      await Requests.start((words) => lab.clientCommand(words), outside),
      await Requests.start((words) => hosts[1]!.command(words), inside),
    ]);
  }

  get ok(): number {
    return this.parts.reduce((sum, { progress }) => sum + progress.ok, 0);
  }

  get failed(): number {
    return this.parts.reduce((sum, { progress }) => sum + progress.failed, 0);
  }

  async stop(): Promise<Report[]> {
    return await Promise.all(this.parts.map((part) => part.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.parts) await part[Symbol.asyncDispose]();
  }
}

interface Run {
  reports: Report[];
  seconds: number;
  rollouts: number;
}

let round = 0;

async function rollOut(cluster: Cluster): Promise<void> {
  await cluster.ask(`set env deployment web ROUND=${++round}`);
  await cluster.ask("rollout status deployment web --timeout=110s");
}

async function drain({ cluster, hosts }: ManyScene, turn: number): Promise<void> {
  const { name } = hosts[turn % hosts.length]!;
  await cluster.ask(`drain ${name} --ignore-daemonsets --timeout=100s`);
  await cluster.ask("rollout status deployment web --timeout=110s");
  await cluster.ask(`uncordon ${name}`);
}

/** A host is taken down as at its shutdown, and comes back. */
async function leave({ cluster, many }: ManyScene): Promise<void> {
  const member = many.workers.at(-1)!;
  const { name } = member.host;
  const { code, stderr } = await many.task(member, ["stop", "--with-pods", "--engine", member.host.engineSocket]);
  assert.equal(code, 0, stderr);
  assert.equal(await cluster.ask(`get pods --field-selector=spec.nodeName=${name} -o name`), "");
  await cluster.ask("rollout status deployment web --timeout=110s");
  await member.start();
  await cluster.eventually(`get node ${name} -o jsonpath={.spec.unschedulable}`, (text) => text === "");
}

async function scale({ cluster }: ManyScene): Promise<void> {
  for (const replicas of [many, 2, many, plan.replicas]) {
    await cluster.ask(`scale deployment web --replicas=${replicas}`);
    await cluster.ask("rollout status deployment web --timeout=110s");
    await cluster.eventually(
      "get deployment web -o jsonpath={.status.replicas}",
      (text) => text === `${replicas}`,
    );
  }
}

async function restartProxies({ many }: ManyScene): Promise<void> {
  for (const member of many.members) {
    const before = await member.pids("proxy");
    await member.kill("proxy");
    await rollOut(many.first);
    assert.notDeepEqual(await member.pids("proxy"), before);
  }
}

/** Answers how many rolling updates it took until there were requests enough. */
async function changes(scene: ManyScene, load: Load): Promise<number> {
  const begun = performance.now();
  const part = async (name: string, run: () => Promise<void>) => {
    const [ok, failed, from] = [load.ok, load.failed, performance.now()];
    await run();
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    say(`${name}: ${seconds} s; ${load.ok - ok} requests answered, ${load.failed - failed} failed`);
  };
  for (let i = 0; i < plan.drains; i++) await part(`drain ${i + 1}`, () => drain(scene, i + 1));
  await part("a host leaves and comes back", () => leave(scene));
  await part("scale up, down and up", () => scale(scene));
  await part("each proxy is killed, each time with a rolling update", () => restartProxies(scene));
  let rollouts = 0;
  while (rollouts < plan.rollouts || load.ok < wanted) {
    await part(`rolling update ${++rollouts}`, () => rollOut(scene.cluster));
  }
  say(`all changes: ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  return rollouts;
}

async function run(scene: ManyScene, change: (load: Load) => Promise<number>): Promise<Run> {
  await using load = await Load.start(scene);
  const begun = performance.now();
  const rollouts = await change(load);
  const reports = await load.stop();
  for (const { ok, failed, sorts, p50, p99, longest, failures } of reports) {
    say(`${ok} ok, ${failed} failed; ${JSON.stringify(sorts)}; p50 ${p50} ms, p99 ${p99} ms, longest ${longest} ms`);
    for (const failure of failures.slice(0, 10)) say(`  ${JSON.stringify(failure)}`);
  }
  return { reports, rollouts, seconds: Math.round((performance.now() - begun) / 1000) };
}

const failedOf = ({ reports }: Run) => reports.reduce((sum, { failed }) => sum + failed, 0);

manyScenario("rollouts lose no request", async (scene) => {
  const { cluster, step } = scene;
  await cluster.ask("apply -f -", { stdin: `${JSON.stringify(deployment)}\n${JSON.stringify(service)}\n` });
  await cluster.ask("rollout status deployment web --timeout=110s");
  let drained: Run | undefined;
  let undrained: Run | undefined;
  await step("rolling updates, drains, scaling and proxies that are killed: none of the requests fails", async () => {
    drained = await run(scene, (load) => changes(scene, load));
    assert.equal(failedOf(drained), 0, JSON.stringify(drained.reports.map(({ failures }) => failures), undefined, 1));
  });
  await step("the same with draining turned off loses requests", async () => {
    for (const member of scene.many.members) {
      await member.stop();
      member.options.flags = ["--drain", "off"];
      await member.start();
    }
    undrained = await run(scene, async () => {
      for (let i = 0; i < plan.undrainedRollouts; i++) await rollOut(cluster);
      return plan.undrainedRollouts;
    });
    assert.ok(failedOf(undrained) > 0, "none failed: does the test see anything?");
  });
  if (Deno.env.get("UPDATE") !== undefined && drained !== undefined && undrained !== undefined) {
    await writeRollouts({ drained, undrained, plan });
  }
}, { lab: "h3b", prefix: "10.99.64", images: ["web"], programs: ["perl"] });
