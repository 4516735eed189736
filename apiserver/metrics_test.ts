import assert from "assert";
import { createSecured, type Secured, someone } from "../tests/harness/secured.ts";
import { serveTls } from "../tests/harness/tls_server.ts";
import { createQueue } from "../lib/queue/queue.ts";
import { LoopStats } from "../lib/queue/stats.ts";
import { FakeClock } from "../lib/seams/clock.ts";
import { ConfigMap } from "../lib/types/kinds.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { measuredStore } from "./metrics/measured_store.ts";
import { SchedulerStats } from "./scheduler/mod.ts";
import { MemoryStore } from "./storage/memory.ts";

const root = someone("root", "system:masters");
const maps = "/api/v1/namespaces/default/configmaps";

const counted = () => {
  const stats = { loops: new LoopStats(), scheduler: new SchedulerStats() };
  const none = { storageBytes: () => Promise.resolve(42), objects: () => [], watchers: () => [] };
  return { ...stats, metrics: createMetrics({ ...none, ...stats }) };
};

async function scene(run: (s: Secured & { metrics: Metrics; value: Value }) => Promise<void>): Promise<void> {
  const { metrics } = counted();
  const s = await createSecured({ parts: { metrics } });
  try {
    await run({ ...s, metrics, value: valueOf(metrics) });
  } finally {
    await s.close();
  }
}

type Value = (name: string, labels?: Record<string, string>) => Promise<number>;

