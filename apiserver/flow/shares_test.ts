import assert from "assert";
import { FakeClock } from "../../lib/seams/clock.ts";
import { DemandIntegral } from "./demand.ts";
import { RetryAfter } from "./retry_after.ts";
import { borrow, nominalSeats, smooth } from "./shares.ts";
import { deal, hashFlow } from "./shuffle.ts";
import { mandatoryPriorityLevels, suggestedPriorityLevels } from "./suggested.ts";

Deno.test("nominalSeats() shares the seats as Kubernetes documents for its default levels", () => {
  const levels = new Map(Object.entries({ ...mandatoryPriorityLevels, ...suggestedPriorityLevels }));
  const got = Object.fromEntries(
    [...nominalSeats(levels, 600)].map(([name, { nominal, min }]) => [name, [nominal, min]]),
  );
  assert.deepEqual(got, {
    exempt: [0, 0],
    "catch-all": [13, 13],
    system: [74, 50],
    "node-high": [98, 73],
    "leader-election": [25, 25],
    "workload-high": [98, 49],
    "workload-low": [245, 24],
    "global-default": [49, 24],
  });
});

interface Told {
  nominal: number;
  lend: number;
  most?: number;
  wants: number;
  exempt?: true;
}

Deno.test("borrow() lends what is not needed, and never what is", () => {
  const table: [string, Told[], number[]][] = [
    ["idle: all keep about their own", [{ nominal: 50, lend: 0, wants: 0 }, { nominal: 50, lend: 0, wants: 0 }], [
      50,
      50,
    ]],
    ["one is busy: it borrows what the other may lend", [{ nominal: 50, lend: 25, wants: 0 }, {
      nominal: 50,
      lend: 25,
      wants: 100,
    }], [25, 75]],
    ["both are busy: each has its own", [{ nominal: 50, lend: 50, wants: 90 }, { nominal: 50, lend: 50, wants: 90 }], [
      50,
      50,
    ]],
    ["it borrows no more than it may", [{ nominal: 50, lend: 50, wants: 0 }, {
      nominal: 50,
      lend: 0,
      most: 60,
      wants: 200,
    }], [40, 60]],
    ["an exempt level that is busy leaves less", [{ nominal: 20, lend: 20, wants: 20, exempt: true }, {
      nominal: 80,
      lend: 40,
      wants: 80,
    }], [20, 80]],
    ["an exempt level that is idle lends", [{ nominal: 20, lend: 20, wants: 0, exempt: true }, {
      nominal: 80,
      lend: 40,
      wants: 100,
    }], [0, 100]],
  ];
  for (const [what, levels, seats] of table) {
    const all = levels.reduce((sum, { nominal }) => sum + nominal, 0);
    const got = borrow(levels.map(({ nominal, lend, most, wants, exempt = false }) => ({
      nominal,
      min: nominal - lend,
      max: most ?? all,
      exempt,
      highest: wants,
      smoothed: wants,
    })));
    assert.deepEqual(got, seats, what);
  }
});

Deno.test("smooth() follows a rise at once and a fall slowly", () => {
  assert.equal(smooth(10, { average: 20, deviation: 5 }), 25);
  const after = smooth(100, { average: 0, deviation: 0 });
  assert.ok(after > 97 && after < 98, `${after}`);
});

Deno.test("DemandIntegral weighs by time", () => {
  const demand = new DemandIntegral(0);
  demand.set(10, 0);
  demand.set(0, 1000);
  const first = demand.take(2000);
  assert.deepEqual([first.average, first.deviation, first.max], [5, 5, 10]);
  const second = demand.take(3000);
  assert.deepEqual([second.average, second.max], [0, 0]);
});

Deno.test("deal() deals different cards, the same for the same flow, and all of them to somebody", () => {
  const seen = new Set<number>();
  for (let i = 0; i < 500; i++) {
    const hand = deal(hashFlow("schema", `user-${i}`), 64, 6);
    assert.equal(new Set(hand).size, 6);
    assert.ok(hand.every((card) => card >= 0 && card < 64));
    assert.deepEqual(deal(hashFlow("schema", `user-${i}`), 64, 6), hand);
    hand.forEach((card) => seen.add(card));
  }
  assert.equal(seen.size, 64);
  assert.deepEqual(deal(12345n, 1, 1), [0]);
});

Deno.test("RetryAfter asks for more patience the more are refused, and for less again", () => {
  const clock = new FakeClock();
  const retry = new RetryAfter();
  let now = clock.now();
  const second = (refused: number) => {
    for (let i = 0; i < refused; i++) retry.refused(now);
    now += 1000;
  };
  for (let i = 0; i < 20; i++) second(100);
  const busy = retry.seconds;
  assert.ok(busy > 4 && busy <= 32, `${busy}`);
  for (let i = 0; i < 200; i++) {
    now += 60_000;
    second(1);
  }
  assert.equal(retry.seconds, 1);
});
