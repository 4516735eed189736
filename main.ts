/**
 * The supervisor: `deno task start` runs a complete one-host cluster, each component a process of its own with just the permissions
 * it needs; `stop`, `reset` and `token` are the other commands. It decides nothing about the cluster.
 */
import { FlagError, helpText, parseFlags, processSources } from "./lib/flags.ts";
import { sleep, systemClock } from "./lib/seams/clock.ts";
import { collectAfterStart } from "./lib/garbage.ts";
import { removeTree } from "./lib/seams/files.ts";
import { systemProcesses } from "./lib/seams/process.ts";
import { findEngine, podmanServiceCommand } from "./agent/engine/find.ts";
import type { Client } from "./lib/client/client.ts";
import { readKubeconfig } from "./lib/join/follow.ts";
import { joinStringOf, startToken } from "./lib/join/tokens.ts";
import { systemRandom } from "./lib/seams/random.ts";
import { nodeLeaveMsMax } from "./lib/limits.ts";
import { components } from "./lib/supervisor/components.ts";
import { hostStops } from "./lib/supervisor/host.ts";
import { flagsOf, resolveConfig, type StartConfig } from "./lib/supervisor/config.ts";
import { type ChildSpec, supervise, type Supervised } from "./lib/supervisor/child.ts";
import { endLeftovers, endRedis, noteRunning } from "./lib/supervisor/leftovers.ts";
import { lock, runningPid } from "./lib/supervisor/lock.ts";
import { waitForApi, waitForNode, waitForOwnNode } from "./lib/supervisor/ready.ts";
import { tokenCommand, tokenFlags } from "./lib/supervisor/token_command.ts";
import { joinedConfig, joinedNode, worker } from "./lib/supervisor/worker.ts";
import { sauropodVersion } from "./lib/version.ts";

const say = (line = "") => Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
const complain = (line: string) => Deno.stderr.writeSync(new TextEncoder().encode(line + "\n"));

/** How long a component may take to stop. The API server waits up to 10 s for requests in work. ms */
const stopGraceMs = 15_000;

/** Podman's service answers within this, or does not start. ms */
const podmanStartMs = 15_000;

/** A worker's components that have run for so long have started, whether or not the first host answers. ms */
const workerStartMs = 20_000;

async function start(config: StartConfig): Promise<void> {
  const begun = systemClock.now();
  const after = () => `${((systemClock.now() - begun) / 1000).toFixed(1)} s`;
  using _held = await lock(config.dataDir);
  say(`sauropod ${sauropodVersion}, node ${config.nodeName} (${config.nodeIp}), data in ${config.dataDir}`);
  await endKilled(config);
  const running: Supervised[] = [];
  const stopped = Promise.withResolvers<void>();
  let leaving = false;
  const leave = () => {
    leaving = true;
    if (!tellAgentToLeave(running)) stopped.resolve();
  };
  Deno.addSignalListener("SIGINT", () => stopped.resolve());
  Deno.addSignalListener("SIGTERM", async () => await hostStops(systemProcesses) ? leave() : stopped.resolve());
  Deno.addSignalListener("SIGUSR1", leave);
  const onLine = (name: string, line: string) => complain(`${name.padEnd(9)} ${line}`);
  // What cannot even start says why and is not tried for ever; what has worked is started again whatever ends it.
  let started = false;
  const again = ({ name }: ChildSpec, { code, lastLine }: { code: number; lastLine: string }) => {
    if (!started) stopped.reject(new Error(`the ${name} could not start (exit code ${code}): ${lastLine}`));
    if (leaving && name === "agent") stopped.resolve();
    return started && !leaving;
  };
  const onStart = ({ name }: ChildSpec, pid: number) =>
    void noteRunning(config.dataDir, name, pid).catch((error) =>
      complain(`${name}: could not be noted: ${error.message}`)
    );
  const parts = { processes: systemProcesses, clock: systemClock, onLine, graceMs: stopGraceMs, onStart, again };
  const run = (spec: ChildSpec) => {
    running.unshift(supervise(spec, parts));
  };
  const ending = new AbortController();
  const phases = async () => {
    const engine = config.roles.includes("agent") ? await engineSocket(config, run) : undefined;
    if (engine !== undefined) say(`  engine     ${engine}`);
    const joined = await worker(config, { clock: systemClock, say, signal: ending.signal });
    const phase = { config: joined?.config ?? config, engine, run, after, signal: ending.signal };
    collectAfterStart(systemClock);
    if (joined === undefined) await serverPhases(phase);
    else await workerPhases(phase, joined.server, () => started = true);
    if (ending.signal.aborted) return;
    say();
    say("Ctrl-C stops Sauropod and leaves the pods running; started again it takes them over.");
  };
  phases().then(() => started = true, (error) => stopped.reject(error));
  try {
    await stopped.promise;
    say("stopping; the pods stay");
  } finally {
    ending.abort();
    for (const child of running) await child.stop();
  }
}

