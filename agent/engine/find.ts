/**
 * Which engine a host has: where its socket is, and how to start Podman's service where nobody does.
 * Left out: rootless sockets (pods need the host's network and control groups) and tcp:// engines.
 */
import { engineSlowTimeoutMs, unixSocketPathBytesMax } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { writeAtomic } from "../../lib/seams/files.ts";
import type { Processes } from "../../lib/seams/process.ts";
import { connectEngine } from "./client.ts";
import type { Engine } from "./engine.ts";
import { EngineError, isEngineError } from "./error.ts";

/** In the order in which they are tried, after --engine and $DOCKER_HOST. */
export const usualSockets: readonly string[] = [
  "/run/podman/podman.sock",
  "/run/docker.sock",
  "/var/run/docker.sock",
  "/var/run/podman/podman.sock",
];

export interface FindOptions {
  /** `--engine`: a path or `unix://…`. Only this one is tried then. */
  readonly socket?: string;
  /** `$DOCKER_HOST`. */
  readonly dockerHost?: string;
  /** A service that the supervisor may have started, tried after the usual ones. */
  readonly ownSocket?: string;
  readonly clock: Clock;
  readonly processes: Processes;
  /** For tests. */
  readonly usual?: readonly string[];
}

export interface FoundEngine {
  readonly engine: Engine;
  readonly socketPath: string;
}

/** The paths to try, in order. Throws EngineError `invalid` for an address that is none of a unix socket. */
export function socketCandidates(
  options: Pick<FindOptions, "socket" | "dockerHost" | "ownSocket" | "usual">,
): string[] {
  if (options.socket !== undefined && options.socket !== "") return [socketPathOf("--engine", options.socket)];
  return [
    ...new Set([
      ...(options.dockerHost ? [socketPathOf("DOCKER_HOST", options.dockerHost)] : []),
      ...options.usual ?? usualSockets,
      ...(options.ownSocket === undefined ? [] : [options.ownSocket]),
    ]),
  ];
}

function socketPathOf(from: string, address: string): string {
  const path = address.replace(/^unix:\/\//, "");
  if (!path.startsWith("/")) {
    throw new EngineError(
      "invalid",
      "find engine",
      from,
      `${JSON.stringify(address)} is not a unix socket (unix:///path or /path)`,
    );
  }
  if (new TextEncoder().encode(path).length > unixSocketPathBytesMax) {
    throw new EngineError(
      "invalid",
      "find engine",
      from,
      `a socket's path has at most ${unixSocketPathBytesMax} bytes: ${path}`,
    );
  }
  return path;
}

/** Connects to the first that answers. Throws EngineError `unavailable` that names all that were tried, and why not. */
export async function findEngine(options: FindOptions): Promise<FoundEngine> {
  const reasons = new Map<string, string>();
  const slow: string[] = [];
  const connect = async (socketPath: string, timeoutMs?: number): Promise<FoundEngine | undefined> => {
    try {
      return { engine: await connectEngine({ ...options, socketPath, timeoutMs }), socketPath };
    } catch (error) {
      if (!isEngineError(error)) throw error;
      if (isEngineError(error, "timeout") && timeoutMs === undefined) slow.push(socketPath);
      reasons.set(socketPath, error.detail.replace(`engine socket ${socketPath}: `, ""));
      return undefined;
    }
  };
  for (const socketPath of socketCandidates(options)) {
    const found = await connect(socketPath);
    if (found !== undefined) return found;
  }
  // Somebody listens there, and has much else to do: a host that boots, or one of many that start at once.
  for (const socketPath of slow) {
    const found = await connect(socketPath, engineSlowTimeoutMs);
    if (found !== undefined) return found;
  }
  const tried = [...reasons].map(([socketPath, why]) => `${socketPath}: ${why}`);
  const detail = `no container engine answers. Tried ${tried.join("; ")}. ` +
    "Start Docker (systemctl start docker) or Podman (systemctl start podman.socket), or name its socket with --engine";
  throw new EngineError("unavailable", "find engine", "", detail);
}

export interface PodmanService {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** In which it must be started: conmon leaves files in the current directory. */
  readonly cwd: string;
}

export interface PodmanDirectories {
  /** Its configuration is written here. Kept over reboots. */
  readonly config: string;
  /** Images and containers; absent: Podman's own (/var/lib/containers/storage), shared with `podman` on the command line. */
  readonly storage?: string;
  /** Gone after a reboot, as the state of running containers must be: under /run. */
  readonly run: string;
}

/**
 * How to start Podman's API service on a host where systemd does not. Writes containers.conf (and storage.conf, for a
 * storage of its own) first. Without systemd Podman needs the cgroupfs driver and its events in a file; and an exec must
 * not leave its two processes for five minutes.
 */
export async function podmanServiceCommand(socketPath: string, directories: PodmanDirectories): Promise<PodmanService> {
  await Deno.mkdir(directories.config, { recursive: true, mode: 0o700 });
  await Deno.mkdir(directories.run, { recursive: true, mode: 0o700 });
  const systemd = await exists("/run/systemd/system");
  const runc = await exists("/usr/bin/crun") ? undefined : "runc";
  const text = JSON.stringify;
  const containers = [
    "[containers]",
    'log_driver = "k8s-file"',
    "[engine]",
    `cgroup_manager = ${text(systemd ? "systemd" : "cgroupfs")}`,
    'events_logger = "file"',
    "exit_command_delay = 1",
    ...(runc === undefined ? [] : [`runtime = ${text(runc)}`]),
    ...(directories.storage === undefined ? [] : [`tmp_dir = ${text(`${directories.run}/libpod`)}`]),
    "[network]",
    ...(directories.storage === undefined ? [] : [`network_config_dir = ${text(`${directories.config}/networks`)}`]),
    "",
  ].join("\n");
  const containersPath = `${directories.config}/containers.conf`;
  await writeAtomic(containersPath, containers);
  const env: Record<string, string> = { CONTAINERS_CONF: containersPath };
  if (directories.storage !== undefined) {
    const storagePath = `${directories.config}/storage.conf`;
    const storage = [
      "[storage]",
      'driver = "overlay"',
      `graphroot = ${text(directories.storage)}`,
      `runroot = ${text(`${directories.run}/storage`)}`,
      "",
    ].join("\n");
    await writeAtomic(storagePath, storage);
    env.CONTAINERS_STORAGE_CONF = storagePath;
  }
  return { command: ["podman", "system", "service", "--time", "0", `unix://${socketPath}`], env, cwd: directories.run };
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
