import assert from "assert";
import { FakeClock } from "../../lib/seams/clock.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import { podInfo } from "./pod_info.ts";
import { SchedulingQueue } from "./queue.ts";

const info = (uid: string, priority = 0) =>
  podInfo(
    {
      metadata: { name: uid, namespace: "default", uid },
      spec: { containers: [], priority },
      status: {},
    } as unknown as Pod,
  );

function setUp() {
  const clock = new FakeClock();
  const queue = new SchedulingQueue(clock);
  const order = () => {
    const uids: string[] = [];
    for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
      uids.push(entry.info.uid);
      queue.placed(entry);
    }
    return uids.join(" ");
  };
  return { clock, queue, order };
}

Deno.test("SchedulingQueue hands out higher priorities first, then in the order of arrival", () => {
  const { queue, order } = setUp();
  for (const [uid, priority] of [["a", 0], ["b", 5], ["c", 0], ["d", 9]] as const) queue.add(info(uid, priority));
  assert.equal(order(), "d b a c");
});

Deno.test("SchedulingQueue keeps refused pods until something changes that concerns them", () => {
  const { queue, order } = setUp();
  queue.add(info("a"));
  queue.refused(queue.pop()!, new Set(["NodeResourcesFit"]));
  assert.equal(order(), "");
  queue.changed(["NodePorts"]);
  assert.equal(order(), "");
  queue.changed(["NodeResourcesFit"], () => false);
  assert.equal(order(), "");
  queue.changed(["NodeResourcesFit"]);
  assert.equal(order(), "a");
});

Deno.test("SchedulingQueue tries every refused pod again after five minutes", async () => {
  const { clock, queue, order } = setUp();
  queue.add(info("a"));
  queue.refused(queue.pop()!, new Set(["NodeResourcesFit"]));
  await clock.advance(299_000);
  assert.equal(order(), "");
  await clock.advance(31_000);
  assert.equal(order(), "a");
});

Deno.test("SchedulingQueue backs off after errors, 1 s at first and 10 s at most", async () => {
  const { clock, queue } = setUp();
  const pod = info("a");
  queue.add(pod);
  const delays: number[] = [];
  for (let i = 0; i < 6; i++) {
    const entry = queue.pop()!;
    queue.retry(entry.info, entry.attempts);
    const from = clock.now();
    assert.equal(queue.pop(), undefined, "its time has not come");
    let waited = false;
    void queue.wait().then(() => waited = true);
    while (!waited) await clock.advance(500);
    delays.push((clock.now() - from) / 1000);
  }
  assert.deepEqual(delays, [1, 2, 4, 8, 10, 10]);
});

Deno.test("SchedulingQueue forgets pods that are removed, wherever they are", () => {
  const { queue, order } = setUp();
  for (const uid of ["a", "b", "c"]) queue.add(info(uid));
  queue.refused(queue.pop()!, new Set(["NodePorts"]));
  queue.remove("a");
  queue.remove("b");
  queue.changed("all");
  assert.equal(order(), "c");
  assert.equal(queue.size, 0);
});
