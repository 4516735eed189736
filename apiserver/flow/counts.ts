/** What priority levels have done, as numbers that cost next to nothing to keep; apiserver/metrics makes series of them. */
import { Distribution } from "../../lib/metrics/distribution.ts";
import type { Refusal } from "./level.ts";

/** Upper bounds of waits, in seconds (apiserver_flowcontrol_request_wait_duration_seconds). */
const waitBounds: readonly number[] = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

export class FlowCount {
  /** Of those that were given a seat, in seconds. */
  readonly waited = new Distribution(waitBounds);
  readonly refused = new Map<Refusal, number>();
  /** Now. */
  waiting = 0;
  executing = 0;

  constructor(readonly level: string, readonly schema: string) {}
}

export class FlowCounts {
  readonly #all = new Map<string, Map<string, FlowCount>>();

  *[Symbol.iterator](): Iterator<FlowCount> {
    for (const schemas of this.#all.values()) yield* schemas.values();
  }

  /** Bounded by the pairs of objects that administrators made. */
  of(level: string, schema: string): FlowCount {
    let schemas = this.#all.get(level);
    if (schemas === undefined) this.#all.set(level, schemas = new Map());
    let count = schemas.get(schema);
    if (count === undefined) schemas.set(schema, count = new FlowCount(level, schema));
    return count;
  }
}
