/** What priority levels have done, as numbers that cost next to nothing to keep; apiserver/metrics makes series of them. */
import type { Refusal } from "./level.ts";

/** Upper bounds of waits, in seconds (apiserver_flowcontrol_request_wait_duration_seconds). */
export const waitBuckets: readonly number[] = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

export interface FlowCount {
  readonly level: string;
  readonly schema: string;
  started: number;
  /** Of those that started: how many waited so long, one more than there are bounds. */
  readonly waits: number[];
  waitSeconds: number;
  readonly refused: Map<Refusal, number>;
}

export class FlowCounts {
  readonly #all = new Map<string, Map<string, FlowCount>>();

  started(level: string, schema: string, waitedSeconds: number): void {
    const count = this.#of(level, schema);
    count.started++;
    count.waitSeconds += waitedSeconds;
    let bucket = 0;
    while (bucket < waitBuckets.length && waitedSeconds > waitBuckets[bucket]!) bucket++;
    count.waits[bucket]!++;
  }

  refused(level: string, schema: string, why: Refusal): void {
    const { refused } = this.#of(level, schema);
    refused.set(why, (refused.get(why) ?? 0) + 1);
  }

  *[Symbol.iterator](): Iterator<FlowCount> {
    for (const schemas of this.#all.values()) yield* schemas.values();
  }

  /** Bounded by the pairs of objects that administrators made. */
  #of(level: string, schema: string): FlowCount {
    let schemas = this.#all.get(level);
    if (schemas === undefined) this.#all.set(level, schemas = new Map());
    let count = schemas.get(schema);
    if (count === undefined) {
      const waits = new Array<number>(waitBuckets.length + 1).fill(0);
      schemas.set(schema, count = { level, schema, started: 0, waits, waitSeconds: 0, refused: new Map() });
    }
    return count;
  }
}
