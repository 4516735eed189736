/**
 * Real engines for tests: Podman or Docker as a child of the test, with its own socket and storage in a temporary
 * directory. Nothing of an engine that the machine runs is touched. Call stop() in the end: it removes the containers, the
 * engine, its mounts and its directory.
 */
import { connectEngine } from "../../agent/engine/client.ts";
import type { Engine } from "../../agent/engine/engine.ts";
import { podmanServiceCommand } from "../../agent/engine/find.ts";
import { isEngineError } from "../../agent/engine/error.ts";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { type Child, output, systemProcesses } from "../../lib/seams/process.ts";
import { findBusybox } from "./image.ts";

export interface TestEngine {
  readonly engine: Engine;
  readonly socketPath: string;
  /** Everything of it is below. */
  readonly directory: string;
  stop(): Promise<void>;
}

const binaries = { podman: "/usr/bin/podman", docker: "/usr/sbin/dockerd" } as const;
const startTimeoutMs = 30_000;

/** Why a test with this engine can't run here; undefined when it can. For `ignore:`, with the reason in the test's name. */
export function engineMissing(name: "podman" | "docker"): string | undefined {
  if (Deno.uid() !== 0) return "needs root";
  if (findBusybox() === undefined) return "needs busybox-static";
  try {
    Deno.statSync(binaries[name]);
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `needs ${binaries[name]}`;
    throw error;
  }
}

export async function startEngine(name: "podman" | "docker"): Promise<TestEngine> {
  const directory = await Deno.makeTempDir({ prefix: `sauropod-${name}-` });
  const socketPath = `${directory}/engine.sock`;
  const log: string[] = [];
  const child = await (name === "podman" ? spawnPodman : spawnDocker)(directory, socketPath, log);
  try {
    const engine = await connected(socketPath, child);
    return { engine, socketPath, directory, stop: () => stop(engine, child, directory) };
  } catch (error) {
    child.kill("SIGKILL");
    await Deno.remove(directory, { recursive: true });
    throw new Error(`${name} did not start: ${log.slice(-5).join("\n")}`, { cause: error });
  }
}

async function spawnPodman(directory: string, socketPath: string, log: string[]): Promise<Child> {
  const service = await podmanServiceCommand(socketPath, {
    config: `${directory}/config`,
    storage: `${directory}/storage`,
    run: `${directory}/run`,
  });
  return systemProcesses.spawn(service.command, {
    env: { ...service.env },
    cwd: service.cwd,
    onLine: (line) => log.push(line),
  });
}

async function spawnDocker(directory: string, socketPath: string, log: string[]): Promise<Child> {
  await Deno.writeTextFile(`${directory}/daemon.json`, "{}");
  return systemProcesses.spawn([
    binaries.docker,
    ...["--config-file", `${directory}/daemon.json`],
    ...["--data-root", `${directory}/data`],
    ...["--exec-root", `${directory}/exec`],
    ...["--pidfile", `${directory}/docker.pid`],
    ...["-H", `unix://${socketPath}`],
    // The agent brings the network; the machine's firewall is left alone.
    ...["--bridge", "none", "--iptables=false", "--ip-forward=false", "--userland-proxy=false"],
  ], { onLine: (line) => log.push(line) });
}

async function connected(socketPath: string, child: Child): Promise<Engine> {
  let exited = false;
  void child.ended.then(() => exited = true);
  const deadline = systemClock.now() + startTimeoutMs;
  for (;;) {
    try {
      return await connectEngine({ socketPath, clock: systemClock, processes: systemProcesses });
    } catch (error) {
      if (!isEngineError(error, "unavailable") || exited || systemClock.now() > deadline) throw error;
      await sleep(systemClock, 50);
    }
  }
}

async function stop(engine: Engine, child: Child, directory: string): Promise<void> {
  // Podman does not remove a container whose network others join: those go first, then it.
  for (const rounds of [1, 2]) {
    for (const { id } of await engine.list({})) {
      await engine.remove(id, { force: true }).catch((error) => {
        if (rounds === 2 || !isEngineError(error, "conflict")) throw error;
      });
    }
  }
  engine.close();
  child.kill("SIGTERM");
  await child.ended;
  await removeWhenFree(directory);
}

/** Podman's exec and cleanup processes outlive their container by a second or so, hold its directory and mount it anew. */
async function removeWhenFree(directory: string): Promise<void> {
  for (const until = systemClock.now() + startTimeoutMs;;) {
    const mounts = (await output(systemProcesses, ["cat", "/proc/self/mountinfo"])).split("\n")
      .map((line) => line.split(" ")[4] ?? "").filter((path) => path.startsWith(`${directory}/`)).reverse();
    for (const path of mounts) await systemProcesses.run(["umount", "-l", path]);
    try {
      return await Deno.remove(directory, { recursive: true });
    } catch (error) {
      if ((error as { code?: string }).code !== "EBUSY" || systemClock.now() > until) throw error;
      await sleep(systemClock, 100);
    }
  }
}