/** The pods move to other nodes, then the agent ends. False when there is none that could do it. */
function tellAgentToLeave(running: readonly Supervised[]): boolean {
  const pid = running.find(({ name }) => name === "agent")?.pid;
  if (pid === undefined) return false;
  say("leaving; pods that other nodes can run move there");
  Deno.kill(pid, "SIGUSR1");
  return true;
}

interface Phase {
  config: StartConfig;
  /** Socket of the engine. */
  engine: string | undefined;
  run(spec: ChildSpec): void;
  /** For people: how long it took up to now. */
  after(): string;
  signal: AbortSignal;
}

/** The first host: the API server, then what runs pods here, then how to use it. */
async function serverPhases({ config, engine, run, after }: Phase): Promise<void> {
  if (!config.roles.includes("server")) throw new FlagError("--roles: a host without the server role needs --join");
  const [server, ...others] = components(config, engine);
  run(server!);
  const client = await waitForApi(config);
  say(`  apiserver  https://${config.advertiseAddress}:${config.port} (${after()})`);
  for (const spec of others) run(spec);
  if (config.roles.includes("agent")) {
    await waitForNode(client, config.nodeName);
    sayNode(config, after());
  }
  say();
  say(`  export KUBECONFIG=${config.dataDir}/kubeconfig`);
  say("  kubectl get nodes");
  say();
  say("To run pods on another host, too, run there:");
  say(`  deno task start --join ${await startJoinString(config, client)}`);
}

/** A host that joins: agent and proxy, with the credentials that the first host gave. */
async function workerPhases(phase: Phase, server: string, settled: () => void): Promise<void> {
  const { config, engine, run, after, signal } = phase;
  say(`  joined     ${server} (${after()})`);
  for (const spec of components(config, engine)) run(spec);
  if (!config.roles.includes("agent")) return;
  // The first host may be away for long: that is no reason to end, the pods run.
  const cancel = systemClock.after(workerStartMs, settled);
  if (await waitForOwnNode(config, { say, signal })) sayNode(config, after());
  cancel();
}

function sayNode(config: StartConfig, after: string): void {
  say(`  node       ${config.nodeName} is Ready (${after})`);
  if (config.roles.includes("proxy")) say(`  proxy      ${config.proxyMode}, DNS on ${config.clusterDns}`);
}

async function startJoinString(config: StartConfig, client: Client): Promise<string> {
  const access = await readKubeconfig(`${config.dataDir}/kubeconfig`);
  return joinStringOf(access, await startToken({ client, clock: systemClock, random: systemRandom }));
}

/**
 * The engine's socket: the one that was named or found; where Podman is installed and nobody serves its API, as without systemd, its
 * service becomes a child of ours. Containers outlive it.
 */
async function engineSocket(config: StartConfig, run: (spec: ChildSpec) => void): Promise<string> {
  const ownSocket = `${config.dataDir}/podman.sock`;
  const find = () =>
    findEngine({
      socket: config.engine,
      dockerHost: Deno.env.get("DOCKER_HOST"),
      ownSocket,
      clock: systemClock,
      processes: systemProcesses,
    });
  try {
    return (await find()).socketPath;
  } catch (error) {
    const podman = await systemProcesses.run(["podman", "--version"]).catch(() => undefined);
    if (config.engine !== undefined || podman?.code !== 0) throw error;
  }
  const service = await podmanServiceCommand(ownSocket, {
    config: `${config.dataDir}/podman`,
    run: "/run/sauropod-podman",
  });
  run({ name: "podman", ...service });
  const until = systemClock.now() + podmanStartMs;
  for (;;) {
    try {
      return (await find()).socketPath;
    } catch (error) {
      if (systemClock.now() > until) throw error;
      await sleep(systemClock, 50);
    }
  }
}

