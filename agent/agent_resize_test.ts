/** In-place resize as an agent does it, on a fake engine: grants, limits, restarts, waiting, failures, and its own restart in the middle. */
import assert from "assert";
import { FakeClock } from "../lib/seams/clock.ts";
import type { Container, ContainerStatus, Pod, ResourceRequirements } from "../lib/types/core_v1.ts";
import { Pod as PodKind } from "../lib/types/kinds.ts";
import { type AgentScene, startAgent } from "../tests/harness/agent.ts";
import type { FakeEngine } from "./engine/fake.ts";

type Fixture = AgentScene<FakeEngine>;
const MiB = 2 ** 20;

function scenario(name: string, body: (fixture: Fixture, clock: FakeClock) => Promise<void>): void {
  Deno.test(`agent resize: ${name}`, async () => {
    const clock = new FakeClock();
    await using fixture = await startAgent({ clock });
    await body(fixture, clock);
  });
}

/** Requests and limits alike. */
const both = (cpu: string, memory: string): ResourceRequirements => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
});
const app = (resources: ResourceRequirements, more: Partial<Container> = {}): Container => ({
  name: "app",
  image: "app:1",
  command: ["serve"],
  resources,
  ...more,
});
const status = (pod: Pod | undefined): ContainerStatus | undefined => pod?.status.containerStatuses?.[0];
const condition = (pod: Pod | undefined, type: string) => pod?.status.conditions?.find((c) => c.type === type);
const events = (fixture: Fixture) => fixture.events().filter((text) => /^Resize|requires restart/.test(text));

async function running(fixture: Fixture, name: string, container: Container): Promise<Pod> {
  await fixture.apply(name, { containers: [container] });
  return await fixture.until(
    `${name} is Ready`,
    () => condition(fixture.pod(name), "Ready")?.status === "True" && fixture.pod(name),
  );
}

const resize = (fixture: Fixture, name: string, resources: ResourceRequirements) =>
  fixture.api.patch(PodKind, { namespace: "default", name }, {
    type: "strategic",
    patch: { spec: { containers: [{ name: "app", resources }] } },
  });

const applied = (fixture: Fixture, name: string, memory: string) =>
  fixture.until(`${name} has ${memory}`, () => {
    const pod = fixture.pod(name);
    const done = status(pod)?.resources?.limits?.memory === memory && status(pod)?.state?.running !== undefined &&
      condition(pod, "PodResizeInProgress") === undefined;
    return done && pod;
  });

scenario("limits change without a restart, and the status tells of it", async (fixture) => {
  const before = await running(fixture, "p", app(both("100m", "64Mi")));
  assert.deepEqual(status(before)!.resources, both("100m", "64Mi"));
  await resize(fixture, "p", both("200m", "128Mi"));
  const after = await applied(fixture, "p", "128Mi");
  const engineId = status(after)!.containerID!.replace("podman://", "");
  assert.deepEqual(fixture.engine.container(engineId).limits, {
    memoryBytes: 128 * MiB,
    nanoCpus: 200_000_000,
    cpuShares: 204,
  });
  assert.deepEqual([status(after)!.containerID, status(after)!.restartCount], [status(before)!.containerID, 0]);
  assert.deepEqual(status(after)!.allocatedResources, { cpu: "200m", memory: "128Mi" });
  assert.equal(after.status.observedGeneration, 2);
  const told = JSON.stringify({
    containers: [{ name: "app", resources: sorted(both("200m", "128Mi")) }],
    generation: 2,
  });
  await fixture.until("Events", () => events(fixture).length === 2);
  assert.deepEqual(events(fixture), [
    `ResizeStarted: Pod resize started: ${told}`,
    `ResizeCompleted: Pod resize completed: ${told}`,
  ]);
});

const sorted = ({ limits, requests }: ResourceRequirements) => ({ limits, requests });

