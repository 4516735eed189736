/**
 * Runs on a host with a cluster: times a pod from its creation to Ready, and in turn the engine alone with the same two containers,
 * so that both meet the same moments of the machine. `pod_start.ts KUBECONFIG ENGINE_SOCKET` prints PodStarts as JSON.
 */
import { connectEngine } from "../../agent/engine/client.ts";
import type { Engine } from "../../agent/engine/engine.ts";
import { type Client, createClient } from "../../lib/client/client.ts";
import { httpsTransport, parseKubeconfig } from "../../lib/client/kubeconfig.ts";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { systemProcesses } from "../../lib/seams/process.ts";
import type { Pod as PodObject } from "../../lib/types/core_v1.ts";
import { Pod } from "../../lib/types/kinds.ts";
import { median } from "./latency.ts";

export interface PodStarts {
  readonly podMs: readonly number[];
  readonly engineMs: readonly number[];
  /** Medians: create and start the infra container, create and start the other. */
  readonly steps: readonly number[];
}

const rounds = 12;
const image = "docker.io/library/busybox:latest";
const command = ["sleep", "3600"];
const namespace = "default";

const isReady = (pod: PodObject) =>
  pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

async function podStart(client: Client, name: string): Promise<number> {
  const { metadata } = await client.list(Pod, { namespace });
  const stop = new AbortController();
  const events = client.watch(Pod, { namespace, resourceVersion: metadata.resourceVersion }, stop.signal);
  const begun = performance.now();
  const spec = {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "c", image, command, imagePullPolicy: "IfNotPresent" }],
  };
  await client.create(Pod, { metadata: { namespace, name }, spec } as never);
  for await (const { object } of events) {
    if (object.metadata.name === name && isReady(object)) break;
  }
  const took = performance.now() - begun;
  stop.abort();
  await client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0 });
  return took;
}

/** The image that the agent made for its infra containers, from one that it made. */
async function infraImage(engine: Engine): Promise<string> {
  const infra = (await engine.list({ "io.kubernetes.container.name": "POD" }))[0];
  if (infra === undefined) throw new Error("no infra container: no pod has run here");
  return infra.imageId;
}

async function engineStart(engine: Engine, infraImage: string, round: number): Promise<number[]> {
  const times = [performance.now()];
  const took = () => times.push(performance.now());
  const infra = await engine.create({
    name: `bench-infra-${round}`,
    image: infraImage,
    networkMode: "none",
    ipcMode: "shareable",
    resources: { cpuShares: 2 },
    capDrop: ["ALL"],
    securityOpt: ["no-new-privileges"],
    readOnlyRootfs: true,
  });
  took();
  await engine.start(infra);
  took();
  const join = `container:${infra}` as const;
  const app = await engine.create({
    name: `bench-app-${round}`,
    image,
    command,
    networkMode: join,
    ipcMode: join,
    utsMode: join,
  });
  took();
  await engine.start(app);
  took();
  await engine.remove(app, { force: true });
  await engine.remove(infra, { force: true });
  return times.slice(1).map((time, i) => time - times[i]!);
}

async function main([kubeconfig, socketPath]: readonly string[]): Promise<PodStarts> {
  const client = createClient(httpsTransport(parseKubeconfig(await Deno.readTextFile(kubeconfig!))));
  const engine = await connectEngine({ socketPath: socketPath!, clock: systemClock, processes: systemProcesses });
  // The first of each warms caches, and is not counted.
  const warm = podStart(client, "warm");
  let infra: string | undefined;
  void warm.then(() => {});
  for (; infra === undefined; await sleep(systemClock, 20)) infra = await infraImage(engine).catch(() => undefined);
  await warm;
  await engineStart(engine, infra, 0);
  const podMs: number[] = [];
  const steps: number[][] = [];
  for (let round = 1; round <= rounds; round++) {
    podMs.push(await podStart(client, `bench-${round}`));
    // Its removal must not share the cores with what is measured next.
    await sleep(systemClock, 1_500);
    steps.push(await engineStart(engine, infra, round));
    await sleep(systemClock, 300);
  }
  const engineMs = steps.map((one) => one.reduce((total, ms) => total + ms, 0));
  return { podMs, engineMs, steps: steps[0]!.map((_, i) => median(steps.map((one) => one[i]!))) };
}

// deno-lint-ignore no-console
console.log(JSON.stringify(await main(Deno.args)));
Deno.exit(0);
