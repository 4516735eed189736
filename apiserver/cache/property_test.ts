/** Whatever happens between store and cache, no watch ever loses, repeats or reorders an event. */
import assert from "assert";
import fc from "fast-check";
import { FakeClock } from "../../lib/seams/clock.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import { MemoryStore } from "../storage/memory.ts";
import { MemoryData } from "../storage/memory_data.ts";
import { type Change, type History, StoreUnavailable } from "../storage/store.ts";
import { type Cache, createCache } from "./cache.ts";
import { ClientModel } from "./client_model.ts";
import { windowLimits } from "./window.ts";

const declared = ["pods", "leases"];
const historyOf: Record<string, History> = { pods: "main", leases: "lease", others: "main" };

type Step =
  /** `own`: by the API server that is looked at. */
  | { do: "write"; resource: string; key: string; remove: boolean; own: boolean }
  | { do: "settle" }
  | { do: "pass"; ms: number }
  | { do: "deaf" | "down" }
  | { do: "compact"; keep: number }
  | { do: "restart" | "client" | "flush" };

/** Two API servers on one store; clients move from one to the other when theirs restarts. */
class World {
  readonly data = new MemoryData({ main: 30, lease: 8, event: 8 });
  readonly clock = new FakeClock();
  readonly random = seededRandom(1);
  readonly written: Change[] = [];
  readonly clients: { client: ClientModel; resource: string }[] = [];
  store = new MemoryStore({ data: this.data, random: this.random });
  writer = new MemoryStore({ data: this.data, random: this.random });
  cache!: Cache;

  async start(): Promise<void> {
    const window = { ...windowLimits, eventsMax: 20 };
    this.cache = createCache(this.store, declared, { clock: this.clock, window, readChangesMax: 3 });
    await this.finish(this.cache.start());
  }

  /** Lets time pass until it is done. */
  async finish<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const settled = work.finally(() => done = true);
    for (let i = 0; i < 1_000 && !done; i++) await this.clock.advance(50);
    assert.ok(done, "it ends within 50 s");
    return await settled;
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "write":
        return await this.write(step);
      case "settle":
        return await this.clock.advance(0);
      case "pass":
        return await this.clock.advance(step.ms);
      case "deaf":
        this.store.deaf = !this.store.deaf;
        return;
      case "down":
        this.store.down = !this.store.down;
        return;
      case "compact":
        for (const history of ["main", "lease"] as const) this.data.trim(history, step.keep);
        return;
      case "restart":
        return await this.restart();
      case "client": {
        const resource = declared[this.clients.length % declared.length]!;
        this.clients.push({ client: new ClientModel(this.cache, resource), resource });
        return;
      }
      case "flush":
        this.data.clear();
        return;
    }
  }

  async write({ resource, key, remove, own }: Step & { do: "write" }): Promise<void> {
    const writer = own && !this.store.down ? this.store : this.writer;
    const row = await writer.get(resource, key);
    const type = remove && row !== undefined ? "delete" : "put";
    const value = { head: `{"key":"${key}","rv":"`, tail: '"}' };
    const expected = row?.revision ?? 0;
    try {
      const revision = await writer.write({ resource, key, type, expected, value, history: historyOf[resource]! });
      this.written.push({ type, resource, key, revision, value: value.head + revision + value.tail });
    } catch (error) {
      // After a flush the first write finds out.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  async restart(): Promise<void> {
    await this.cache.close();
    this.store.down = false;
    await this.start();
    for (const { client } of this.clients) client.moveTo(this.cache);
  }

  async end(): Promise<void> {
    this.store.down = false;
    this.store.deaf = false;
    await this.finish(this.cache.fresh());
    for (const { client, resource } of this.clients) this.#verify(client, resource);
    await this.cache.close();
  }

  #verify(client: ClientModel, resource: string): void {
    client.stop();
    if (client.failure !== undefined) throw client.failure;
    const truth = this.data.list(resource).map((row) => [row.key, row.value]).sort();
    assert.deepEqual([...client.objects].sort(), truth);
    for (const { after, events } of client.stretches) {
      const last = events.at(-1)?.revision ?? after;
      const expected = this.written.filter((c) => c.resource === resource && c.revision > after && c.revision <= last);
      assert.deepEqual(
        events.map(({ revision, entry }) => [revision, entry.key, entry.text]),
        expected.map(({ revision, key, value }) => [revision, key, value]),
      );
    }
  }
}

const write = fc.record({
  do: fc.constant("write" as const),
  resource: fc.constantFrom("pods", "pods", "leases", "others"),
  key: fc.constantFrom("a/1", "a/2", "b/1", "b-c/1", "d"),
  remove: fc.boolean(),
  own: fc.boolean(),
});
const fault: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>({ do: "deaf" }, { do: "down" }, { do: "restart" }, { do: "flush" }),
  fc.record({ do: fc.constant("compact" as const), keep: fc.integer({ min: 0, max: 6 }) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: write },
  { weight: 3, arbitrary: fc.constant<Step>({ do: "settle" }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(60, 2_100, 5_100) }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "client" }) },
  { weight: 2, arbitrary: fault },
);

Deno.test("a watch never loses, repeats or reorders an event, whatever is lost on the way to it", async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 120 }), async (steps) => {
      const world = new World();
      await world.start();
      await world.run({ do: "client" });
      for (const step of steps) await world.run(step);
      await world.end();
      for (const { client } of world.clients) {
        told += client.stretches.reduce((sum, { events }) => sum + events.length, 0);
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(told > 1_000, `only ${told} events were told: the test tests nothing`);
});
