/**
 * This host as a Node: registers it, waits for its pod addresses, sets up the pods' network, tells its status when it changes and now and
 * then, and keeps the routes to the other nodes. A node that someone deletes registers again.
 */
import { getLogger } from "log";
import type { Client } from "../../lib/client/client.ts";
import type { Recorder } from "../../lib/events.ts";
import type { Informer } from "../../lib/informer/informer.ts";
import { nodeStatusCheckMs } from "../../lib/limits.ts";
import { createQueue } from "../../lib/queue/queue.ts";
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Node, NodeCondition } from "../../lib/types/core_v1.ts";
import { Node as NodeKind } from "../../lib/types/kinds.ts";
import type { Engine, ImageSummary } from "../engine/engine.ts";
import type { PodNetwork } from "../network/network.ts";
import type { SavedNode } from "../pods/checkpoint.ts";
import { type HostFacts, hostUsage } from "./facts.ts";
import { newNode, nodeLabels, type NodeSettings, nodeStatus } from "./node_object.ts";
import { type PeerRanges, peersOf, placeAnnotation, placeText } from "./peers.ts";
import { nodeStatusPatch } from "./status_change.ts";

export interface NodeOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly nodes: Informer<Node>;
  readonly settings: NodeSettings;
  readonly facts: HostFacts;
  readonly engine: Engine;
  readonly network: PodNetwork;
  readonly ranges: PeerRanges;
  readonly paths: { readonly data: string; readonly images: string };
  readonly engineTrouble: () => string | undefined;
  /** Has the engine answered since this agent started? */
  readonly engineAnswered: () => boolean;
  /** What the network was made from before a restart: it is made at once, whether the API answers or not. */
  readonly saved: SavedNode | undefined;
  readonly save: (node: SavedNode) => void;
  /** The pods' network can be used from now on. */
  readonly onNetwork: () => void;
  readonly signal: AbortSignal;
}

export interface NodeAgent {
  /** Why pods can't get an address yet. */
  networkWait(): string | undefined;
  /** Looks at everything again. */
  wake(): void;
  run(): Promise<void>;
}

const logger = getLogger(["sauropod", "agent", "node"]);
const key = "node";
/** Listing images is work for the engine: it is done again after this. ms */
const imagesFreshMs = 30_000;

/**
 * For so long after its start an agent that has not heard of the engine yet lets stand what it said before: a node that is not Ready
 * loses all its pods from their Services, and a restart of the agent is no reason for that. ms
 */
const engineFirstAnswerMs = 15_000;

const wasReady = ({ status }: Node) =>
  status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true;

export function createNode(options: NodeOptions): NodeAgent {
  return new HostNode(options);
}

class HostNode implements NodeAgent {
  readonly #queue;
  #podCidr: string | undefined;
  #wait: string | undefined = "the node has no pod addresses (spec.podCIDR) yet";
  #ready: boolean | undefined;
  /** Why other nodes' pods can't be reached: each is said once. */
  #refused: readonly string[] = [];
  #written: Node | undefined;
  #images: { at: Instant; list: readonly ImageSummary[] } = { at: -imagesFreshMs, list: [] };
  readonly #begun: Instant;

  constructor(readonly options: NodeOptions) {
    this.#queue = createQueue(options.clock, { baseMs: 100, maxMs: 10_000 });
    this.#begun = options.clock.now();
  }

  networkWait(): string | undefined {
    return this.#wait;
  }

  wake(): void {
    this.#queue.add(key);
  }

  async run(): Promise<void> {
    const { clock, nodes, signal } = this.options;
    signal.addEventListener("abort", () => this.#queue.close(), { once: true });
    nodes.onChange(() => this.wake());
    await this.#setupFromSaved();
    this.wake();
    for (let next = await this.#queue.next(); next !== undefined; next = await this.#queue.next()) {
      try {
        await this.#round();
        this.#queue.done(key);
      } catch (error) {
        const delay = this.#queue.failed(key);
        if (signal.aborted) return;
        logger.warn("node {name}: {error}; again in {delay} ms", {
          name: this.options.settings.name,
          error: String(error),
          delay,
        });
      }
      this.#queue.addAt(key, clock.now() + nodeStatusCheckMs);
    }
  }

  async #round(): Promise<void> {
    const node = this.#current() ?? await this.#register();
    await this.#setupNetwork(node.spec.podCIDR, node.spec.podCIDRs);
    await this.#tellStatus(node);
    await this.#tellPlace(node);
    await this.#setPeers();
  }

