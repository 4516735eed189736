/** The parts of an agent and how they hang together; main.ts gives it the real ones, tests give it others. */
import { getLogger } from "log";
import type { Client } from "../lib/client/client.ts";
import type { Recorder } from "../lib/events.ts";
import type { Informer } from "../lib/informer/informer.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { Processes } from "../lib/seams/process.ts";
import type { Random } from "../lib/seams/random.ts";
import type { Node, Pod, Service } from "../lib/types/core_v1.ts";
import type { AgentConfig } from "./config.ts";
import type { Engine } from "./engine/engine.ts";
import { createImagePuller } from "./images/pull.ts";
import type { PodNetwork } from "./network/network.ts";
import type { NodeAddress } from "./node/address.ts";
import type { HostFacts } from "./node/facts.ts";
import { runLease } from "./node/lease.ts";
import { leaveNode, returnNode } from "./node/leave.ts";
import { keepNetwork } from "./node/keep_network.ts";
import { createNode, type NodeAgent } from "./node/node.ts";
import { allocatableOf, nodeLabels } from "./node/node_object.ts";
import { type Assigned, createAssigned } from "./pods/assigned.ts";
import { type Checkpoint, createCheckpoint, type SavedNode } from "./pods/checkpoint.ts";
import { createObserver } from "./pods/observer.ts";
import type { NodeFacts, NodeParts } from "./pods/pod_context.ts";
import { createPodImages } from "./pods/pod_images.ts";
import { fieldPath, memberOf } from "./pods/pod_spec.ts";
import { runRefresher } from "./pods/refresher.ts";
import { createStatusWriter } from "./pods/status_writer.ts";
import { PodWorkers } from "./pods/workers.ts";
import { createProbeCounts, type ProbeCounts } from "./probes/counts.ts";
import { createProbes, type Probes } from "./probes/probes.ts";
import { runProbe } from "./probes/run.ts";
import { kubeletApi } from "./kubelet_api.ts";
import type { KubeletApi } from "./server.ts";
import type { Mounts } from "./volumes/mounts.ts";
import { createReferences } from "./volumes/references.ts";
import { createTokens, type Tokens } from "./volumes/tokens.ts";
import { createVolumes } from "./volumes/volumes.ts";

