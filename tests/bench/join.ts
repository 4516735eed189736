/** How soon a host that joins a cluster is one of its nodes: two lab hosts, the second of which joins as its user lets it join. */
import { engineInstalled, type EngineKind } from "../harness/lab/engine.ts";
import { type Host, until } from "../harness/lab/host.ts";
import { createLab } from "../harness/lab/lab.ts";
import { Cluster } from "../harness/cluster.ts";
import { joinOf, Worker } from "../harness/worker.ts";
import { median } from "./latency.ts";
import type { Report } from "./report.ts";

const engines: readonly EngineKind[] = ["podman", "docker"];
/** design, section 10 */
const target = { atMost: 3_000 };
const again = 3;

/** From the start of the program to its line that says so, which the API must bear out. ms */
async function joined(cluster: Cluster, host: Host, line: string): Promise<number> {
  await using worker = new Worker(host, line);
  const begun = performance.now();
  await worker.start();
  const took = performance.now() - begun;
  const ready = `{.status.conditions[?(@.type=="Ready")].status}`;
  const words = ["get", "node", host.name, "-o", `jsonpath=${ready}`];
  const status = await cluster.ask(words);
  if (status !== "True") throw new Error(`node ${host.name} is Ready=${status} when its host says that it is Ready`);
  await worker.stop();
  await worker.reset();
  await cluster.ask(["delete", "node", host.name, "--ignore-not-found"]);
  await until(10_000, async () => (await cluster.kubectl(words)).code !== 0, `node ${host.name} did not go`);
  return took;
}

async function joins(report: Report, engine: EngineKind): Promise<void> {
  await using lab = await createLab({ name: "benchj", hosts: [engine, engine], prefix: "10.99.120" });
  const [first, second] = lab.hosts as [Host, Host];
  await using cluster = new Cluster(first);
  await cluster.start();
  const line = await joinOf(cluster);
  const value = await joined(cluster, second, line);
  report.add({ what: `first join to a Ready node, ${engine}`, value, unit: "ms", target });
  const times: number[] = [];
  for (let i = 0; i < again; i++) times.push(await joined(cluster, second, line));
  const more = times.map((ms) => ms.toFixed(0)).join(", ");
  report.add({ what: `join after a reset, ${engine}`, value: median(times), unit: "ms", more, target });
}

export async function join(report: Report): Promise<void> {
  for (const engine of engines) {
    const why = Deno.uid() !== 0 ? "needs root" : engineInstalled(engine) ? undefined : `needs ${engine}`;
    if (why !== undefined) report.skip(`join, ${engine}`, why);
    else await joins(report, engine);
  }
}
