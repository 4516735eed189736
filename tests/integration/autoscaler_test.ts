/** An autoscaler in a running control plane: from what an agent measures to the number of pods, each part as the user that it is. */
import assert from "assert";
import { type Instant, rfc3339, rfc3339Micro } from "../../lib/seams/clock.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { type ControlPlane, createControlPlane } from "../harness/control_plane.ts";
import { someone } from "../harness/secured.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const namespace = "default";

/** A node whose agent runs every pod at once, and says that each uses so much. */
class Agent {
  /** Cores that each pod uses. */
  use = 0;
  cluster!: ControlPlane;
  readonly #pods = new Map<string, { seconds: number; at: Instant }>();
  #renewed = 0;

  async register(): Promise<void> {
    const now = rfc3339(this.cluster.clock.now());
    const amounts = { cpu: "8", memory: "8Gi", pods: "110" };
    const conditions = [{ type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: now }];
    await this.cluster.admin.create(
      kinds.Node,
      { metadata: { name: "n1" }, spec: {}, status: { capacity: amounts, allocatable: amounts, conditions } } as Loose,
    );
  }

  metrics(): string {
    const now = this.cluster.clock.now();
    return [...this.#pods].flatMap(([name, pod]) => {
      pod.seconds += this.use * (now - pod.at) / 1000;
      pod.at = now;
      const labels = `{container="c",namespace="${namespace}",pod="${name}"}`;
      return [
        `container_cpu_usage_seconds_total${labels} ${pod.seconds} ${now}`,
        `container_memory_working_set_bytes${labels} 1048576 ${now}`,
      ];
    }).join("\n");
  }

  /** Starts what was scheduled, ends what was deleted, and says that it is there. */
  async tick(): Promise<void> {
    const { admin, clock } = this.cluster;
    const now = clock.now();
    if (now - this.#renewed >= 10_000) {
      this.#renewed = now;
      await this.#renew(now);
    }
    for (const pod of (await admin.list(kinds.Pod, { namespace })).items) {
      if (pod.metadata.deletionTimestamp !== undefined) {
        this.#pods.delete(pod.metadata.name);
        await admin.delete(kinds.Pod, pod.metadata, { gracePeriodSeconds: 0 });
      } else if (pod.spec.nodeName !== undefined && pod.status.phase === "Pending") await this.#start(pod, now);
    }
  }

  async #start(pod: Pod, now: Instant): Promise<void> {
    const at = rfc3339(now);
    this.#pods.set(pod.metadata.name, { seconds: 0, at: now });
    const conditions = [{ type: "Ready", status: "True", lastTransitionTime: at }];
    const status = { phase: "Running", startTime: at, podIP: "10.244.0.9", podIPs: [{ ip: "10.244.0.9" }], conditions };
    const patch = { type: "merge", patch: { status } } as const;
    await this.cluster.admin.patch(kinds.Pod, pod.metadata, patch, { subresource: "status" });
  }

  async #renew(now: Instant): Promise<void> {
    const metadata = { name: "n1", namespace: "kube-node-lease" };
    const spec = { holderIdentity: "n1", leaseDurationSeconds: 40, renewTime: rfc3339Micro(now) };
    const { admin } = this.cluster;
    const patch = { type: "merge", patch: { spec } } as const;
    await admin.patch(kinds.Lease, metadata, patch).catch(() => admin.create(kinds.Lease, { metadata, spec }));
  }
}

const hpa = {
  metadata: { namespace, name: "web" },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    minReplicas: 1,
    maxReplicas: 5,
    metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }],
    behavior: { scaleDown: { stabilizationWindowSeconds: 30 } },
  },
} as Loose;

const deployment = {
  metadata: { namespace, name: "web" },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "c", image: "x", resources: { requests: { cpu: "1" } } }] },
    },
  },
} as Loose;

async function withAgent(run: (cluster: ControlPlane, agent: Agent) => Promise<void>): Promise<void> {
  const agent = new Agent();
  const cluster = await createControlPlane({ connect: () => Promise.resolve(new Response(agent.metrics())) });
  agent.cluster = cluster;
  try {
    await agent.register();
    await run(cluster, agent);
  } finally {
    await cluster.close();
  }
}

