import assert from "assert";
import { proxyGlanceIntervalMs, proxyRetryMinMs, proxySyncIntervalMs, proxyVerifyIntervalMs } from "../lib/limits.ts";
import { FakeClock } from "../lib/seams/clock.ts";
import type { DataPlane } from "./data_plane.ts";
import type { ServiceEntry, ServiceMap } from "./model.ts";
import { Syncer } from "./sync.ts";
import { services } from "./testing/world.ts";

/** Keeps what it was told in memory; fails and differs when asked to. */
class MemoryPlane implements DataPlane {
  has = new Map<string, ServiceEntry>();
  readonly log: string[] = [];
  failNext = 0;
  differences: string[] = [];
  isGone = false;

  isThere(): Promise<boolean> {
    return Promise.resolve(!this.isGone);
  }
  load(all: ServiceMap): Promise<void> {
    return this.#do(`load ${all.size}`, () => {
      this.has = new Map(all);
      this.isGone = false;
    });
  }
  change(changes: ReadonlyMap<string, ServiceEntry | undefined>): Promise<void> {
    return this.#do(`change ${[...changes.keys()].join(" ")}`, () => {
      for (const [key, entry] of changes) entry === undefined ? this.has.delete(key) : this.has.set(key, entry);
    });
  }
  check(): Promise<string[]> {
    return Promise.resolve(this.differences.splice(0));
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  #do(what: string, effect: () => void): Promise<void> {
    this.log.push(what);
    if (this.failNext-- > 0) return Promise.reject(new Error("the kernel said no"));
    effect();
    return Promise.resolve();
  }
}

async function started() {
  const clock = new FakeClock();
  const plane = new MemoryPlane();
  const all = new Map(services().map((entry) => [entry.key, entry]));
  const api = { revision: 1 };
  const inForce: number[] = [];
  const syncer = new Syncer({
    plane,
    clock,
    keys: () => all.keys(),
    entry: (key) => all.get(key),
    revision: () => api.revision,
    synced: ({ revision }) => inForce.push(revision),
  });
  const stop = new AbortController();
  const running = syncer.run(stop.signal);
  await clock.advance(0);
  await clock.advance(proxySyncIntervalMs);
  return {
    clock,
    plane,
    all,
    api,
    inForce,
    syncer,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

Deno.test("Syncer loads everything first, then only what changed", async () => {
  await using s = await started();
  assert.deepEqual(s.plane.log, [`load ${s.all.size}`]);
  assert.equal(s.syncer.dueSince, undefined);
  const web = s.all.get("default/web")!;
  s.all.set(web.key, { ...web, ports: [] });
  s.all.delete("default/far");
  s.syncer.mark("default/web");
  s.syncer.mark("default/far");
  s.syncer.mark("default/unknown");
  await s.clock.advance(0);
  assert.deepEqual(s.plane.log.slice(1), ["change default/web default/far"]);
  assert.deepEqual(s.plane.has, s.all);
});

Deno.test("Syncer sends the first change of a quiet time at once and a burst as one", async () => {
  await using s = await started();
  s.syncer.mark("default/web");
  await s.clock.advance(0);
  for (let i = 0; i < 100; i++) s.syncer.mark("default/here");
  await s.clock.advance(proxySyncIntervalMs - 1);
  assert.equal(s.plane.log.length, 2);
  await s.clock.advance(1);
  assert.deepEqual(s.plane.log.slice(1), ["change default/web", "change default/here"]);
});

Deno.test("Syncer loads everything anew after a failure, with backoff", async () => {
  await using s = await started();
  s.plane.failNext = 3;
  s.all.delete("default/web");
  s.syncer.mark("default/web");
  await s.clock.advance(0);
  assert.equal(s.plane.log.length, 2);
  await s.clock.advance(proxyRetryMinMs + 2 * proxyRetryMinMs + 4 * proxyRetryMinMs);
  const load = `load ${s.all.size}`;
  assert.deepEqual(s.plane.log.slice(1), ["change default/web", load, load, load]);
  assert.deepEqual(s.plane.has, s.all);
  assert.equal(s.syncer.dueSince, undefined);
  assert.equal(s.syncer.failed, 3);
});

Deno.test("Syncer repairs what a check finds", async () => {
  await using s = await started();
  s.plane.differences = ["chain pick is missing"];
  await s.clock.advance(proxyVerifyIntervalMs);
  await s.clock.advance(0);
  assert.deepEqual(s.plane.log.slice(1), [`load ${s.all.size}`]);
  assert.equal(s.syncer.repairs, 1);
});

Deno.test("Syncer notices within seconds that everything is gone", async () => {
  await using s = await started();
  s.plane.isGone = true;
  await s.clock.advance(proxyGlanceIntervalMs);
  await s.clock.advance(0);
  assert.deepEqual(s.plane.log.slice(1), [`load ${s.all.size}`]);
  await s.clock.advance(proxyGlanceIntervalMs);
  assert.deepEqual([s.plane.log.length, s.syncer.repairs], [2, 1]);
});

Deno.test("Syncer tells the revision that its data plane follows, and none that failed", async () => {
  await using s = await started();
  s.api.revision = 2;
  s.plane.failNext = 1;
  s.syncer.mark("default/web");
  await s.clock.advance(0);
  s.api.revision = 3;
  assert.deepEqual(s.inForce, [1]);
  await s.clock.advance(proxyRetryMinMs);
  assert.deepEqual(s.inForce, [1, 3]);
});
