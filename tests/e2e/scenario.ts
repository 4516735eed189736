/** One cluster on one lab host per engine, for the tests of one file; what went wrong is printed with the cluster's own log. */
import { Cluster, type ClusterOptions, kubectlInstalled } from "../harness/cluster.ts";
import { findProgram } from "../harness/host_program.ts";
import { findBusybox } from "../harness/image.ts";
import { loadImages, type TestImage } from "../harness/images.ts";
import { engineInstalled, type EngineKind } from "../harness/lab/engine.ts";
import type { Host } from "../harness/lab/host.ts";
import { createLab, type Lab } from "../harness/lab/lab.ts";

export interface StepOptions {
  /** Why it is left out. */
  skip?: string;
}

export interface Scene {
  lab: Lab;
  host: Host;
  cluster: Cluster;
  engine: EngineKind;
  /** One named part of the test; later parts run even if it fails. */
  step(name: string, run: () => Promise<void>, options?: StepOptions): Promise<void>;
}

export interface ScenarioOptions extends ClusterOptions {
  /** What the host's engine has. */
  images: readonly TestImage[];
  /** Where the engine makes no difference one is enough. Default: Podman and Docker. */
  engines?: readonly EngineKind[];
  /** Programs of this machine without which it cannot run. */
  programs?: readonly string[];
}

/** Why this machine cannot run it. */
export function obstacle(engine: EngineKind, programs: readonly string[]): string | undefined {
  if (Deno.uid() !== 0) return "not root";
  if (!engineInstalled(engine)) return `no ${engine}`;
  if (!kubectlInstalled()) return "no kubectl";
  const missing = programs.find((name) => findProgram(name) === undefined);
  if (missing !== undefined) return `no ${missing}`;
  return findBusybox() === undefined ? "no static busybox" : undefined;
}

const networks = { podman: "10.99.21", docker: "10.99.22" };

/** Registers the same test for Podman and for Docker. ENGINE in the environment names the one that is wanted. */
export function scenario(name: string, run: (scene: Scene) => Promise<void>, options: ScenarioOptions): void {
  const only = Deno.env.get("ENGINE");
  for (const engine of options.engines ?? ["podman", "docker"] as const) {
    if (only !== undefined && only !== engine) continue;
    const why = obstacle(engine, options.programs ?? []);
    Deno.test({
      name: `${name} (${engine}${why === undefined ? "" : `; skipped: ${why}`})`,
      ignore: why !== undefined,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: (t) => play(engine, t, run, options),
    });
  }
}

async function play(
  engine: EngineKind,
  t: Deno.TestContext,
  run: (scene: Scene) => Promise<void>,
  options: ScenarioOptions,
): Promise<void> {
  // A lab of that name that a killed run left is removed first; LAB in the environment lets two runs be side by side.
  const name = `${Deno.env.get("LAB") ?? "e2e"}${engine.slice(0, 1)}`;
  await using lab = await createLab({ name, hosts: [engine], prefix: networks[engine] });
  const [host] = lab.hosts;
  await loadImages(host!, options.images);
  await using cluster = new Cluster(host!, options);
  await cluster.start();
  let failed = 0;
  const only = Deno.env.get("STEP");
  const step: Scene["step"] = async (name, part, { skip } = {}) => {
    if (only !== undefined && !name.includes(only)) return;
    if (skip !== undefined) await t.step({ name: `${name} (skipped: ${skip})`, ignore: true, fn: part });
    else if (!(await t.step(name, part))) failed++;
  };
  await run({ lab, host: host!, cluster, engine, step });
  if (failed > 0) throw new Error(`${failed} parts failed; the cluster's last lines:\n${cluster.log(80)}`);
}
