/** What pods use, and what follows from it: `kubectl top`, and a HorizontalPodAutoscaler that scales a Deployment up and down again. */
import assert from "assert";
import type { Cluster } from "../harness/cluster.ts";
import { scenario } from "./scenario.ts";

/** A little work, a little rest: much more than it asks for, and no burden on the machine. */
const work = "while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.05; done";

const burner = JSON.stringify({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "burn" },
  spec: {
    selector: { matchLabels: { app: "burn" } },
    template: {
      metadata: { labels: { app: "burn" } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{
          name: "work",
          image: "busybox:1.36",
          imagePullPolicy: "IfNotPresent",
          command: ["sh", "-c", work],
          resources: { requests: { cpu: "20m" } },
        }],
      },
    },
  },
});

const prefix = "horizontal-pod-autoscaler";
const flags = [
  ...[`--${prefix}-sync-period`, "2s"],
  ...[`--${prefix}-cpu-initialization-period`, "0s"],
  ...[`--${prefix}-initial-readiness-delay`, "0s"],
];

scenario("usage and autoscaling, with the stock kubectl", async ({ cluster, step }) => {
  await cluster.ask("apply -f -", { stdin: burner });
  await cluster.ask("autoscale deployment burn --cpu-percent=50 --min=1 --max=3");
  await cluster.ask("rollout status deployment burn --timeout=60s");
  await step("kubectl top prints what nodes and pods use", () => top(cluster));
  await step("the autoscaler scales up to its maximum", () => scalesUp(cluster));
  await step("and down again when pods use less than is aimed at", () => scalesDown(cluster));
}, { images: ["busybox:1.36"], engines: ["podman"], flags });

async function top(cluster: Cluster): Promise<void> {
  const pods = await cluster.eventually("top pods", (out) => /^burn-/m.test(out));
  assert.match(pods, /^NAME +CPU\(cores\) +MEMORY\(bytes\)\s*\nburn-\S+ +[1-9]\d*m +\d+Mi/);
  const nodes = await cluster.ask("top nodes");
  assert.match(
    nodes,
    /^NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\)\s*\n\S+ +[1-9]\d*m +\d+% +\d+Mi +\d+%/,
  );
  const containers = await cluster.ask("top pods --containers -A --sort-by=cpu");
  assert.match(containers, /^NAMESPACE +POD +NAME +CPU\(cores\) +MEMORY\(bytes\)\s*\ndefault +burn-\S+ +work +/);
  assert.match(await cluster.ask("top pods -l app=burn --sum"), /_+\s+_+\s*\n\s+[1-9]\d*m +\d+Mi/);
  const table = await cluster.ask("get pods.metrics.k8s.io");
  assert.match(table, /^NAME +CPU +MEMORY +WINDOW\s*\nburn-\S+ +\d+\S* +\d+\S* +[\d.ms]+/);
  const raw = await cluster.ask("get --raw /api/v1/nodes/h1/proxy/metrics/resource");
  assert.match(
    raw,
    /^container_cpu_usage_seconds_total\{container="work",namespace="default",pod="burn-\S+"\} [\d.e-]+ \d+$/m,
  );
  const { items } = JSON.parse(await cluster.ask("get --raw /apis/metrics.k8s.io/v1beta1/nodes"));
  assert.match(items[0].usage.cpu, /^\d+[num]?$/);
}

async function scalesUp(cluster: Cluster): Promise<void> {
  const wanted = ["get", "deployment", "burn", "-o", "jsonpath={.spec.replicas}"];
  await cluster.eventually(wanted, (out) => out === "3");
  const told = await cluster.ask("describe hpa burn");
  assert.match(told, /New size: 3; reason: cpu resource utilization \(percentage of request\) above target/);
  await cluster.eventually("describe hpa burn", (out) => /ScalingLimited +True +TooManyReplicas/.test(out));
  const row = await cluster.ask("get hpa burn");
  assert.match(row, /burn +Deployment\/burn +cpu: [1-9]\d*%\/50% +1 +3 +[1-3] /);
  await cluster.ask("wait --for=condition=ScalingActive hpa/burn --timeout=30s");
}

async function scalesDown(cluster: Cluster): Promise<void> {
  const target = { type: "Utilization", averageUtilization: 100_000 };
  const spec = {
    metrics: [{ type: "ContainerResource", containerResource: { name: "cpu", container: "work", target } }],
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
  };
  await cluster.ask(["patch", "hpa", "burn", "--type=merge", "-p", JSON.stringify({ spec })]);
  await cluster.eventually(["get", "deployment", "burn", "-o", "jsonpath={.spec.replicas}"], (out) => out === "1");
  assert.match(await cluster.ask("describe hpa burn"), /New size: 1; reason: All metrics below target/);
}