/** The sum of the series of a name that have these labels. */
const valueOf = (metrics: Metrics): Value => async (name, labels = {}) => {
  let sum = 0;
  for (const line of (await metrics.text()).split("\n")) {
    const [, found, given = "", value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const all = Object.entries(labels).every(([label, wanted]) => given.includes(`${label}="${wanted}"`));
    if (found === name && all) sum += Number(value);
  }
  return sum;
};

Deno.test("requests are counted and timed under the names that dashboards ask for", async () => {
  await scene(async (s) => {
    const before = await s.value("apiserver_request_total", { verb: "CREATE", resource: "configmaps" });
    await s.as(root, "POST", maps, { metadata: { name: "a" } });
    await s.as(root, "POST", `${maps}?dryRun=All`, { metadata: { name: "b" } });
    await s.as(root, "GET", `${maps}/a`);
    await s.as(root, "GET", `${maps}/none`);
    const of = (verb: string, more = {}) =>
      s.value("apiserver_request_total", {
        verb,
        resource: "configmaps",
        version: "v1",
        component: "apiserver",
        ...more,
      });
    assert.equal(await of("CREATE", { code: "201" }) - before, 2);
    assert.equal(await of("CREATE", { dry_run: "All" }), 1);
    assert.equal(await of("GET", { scope: "resource", code: "404" }), 1);
    const get = { verb: "GET", resource: "configmaps" };
    assert.equal(await s.value("apiserver_request_duration_seconds_count", get), 2);
    assert.equal(await s.value("apiserver_request_duration_seconds_bucket", { ...get, le: "+Inf" }), 2);
    assert.equal(await s.value("apiserver_request_sli_duration_seconds_count", get), 2);
    assert.equal(await s.value("apiserver_current_inflight_requests"), 0);
  });
});

Deno.test("paths that somebody makes up make no series", async () => {
  await scene(async (s) => {
    const lines = async () => (await s.metrics.text()).split("\n").length;
    await s.as(root, "GET", "/api/v1/namespaces/default/nothing");
    await s.as(root, "GET", "/apis/no.such/v1/x/y/z");
    await s.as(root, "GET", "/no/such/path");
    const before = await lines();
    for (let i = 0; i < 100; i++) {
      await s.as(null, "GET", `/api/v1/namespaces/default/made-up-${i}`);
      await s.as(root, "GET", `/apis/made-${i}.up/v${i}/things-${i}/name/sub-${i}`);
      await s.as(root, "GET", `/api/v1/namespaces/default/pods/x/sub-${i}`);
      await s.as(root, "GET", `/made/up/${i}`);
    }
    // At most the codes and verbs of what is not known.
    assert.ok(await lines() - before < 90, `${await lines() - before} lines more`);
  });
});

Deno.test("watches are counted while they are open, and what they are sent", async () => {
  await scene(async (s) => {
    const watch = { verb: "WATCH", resource: "configmaps" };
    const open = () => s.value("apiserver_longrunning_requests", watch);
    const answer = await s.handler(new Request(`http://apiserver${maps}?watch=true`), { user: root });
    assert.equal(await open(), 1);
    await s.admin.create(ConfigMap, { metadata: { name: "a", namespace: "default" } });
    const reader = answer.body!.getReader();
    await reader.read();
    assert.equal(await s.value("apiserver_watch_events_total", { group: "", resource: "configmaps" }), 1);
    assert.ok(await s.value("apiserver_watch_events_sizes_sum", { resource: "configmaps" }) > 100);
    await reader.cancel();
    assert.equal(await open(), 0);
    assert.equal(await s.value("apiserver_request_duration_seconds_count", watch), 1);
    await s.as(root, "GET", "/api/v1/namespaces/default/pods/none/log");
    assert.equal(await s.value("apiserver_longrunning_requests"), 0, "what never began is not open");
  });
});

Deno.test("answers' sizes and the levels' seats are counted on real connections", async () => {
  await scene(async (s) => {
    const big = "x".repeat(50_000);
    await s.admin.create(ConfigMap, { metadata: { name: "big", namespace: "default" }, data: { big } });
    await s.fixture.cache.fresh();
    const server = await serveTls(s);
    try {
      await server.ask("GET", `${maps}/big`);
      const sizes = { verb: "GET", resource: "configmaps" };
      assert.equal(await s.value("apiserver_response_sizes_count", sizes), 1);
      const sum = await s.value("apiserver_response_sizes_sum", sizes);
      assert.ok(sum > 50_000 && sum < 52_000, `${sum}`);
      const exempt = { priority_level: "exempt", flow_schema: "exempt" };
      assert.equal(await s.value("apiserver_flowcontrol_dispatched_requests_total", exempt), 1);
      assert.equal(await s.value("apiserver_flowcontrol_current_executing_requests", exempt), 0);
      assert.ok(await s.value("apiserver_flowcontrol_nominal_limit_seats") > 0);
      assert.equal(await s.value("apiserver_flowcontrol_request_wait_duration_seconds_count", exempt), 1);
    } finally {
      await server.close();
    }
  });
});

Deno.test("work queues, the scheduler, the store and the process say how they are", async () => {
  const clock = new FakeClock();
  const { metrics, loops, scheduler } = counted();
  const s = await createSecured({ parts: { metrics } });
  const value = valueOf(metrics);
  try {
    const queue = createQueue(clock, undefined, loops.queue("loop"));
    const name = "loop";
    queue.add("a");
    queue.add("a");
    queue.add("b");
    assert.deepEqual([await value("workqueue_adds_total", { name }), await value("workqueue_depth", { name })], [2, 2]);
    await clock.advance(2000);
    await queue.next();
    await clock.advance(500);
    queue.done("a");
    await queue.next();
    queue.failed("b");
    assert.equal(await value("workqueue_queue_duration_seconds_sum", { name }), 4.5);
    assert.equal(await value("workqueue_work_duration_seconds_sum", { name }), 0.5);
    assert.deepEqual([await value("workqueue_retries_total", { name }), await value("workqueue_depth", { name })], [
      1,
      0,
    ]);
    queue.close();
    scheduler.pending = () => ({ active: 3, backoff: 0, unschedulable: 1 });
    scheduler.attempted("scheduled", 0.002);
    assert.equal(await value("scheduler_pending_pods", { queue: "active" }), 3);
    assert.equal(await value("scheduler_schedule_attempts_total", { result: "scheduled" }), 1);
    const store = measuredStore(new MemoryStore(), metrics.store, clock);
    const write = { resource: "x", key: "a", type: "put", expected: 0, history: "main" } as const;
    await store.write({ ...write, value: { head: "{", tail: "}" } as never });
    assert.equal(await value("etcd_request_duration_seconds_count", { operation: "create", type: "x" }), 1);
    assert.equal(await value("apiserver_storage_size_bytes"), 42);
    assert.ok(await value("process_resident_memory_bytes") > 1e6);
    assert.ok(await value("process_cpu_seconds_total") > 0);
    assert.equal(await value("kubernetes_build_info"), 1);
  } finally {
    await s.close();
  }
});
