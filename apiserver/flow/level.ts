/**
 * A priority level at work: its seats, and who waits for one (k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/queueset). Queues are
 * served fairly by virtual time: the next to start is the request that would end first if all queues were served at once, at the same
 * pace. A request that finds a free seat and nobody waiting costs one look at its hand of queues.
 */
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import { flowHandsMax, flowWaitMsMax } from "../../lib/limits.ts";
import { DemandIntegral } from "./demand.ts";
import { estimatedSeconds, Queue, secondsBetween } from "./queue.ts";
import { deal, hashFlow } from "./shuffle.ts";

export type Refusal = "queue-full" | "concurrency-limit" | "time-out" | "cancelled";

export interface Queuing {
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

/** What a request holds while it runs. Ends once: later calls do nothing. */
export interface Seat {
  /** How long it waited. */
  readonly waitedMs: number;
  release(): void;
}

export interface Asked {
  readonly schema: string;
  readonly distinguisher: string;
  readonly seats: number;
  /** Where it is counted while it waits and while it runs. */
  readonly count: { waiting: number; executing: number };
}

export interface Waiting {
  readonly seats: number;
  /** Virtual time. */
  readonly arrivedAt: number;
  start(): void;
}

/** A request that waits. */
export interface Turn {
  /** A seat, or why there is none. */
  readonly comes: Promise<Seat | Refusal>;
  /** Nobody wants the answer any longer. */
  cancel(): void;
}

export class Level {
  readonly #clock: Clock;
  readonly demand: DemandIntegral;
  #seats = 0;
  #exempt = false;
  #queuing: Queuing | undefined;
  /** More than `#queuing` says while those that are too many still have requests. */
  #queues: Queue[] = [];
  #hands = new Map<string, number[]>();
  #turn = 0;
  #robin = 0;
  #virtual = 0;
  #virtualAt: Instant;
  /** Of all queues. */
  #active = 0;
  executing = 0;
  waiting = 0;
  seatsInUse = 0;
  #seatsWaiting = 0;

