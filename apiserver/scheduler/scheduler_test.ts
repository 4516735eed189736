/** The scheduler over an API in memory. */
import assert from "assert";
import type { Kind } from "../../lib/kind.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import { statusError } from "../../lib/status.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { createFakeClient, type FakeClient } from "../../tests/harness/fake_client.ts";
import { runScheduler } from "./mod.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

class World {
  readonly clock = new FakeClock();
  readonly client: FakeClient = createFakeClient({ clock: this.clock });
  readonly #ended = new AbortController();
  readonly #running = runScheduler({
    client: this.client,
    clock: this.clock,
    random: seededRandom(3),
    signal: this.#ended.signal,
  });

  node(name: string, cpu = "4", more: Loose = {}): Promise<unknown> {
    const status = { allocatable: { cpu, memory: "8Gi", pods: "110" } };
    return this.client.create(
      kinds.Node,
      { metadata: { name, labels: { "kubernetes.io/hostname": name } }, spec: more, status } as Loose,
    );
  }

  pod(name: string, cpu = "1", more: Loose = {}): Promise<unknown> {
    const containers = [{ name: "c", resources: { requests: { cpu } } }];
    return this.client.create(
      kinds.Pod,
      { metadata: { namespace: "default", name, labels: { app: "web" } }, spec: { containers, ...more } } as Loose,
    );
  }

  get(name: string): Pod | undefined {
    return this.client.store.all(kinds.Pod as Kind).get(`default/${name}`) as Pod | undefined;
  }

  on(name: string): string | undefined {
    return this.get(name)?.spec.nodeName;
  }

  messages(reason: string): string[] {
    const events = [...this.client.store.all(kinds.Event).values()] as Loose[];
    return events.filter((event) => event.reason === reason).map(({ message }) => message);
  }

  async until(what: string, condition: () => unknown, seconds = 30): Promise<void> {
    for (let waited = 0; waited < seconds * 1000; waited += 100) {
      if (condition()) return;
      await this.clock.advance(100);
    }
    assert.fail(`${what}: not within ${seconds} s`);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.clock.advance(1);
    await this.#running;
  }
}

function check(name: string, run: (world: World) => Promise<void>): void {
  Deno.test(`runScheduler() ${name}`, async () => {
    const world = new World();
    try {
      await run(world);
    } finally {
      await world.stop();
    }
  });
}

check("binds pods, says so, and spreads them", async (world) => {
  await world.node("a");
  await world.node("b");
  for (const name of ["p1", "p2", "p3", "p4"]) await world.pod(name);
  await world.until("bound", () => ["p1", "p2", "p3", "p4"].every((name) => world.on(name)));
  const counts = ["a", "b"].map((node) => ["p1", "p2", "p3", "p4"].filter((name) => world.on(name) === node).length);
  assert.deepEqual(counts, [2, 2]);
  await world.until("events", () => world.messages("Scheduled").length === 4);
  assert(world.messages("Scheduled").includes(`Successfully assigned default/p1 to ${world.on("p1")}`));
});

check("says why a pod fits nowhere, and binds it when a Node comes", async (world) => {
  await world.node("a", "1");
  await world.pod("big", "2");
  const condition = () => world.get("big")!.status.conditions?.find(({ type }) => type === "PodScheduled");
  await world.until("condition", condition);
  const message = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: " +
    "1 Preemption is not helpful for scheduling.";
  assert.deepEqual([condition()!.status, condition()!.reason, condition()!.message], [
    "False",
    "Unschedulable",
    message,
  ]);
  await world.until("event", () => world.messages("FailedScheduling").includes(message));
  await world.node("b", "4");
  await world.until("bound", () => world.on("big") === "b");
});

