/**
 * How many pods per second the scheduler binds: Nodes and waiting pods in a fake API that costs next to nothing, so that the figure is the
 * scheduler's own.
 */
import { runScheduler } from "../../apiserver/scheduler/mod.ts";
import type { Kind } from "../../lib/kind.ts";
import { systemClock } from "../../lib/seams/clock.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { createFakeClient, type FakeClient } from "../harness/fake_client.ts";
import { kubeSchedulerPods } from "./peers.ts";
import type { Report } from "./report.ts";

const nodes = 1_000;
const pods = 5_000;
/** design, section 10 */
const target = { atLeast: 1_000 };

interface Scenario {
  name: string;
  /** Changes a pod's spec. */
  spec(index: number): object;
}

const app = { matchLabels: { app: "web" } };
const scenarios: Scenario[] = [
  { name: "plain pods of one ReplicaSet", spec: () => ({}) },
  {
    name: "spread over zones (DoNotSchedule)",
    spec: () => ({
      topologySpreadConstraints: [{
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: app,
      }],
    }),
  },
  {
    name: "preferred anti-affinity by host",
    spec: () => ({
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{
            weight: 100,
            podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector: app },
          }],
        },
      },
    }),
  },
  {
    name: "node affinity and tolerations",
    spec: (i) => ({
      nodeSelector: { half: String(i % 2) },
      tolerations: [{
        key: "node.kubernetes.io/not-ready",
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      }],
    }),
  },
];

function fill(client: FakeClient, { spec }: Scenario): void {
  const { store } = client;
  for (let i = 0; i < nodes; i++) {
    const name = `node-${i}`;
    const labels = {
      "kubernetes.io/hostname": name,
      "topology.kubernetes.io/zone": `zone-${i % 3}`,
      half: String(i % 2),
    };
    const status = { allocatable: { cpu: "16", memory: "64Gi", pods: "110", "ephemeral-storage": "100Gi" } };
    store.create(kinds.Node as Kind, { metadata: { name, labels }, spec: {}, status });
  }
  const selector = { matchLabels: { app: "web" } };
  const owner = store.create(kinds.ReplicaSet as Kind, {
    metadata: { namespace: "default", name: "web" },
    spec: { selector },
  });
  const ownerReferences = [{
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: "web",
    uid: owner.metadata.uid,
    controller: true,
  }];
  for (let i = 0; i < pods; i++) {
    const resources = { requests: { cpu: "100m", memory: "128Mi" } };
    store.create(kinds.Pod as Kind, {
      metadata: { namespace: "default", name: `web-${i}`, labels: { app: "web" }, ownerReferences },
      spec: { containers: [{ name: "web", image: "web:1", resources }], ...spec(i) },
    });
  }
}

async function measure(scenario: Scenario, report: Report): Promise<void> {
  const client = createFakeClient({ clock: systemClock, random: seededRandom(1) });
  fill(client, scenario);
  const ended = new AbortController();
  let bound = 0;
  let first = 0;
  const done = new Promise<void>((resolve) => {
    client.store.onEvent(() => {
      const event = client.store.events.at(-1)!;
      if (event.kind !== "pods" || event.type !== "MODIFIED") return;
      // deno-lint-ignore no-explicit-any
      if (!(event.object as any).spec.nodeName) return;
      if (bound++ === 0) first = performance.now();
      if (bound === pods) resolve();
    });
  });
  const running = runScheduler({ client, clock: systemClock, random: seededRandom(2), signal: ended.signal });
  await done;
  const seconds = (performance.now() - first) / 1000;
  const perNode = new Map<string, number>();
  // deno-lint-ignore no-explicit-any
  for (const pod of client.store.all(kinds.Pod).values()) count(perNode, (pod as any).spec.nodeName);
  ended.abort();
  await running;
  const busiest = Math.max(...perNode.values());
  report.add({
    what: scenario.name,
    value: pods / seconds,
    unit: "/s",
    more: `${perNode.size} nodes used, at most ${busiest}`,
    target,
    peer: kubeSchedulerPods,
  });
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export async function scheduler(report: Report): Promise<void> {
  for (const scenario of scenarios) await measure(scenario, report);
}
