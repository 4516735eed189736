/** One cluster on three lab hosts, Podman, Docker and Podman, for the tests of one file; what went wrong is printed with all logs. */
import type { Cluster } from "../harness/cluster.ts";
import { loadImages } from "../harness/images.ts";
import type { EngineKind } from "../harness/lab/engine.ts";
import type { Host } from "../harness/lab/host.ts";
import { createLab, type Lab } from "../harness/lab/lab.ts";
import { ManyHosts } from "../harness/many_hosts.ts";
import { obstacle, type ScenarioOptions } from "./scenario.ts";

export interface ManyScene {
  lab: Lab;
  hosts: readonly Host[];
  many: ManyHosts;
  /** The first host's: kubectl is asked here. */
  cluster: Cluster;
  step(name: string, run: () => Promise<void>): Promise<void>;
}

export interface ManyOptions extends ScenarioOptions {
  /** Names the lab, at most 7 characters, and its LAN. */
  lab: string;
  prefix: string;
  ignore?: boolean;
}

const engines: readonly EngineKind[] = ["podman", "docker", "podman"];

/** Registers a test of three hosts. STEP in the environment names the one part that is wanted. */
export function manyScenario(name: string, run: (scene: ManyScene) => Promise<void>, options: ManyOptions): void {
  const why = engines.map((engine) => obstacle(engine, options.programs ?? [])).find((one) => one !== undefined);
  Deno.test({
    name: `${name}${why === undefined ? "" : ` (skipped: ${why})`}`,
    ignore: why !== undefined || (options.ignore ?? false),
    sanitizeOps: false,
    sanitizeResources: false,
    fn: (t) => play(t, run, options),
  });
}

async function play(
  t: Deno.TestContext,
  run: (scene: ManyScene) => Promise<void>,
  options: ManyOptions,
): Promise<void> {
  const name = `${Deno.env.get("LAB") ?? ""}${options.lab}`;
  await using lab = await createLab({ name, hosts: engines, prefix: options.prefix });
  for (const host of lab.hosts) await loadImages(host, options.images);
  await using many = await ManyHosts.start(lab, options);
  let failed = 0;
  const only = Deno.env.get("STEP");
  const step = async (name: string, part: () => Promise<void>) => {
    if (only !== undefined && !only.split("|").some((one) => name.includes(one))) return;
    if (!(await t.step(name, part))) failed++;
  };
  await run({ lab, hosts: lab.hosts, many, cluster: many.first, step });
  if (failed > 0) throw new Error(`${failed} parts failed; the last lines of each host:\n${many.log(60)}`);
}