Deno.test("an autoscaler follows what pods use, up and down, and says why", () =>
  withAgent(async (cluster, agent) => {
    const { admin } = cluster;
    const replicas = async () => {
      await agent.tick();
      return (await admin.get(kinds.Deployment, deployment.metadata)).spec.replicas;
    };
    const condition = async (type: string) => {
      await agent.tick();
      const { status } = await admin.get(kinds.HorizontalPodAutoscalerV2, hpa.metadata);
      return status.conditions?.find((one) => one.type === type);
    };
    agent.use = 0.9;
    await admin.create(kinds.HorizontalPodAutoscalerV2, hpa);
    await cluster.until("no target", async () => (await condition("AbleToScale"))?.reason === "FailedGetScale");
    assert.equal(
      (await condition("AbleToScale"))!.message,
      'the HPA controller was unable to get the target\'s current scale: deployments/scale.apps "web" not found',
    );
    await admin.create(kinds.Deployment, deployment);
    await cluster.until("two pods: 90 % where 50 % is aimed at", async () => await replicas() === 2, 120);
    // Until those are measured, they count as idle; then there is more to do: 90 % of two.
    await cluster.until("four pods", async () => await replicas() === 4, 120);
    agent.use = 0.05;
    await cluster.until("one pod", async () => await replicas() === 1, 180);
    assert.equal((await condition("ScalingActive"))!.reason, "ValidMetricFound");
    const told = (await admin.list(kinds.Event, { namespace })).items
      .filter(({ involvedObject }) =>
        involvedObject.name === "web" && involvedObject.kind === "HorizontalPodAutoscaler"
      )
      .map(({ reason, message }) => `${reason}: ${message}`);
    const above = "cpu resource utilization (percentage of request) above target";
    assert.ok(told.includes(`SuccessfulRescale: New size: 2; reason: ${above}`), told.join("\n"));
    assert.ok(told.includes("SuccessfulRescale: New size: 1; reason: All metrics below target"), told.join("\n"));
  }));

Deno.test("two autoscalers of the same pods do nothing, and say so", () =>
  withAgent(async (cluster, agent) => {
    const { admin } = cluster;
    agent.use = 0.9;
    await admin.create(kinds.Deployment, deployment);
    await admin.create(kinds.HorizontalPodAutoscalerV2, hpa);
    await admin.create(kinds.HorizontalPodAutoscalerV2, { ...hpa, metadata: { namespace, name: "other" } });
    await cluster.until("ambiguity", async () => {
      await agent.tick();
      const { items } = await admin.list(kinds.HorizontalPodAutoscalerV2, { namespace });
      return items.every(({ status }) => status.conditions?.some(({ reason }) => reason === "AmbiguousSelector"));
    }, 120);
    assert.equal((await admin.get(kinds.Deployment, deployment.metadata)).spec.replicas, 1);
  }));

Deno.test("whoever may view a namespace may see what its pods use, and nothing else", () =>
  withAgent(async (cluster, agent) => {
    const { admin } = cluster;
    agent.use = 0.5;
    await admin.create(kinds.Deployment, deployment);
    await admin.create(
      kinds.RoleBinding,
      {
        metadata: { namespace, name: "ann" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ann" }],
      } as Loose,
    );
    const api = "/apis/metrics.k8s.io/v1beta1";
    const get = (path: string, user = "ann") => cluster.as(someone(user), "GET", `${api}/${path}`);
    // An answer may wait for the second look: time goes on meanwhile.
    let use: string | undefined;
    let asking: Promise<void> | undefined;
    const ask = async () => {
      const { status, body } = await get(`namespaces/${namespace}/pods`);
      use = status === 200 ? body.items[0]?.containers[0].usage.cpu : undefined;
      asking = undefined;
    };
    await cluster.until("her right, and a measurement", async () => {
      await agent.tick();
      asking ??= ask();
      return use !== undefined;
    }, 120);
    assert.equal(use, "500m");
    for (const [path, user] of [["pods", "ann"], ["nodes", "ann"], [`namespaces/${namespace}/pods`, "bob"]]) {
      assert.equal((await get(path!, user!)).status, 403, `${path} as ${user}`);
    }
  }));
