/** An agent on an engine, an API, a network and mounts in memory. For tests only. */
import type { New } from "../lib/kind.ts";
import { createRecorder, type Recorder } from "../lib/events.ts";
import { createInformer } from "../lib/informer/informer.ts";
import type { Clock } from "../lib/seams/clock.ts";
import { seededRandom } from "../lib/seams/random.ts";
import type { Event, Pod, PodSpec } from "../lib/types/core_v1.ts";
import { Event as EventKind, Node as NodeKind, Pod as PodKind, Service as ServiceKind } from "../lib/types/kinds.ts";
import { createFakeClient, type FakeClient } from "../tests/harness/fake_client.ts";
import { type Agent, createAgent } from "./agent.ts";
import type { Engine } from "./engine/engine.ts";
import { FakeEngine } from "./engine/fake.ts";
import type { NetworkPeer, PodAttachment, PodNetwork } from "./network/network.ts";
import type { MountPoint, Mounts } from "./volumes/mounts.ts";

/** Addresses without a kernel. */
export class FakeNetwork implements PodNetwork {
  podCidr: string | undefined;
  readonly attached = new Map<string, { ip: string; pid: number }>();
  peers: readonly NetworkPeer[] = [];
  /** The next attach() fails with this. */
  failure: Error | undefined;
  #next = 2;

  async setup({ podCidr }: { podCidr: string }): Promise<void> {
    this.podCidr = podCidr;
  }
  async attach({ uid, pid }: PodAttachment): Promise<{ ip: string }> {
    const failure = this.failure;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    const ip = this.attached.get(uid)?.ip ?? `10.244.0.${this.#next++}`;
    this.attached.set(uid, { ip, pid });
    return { ip };
  }
  async detach(uid: string): Promise<void> {
    this.attached.delete(uid);
  }
  addressOf(uid: string): string | undefined {
    return this.attached.get(uid)?.ip;
  }
  async reconcile() {
    return { lost: [], removed: [], repaired: [] };
  }
  async setPeers(peers: readonly NetworkPeer[]): Promise<void> {
    this.peers = peers;
  }
  async teardown(): Promise<void> {
    this.attached.clear();
  }
}

/** Mounts that are only written down: what is in the directories is there anyway. */
export class FakeMounts implements Mounts {
  #mounts: MountPoint[] = [{ target: "/", root: "/", device: "8:1", type: "ext4" }];
  #device = 1;

