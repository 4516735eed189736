/** A host that joins another one's cluster, or has: what it is started with. It runs agent and proxy, with the cluster's settings. */
import { FlagError } from "../flags.ts";
import { JoinError } from "../join/join_error.ts";
import type { JoinString } from "../join/join_string.ts";
import {
  credentialTrouble,
  isOtherCluster,
  type Joined,
  moveServer,
  readJoined,
  refuseServer,
} from "../join/joined.ts";
import type { Clock } from "../seams/clock.ts";
import { readText } from "../seams/files.ts";
import type { StartConfig } from "./config.ts";

export interface WorkerParts {
  readonly clock: Clock;
  say(line: string): void;
  readonly signal: AbortSignal;
}

export interface Worker {
  readonly config: StartConfig;
  /** `https://host:port` of the first host. */
  readonly server: string;
}

/** The name of the node that this host joined as; `undefined` for a first host. */
export async function joinedNode(dataDir: string): Promise<string | undefined> {
  return (await readJoined(dataDir))?.nodeName;
}

/** The settings of a host that has joined, without asking anybody. The given ones where it has not. */
export async function joinedConfig(config: StartConfig): Promise<StartConfig> {
  const joined = await readJoined(config.dataDir);
  return joined === undefined ? config : merged(config, joined);
}

function merged(config: StartConfig, { nodeName, settings }: Joined): StartConfig {
  const { clusterId: _, ...shared } = settings;
  const roles = config.roles.filter((role) => role !== "server");
  if (roles.length === 0) throw new FlagError("--roles: a host that joins runs agent, proxy or both, not the server");
  return { ...config, ...shared, nodeName, roles };
}

/**
 * Joins if that is asked for and has not been done. `undefined`: this is a first host. Throws JoinError.
 */
export async function worker(config: StartConfig, parts: WorkerParts): Promise<Worker | undefined> {
  const { dataDir, join } = config;
  let joined = await readJoined(dataDir);
  if (joined === undefined && join === undefined) return undefined;
  await refuseServer(dataDir);
  if (join !== undefined && joined !== undefined && await isOtherCluster(dataDir, join.caHash)) {
    throw new JoinError(
      `${dataDir} belongs to a node of another cluster (${joined.server}): \`deno task reset\` makes this host free to join`,
    );
  }
  if (joined !== undefined && config.givenNodeName !== undefined && config.givenNodeName !== joined.nodeName) {
    throw new JoinError(
      `this host joined as node ${joined.nodeName}: leave --node-name out, or make it free with \`deno task reset\``,
    );
  }
  const trouble = joined && await credentialTrouble(dataDir, joined, parts.clock.now());
  if (joined === undefined || trouble !== undefined) {
    if (join === undefined) {
      throw new JoinError(`${trouble}: start with --join and a fresh join string (\`deno task -q token create\`)`);
    }
    joined = await joinNow({ ...config, nodeName: joined?.nodeName ?? config.nodeName }, join, parts);
  } else if (join !== undefined && join.server !== joined.server) {
    joined = await moveServer(dataDir, joined, join.server);
  }
  return { config: merged(config, joined), server: joined.server };
}

async function joinNow(config: StartConfig, join: JoinString, { clock, say, signal }: WorkerParts): Promise<Joined> {
  const { dataDir, nodeName, nodeIp } = config;
  // Loaded when it is needed, once: a supervisor does without an X.509 library in its memory.
  const { joinCluster } = await import("../join/join.ts");
  say(`  joining    ${join.server} as node ${nodeName}`);
  const machineId = (await readText("/etc/machine-id"))?.trim() ?? "";
  return await joinCluster({ join, dataDir, nodeName, nodeIp, machineId, clock, say, signal });
}
