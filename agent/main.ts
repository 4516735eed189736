/** Flags → parts → run. The parts of the agent are made here, in order, and nowhere else. */
import { getLogger } from "log";
import { createClient } from "../lib/client/client.ts";
import { createRecorder } from "../lib/events.ts";
import { fail } from "../lib/fail.ts";
import { FlagError, processSources } from "../lib/flags.ts";
import { createInformer } from "../lib/informer/informer.ts";
import { followAccess, type Followed, readKubeconfig } from "../lib/join/follow.ts";
import { agentCertificates, keepCertificates, type KeptCertificate } from "../lib/join/renewal.ts";
import { addressesAnnotation, machineAnnotation, servingNames } from "../lib/join/signers.ts";
import { startLogging } from "../lib/log.ts";
import { systemClock as clock } from "../lib/seams/clock.ts";
import { collectAfterStart } from "../lib/garbage.ts";
import { systemProcesses as processes } from "../lib/seams/process.ts";
import { systemRandom as random } from "../lib/seams/random.ts";
import { defaultLink } from "../lib/supervisor/host.ts";
import { Node as NodeKind, Pod as PodKind, Service as ServiceKind } from "../lib/types/kinds.ts";
import { type Agent, createAgent } from "./agent.ts";
import { type AgentConfig, agentConfig, runDirectory } from "./config.ts";
import { findEngine } from "./engine/find.ts";
import { createPodNetwork } from "./network/kernel_network.ts";
import type { PodNetwork } from "./network/network.ts";
import { fixedAddress, foundAddress, type NodeAddress } from "./node/address.ts";
import { hostFacts } from "./node/facts.ts";
import { listenKubelet } from "./server.ts";
import { createMounts } from "./volumes/mounts.ts";

const logger = getLogger(["sauropod", "agent"]);

/** The host goes: the pods move away first. */
function leaveOn(name: Deno.Signal, agent: Agent, stopping: AbortController): void {
  Deno.addSignalListener(name, () => {
    agent.leave()
      .catch((error) => logger.warn("leaving: {error}; the pods stay", { error: String(error) }))
      .finally(() => stopping.abort());
  });
}

async function main(config: AgentConfig): Promise<void> {
  await startLogging({ level: config["log-level"], format: config["log-format"] });
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => stopping.abort());
  const { signal } = stopping;
  const followed = await followAccess(() => readKubeconfig(config.kubeconfig), { clock, signal }).catch((error) => {
    throw new FlagError(`--kubeconfig ${(error as Error).message}`);
  });
  const client = createClient(followed.transport, { userAgent: "sauropod-agent" });
  const dockerHost = Deno.env.get("DOCKER_HOST");
  const { engine, socketPath } = await findEngine({
    ...(config.engine === undefined ? {} : { socket: config.engine }),
    ...(dockerHost === undefined ? {} : { dockerHost }),
    clock,
    processes,
  });
  logger.info("{engine} {version} on {socketPath}", { engine: engine.name, version: engine.version, socketPath });
  const run = runDirectory(config);
  for (const directory of [config["data-dir"], run]) await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const address = nodeAddress(config);
  address.onChange(() => followed.reconnect());
  const network = podNetwork(config, address);
  const fieldSelector = `spec.nodeName=${config.nodeName}`;
  const pods = createInformer(client, PodKind, { fieldSelector, clock });
  const services = createInformer(client, ServiceKind, { clock });
  const nodes = createInformer(client, NodeKind, { clock });
  const facts = await hostFacts(config["data-dir"]);
  const agent = await createAgent({
    config,
    client,
    reconnect: () => followed.reconnect(),
    address,
    engine,
    network,
    mounts: createMounts(processes),
    processes,
    runDirectory: run,
    informers: { pods, services, nodes },
    recorder: createRecorder(client, clock, "kubelet", config.nodeName),
    facts,
    clock,
    random,
    signal,
  });
  leaveOn("SIGUSR1", agent, stopping);
  const files = { cert: config["tls-cert"], key: config["tls-key"], clientCa: config["client-ca"] };
  const server = await listenKubelet(agent.api, {
    address: config["bind-address"],
    port: config.port,
    files,
    clock,
    signal,
  });
  logger.info("the kubelet API listens on {address}:{port}", { address: config["bind-address"], port: server.port });
  const renewing = keepCertificates(certificatesOf(config, followed), {
    client,
    annotations: { [machineAnnotation]: facts.machineId, [addressesAnnotation]: config.nodeIp },
    clock,
    random,
    signal,
  });
  await Promise.all([pods.run(signal), services.run(signal), nodes.run(signal), agent.run(), server.closed, renewing]);
  // The pods run on: whoever is started next finds them.
  followed.close();
  engine.close();
}

function podNetwork(config: AgentConfig, address: NodeAddress): PodNetwork {
  return createPodNetwork({
    clusterId: config.clusterId,
    clusterCidr: config["cluster-cidr"],
    serviceCidr: config["service-cidr"],
    nodeIp: () => address.current(),
    leasesPath: `${config["data-dir"]}/leases.json`,
    changesPath: `${config["data-dir"]}/host_changes.json`,
    mode: config["pod-network"],
    ...(config["pod-network-mtu"] === 0 ? {} : { mtu: config["pod-network-mtu"] }),
    clock,
    processes,
  });
}

/** The one that was given; otherwise the host's, followed when it changes. */
function nodeAddress(config: AgentConfig): NodeAddress {
  if (config["node-ip"] !== undefined) return fixedAddress(config.nodeIp);
  return foundAddress({
    found: config.nodeIp,
    notIn: [config["cluster-cidr"], config["service-cidr"]],
    clock,
    addresses: () =>
      Deno.networkInterfaces().filter(({ family }) => family === "IPv4").map(({ name, address }) => ({
        link: name,
        ip: address,
      })),
    defaultLink: () => defaultLink(processes),
  });
}

/** What the agent renews before it runs out. */
function certificatesOf(config: AgentConfig, followed: Followed): KeptCertificate[] {
  const { kubeconfig } = config;
  return agentCertificates(config.nodeName, {
    files: { kubeconfig, client: `${config["data-dir"]}/client`, followed },
    serving: { cert: config["tls-cert"], key: config["tls-key"] },
    names: servingNames(config.nodeName, config.nodeIp),
  });
}

if (import.meta.main) {
  try {
    const { config, rest } = await agentConfig(processSources(), processes);
    if (rest.length > 0) throw new FlagError(`${rest[0]}: not understood`);
    collectAfterStart(clock);
    await main(config);
    Deno.exit(0);
  } catch (error) {
    fail(error);
  }
}
