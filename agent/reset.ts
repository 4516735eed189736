/**
 * Removes from this host what an agent has made: `pods` its containers with their network and volumes, `all` also the network itself and the
 * agent's directory. For a host whose agent does not run. Says what it could not remove, and goes on.
 */
import { FlagError, processSources } from "../lib/flags.ts";
import { startLogging } from "../lib/log.ts";
import { systemClock as clock } from "../lib/seams/clock.ts";
import { systemProcesses as processes } from "../lib/seams/process.ts";
import { type AgentConfig, agentConfig, runDirectory } from "./config.ts";
import type { Engine } from "./engine/engine.ts";
import { findEngine } from "./engine/find.ts";
import { createPodNetwork } from "./network/kernel_network.ts";
import { labelNames, sandboxName } from "./pods/names.ts";
import { memoryDirectory, podsDirectory } from "./volumes/directories.ts";
import { createMounts, type Mounts } from "./volumes/mounts.ts";

export interface ResetParts {
  readonly engine: Engine;
  readonly mounts: Mounts;
  readonly config: Pick<AgentConfig, "clusterId" | "data-dir">;
}

/** Removes the cluster's containers on this engine. Answers how many there were. */
export async function removeContainers({ engine, config }: Pick<ResetParts, "engine" | "config">): Promise<number> {
  const found = await engine.list({ [labelNames.cluster]: config.clusterId });
  const isSandbox = ({ labels }: { labels: Readonly<Record<string, string>> }) =>
    labels[labelNames.container] === sandboxName;
  const remove = async (list: typeof found) => {
    for (const { id } of list) await engine.remove(id, { force: true });
  };
  // Podman removes no sandbox that containers still refer to.
  await remove(found.filter((container) => !isSandbox(container)));
  await remove(found.filter(isSandbox));
  return found.length;
}

/** Unmounts and removes the pods' files; the configuration and the leases stay. */
export async function removePodFiles({ mounts, config }: Pick<ResetParts, "mounts" | "config">): Promise<void> {
  const directories = { root: config["data-dir"] };
  for (
    const directory of [podsDirectory(directories), memoryDirectory(directories), `${directories.root}/checkpoint`]
  ) {
    await mounts.unmountBelow(directory);
    await removeAll(directory);
  }
}

async function removeAll(directory: string): Promise<void> {
  await Deno.remove(directory, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

async function reset(config: AgentConfig, what: string): Promise<void> {
  const failures: string[] = [];
  const tried = async (part: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      failures.push(`${part}: ${error instanceof Error ? error.message : error}`);
    }
  };
  const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
  await tried("containers", async () => {
    const { engine } = await findEngine({
      ...(config.engine === undefined ? {} : { socket: config.engine }),
      ...(Deno.env.get("DOCKER_HOST") === undefined ? {} : { dockerHost: Deno.env.get("DOCKER_HOST")! }),
      clock,
      processes,
    });
    const count = await removeContainers({ engine, config });
    if (count > 0) say(`removed ${count} containers`);
  });
  const network = createPodNetwork({
    clusterId: config.clusterId,
    clusterCidr: config["cluster-cidr"],
    serviceCidr: config["service-cidr"],
    nodeIp: () => config.nodeIp,
    leasesPath: `${config["data-dir"]}/leases.json`,
    changesPath: `${config["data-dir"]}/host_changes.json`,
    clock,
    processes,
  });
  const mounts = createMounts(processes);
  await tried("volumes", () => removePodFiles({ mounts, config }));
  if (what === "all") {
    await tried("pod network", () => network.teardown());
    for (const directory of [config["data-dir"], runDirectory(config)]) {
      await tried(directory, () => removeAll(directory));
    }
  } else await tried("pod network", async () => void await network.reconcile([]));
  if (failures.length > 0) throw new Error(failures.join("; "));
}

if (import.meta.main) {
  try {
    const { config, rest } = await agentConfig(processSources(), processes);
    await startLogging({ level: config["log-level"], format: config["log-format"] });
    const [what = "all", ...more] = rest;
    if ((what !== "pods" && what !== "all") || more.length > 0) {
      throw new FlagError(`${rest.join(" ")}: say pods or all`);
    }
    await reset(config, what);
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(`${(error as Error).message}\n`));
    Deno.exit(error instanceof FlagError ? 2 : 1);
  }
}