  async list(): Promise<readonly MountPoint[]> {
    return [...this.#mounts];
  }
  async tmpfs(target: string): Promise<void> {
    this.#mounts.push({ target, root: "/", device: `0:${this.#device++}`, type: "tmpfs" });
  }
  async bind(source: string, target: string): Promise<void> {
    const from = this.#mounts.findLast((mount) => source === mount.target || source.startsWith(`${mount.target}/`)) ??
      this.#mounts[0]!;
    const rest = from.target === "/" ? source : source.slice(from.target.length);
    this.#mounts.push({ ...from, target, root: `${from.root === "/" ? "" : from.root}${rest}` || "/" });
  }
  async unmount(target: string): Promise<void> {
    const at = this.#mounts.findLastIndex((mount) => mount.target === target);
    if (at >= 0) this.#mounts.splice(at, 1);
  }
  async unmountBelow(directory: string): Promise<void> {
    this.#mounts = this.#mounts.filter(({ target }) => target !== directory && !target.startsWith(`${directory}/`));
  }
}

export interface Fixture<E extends Engine = FakeEngine> extends AsyncDisposable {
  readonly api: FakeClient;
  readonly engine: E;
  readonly network: FakeNetwork;
  readonly directory: string;
  readonly agent: Agent;
  /** Creates a pod that is bound to this node. */
  apply(name: string, spec: Partial<PodSpec>, metadata?: Partial<New<Pod>["metadata"]>): Promise<Pod>;
  pod(name: string): Pod | undefined;
  events(): string[];
  /** Waits for something that other promises bring about; fails with what there is after some time. */
  until<T>(what: string, look: () => T | undefined | false): Promise<T>;
  /** Ends the agent and starts another one in its place. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface FixtureOptions {
  readonly clock: Clock;
  readonly mounts?: Mounts;
  /** Does not give the node its pod addresses. */
  readonly withoutPodCidr?: boolean;
}

/** Real engines take their time on a busy machine. */
const waitMs = 20_000;
const nodeName = "n1";

export async function startFixture(options: FixtureOptions): Promise<Fixture> {
  const engine = new FakeEngine({ clock: options.clock });
  engine.addImage("app:1");
  return await startFixtureOn(engine, options);
}

/** The same on another engine. */
export async function startFixtureOn<E extends Engine>(engine: E, options: FixtureOptions): Promise<Fixture<E>> {
  const { clock } = options;
  const api = createFakeClient({ clock });
  const network = new FakeNetwork();
  const mounts = options.mounts ?? new FakeMounts();
  const directory = await Deno.makeTempDir({ prefix: "agent-" });
  if (options.withoutPodCidr !== true) {
    await api.create(NodeKind, { metadata: { name: nodeName }, spec: { podCIDR: "10.244.0.0/24" } });
  }
  let life = await live();

  async function live() {
    const stopping = new AbortController();
    const { signal } = stopping;
    const recorder: Recorder = createRecorder(api, clock, "kubelet", nodeName);
    const informers = {
      pods: createInformer(api, PodKind, { fieldSelector: `spec.nodeName=${nodeName}`, clock }),
      services: createInformer(api, ServiceKind, { clock }),
      nodes: createInformer(api, NodeKind, { clock }),
    };
    const agent = await createAgent({
      config: {
        clusterId: "c1",
        nodeName,
        nodeIp: "192.168.0.9",
        dns: ["10.96.0.10"],
        "cluster-domain": "cluster.local",
        "data-dir": directory,
        port: 10250,
        "max-pods": 110,
        "node-labels": {},
        "infra-image": undefined,
      },
      client: api,
      engine,
      network,
      mounts,
      informers,
      recorder,
      facts: {
        machineId: "m",
        systemUuid: "s",
        bootId: "b",
        kernelVersion: "6",
        osImage: "Test",
        architecture: "amd64",
        cpus: 4,
        memoryBytes: 8 * 2 ** 30,
        diskBytes: 100 * 2 ** 30,
      },
      clock,
      random: seededRandom(1),
      signal,
    });
    const running = Promise.all([agent.run(), ...Object.values(informers).map((informer) => informer.run(signal))]);
    const end = async () => {
      stopping.abort();
      await running;
    };
    return { agent, end };
  }

  const fixture: Fixture<E> = {
    api,
    engine,
    network,
    directory,
    get agent() {
      return life.agent;
    },
    apply: (name, spec, metadata = {}) =>
      api.create(PodKind, {
        metadata: { name, namespace: "default", ...metadata },
        spec: { nodeName, containers: [{ name: "app", image: "app:1", command: ["serve"] }], ...spec },
      }),
    pod: (name) => api.store.all(PodKind).get(`default/${name}`) as Pod | undefined,
    events: () =>
      ([...api.store.all(EventKind).values()] as Event[]).map(({ reason, message }) => `${reason}: ${message}`),
    async until(what, look) {
      const give = Date.now() + waitMs;
      for (;;) {
        const found = look();
        if (found !== undefined && found !== false) return found;
        if (Date.now() > give) {
          const journal = engine instanceof FakeEngine ? engine.journal : [];
          throw new Error(
            `${what}: it did not come to be\n${journal.join("\n")}\n${fixture.events().join("\n")}\n${
              JSON.stringify([...api.store.all(PodKind).values()].map((pod) => (pod as Pod).status), null, 1)
            }`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    async restart() {
      await life.end();
      life = await live();
    },
    stop: () => life.end(),
    async [Symbol.asyncDispose]() {
      await life.end();
      await mounts.unmountBelow(directory);
      await Deno.remove(directory, { recursive: true });
    },
  };
  return fixture;
}
