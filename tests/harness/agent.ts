/** An agent whose API and network are in memory, on a fake engine or on a real one: for tests of pods' lives without a cluster. */
import { type Agent, createAgent } from "../../agent/agent.ts";
import type { Engine } from "../../agent/engine/engine.ts";
import { FakeEngine } from "../../agent/engine/fake.ts";
import { FakeNetwork } from "../../agent/network/fake.ts";
import type { PodNetwork } from "../../agent/network/network.ts";
import { fixedAddress, type NodeAddress } from "../../agent/node/address.ts";
import type { Mounts } from "../../agent/volumes/mounts.ts";
import { createRecorder } from "../../lib/events.ts";
import { createInformer } from "../../lib/informer/informer.ts";
import type { New } from "../../lib/kind.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { systemProcesses } from "../../lib/seams/process.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import type { Event, Pod, PodSpec } from "../../lib/types/core_v1.ts";
import { Event as EventKind, Node as NodeKind, Pod as PodKind, Service as ServiceKind } from "../../lib/types/kinds.ts";
import { createFakeClient, type FakeClient } from "./fake_client.ts";
import { FakeMounts } from "./fake_mounts.ts";

export interface AgentSceneOptions {
  readonly clock: Clock;
  readonly mounts?: Mounts;
  /** Of the kernel, in a test that has a network namespace for it. */
  readonly network?: PodNetwork;
  /** Absent: 192.168.0.9. */
  readonly address?: NodeAddress;
  /** Does not give the node its pod addresses. */
  readonly withoutPodCidr?: boolean;
}

/** Real engines take their time on a busy machine. */
const waitMs = 20_000;
const nodeName = "n1";

const config = {
  clusterId: "c1",
  nodeName,
  dns: ["10.96.0.10"],
  "cluster-domain": "cluster.local",
  "cluster-cidr": "10.244.0.0/16",
  "service-cidr": "10.96.0.0/16",
  port: 10250,
  "max-pods": 110,
  drain: "off" as const,
  "node-labels": {},
  "infra-image": undefined,
};

const facts = {
  machineId: "m",
  systemUuid: "s",
  bootId: "b",
  kernelVersion: "6",
  osImage: "Test",
  architecture: "amd64",
  cpus: 4,
  memoryBytes: 8 * 2 ** 30,
  diskBytes: 100 * 2 ** 30,
};

/** With a fake engine that has an image `app:1`. */
export async function startAgent(options: AgentSceneOptions): Promise<AgentScene<FakeEngine>> {
  const engine = new FakeEngine({ clock: options.clock });
  engine.addImage("app:1");
  return await startAgentOn(engine, options);
}

export async function startAgentOn<E extends Engine>(engine: E, options: AgentSceneOptions): Promise<AgentScene<E>> {
  const api = createFakeClient({ clock: options.clock });
  if (options.withoutPodCidr !== true) {
    await api.create(NodeKind, { metadata: { name: nodeName }, spec: { podCIDR: "10.244.0.0/24" } });
  }
  const directory = await Deno.makeTempDir({ prefix: "agent-" });
  const scene = new AgentScene(engine, api, directory, options);
  await scene.start();
  return scene;
}

export class AgentScene<E extends Engine> implements AsyncDisposable {
  readonly network: FakeNetwork;
  readonly #mounts: Mounts;
  /** True: nobody answers at the API. What was being watched is cut off with the next restart. */
  apiAway = false;
  #life: { agent: Agent; stopping: AbortController; running: Promise<unknown> } | undefined;

  constructor(
    readonly engine: E,
    readonly api: FakeClient,
    readonly directory: string,
    readonly options: AgentSceneOptions,
  ) {
    this.#mounts = options.mounts ?? new FakeMounts();
    this.network = (options.network ?? new FakeNetwork(options.clock)) as FakeNetwork;
  }

  get agent(): Agent {
    return this.#life!.agent;
  }

  async start(): Promise<void> {
    const { engine, network } = this;
    const api = this.#reached();
    const { clock } = this.options;
    const stopping = new AbortController();
    const { signal } = stopping;
    const informers = {
      pods: createInformer(api, PodKind, { fieldSelector: `spec.nodeName=${nodeName}`, clock }),
      services: createInformer(api, ServiceKind, { clock }),
      nodes: createInformer(api, NodeKind, { clock }),
    };
    const agent = await createAgent({
      config: { ...config, "data-dir": this.directory },
      client: api,
      address: this.options.address ?? fixedAddress("192.168.0.9"),
      engine,
      network,
      mounts: this.#mounts,
      processes: systemProcesses,
      runDirectory: `${this.directory}/run`,
      informers,
      recorder: createRecorder(api, clock, "kubelet", nodeName),
      facts,
      clock,
      random: seededRandom(1),
      signal,
    });
    const running = Promise.all([agent.run(), ...Object.values(informers).map((informer) => informer.run(signal))]);
    this.#life = { agent, stopping, running };
  }

  #reached(): FakeClient {
    return new Proxy(this.api, {
      get: (target, name) => {
        const member = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) =>
          this.apiAway ? Promise.reject(new Error("connect ECONNREFUSED")) : member.apply(target, args);
      },
    });
  }

  /** Ends the agent; the containers run on. */
  async stop(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    life?.stopping.abort();
    await life?.running;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Creates a pod that is bound to this node. */
  apply(name: string, spec: Partial<PodSpec>, metadata: Partial<New<Pod>["metadata"]> = {}): Promise<Pod> {
    const containers = [{ name: "app", image: "app:1", command: ["serve"] }];
    return this.api.create(PodKind, {
      metadata: { name, namespace: "default", ...metadata },
      spec: { nodeName, containers, ...spec },
    });
  }

  pod(name: string): Pod | undefined {
    return this.api.store.all(PodKind).get(`default/${name}`) as Pod | undefined;
  }

  /** `Reason: message` */
  events(): string[] {
    const all = [...this.api.store.all(EventKind).values()] as Event[];
    return all.map(({ reason, message }) => `${reason}: ${message}`);
  }

  /** Waits for what other promises bring about; fails with what there is after some time. */
  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    const give = performance.now() + waitMs;
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (performance.now() > give) throw new Error(`${what}: it did not come to be\n${this.#told()}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  #told(): string {
    const journal = this.engine instanceof FakeEngine ? this.engine.journal : [];
    const statuses = ([...this.api.store.all(PodKind).values()] as Pod[]).map(({ status }) => JSON.stringify(status));
    return [...journal, ...this.events(), ...statuses].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#mounts.unmountBelow(this.directory);
    await Deno.remove(this.directory, { recursive: true });
  }
}