check("waits for Nodes, and for room, without polling", async (world) => {
  await world.pod("first");
  await world.until("told", () => world.messages("FailedScheduling").includes("no nodes available to schedule pods"));
  await world.node("a", "1");
  await world.until("bound", () => world.on("first") === "a");
  await world.pod("second");
  await world.until("refused", () => world.get("second")!.status.conditions);
  const tries = world.messages("FailedScheduling").length;
  await world.clock.advance(120_000);
  assert.equal(world.messages("FailedScheduling").length, tries, "nothing has changed, nothing is tried");
  await world.client.delete(kinds.Pod, { namespace: "default", name: "first" }, { gracePeriodSeconds: 0 });
  await world.until("bound", () => world.on("second") === "a");
});

check("counts a finished pod's room as free", async (world) => {
  await world.node("a", "1");
  await world.pod("first");
  await world.until("bound", () => world.on("first"));
  await world.pod("second");
  await world.until("refused", () => world.get("second")!.status.conditions);
  const first = world.get("first")!;
  await world.client.patch(kinds.Pod, first.metadata, { type: "merge", patch: { status: { phase: "Succeeded" } } }, {
    subresource: "status",
  });
  await world.until("bound", () => world.on("second") === "a");
});

check("gives what a resize frees to others once its Node has taken it back", async (world) => {
  await world.node("a", "2");
  await world.pod("first", "2");
  await world.until("bound", () => world.on("first"));
  const first = { namespace: "default", name: "first" };
  const has = (cpu: string) => {
    const told = { name: "c", resources: { requests: { cpu } }, allocatedResources: { cpu } };
    const patch = { status: { containerStatuses: [told] } };
    return world.client.patch(kinds.Pod, first, { type: "merge", patch }, { subresource: "status" });
  };
  await has("2");
  await world.pod("second");
  await world.until("refused", () => world.get("second")!.status.conditions);
  const containers = [{ name: "c", resources: { requests: { cpu: "1" } } }];
  await world.client.patch(kinds.Pod, first, { type: "merge", patch: { spec: { containers } } });
  await world.clock.advance(60_000);
  assert.equal(world.on("second"), undefined, "the first still has it");
  await has("1");
  await world.until("bound", () => world.on("second") === "a");
});

check("leaves gated pods and those of other schedulers alone", async (world) => {
  await world.node("a");
  await world.pod("gated", "1", { schedulingGates: [{ name: "example.com/hold" }] });
  await world.pod("foreign", "1", { schedulerName: "other" });
  await world.pod("plain");
  await world.until("bound", () => world.on("plain"));
  await world.clock.advance(5_000);
  assert.deepEqual([world.on("gated"), world.on("foreign")], [undefined, undefined]);
  await world.client.patch(kinds.Pod, { namespace: "default", name: "gated" }, {
    type: "merge",
    patch: { spec: { schedulingGates: null } },
  });
  await world.until("bound", () => world.on("gated"));
});

check("tries again when a binding fails, and gives the room back meanwhile", async (world) => {
  await world.node("a", "1");
  let failures = 2;
  world.client.server.refuse = ({ subresource }) => {
    if (subresource === "binding" && failures-- > 0) throw statusError("InternalError", "storage is away");
  };
  await world.pod("p");
  await world.until("bound", () => world.on("p") === "a");
  await world.until("event", () => world.messages("FailedScheduling").includes("binding rejected: storage is away"));
});

check("preempts pods of lower priority and takes their place", async (world) => {
  await world.node("a", "2");
  await world.pod("low", "2", { priority: 1 });
  await world.until("bound", () => world.on("low"));
  await world.pod("high", "2", { priority: 10 });
  await world.until("preempted", () => world.get("low")?.metadata.deletionTimestamp);
  const low = world.get("low")!;
  assert.equal(low.status.conditions!.find(({ type }) => type === "DisruptionTarget")!.reason, "PreemptionByScheduler");
  await world.until("nominated", () => world.get("high")!.status.nominatedNodeName === "a");
  await world.pod("opportunist", "1", { priority: 5 });
  await world.client.delete(kinds.Pod, low.metadata, { gracePeriodSeconds: 0 });
  await world.until("bound", () => world.on("high") === "a");
  assert.equal(world.on("opportunist"), undefined, "the room was promised");
  await world.until("event", () => world.messages("Preempted").length === 1);
});