/** Ends what a supervisor that was killed has left running here. Answers whether there was anything. */
async function endKilled(config: StartConfig): Promise<boolean> {
  const names = await endLeftovers(config.dataDir, { clock: systemClock, graceMs: stopGraceMs });
  if (names.length > 0) say(`  ended      ${names.sort().join(", ")} of a sauropod that was killed`);
  return names.length > 0;
}

/** Ends a supervisor that runs on this data directory and waits until it has; `leaving`: its pods move to other nodes first. */
async function stop(config: StartConfig, { leaving }: { leaving: boolean }): Promise<void> {
  const pid = await runningPid(config.dataDir);
  if (pid === undefined) {
    const ended = await endKilled(config);
    const redis = await endRedis(config.dataDir, { clock: systemClock });
    if (redis) say("  ended      redis-server of an API server that was killed");
    if (!ended && !redis) say(`nothing runs on ${config.dataDir}`);
    return;
  }
  Deno.kill(pid, leaving ? "SIGUSR1" : "SIGTERM");
  using _held = await lock(config.dataDir, { waitMs: stopGraceMs * 3 + (leaving ? nodeLeaveMsMax : 0) });
  say(`stopped (pid ${pid})`);
}

/** Runs a component's own removal program to its end. */
async function remove(config: StartConfig, room: "agent" | "proxy", what: string): Promise<void> {
  const engine = room === "agent" ? await engineSocket(config, () => {}).catch(() => undefined) : undefined;
  const spec = components({ ...config, roles: ["server", room] }, engine).find(({ name }) => name === room)!;
  const command = spec.command.map((word) =>
    word.endsWith(`/${room}/main.ts`) ? word.replace("main.ts", "reset.ts") : word
  );
  const { code, stdout, stderr } = await systemProcesses.run([...command, what]);
  if (stdout.trim() !== "") say(stdout.trim());
  if (code !== 0) throw new Error(`${room}: could not remove everything: ${stderr.trim()}`);
}

async function reset(config: StartConfig): Promise<void> {
  await stop(config, { leaving: true });
  const node = await joinedNode(config.dataDir);
  await remove(config, "agent", "all");
  await remove(config, "proxy", "all");
  await removeTree(config.dataDir);
  say(`removed ${config.dataDir}`);
  if (node !== undefined) say(`its cluster still has the node: \`kubectl delete node ${node}\` removes that`);
}

const usage = `usage: deno task start|stop|reset|token [flags]

  start              run a one-host cluster in the foreground; with --join, run pods for another host's cluster
  stop               end it; the pods stay. --with-pods removes them too
  reset              end it and remove everything that it made: pods, networks, rules, data
  token create       print a fresh string for --join. --ttl 24h, --description TEXT
  token list         the tokens that are good
  token revoke ID    make one useless
`;

async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args;
  const flags = command === "token" ? tokenFlags : flagsOf(command);
  if (flags === undefined || rest.includes("--help")) {
    say(
      `${usage}\nflags (each also SAUROPOD_<NAME> in the environment, and a key of --config FILE.yaml):\n${
        helpText(flags ?? flagsOf("start")!)
      }`,
    );
    if (flags === undefined && command !== undefined && command !== "--help") Deno.exit(2);
    return;
  }
  const sources = processSources(rest);
  if (command === "token") {
    const { values, rest: words } = parseFlags(tokenFlags, sources);
    return await tokenCommand(words, values, { clock: systemClock, random: systemRandom, say });
  }
  const { values, rest: words } = parseFlags(flagsOf(command)!, sources);
  if (words.length > 0) throw new FlagError(`${words[0]}: not understood; see deno task ${command} --help`);
  const given = await resolveConfig(values, systemProcesses);
  if (command === "start") return await start(given);
  const config = await joinedConfig(given);
  if (command === "stop") {
    await stop(config, { leaving: config.withPods });
    if (config.withPods) await remove(config, "agent", "pods");
    return;
  }
  await reset(config);
}

try {
  await main(Deno.args);
} catch (error) {
  complain(`sauropod: ${(error as Error).message}`);
  Deno.exit(error instanceof FlagError ? 2 : 1);
}
Deno.exit(0);
