/** All controllers together over an API in memory, with an agent that runs pods as fast as the clock is moved. */
import assert from "assert";
import { runControllers } from "../../apiserver/controllers/mod.ts";
import type { Kind, KubeObject } from "../../lib/kind.ts";
import { FakeClock, rfc3339, rfc3339Micro } from "../../lib/seams/clock.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { createFakeClient, type FakeClient } from "./fake_client.ts";

// deno-lint-ignore no-explicit-any
export type Loose = any;

export class ControlledCluster {
  readonly clock = new FakeClock();
  readonly client: FakeClient = createFakeClient({ clock: this.clock });
  readonly #ended = new AbortController();
  readonly #running: Promise<void>;
  /** Nodes whose agent is off. */
  readonly down = new Set<string>();
  /** Pods with this image never get ready. */
  readonly badImages = new Set<string>();
  nodes = ["n1", "n2"];

  constructor() {
    this.#running = runControllers({
      clientFor: () => this.client,
      clock: this.clock,
      random: seededRandom(1),
      signal: this.#ended.signal,
      config: {
        clusterCidr: "10.244.0.0/16",
        serviceCidr: "10.96.0.0/16",
        advertiseAddress: "192.0.2.1",
        port: 6443,
        caPem: "PEM",
        settings: {
          clusterId: "test",
          clusterCidr: "10.244.0.0/16",
          serviceCidr: "10.96.0.0/16",
          clusterDns: "10.96.0.10",
          clusterDomain: "cluster.local",
          nodePortRange: { from: 30000, to: 32767 },
        },
        legacyToken: ({ metadata }, { name }) => `token of ${metadata.name} for ${name}`,
        certificates: { sign: () => Promise.reject(new Error("nobody joins here")), allows: () => false },
      },
    });
  }

  async addNodes(): Promise<void> {
    for (const name of this.nodes) {
      const object = {
        metadata: { name, labels: { "topology.kubernetes.io/zone": `z-${name}` } },
        spec: {},
        status: {},
      };
      await this.client.create(kinds.Node, object as Loose);
    }
    this.#heartbeat();
  }

  all<T extends KubeObject>(kind: Kind<T>): T[] {
    return [...this.client.store.all(kind as Kind).values()] as T[];
  }

  get<T extends KubeObject>(kind: Kind<T>, key: string): T | undefined {
    return this.client.store.all(kind as Kind).get(key) as T | undefined;
  }

  /** Moves the clock until the condition holds; fails after `seconds` of it. */
  async until(what: string, condition: () => unknown, seconds = 60): Promise<void> {
    for (let waited = 0; waited < seconds * 1000; waited += 250) {
      if (condition()) return;
      this.#agents();
      if (waited % 10_000 === 0) this.#heartbeat();
      await this.clock.advance(250);
    }
    assert.fail(`${what}: not within ${seconds} s`);
  }

  #heartbeat(): void {
    const at = rfc3339Micro(this.clock.now());
    for (const name of this.nodes.filter((name) => !this.down.has(name))) {
      const ref = { namespace: "kube-node-lease", name };
      const spec = { holderIdentity: name, renewTime: at };
      const lease = this.get(kinds.Lease, `kube-node-lease/${name}`);
      if (lease === undefined) this.client.store.create(kinds.Lease as Kind, { metadata: ref, spec });
      else this.client.store.replace(kinds.Lease as Kind, { ...lease, spec });
      const node = this.get(kinds.Node, name);
      if (node === undefined) continue;
      const conditions = [{ type: "Ready", status: "True", lastHeartbeatTime: rfc3339(this.clock.now()) }];
      this.client.store.replace(kinds.Node as Kind, { ...node, status: { conditions } }, "status");
    }
  }

  /** Places pods, runs them, and ends those that are deleted. */
  #agents(): void {
    this.all(kinds.Pod).forEach((pod: Loose, i) => {
      const node = pod.spec.nodeName ?? pinnedTo(pod) ?? this.nodes[i % this.nodes.length];
      if (this.down.has(node)) return;
      if (pod.metadata.deletionTimestamp !== undefined) {
        this.client.store.delete(kinds.Pod as Kind, pod.metadata, { gracePeriodSeconds: 0 });
        return;
      }
      if (pod.spec.nodeName === undefined) {
        pod = this.client.store.replace(kinds.Pod as Kind, { ...pod, spec: { ...pod.spec, nodeName: node } });
      }
      if (pod.status.phase !== "Pending") return;
      const ready = this.badImages.has(pod.spec.containers[0].image) ? "False" : "True";
      const status = {
        phase: "Running",
        podIP: `10.244.0.${i + 2}`,
        podIPs: [{ ip: `10.244.0.${i + 2}` }],
        conditions: [{ type: "Ready", status: ready, lastTransitionTime: rfc3339(this.clock.now()) }],
      };
      this.client.store.replace(kinds.Pod as Kind, { ...pod, status }, "status");
    });
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.clock.advance(1);
    await this.#running;
  }
}

/** Registers a test that runs all controllers. */
export function check(name: string, run: (cluster: ControlledCluster) => Promise<void>): void {
  Deno.test(`runControllers() ${name}`, async () => {
    const cluster = new ControlledCluster();
    try {
      await cluster.addNodes();
      await cluster.until("default namespace", () => cluster.get(kinds.Namespace, "default"));
      await run(cluster);
    } finally {
      await cluster.stop();
    }
  });
}

/** As a DaemonSet pins its pods: the first Node that the affinity names. */
function pinnedTo(pod: Loose): string | undefined {
  const { nodeAffinity } = pod.spec.affinity ?? {};
  const [term] = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return term?.matchFields?.[0]?.values[0];
}
