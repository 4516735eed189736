import assert from "assert";
import { startGarbageMs } from "./limits.ts";
import { FakeClock } from "./seams/clock.ts";
import { collectAfterStart } from "./garbage.ts";

Deno.test("what a start has left behind is let go once, when there is little to do", async () => {
  const holder = globalThis as { gc?: (options: unknown) => void };
  const before = holder.gc;
  let collected = 0;
  holder.gc = () => collected++;
  try {
    let used = 0;
    const clock = new FakeClock();
    collectAfterStart(clock, () => used);
    await clock.advance(startGarbageMs / 2);
    used += startGarbageMs / 4;
    await clock.advance(startGarbageMs / 2);
    assert.equal(collected, 0, "half of a processor is at work");
    used += startGarbageMs / 100;
    await clock.advance(startGarbageMs / 2);
    assert.equal(collected, 1);
    await clock.advance(10 * startGarbageMs);
    assert.equal(collected, 1);
    holder.gc = undefined;
    collectAfterStart(clock);
    assert.equal(clock.next, undefined, "without --expose-gc nothing happens");
  } finally {
    holder.gc = before;
  }
});
