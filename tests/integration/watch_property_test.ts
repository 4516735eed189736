/**
 * Two API servers on a real Redis, several clients that write and several that watch over HTTP, while connections are cut, Redis and API
 * servers are killed and histories are compacted: no watch ever loses, repeats or reorders an event. The same over a memory store, with
 * data that is lost, is in apiserver/cache/property_test.ts.
 */
import assert from "assert";
import fc from "fast-check";
import type { Change } from "../../apiserver/storage/store.ts";
import { noRedis, TestRedis } from "../../apiserver/storage/test_redis.ts";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { type Random, seededRandom } from "../../lib/seams/random.ts";
import { StatusError } from "../../lib/status.ts";
import { ConfigMap, Lease } from "../../lib/types/kinds.ts";
import { serverOn, type ServerOnStore } from "../harness/server_on_store.ts";
import { WatchingClient } from "../harness/watching_client.ts";

const kinds = [ConfigMap, Lease];
const storages = ["configmaps", "coordination.k8s.io/leases"];
const paths = ["/api/v1/configmaps", "/apis/coordination.k8s.io/v1/leases"];
/** Small, so that who comes back late is told 410. */
const window = { eventsMax: 25 };
/** Nothing in a run takes longer, unless it hangs. */
const settleMsMax = 20_000;

/** No further run begins after this: a busy machine does fewer. */
const runMsMax = 7_000;

type Step =
  | { do: "write"; count: number }
  | { do: "kill" | "disconnect" }
  | { do: "compact"; keep: number }
  | { do: "restart"; server: 0 | 1 }
  | { do: "lag"; server: 0 | 1 }
  | { do: "cut"; client: number; away: boolean }
  | { do: "watch"; resource: 0 | 1; streaming: boolean };

class World implements AsyncDisposable {
  readonly clients: WatchingClient[] = [];
  /** Everything that was ever written, as the history told it before anything of it was cut. */
  readonly history: Change[] = [];
  /** Writes that were acknowledged: revision → key. */
  readonly acknowledged = new Map<number, string>();
  readonly servers: ServerOnStore[] = [];
  /** Servers that don't get to read the history. */
  readonly #lagging = new Set<number>();
  #over = false;
  #writing: Promise<void>[] = [];

  constructor(readonly redis: TestRedis, readonly random: Random) {}

  async start(): Promise<void> {
    for (const i of [0, 1]) this.servers[i] = await this.#server(i);
    // To watch from revision 0 means something else: from whatever there is.
    await this.servers[0]!.client.create(ConfigMap, { metadata: { namespace: "default", name: "first" } });
    this.#writing = [0, 1, 2].map((writer) => this.#write(writer));
  }

  async #server(i: number): Promise<ServerOnStore> {
    const store = await this.redis.store();
    const changes = store.changes.bind(store);
    store.changes = async (after, limit) => {
      while (this.#lagging.has(i)) await sleep(systemClock, 1);
      return await changes(after, limit);
    };
    return await serverOn(store, { storages, window });
  }