export interface AgentOptions {
  readonly config: Pick<
    AgentConfig,
    | "clusterId"
    | "nodeName"
    | "dns"
    | "cluster-domain"
    | "cluster-cidr"
    | "service-cidr"
    | "data-dir"
    | "port"
    | "max-pods"
    | "drain"
    | "node-labels"
    | "infra-image"
  >;
  readonly client: Client;
  /** Makes the connections to the API anew. */
  readonly reconnect?: () => void;
  readonly address: NodeAddress;
  readonly engine: Engine;
  readonly network: PodNetwork;
  readonly mounts: Mounts;
  readonly processes: Processes;
  /** For sockets: short, gone after a reboot. */
  readonly runDirectory: string;
  readonly informers: { pods: Informer<Pod>; services: Informer<Service>; nodes: Informer<Node> };
  readonly recorder: Recorder;
  readonly facts: HostFacts;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export interface Agent {
  readonly api: KubeletApi;
  readonly workers: PodWorkers;
  /** Until the signal aborts. The pods run on. */
  run(): Promise<void>;
  /** Has the pods move to other nodes, and resolves when they have ended here. Throws when the API refuses or is away. */
  leave(): Promise<void>;
}

const logger = getLogger(["sauropod", "agent"]);

/** Parts that refer to the workers, which refer to them. */
interface Later {
  workers: () => PodWorkers;
}

export async function createAgent(options: AgentOptions): Promise<Agent> {
  const { config, engine, informers, signal } = options;
  const checkpoint = createCheckpoint(`${config["data-dir"]}/checkpoint`);
  const saved = await checkpoint.load();
  const assigned = createAssigned(informers.pods, saved.pods);
  const later: Later = { workers: () => workers };
  const tokens = createTokens(options);
  const parts = makeParts(options, { checkpoint, assigned, tokens, services: saved.services }, later);
  await parts.volumes.setup();
  const probeCounts = createProbeCounts((uid) => assigned.get(uid) !== undefined);
  const probes = makeProbes({ ...options, ...probeCounts }, later);
  const paths = { data: config["data-dir"], images: (await engine.info()).storageRoot };
  const host = makeNode(options, { parts, paths, later, saved: saved.node, save: (node) => checkpoint.saveNode(node) });
  const workers: PodWorkers = new PodWorkers({
    parts,
    assigned,
    probes,
    checkpoint,
    saved: saved.pods,
    networkWait: () => host.networkWait(),
    drain: config.drain,
  });
  keepServices(options, checkpoint);
  // Containers that no checkpoint tells of are orphans, or not, once the API has answered.
  void informers.pods.synced.then(() => workers.enqueueAll());
  void parts.observer.synced.then(() => host.wake());
  options.address.onChange(() => {
    host.wake();
    workers.enqueueAll();
  });
  const way = { ...options, ...informers, name: config.nodeName };
  return {
    workers,
    api: kubeletApi({ ...options, parts, assigned, workers, paths, probeCounts }),
    leave: () => leaveNode(way),
    async run() {
      returnNode(way).catch((error) => logger.warn("taking pods again: {error}", { error: String(error) }));
      // Made ahead, so that the first pod need not wait; if it fails now, that pod will say so.
      parts.images.infra().catch((error) => logger.debug("infra image: {error}", { error: String(error) }));
      await Promise.all([
        parts.observer.run(signal),
        workers.run(),
        host.run(),
        runLease({
          ...options,
          name: config.nodeName,
          node: () => informers.nodes.get(config.nodeName),
          onSilence: options.reconnect,
        }),
        runRefresher({ ...options, ...parts, assigned, tokens, memory: (uid) => workers.memory(uid) }),
        options.address.run(signal),
        keepNetwork({ parts, assigned, workers, networkWait: () => host.networkWait() }),
      ]);
      probes.close();
      parts.references.close();
      await checkpoint.flush();
    },
  };
}

/** Services are written down a moment after they changed: in a large cluster some do all the time. ms */
const servicesDelayMs = 5_000;

function keepServices({ informers: { services }, clock }: AgentOptions, checkpoint: Checkpoint): void {
  let waiting = false;
  const save = () => {
    waiting = false;
    if (services.hasSynced) checkpoint.saveServices([...services.list()]);
  };
  void services.synced.then(save);
  services.onChange(() => {
    if (waiting || !services.hasSynced) return;
    waiting = true;
    clock.after(servicesDelayMs, save);
  });
}

interface Kept {
  readonly checkpoint: Checkpoint;
  readonly assigned: Assigned;
  readonly tokens: Tokens;
  /** From before a restart. */
  readonly services: readonly Service[] | undefined;
}

function makeParts(options: AgentOptions, kept: Kept, later: Later): NodeParts {
  const { config, client, engine, mounts, informers, facts, clock, random, signal } = options;
  const { checkpoint, assigned, tokens } = kept;
  const directories = { root: config["data-dir"] };
  const owner = { cluster: config.clusterId, node: config.nodeName };
  const references = createReferences({ client, clock, store: checkpoint.configMaps });
  const status = createStatusWriter({
    client,
    clock,
    signal,
    onWritten(pod) {
      const { uid } = pod.metadata;
      if (assigned.get(uid)?.wanted === true && later.workers().pod(uid) !== undefined) {
        checkpoint.save(later.workers().granted(pod));
      }
    },
  });
  const memoryCapacityBytes = facts.memoryBytes;
  return {
    engine,
    network: options.network,
    observer: createObserver(engine, owner, clock),
    volumes: createVolumes({ directories, mounts, references, tokens, client, clock, random, memoryCapacityBytes }),
    references,
    images: createPodImages({
      engine,
      puller: createImagePuller({ engine, clock }),
      ...(config["infra-image"] === undefined ? {} : { infraImage: config["infra-image"] }),
      learned: () => later.workers().enqueueAll(),
    }),
    client,
    clock,
    recorder: options.recorder,
    status,
    owner,
    files: { directories, clusterDns: config.dns, clusterDomain: config["cluster-domain"] },
    node: nodeFacts(options),
    services: () => informers.services.hasSynced ? informers.services.list() : kept.services,
    signal,
  };
}

function nodeFacts({ config, facts, address }: AgentOptions): NodeFacts {
  return {
    name: config.nodeName,
    get hostIPs() {
      return [address.current()];
    },
    allocatable: allocatableOf(facts, config["max-pods"]),
    labels: nodeLabels({ name: config.nodeName, labels: config["node-labels"] }, facts.architecture),
    memoryCapacityBytes: facts.memoryBytes,
    seccompDirectory: `${config["data-dir"]}/seccomp`,
  };
}

function makeProbes(
  { clock, random, engine, recorder, ran }: AgentOptions & Pick<ProbeCounts, "ran">,
  later: Later,
): Probes {
  return createProbes({
    clock,
    random,
    ran,
    run: (probe, target) => runProbe(probe, target, { engine, clock }),
    changed: (uid) => later.workers().enqueue(uid),
    failed({ pod, container }, type, { result, message }) {
      const name = `${type[0]!.toUpperCase()}${type.slice(1)} probe`;
      const said = result === "failure"
        ? `${name} failed: ${message}`
        : `${name} errored and resulted in unknown state: ${message}`;
      const member = memberOf(pod, container.name);
      if (member === undefined) return;
      recorder.event({ ...pod, fieldPath: fieldPath(member) }, "Warning", "Unhealthy", said);
    },
  });
}

interface NodeSurroundings {
  readonly parts: NodeParts;
  readonly paths: { readonly data: string; readonly images: string };
  readonly later: Later;
  readonly saved: SavedNode | undefined;
  readonly save: (node: SavedNode) => void;
}

function makeNode(options: AgentOptions, { parts, later, ...more }: NodeSurroundings): NodeAgent {
  const { config, engine, informers, address } = options;
  return createNode({
    ...options,
    nodes: informers.nodes,
    ranges: { clusterCidr: config["cluster-cidr"], serviceCidr: config["service-cidr"] },
    settings: {
      name: config.nodeName,
      get ip() {
        return address.current();
      },
      port: config.port,
      maxPods: config["max-pods"],
      labels: config["node-labels"],
      engine: { name: engine.name, version: engine.version },
    },
    ...more,
    engineTrouble: () => parts.observer.trouble,
    engineAnswered: () => parts.observer.hasSynced,
    onNetwork: () => later.workers().enqueueAll(),
  });
}
