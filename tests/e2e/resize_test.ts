/** In-place resize with the stock kubectl: what the kernel holds a container to, seen from inside, before and after. */
import assert from "assert";
import type { Cluster } from "../harness/cluster.ts";
import { scenario } from "./scenario.ts";

const amounts = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });

const pod = JSON.stringify({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{
      name: "app",
      image: "busybox:1.36",
      imagePullPolicy: "IfNotPresent",
      command: ["sleep", "1000000"],
      resources: amounts("100m", "32Mi"),
      resizePolicy: [{ resourceName: "cpu", restartPolicy: "RestartContainer" }],
    }],
  },
});

/** It asks for a little of what the first one will want all of. */
const neighbour = JSON.stringify({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "neighbour" },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{
      name: "app",
      image: "busybox:1.36",
      imagePullPolicy: "IfNotPresent",
      command: ["sleep", "1000000"],
      resources: { requests: { cpu: "50m" } },
    }],
  },
});

/** Of either version of control groups: bytes, and microseconds in 100 ms. */
const memoryFiles = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes";
const cpuFiles = "/sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us";

const inside = async (cluster: Cluster, files: string) =>
  (await cluster.ask(["exec", "web", "--", "sh", "-c", `cat ${files} 2>/dev/null; true`])).trim().split(" ")[0];

const resize = (resources: object) => {
  const patch = JSON.stringify({ spec: { containers: [{ name: "app", resources }] } });
  return ["patch", "pod", "web", "--subresource", "resize", "--patch", patch];
};

const status = (field: string) => ["get", "pod", "web", "-o", `jsonpath={.status.containerStatuses[0].${field}}`];

async function appliedTo(cluster: Cluster, what: "cpu" | "memory", amount: string): Promise<void> {
  await cluster.eventually(status(`resources.limits.${what}`), (out) => out === amount);
  await cluster.ask("wait --for=condition=Ready pod/web --timeout=30s");
}

scenario("in-place resize, with the stock kubectl", async ({ cluster, step }) => {
  await cluster.ask("apply -f -", { stdin: pod });
  await cluster.ask("wait --for=condition=Ready pod/web --timeout=60s");
  await step("more memory is there at once, in the same container", async () => {
    assert.equal(await inside(cluster, memoryFiles), String(32 * 2 ** 20));
    const before = await cluster.ask(status("containerID"));
    assert.match(await cluster.ask(resize(amounts("100m", "48Mi"))), /pod\/web patched/);
    await appliedTo(cluster, "memory", "48Mi");
    assert.equal(await inside(cluster, memoryFiles), String(48 * 2 ** 20));
    assert.equal(await cluster.ask(status("containerID")), before);
    assert.equal(await cluster.ask(status("allocatedResources.memory")), "48Mi");
  });
  await step("more CPU restarts the container, as its policy says", async () => {
    assert.equal(await inside(cluster, cpuFiles), "10000");
    await cluster.ask(resize(amounts("200m", "48Mi")));
    await cluster.eventually(status("restartCount"), (out) => out === "1");
    await appliedTo(cluster, "cpu", "200m");
    assert.equal(await inside(cluster, cpuFiles), "20000");
    assert.equal(await inside(cluster, memoryFiles), String(48 * 2 ** 20));
  });
  await step("what does not fit now waits for room", async () => {
    await cluster.ask("apply -f -", { stdin: neighbour });
    await cluster.ask("wait --for=condition=Ready pod/neighbour --timeout=60s");
    const whole = await cluster.ask(["get", "nodes", "-o", "jsonpath={.items[0].status.allocatable.cpu}"]);
    await cluster.ask(resize(amounts(whole, "48Mi")));
    const why = 'jsonpath={.status.conditions[?(@.type=="PodResizePending")].message}';
    const pending = await cluster.eventually(["get", "pod", "web", "-o", why], (out) => out !== "");
    assert.match(pending, /^Node didn't have enough resource: cpu, requested: \d+, used: \d+, capacity: \d+$/);
    assert.equal(await cluster.ask(status("resources.limits.cpu")), "200m");
    await cluster.ask("delete pod neighbour");
    await appliedTo(cluster, "cpu", whole);
    const asked = "jsonpath={.spec.containers[0].resources.limits.cpu}";
    assert.equal(await cluster.ask(["get", "pod", "web", "--subresource", "resize", "-o", asked]), whole);
  });
  await step("what the node can never give is refused, and so is another class", async () => {
    const much = await cluster.kubectl(resize(amounts("1000", "48Mi")));
    assert.match(
      much.stderr,
      /node didn't have enough allocatable resources: cpu, requested: 1000000, allocatable: \d+/,
    );
    const other = await cluster.kubectl(resize({ limits: { cpu: "300m" } }));
    assert.match(other.stderr, /Pod QOS Class may not change as a result of resizing/);
    const events = await cluster.eventually("events --for pod/web", (out) => out.split("ResizeCompleted").length > 2);
    assert.match(events, /ResizeStarted +Pod\/web +Pod resize started: \{"containers":\[\{"name":"app"/);
    assert.match(events, /Killing +Pod\/web +Container app resize requires restart/);
  });
}, { images: ["busybox:1.36"] });