  /** As the watch shows it, or our own later write. */
  #current(): Node | undefined {
    const { nodes, settings } = this.options;
    const seen = nodes.get(settings.name);
    if (seen === undefined && nodes.hasSynced && this.#written !== undefined) {
      // The watch may be behind our own registration.
      const behind = nodes.revision < Number(this.#written.metadata.resourceVersion);
      if (!behind) this.#written = undefined;
    }
    const newer = Number(this.#written?.metadata.resourceVersion ?? 0) > Number(seen?.metadata.resourceVersion ?? 0);
    return newer ? this.#written : seen;
  }

  async #register(): Promise<Node> {
    const { client, settings, facts, recorder } = this.options;
    try {
      this.#written = await client.create(NodeKind, newNode(settings, facts));
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
      this.#written = await client.get(NodeKind, { name: settings.name });
    }
    const labels = nodeLabels(settings, facts.architecture);
    const own = this.#written.metadata.labels ?? {};
    if (Object.entries(labels).some(([name, value]) => own[name] !== value)) {
      this.#written = await client.patch(NodeKind, { name: settings.name }, {
        type: "merge",
        patch: { metadata: { labels } },
      });
    }
    logger.info("registered node {name}", { name: settings.name });
    recorder.event(this.#written, "Normal", "Starting", "Starting kubelet.");
    return this.#written;
  }

  async #setupFromSaved(): Promise<void> {
    const { saved, network } = this.options;
    if (saved === undefined) return;
    await this.#setupNetwork(saved.podCidr);
    if (this.#podCidr !== saved.podCidr) return;
    await network.setPeers(saved.peers).catch((error) => {
      logger.warn("routes to other nodes: {error}", { error: String(error) });
    });
  }

  async #setupNetwork(podCidr: string | undefined, all: readonly string[] = []): Promise<void> {
    const { network, onNetwork } = this.options;
    if (all.length > 1) {
      this.#wait = `the node has pod addresses of two families (spec.podCIDRs ${
        all.join(", ")
      }): the pod network is IPv4 only`;
      return;
    }
    if (podCidr === undefined || podCidr === "" || podCidr === this.#podCidr) return;
    try {
      await network.setup({ podCidr });
      this.#podCidr = podCidr;
      this.#wait = undefined;
      onNetwork();
    } catch (error) {
      this.#wait = error instanceof Error ? error.message : String(error);
      logger.error("pod network {podCidr}: {error}", { podCidr, error: this.#wait });
    }
  }

  async #tellStatus(node: Node): Promise<void> {
    const { client, clock, engine, settings, facts, paths, engineTrouble, engineAnswered } = this.options;
    const trouble = engineTrouble();
    const now = clock.now();
    if (trouble !== undefined && !engineAnswered() && now - this.#begun < engineFirstAnswerMs && wasReady(node)) return;
    const usage = await hostUsage(paths);
    if (trouble === undefined && now - this.#images.at >= imagesFreshMs) {
      this.#images = { at: now, list: await engine.imageList() };
    }
    const images = this.#images.list;
    const health = { usage, networkWait: this.#wait, engineTrouble: trouble };
    const status = nodeStatus(node.status, { settings, facts, health, images, now });
    const patch = nodeStatusPatch(node.status, status, now);
    if (patch === undefined) return;
    this.#written = await client.patch(NodeKind, { name: settings.name }, {
      type: "strategic",
      patch: { status: patch },
    }, {
      subresource: "status",
    });
    this.#announce(this.#written, status.conditions!.find(({ type }) => type === "Ready")!);
  }

  #announce(node: Node, { status, message }: NodeCondition): void {
    const ready = status === "True";
    if (this.#ready === ready) return;
    this.#ready = ready;
    const { name } = node.metadata;
    const reason = ready ? "NodeReady" : "NodeNotReady";
    this.options.recorder.event(node, "Normal", reason, `Node ${name} status is now: ${reason}`);
    logger.info("node {name}: {reason}: {message}", { name, reason, message });
  }

  /** What the other nodes choose their way here by. */
  async #tellPlace(node: Node): Promise<void> {
    const { client, network, settings } = this.options;
    const place = network.place();
    if (place === undefined) return;
    const text = placeText(place);
    const told = (this.#current() ?? node).metadata.annotations?.[placeAnnotation];
    if (told === text) return;
    const patch = { metadata: { annotations: { [placeAnnotation]: text } } };
    this.#written = await client.patch(NodeKind, { name: settings.name }, { type: "merge", patch });
  }

  async #setPeers(): Promise<void> {
    const { network, nodes, settings, ranges } = this.options;
    if (this.#podCidr === undefined || !nodes.hasSynced) return;
    const { peers, refused } = peersOf(nodes.list(), settings.name, ranges);
    for (const why of refused) if (!this.#refused.includes(why)) logger.warn("{why}", { why });
    this.#refused = refused;
    // Written down first: whoever can't be reached now is tried again after a restart, too.
    this.options.save({ podCidr: this.#podCidr, peers });
    await network.setPeers(peers);
  }
}
