import assert from "assert";
import { flowWaitMsMax } from "../../lib/limits.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { isTurn, Level, type Queuing, type Refusal, type Seat, type Turn } from "./level.ts";

const queuing = { queues: 16, handSize: 4, queueLengthLimit: 10 };

function scene(seats: number, options: { queuing?: Queuing; exempt?: boolean } = { queuing }) {
  const clock = new FakeClock();
  const level = new Level("l", clock);
  level.configure({ exempt: options.exempt ?? false, queuing: options.queuing });
  level.resize(seats);
  const count = { waiting: 0, executing: 0 };
  const ask = (flow: string, wide = 1) => level.ask({ schema: "s", distinguisher: flow, seats: wide, count });
  return { clock, level, ask, count };
}

function seat(answer: Seat | Turn | Refusal): Seat {
  assert.ok(typeof answer !== "string" && !isTurn(answer), `a seat at once, not ${JSON.stringify(answer)}`);
  return answer;
}

function turn(answer: Seat | Turn | Refusal): Turn {
  assert.ok(typeof answer !== "string" && isTurn(answer), `a turn, not ${JSON.stringify(answer)}`);
  return answer;
}

Deno.test("Level.ask() gives seats while there are any, then turns, then refuses", async () => {
  const { level, ask } = scene(2);
  const [a, b] = [seat(ask("bob")), seat(ask("bob"))];
  const turns: Turn[] = [];
  for (let answer = ask("bob"); answer !== "queue-full"; answer = ask("bob")) turns.push(turn(answer));
  assert.equal(turns.length, 40, "the flow's four queues are full");
  assert.equal(level.executing, 2);
  assert.equal(level.waiting, 40);
  a.release();
  a.release();
  assert.equal(level.executing, 2, "the next one has started, and a seat is given back once");
  const first = await Promise.race(turns.map(({ comes }) => comes));
  assert.ok(typeof first !== "string");
  b.release();
  assert.equal(level.waiting, 38);
});

Deno.test("Level.ask() lets nobody wait where waiting is not offered", () => {
  const { ask } = scene(1, { queuing: undefined });
  const one = seat(ask("bob"));
  assert.equal(ask("eve"), "concurrency-limit");
  one.release();
  seat(ask("eve"));
});

Deno.test("Level.ask() has a seat for everybody where nobody is limited", () => {
  const { level, ask } = scene(0, { exempt: true });
  const seats = Array.from({ length: 100 }, (_, i) => seat(ask(`${i}`)));
  seats.forEach(({ release }) => release());
  assert.equal(level.executing, 0);
});

Deno.test("a turn that does not come in time is over, and so is one that nobody waits for", async () => {
  const { clock, level, ask } = scene(1);
  const running = seat(ask("bob"));
  const late = turn(ask("bob"));
  const gone = turn(ask("eve"));
  gone.cancel();
  gone.cancel();
  assert.equal(await gone.comes, "cancelled");
  await clock.advance(flowWaitMsMax);
  assert.equal(await late.comes, "time-out");
  assert.equal(level.waiting, 0);
  running.release();
  seat(ask("bob")).release();
});

/** Runs requests of equal length one after the other on one seat; the flows in the order in which they were served. */
async function served(
  ask: (flow: string) => Seat | Turn | Refusal,
  clock: FakeClock,
  flows: string[],
): Promise<string[]> {
  const order: string[] = [];
  let running = seat(ask("first"));
  let next: Seat | undefined;
  const all = flows.map(async (flow) => {
    const came = await turn(ask(flow)).comes;
    assert.ok(typeof came !== "string");
    order.push(flow);
    next = came;
  });
  for (let i = 0; i < flows.length; i++) {
    await clock.advance(10);
    running.release();
    await clock.advance(0);
    running = next!;
  }
  running.release();
  await Promise.all(all);
  return order;
}

