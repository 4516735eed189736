import assert from "assert";
import { FakeClock, rfc3339, rfc3339Micro, sleep } from "./clock.ts";

Deno.test("FakeClock runs timers in the order of their time, those that a timer makes too", async () => {
  const clock = new FakeClock(0);
  const ran: string[] = [];
  clock.after(20, () => ran.push("b"));
  clock.after(10, () => {
    ran.push("a");
    clock.after(5, () => ran.push("a+5"));
  });
  clock.after(30, () => ran.push("late"))();
  await clock.advance(100);
  assert.deepEqual([ran, clock.now(), clock.next], [["a", "a+5", "b"], 100, undefined]);
});

Deno.test("sleep() ends early when its signal aborts", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const sleeping = sleep(clock, 1000, stop.signal);
  stop.abort();
  await sleeping;
  assert.equal(clock.next, undefined);
});

Deno.test("rfc3339() has whole seconds, rfc3339Micro() six digits", () => {
  const instant = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  assert.equal(rfc3339(instant), "2026-01-02T03:04:05Z");
  assert.equal(rfc3339Micro(instant), "2026-01-02T03:04:05.678000Z");
});