  /** Any server, as a load balancer would choose it. */
  readonly any = (): ServerOnStore => this.servers[Math.floor(this.random.number() * 2)]!;

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "write":
        return await this.#written(step.count);
      case "kill":
        return await this.#kill();
      case "disconnect":
        for (const type of ["normal", "pubsub"]) {
          await this.redis.client().call("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes").catch(() => {});
        }
        return;
      case "compact":
        return await this.#compact(step.keep);
      case "restart":
        return await this.#restart(step.server);
      case "cut":
        return this.clients[step.client % this.clients.length]!.cut({ away: step.away });
      case "lag":
        return void this.#lagging.add(step.server);
      case "watch":
        return this.watch(step.resource, { streaming: step.streaming });
    }
  }

  watch(resource: 0 | 1, { streaming }: { streaming: boolean }): void {
    this.clients.push(
      new WatchingClient(this.any, { path: paths[resource]!, storage: storages[resource]!, streaming }),
    );
  }

  /** Waits until so many more were written; who was away or behind is back then. */
  async #written(count: number): Promise<void> {
    const goal = this.acknowledged.size + count;
    await this.#until(`${count} more writes`, () => this.acknowledged.size >= goal);
    if (this.#lagging.size > 0) await this.#compact(1);
    this.#lagging.clear();
    for (const client of this.clients) client.comeBack();
  }

  async #kill(): Promise<void> {
    // It may have been killed just before.
    let pid: number | undefined;
    await this.#until("Redis runs", async () => {
      pid = await this.redis.server.pid().catch(() => undefined);
      return pid !== undefined;
    });
    Deno.kill(pid!, "SIGKILL");
  }

  async #until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
    const end = systemClock.now() + settleMsMax;
    while (!await done()) {
      assert.ok(systemClock.now() < end, `not within ${settleMsMax / 1000} s: ${what}`);
      await sleep(systemClock, 2);
    }
  }

  /** Cuts the histories behind what was recorded, as if they were bounded there. */
  async #compact(keep: number): Promise<void> {
    await this.#record();
    const last = this.history.at(-1)?.revision ?? 0;
    const client = this.redis.client();
    for (const log of ["main", "lease"]) {
      await client.xtrim(`sauropod:log:${log}`, "MINID", `${Math.max(0, last - keep + 1)}`);
    }
  }

  /** Reads on to the end of the history, as it stands in Redis. */
  async #record(): Promise<void> {
    const after = `(${this.history.at(-1)?.revision ?? 0}-0`;
    const read = this.redis.client().multi();
    for (const log of ["main", "lease"]) read.xrange(`sauropod:log:${log}`, after, "+");
    const replies = await read.exec() as [Error | null, [id: string, fields: string[]][]][];
    const changes = replies.flatMap(([, entries]) => entries).map((
      [id, [, type, , resource, , key, , value]],
    ): Change => ({
      type: type as Change["type"],
      resource: resource!,
      key: key!,
      revision: parseInt(id),
      value: value!,
    }));
    this.history.push(...changes.sort((a, b) => a.revision - b.revision));
  }

  /** The process dies: its watches break, and another one begins with an empty cache. */
  async #restart(i: 0 | 1): Promise<void> {
    const old = this.servers[i]!;
    this.#lagging.delete(i);
    for (const client of this.clients) if (client.server === old) client.cut();
    await old.close();
    await old.store.close();
    await this.#until("the API server starts", async () => {
      try {
        this.servers[i] = await this.#server(i);
        return true;
      } catch {
        return false;
      }
    });
    for (const client of this.clients) if (client.server === old) client.cut();
  }

  /** Creates, changes and deletes a few objects of two kinds through any server. */
  async #write(writer: number): Promise<void> {
    for (let i = 0; !this.#over; i++) {
      const kind = kinds[this.random.number() < 0.7 ? 0 : 1]!;
      const ref = { namespace: "default", name: `${"abcde"[Math.floor(this.random.number() * 5)]}` };
      const metadata = { ...ref, labels: { by: `${writer}-${i}` } };
      const choice = this.random.number();
      const { client } = this.any();
      try {
        if (choice < 0.25) await client.delete(kind as typeof ConfigMap, ref);
        else {
          const written = choice < 0.5
            ? await client.create(kind as typeof ConfigMap, { metadata })
            : await client.patch(kind as typeof ConfigMap, ref, {
              type: "merge",
              patch: { metadata },
            });
          this.acknowledged.set(Number(written.metadata.resourceVersion), ref.name);
        }
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        // While Redis is away every answer is an error, at once.
        if (error.code >= 500) await sleep(systemClock, 5);
      }
    }
  }

  /** All faults are over: everybody comes to the same end, and was told the same story. */
  async end(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#writing);
    await this.#record();
    const last = this.history.at(-1)?.revision ?? 0;
    assert.deepEqual(this.history.map(({ revision }) => revision), this.history.map((_, i) => i + 1));
    for (const [revision, name] of this.acknowledged) {
      assert.equal(this.history[revision - 1]?.key, `default/${name}`, `revision ${revision} was acknowledged`);
    }
    for (const client of this.clients) {
      const mine = this.history.filter(({ resource }) => resource === client.storage);
      const goal = mine.at(-1)?.revision ?? 0;
      await this.#until(`a client is told of revision ${goal}, is at ${client.position} of ${last}`, () => {
        if (client.failure !== undefined) throw client.failure;
        return client.position >= goal;
      });
      await client.stop();
      verify(client, mine);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await Promise.all(this.#writing).catch(() => {});
    for (const client of this.clients) await client.stop();
    for (const server of this.servers) await server.close();
    await this.redis[Symbol.asyncDispose]();
  }
}

/** Each stretch of watching is the history from where it began to where it ended, and what a client believes to be there is. */
function verify(client: WatchingClient, history: readonly Change[]): void {
  if (client.failure !== undefined) throw client.failure;
  const truth = new Map<string, string>();
  for (const { key, type, value } of history) {
    if (type === "put") truth.set(key, value);
    else truth.delete(key);
  }
  const sorted = (map: ReadonlyMap<string, string>) => [...map].sort(([a], [b]) => a < b ? -1 : 1);
  assert.deepEqual(sorted(client.objects), sorted(truth));
  for (const { after, events } of client.stretches) {
    const to = events.at(-1)?.revision ?? after;
    const expected = history.filter(({ revision }) => revision > after && revision <= to);
    assert.deepEqual(
      events.map(({ type, revision, text }) => [type === "DELETED", revision, text]),
      expected.map(({ type, revision, value }) => [type === "delete", revision, value]),
    );
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("write" as const), count: fc.integer({ min: 5, max: 60 }) }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "disconnect" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: "kill" }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("compact" as const), keep: fc.integer({ min: 0, max: 10 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), server: fc.constantFrom<0 | 1>(0, 1) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("cut" as const), client: fc.nat({ max: 9 }), away: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lag" as const), server: fc.constantFrom<0 | 1>(0, 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("watch" as const),
      resource: fc.constantFrom<0 | 1>(0, 1),
      streaming: fc.boolean(),
    }),
  },
);

Deno.test({
  name:
    "a watch over HTTP never loses, repeats or reorders an event, whoever writes, and whatever is cut, killed or compacted",
  ignore: noRedis !== undefined,
  async fn() {
    let told = 0;
    let expired = 0;
    const enough = systemClock.now() + runMsMax;
    const steps = fc.array(step, { minLength: 4, maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 2 ** 31 }), async (steps, seed) => {
        if (systemClock.now() > enough) return;
        await using world = new World(await TestRedis.start(), seededRandom(seed));
        await world.start();
        for (const resource of [0, 1] as const) world.watch(resource, { streaming: resource === 1 });
        for (const step of steps) await world.run(step);
        await world.run({ do: "write", count: 10 });
        await world.end();
        told += world.clients.reduce((sum, { stretches }) => sum + stretches.flatMap(({ events }) => events).length, 0);
        expired += world.clients.reduce((sum, { expirations }) => sum + expirations, 0);
      }),
      // A run that failed is long: shrinking it would take minutes. The seed that is printed runs it again.
      { numRuns: 10, endOnFailure: true },
    );
    assert.ok(told > 200 && expired > 0, `only ${told} events, ${expired} expirations: the test tests nothing`);
  },
});