Deno.test("a flow that asks for little is served soon, however much another one asks for", async () => {
  const { clock, ask } = scene(1, { queuing: { queues: 64, handSize: 6, queueLengthLimit: 50 } });
  const flows = [...Array.from({ length: 60 }, () => "greedy"), "modest", "modest"];
  const order = await served(ask, clock, flows);
  const at = order.map((flow, i) => flow === "modest" ? i : -1).filter((i) => i >= 0);
  assert.ok(at[0]! <= 8, `after ${at[0]} of 60: at most one of each queue of the greedy flow's hand goes first`);
  assert.ok(at[1]! <= 16, `${at[1]}`);
});

Deno.test("the heads of a flow's queue are served in the order in which they came", async () => {
  const { clock, ask } = scene(1, { queuing: { queues: 1, handSize: 1, queueLengthLimit: 50 } });
  const flows = Array.from({ length: 20 }, (_, i) => `${i}`);
  assert.deepEqual(await served(ask, clock, flows), flows);
});

Deno.test("a wide request waits for its seats, and is not passed by narrow ones", async () => {
  const { ask } = scene(4, { queuing: { queues: 1, handSize: 1, queueLengthLimit: 50 } });
  const running = [seat(ask("a")), seat(ask("a"))];
  const wide = turn(ask("b", 4));
  const narrow = turn(ask("c"));
  running[0]!.release();
  running[1]!.release();
  const got = await wide.comes;
  assert.ok(typeof got !== "string");
  got.release();
  assert.ok(typeof await narrow.comes !== "string");
});

Deno.test("a request wider than its level runs alone", () => {
  const { ask } = scene(2);
  const wide = seat(ask("a", 10));
  const other = turn(ask("b"));
  wide.release();
  void other.comes;
});

Deno.test("Level.configure() and resize() count at once, and lose nobody who waits", async () => {
  const { level, ask } = scene(1);
  const running = seat(ask("a"));
  const turns = Array.from({ length: 8 }, (_, i) => turn(ask(`${i}`)));
  level.configure({ exempt: false, queuing: { queues: 2, handSize: 1, queueLengthLimit: 5 } });
  level.resize(4);
  assert.equal(level.executing, 4);
  level.configure({ exempt: false, queuing: undefined });
  assert.equal(ask("z"), "concurrency-limit");
  running.release();
  const seats: Seat[] = [];
  for (const { comes } of turns) {
    const came = await Promise.race([comes, Promise.resolve("not yet" as const)]);
    if (typeof came !== "string") seats.push(came);
  }
  while (seats.length > 0) {
    seats.pop()!.release();
    await Promise.resolve();
    if (seats.length === 0 && level.executing > 0) {
      for (const { comes } of turns) {
        const came = await Promise.race([comes, Promise.resolve(undefined)]);
        if (came !== undefined && typeof came !== "string") seats.push(came);
      }
    }
    if (level.executing === 0) break;
  }
  assert.deepEqual([level.waiting, level.executing, level.seatsInUse], [0, 0, 0]);
});

Deno.test("a level's books are balanced after any sequence of requests", async () => {
  const { clock, level, ask, count } = scene(5);
  const open: Seat[] = [];
  let seed = 7;
  const chance = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
  const comings: Promise<unknown>[] = [];
  for (let i = 0; i < 3000; i++) {
    const answer = ask(`u${chance(10)}`, 1 + chance(3));
    if (typeof answer !== "string") {
      if (isTurn(answer)) {
        comings.push(answer.comes.then((came) => typeof came === "string" || open.push(came)));
        if (chance(10) === 0) answer.cancel();
      } else open.push(answer);
    }
    if (chance(3) > 0) open.splice(chance(open.length + 1), 1)[0]?.release();
    if (i % 7 === 0) await clock.advance(chance(50));
    assert.ok(level.seatsInUse <= 5 || level.executing === 1, `${level.seatsInUse} seats in use`);
  }
  for (;;) {
    await clock.advance(1);
    if (open.length === 0) break;
    open.pop()!.release();
  }
  await Promise.all(comings);
  assert.deepEqual([level.waiting, level.executing, level.seatsInUse], [0, 0, 0]);
  assert.deepEqual(count, { waiting: 0, executing: 0 });
  seat(ask("x")).release();
});
