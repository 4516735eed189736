import assert from "assert";
import { FakeClock } from "../seams/clock.ts";
import { createQueue } from "./queue.ts";

const make = () => {
  const clock = new FakeClock();
  return { clock, queue: createQueue(clock, { baseMs: 10, maxMs: 50 }) };
};

Deno.test("next() hands out each key once, in the order in which they were added", async () => {
  const { queue } = make();
  for (const key of ["a", "b", "a"]) queue.add(key);
  assert.deepEqual([await queue.next(), await queue.next(), queue.length], ["a", "b", 0]);
});

Deno.test("done() hands a key out again that was added while it was in work, not before", async () => {
  const { queue } = make();
  queue.add("a");
  await queue.next();
  queue.add("a");
  assert.equal(queue.length, 0);
  queue.done("a");
  assert.equal(await queue.next(), "a");
  queue.done("a");
  assert.equal(queue.length, 0);
});

Deno.test("failed() brings a key back after a growing, bounded delay that done() forgets", async () => {
  const { queue, clock } = make();
  const delays = [];
  for (let i = 0; i < 5; i++) {
    queue.add("a");
    const key = await queue.next();
    delays.push(queue.failed(key!));
    await clock.advance(delays.at(-1)!);
    assert.equal(queue.length, 1);
  }
  assert.deepEqual(delays, [10, 20, 40, 50, 50]);
  queue.done((await queue.next())!);
  queue.add("a");
  await queue.next();
  assert.equal(queue.failed("a"), 10);
});

Deno.test("addAt() adds at the earliest of the wished times", async () => {
  const { queue, clock } = make();
  queue.addAt("a", clock.now() + 100);
  queue.addAt("a", clock.now() + 30);
  queue.addAt("a", clock.now() + 60);
  await clock.advance(29);
  assert.equal(queue.length, 0);
  await clock.advance(1);
  assert.equal(queue.length, 1);
  queue.done((await queue.next())!);
  await clock.advance(200);
  assert.equal(queue.length, 0);
});

Deno.test("close() ends those who wait, and nothing is handed out any more", async () => {
  const { queue, clock } = make();
  const waiting = queue.next();
  queue.addAt("a", clock.now() + 10);
  queue.close();
  await clock.advance(20);
  queue.add("b");
  assert.deepEqual([await waiting, await queue.next(), queue.length], [undefined, undefined, 0]);
});