  constructor(readonly name: string, clock: Clock) {
    this.#clock = clock;
    this.#virtualAt = clock.now();
    this.demand = new DemandIntegral(this.#virtualAt);
  }

  get seats(): number {
    return this.#seats;
  }

  /** Queues with requests that wait or run. */
  get activeQueues(): number {
    return this.#active;
  }

  /** From now on; what runs runs on. */
  configure({ exempt, queuing }: { exempt: boolean; queuing: Queuing | undefined }): void {
    this.#exempt = exempt;
    const old = this.#queuing;
    this.#queuing = queuing;
    if (old?.queues !== queuing?.queues || old?.handSize !== queuing?.handSize) this.#hands.clear();
    while (this.#queues.length < (queuing?.queues ?? 0)) this.#queues.push(new Queue());
    this.#dropIdle();
  }

  resize(seats: number): void {
    this.#syncTime(this.#clock.now());
    this.#seats = seats;
    this.#startAll();
  }

  /** A seat at once, a turn to wait for, or why there is neither. */
  ask(asked: Asked): Seat | Turn | Refusal {
    const now = this.#clock.now();
    this.#syncTime(now);
    if (this.#exempt) return this.#run(asked, now, now, undefined);
    const queuing = this.#queuing;
    if (queuing === undefined) {
      return this.#fits(asked.seats) ? this.#run(asked, now, now, undefined) : "concurrency-limit";
    }
    const queue = this.#pick(asked, queuing);
    if (!queue.isActive) queue.nextStart = this.#virtual;
    if (this.waiting === 0 && this.#fits(asked.seats)) return this.#run(asked, now, now, queue);
    if (queue.length >= queuing.queueLengthLimit && this.seatsInUse >= this.#seats) return "queue-full";
    return this.#wait(asked, now, queue);
  }

  /** Of the flow's hand, the queue with the least work waiting. */
  #pick({ schema, distinguisher }: Asked, { queues, handSize }: Queuing): Queue {
    const flow = `${schema}\0${distinguisher}`;
    let hand = this.#hands.get(flow);
    if (hand === undefined) {
      if (this.#hands.size >= flowHandsMax) this.#hands.clear();
      hand = deal(hashFlow(schema, distinguisher), queues, handSize);
      this.#hands.set(flow, hand);
    }
    // Begun elsewhere each time: of queues that are equally empty none is preferred.
    const from = this.#turn++ % handSize;
    let best = this.#queues[hand[from]!]!;
    for (let i = 1; i < handSize && best.seatsWaiting > 0; i++) {
      const queue = this.#queues[hand[(from + i) % handSize]!]!;
      if (queue.seatsWaiting < best.seatsWaiting) best = queue;
    }
    return best;
  }

  /** A request that is wider than the level runs alone. */
  #fits(seats: number): boolean {
    return this.seatsInUse + seats <= this.#seats || this.seatsInUse === 0;
  }

  #run({ seats, count }: Asked, asked: Instant, now: Instant, queue: Queue | undefined): Seat {
    this.executing++;
    count.executing++;
    this.seatsInUse += seats;
    if (queue !== undefined) {
      if (!queue.isActive) this.#active++;
      queue.executing++;
      queue.seatsInUse += seats;
      queue.nextStart += seats * estimatedSeconds;
    }
    this.#tellDemand(now);
    let released = false;
    return {
      waitedMs: now - asked,
      release: () => {
        if (released) return;
        released = true;
        count.executing--;
        this.#end(seats, now, queue);
      },
    };
  }

  #end(seats: number, started: Instant, queue: Queue | undefined): void {
    const now = this.#clock.now();
    this.#syncTime(now);
    this.executing--;
    this.seatsInUse -= seats;
    if (queue !== undefined) {
      queue.executing--;
      queue.seatsInUse -= seats;
      // Charged with what it was taken to need; now it is known what that was.
      queue.nextStart -= seats * (estimatedSeconds - secondsBetween(started, now));
      queue.bound();
      if (!queue.isActive) this.#active--;
    }
    if (this.waiting > 0) this.#startAll();
    this.#tellDemand(now);
    if (this.#queues.length > (this.#queuing?.queues ?? 0)) this.#dropIdle();
  }

  #wait(request: Asked, asked: Instant, queue: Queue): Turn {
    const { seats, count } = request;
    const { promise, resolve } = Promise.withResolvers<Seat | Refusal>();
    const waiting: Waiting = {
      seats,
      arrivedAt: this.#virtual,
      start: () => {
        leave();
        resolve(this.#run(request, asked, this.#clock.now(), queue));
      },
    };
    const leave = () => {
      cancelTimer();
      over = true;
      queue.remove(waiting);
      this.waiting--;
      count.waiting--;
      this.#seatsWaiting -= seats;
      if (!queue.isActive) this.#active--;
    };
    let over = false;
    const giveUp = (why: Refusal) => {
      if (over) return;
      this.#syncTime(this.#clock.now());
      leave();
      this.#tellDemand(this.#clock.now());
      resolve(why);
      // What was behind it may be narrower.
      this.#startAll();
    };
    const cancelTimer = this.#clock.after(flowWaitMsMax, () => giveUp("time-out"));
    if (!queue.isActive) this.#active++;
    queue.push(waiting);
    queue.bound();
    this.waiting++;
    count.waiting++;
    this.#seatsWaiting += seats;
    this.#tellDemand(asked);
    // A free seat that others, who wait for more than one, could not take.
    this.#startAll();
    return { comes: promise, cancel: () => giveUp("cancelled") };
  }

  /** As many as there are seats for. */
  #startAll(): void {
    while (this.waiting > 0) {
      const next = this.#next();
      if (next === undefined || !this.#fits(next.seats)) return;
      next.start();
    }
  }

  /** The oldest request of the queue that would be done first. */
  #next(): Waiting | undefined {
    const count = this.#queues.length;
    let best: Waiting | undefined;
    let bestEnd = Infinity;
    let bestAt = this.#robin;
    for (let i = 1; i <= count; i++) {
      const at = (this.#robin + i) % count;
      const queue = this.#queues[at]!;
      const { oldest } = queue;
      if (oldest === undefined) continue;
      const end = queue.nextStart + oldest.seats * estimatedSeconds;
      if (end < bestEnd) [best, bestEnd, bestAt] = [oldest, end, at];
    }
    if (best !== undefined && this.#fits(best.seats)) this.#robin = bestAt;
    return best;
  }

  /** Virtual time runs at the pace at which each active queue is served. */
  #syncTime(now: Instant): void {
    const seconds = secondsBetween(this.#virtualAt, now);
    this.#virtualAt = now;
    if (seconds === 0 || this.#active === 0) return;
    this.#virtual += seconds * Math.min(this.seatsInUse + this.#seatsWaiting, this.#seats) / this.#active;
  }

  #tellDemand(now: Instant): void {
    this.demand.set(this.seatsInUse + this.#seatsWaiting, now);
  }

  #dropIdle(): void {
    const wanted = this.#queuing?.queues ?? 0;
    while (this.#queues.length > wanted && !this.#queues.at(-1)!.isActive) this.#queues.pop();
    if (this.#robin >= this.#queues.length) this.#robin = 0;
  }
}

/** Is it a request's turn that has to be waited for? */
export function isTurn(answer: Seat | Turn): answer is Turn {
  return "comes" in answer;
}