scenario("a container is restarted where its policy says so", async (fixture) => {
  const policy = [{ resourceName: "memory", restartPolicy: "RestartContainer" }] as Container["resizePolicy"];
  const before = await running(fixture, "p", app(both("100m", "64Mi"), { resizePolicy: policy }));
  await resize(fixture, "p", both("100m", "32Mi"));
  const after = await applied(fixture, "p", "32Mi");
  assert.equal(status(after)!.restartCount, 1);
  assert.notEqual(status(after)!.containerID, status(before)!.containerID);
  const engineId = status(after)!.containerID!.replace("podman://", "");
  assert.equal(fixture.engine.container(engineId).limits.memoryBytes, 32 * MiB);
  assert.ok(!fixture.engine.journal.some((line) => line.startsWith("update")));
  await fixture.until("Events", () => events(fixture).length === 3);
  assert.deepEqual(events(fixture).map((text) => text.replace(/: \{.*/, "")), [
    "ResizeStarted: Pod resize started",
    "Killing: Container app resize requires restart",
    "ResizeCompleted: Pod resize completed",
  ]);
});

scenario("what does not fit now is granted when another pod goes", async (fixture) => {
  await running(fixture, "p", app(both("2", "64Mi")));
  await running(fixture, "other", app(both("1500m", "64Mi")));
  await resize(fixture, "p", both("3", "128Mi"));
  const waiting = await fixture.until(
    "it waits",
    () => condition(fixture.pod("p"), "PodResizePending") && fixture.pod("p"),
  );
  const { status: state, reason, message, observedGeneration } = condition(waiting, "PodResizePending")!;
  assert.deepEqual([state, reason, observedGeneration], ["True", "Deferred", 2]);
  assert.match(message!, /^Node didn't have enough resource: cpu, requested: 3000, used: 1500, capacity: \d+$/);
  assert.deepEqual(status(waiting)!.allocatedResources, { cpu: "2", memory: "64Mi" });
  assert.deepEqual(status(waiting)!.resources, both("2", "64Mi"));
  await fixture.restart();
  await fixture.api.delete(PodKind, { namespace: "default", name: "other" }, { gracePeriodSeconds: 0 });
  const done = await applied(fixture, "p", "128Mi");
  assert.equal(condition(done, "PodResizePending"), undefined);
  await fixture.until("Events", () => events(fixture).length === 3);
  assert.deepEqual(events(fixture).map((text) => text.replace(/:.*/, "")), [
    "ResizeDeferred",
    "ResizeStarted",
    "ResizeCompleted",
  ]);
});

scenario("what never fits is infeasible until it is asked for less", async (fixture) => {
  await running(fixture, "p", app(both("1", "64Mi")));
  await resize(fixture, "p", both("1000", "64Mi"));
  const refused = await fixture.until(
    "it is refused",
    () => condition(fixture.pod("p"), "PodResizePending") && fixture.pod("p"),
  );
  assert.equal(condition(refused, "PodResizePending")!.reason, "Infeasible");
  assert.match(
    condition(refused, "PodResizePending")!.message!,
    /^Node didn't have enough capacity: cpu, requested: 1000000, capacity: \d+$/,
  );
  await resize(fixture, "p", both("1", "64Mi"));
  await fixture.until("it is taken back", () => condition(fixture.pod("p"), "PodResizePending") === undefined);
});

scenario("a limit is not lowered below what is in use, and is once that has gone", async (fixture, clock) => {
  const pod = await running(fixture, "p", app(both("1", "64Mi")));
  const container = fixture.engine.container(status(pod)!.containerID!.replace("podman://", ""));
  container.memoryUsageBytes = 40 * MiB;
  await resize(fixture, "p", both("1", "32Mi"));
  const failed = await fixture.until(
    "it says so",
    () => condition(fixture.pod("p"), "PodResizeInProgress")?.reason === "Error" && fixture.pod("p"),
  );
  const text = 'cannot decrease memory limits: attempting to set container "app" memory limit (33554432) ' +
    "below current usage (41943040)";
  assert.equal(condition(failed, "PodResizeInProgress")!.message, text);
  assert.deepEqual(status(failed)!.allocatedResources, { cpu: "1", memory: "32Mi" });
  assert.deepEqual(status(failed)!.resources, both("1", "64Mi"));
  container.memoryUsageBytes = 10 * MiB;
  await clock.advance(10_001);
  await applied(fixture, "p", "32Mi");
  assert.equal(container.limits.memoryBytes, 32 * MiB);
  assert.ok(
    events(fixture).some((line) => line.startsWith("ResizeError: Pod resize error: ") && line.includes("below")),
  );
});

scenario("an agent that restarts in the middle goes on", async (fixture) => {
  const pod = await running(fixture, "p", app(both("1", "64Mi")));
  const container = fixture.engine.container(status(pod)!.containerID!.replace("podman://", ""));
  fixture.engine.fail("update", "unavailable");
  await resize(fixture, "p", both("1", "96Mi"));
  await fixture.until("it has begun", () => condition(fixture.pod("p"), "PodResizeInProgress"));
  assert.equal(container.limits.memoryBytes, 64 * MiB);
  await fixture.restart();
  await applied(fixture, "p", "96Mi");
  assert.equal(container.limits.memoryBytes, 96 * MiB);
  assert.equal(status(fixture.pod("p"))!.restartCount, 0);
});

scenario("a sidecar's limits change, too", async (fixture) => {
  const side: Container = { ...app(both("1", "64Mi")), name: "side", restartPolicy: "Always" };
  await fixture.apply("p", { initContainers: [side], containers: [app(both("1", "64Mi"))] });
  await fixture.until("Ready", () => condition(fixture.pod("p"), "Ready")?.status === "True");
  await fixture.api.patch(PodKind, { namespace: "default", name: "p" }, {
    type: "strategic",
    patch: { spec: { initContainers: [{ name: "side", resources: both("1", "80Mi") }] } },
  });
  const done = await fixture.until("it has them", () => {
    const [found] = fixture.pod("p")!.status.initContainerStatuses ?? [];
    return found?.resources?.limits?.memory === "80Mi" && found;
  });
  assert.equal(fixture.engine.container(done.containerID!.replace("podman://", "")).limits.memoryBytes, 80 * MiB);
});

scenario("a volume of the downward API tells of it", async (fixture, clock) => {
  const volumes = [{
    name: "me",
    downwardAPI: {
      items: [{
        path: "memory",
        resourceFieldRef: { containerName: "app", resource: "limits.memory", divisor: "1Mi" },
      }],
    },
  }];
  const volumeMounts = [{ name: "me", mountPath: "/me" }];
  const made = await fixture.apply("p", { containers: [app(both("1", "64Mi"), { volumeMounts })], volumes });
  await fixture.until("Ready", () => condition(fixture.pod("p"), "Ready")?.status === "True");
  const file = `${fixture.directory}/memory/${made.metadata.uid}/me/memory`;
  assert.equal(Deno.readTextFileSync(file), "64");
  await resize(fixture, "p", both("1", "96Mi"));
  await applied(fixture, "p", "96Mi");
  await fixture.until("a timer", () => clock.next !== undefined);
  await clock.advance(1_000);
  await fixture.until("it is written", () => Deno.readTextFileSync(file) === "96");
});
