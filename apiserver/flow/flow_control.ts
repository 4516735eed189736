/**
 * API Priority and Fairness: which priority level a request belongs to, and when it may run
 * (k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go). One per server; knows nothing of HTTP.
 */
import { flowBorrowMs } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type {
  FlowSchema,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
} from "../../lib/types/flowcontrol_v1.ts";
import { isTurn, Level, type Queuing, type Refusal, type Seat, type Turn } from "./level.ts";
import { RetryAfter } from "./retry_after.ts";
import { distinguisherOf, type FlowRequest, inOrder, matches, type Schema, schemaOf } from "./schema.ts";
import { borrow, nominalSeats, smooth } from "./shares.ts";
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from "./suggested.ts";
import { type FlowCount, FlowCounts } from "./counts.ts";

/** Where a request belongs. */
export interface Class {
  readonly schema: Schema;
  readonly level: LevelState;
}

export interface LevelState {
  readonly name: string;
  readonly uid: string;
  readonly spec: PriorityLevelConfigurationSpec;
  readonly work: Level;
  readonly retryAfter: RetryAfter;
  nominal: number;
  min: number;
  max: number;
  /** Wanted, over the last minutes. */
  smoothed: number;
  /** Wanted at the most, in the last period. */
  highest: number;
}

export interface FlowObjects {
  readonly schemas: Iterable<Pick<FlowSchema, "metadata" | "spec">>;
  readonly levels: Iterable<Pick<PriorityLevelConfiguration, "metadata" | "spec">>;
}

const none: FlowObjects = { schemas: [], levels: [] };

export class FlowControl {
  readonly counts: FlowCounts;
  readonly #clock: Clock;
  readonly #seats: number;
  #schemas: readonly Schema[] = [];
  #levels = new Map<string, LevelState>();
  #stop = () => {};

  /** `seats`: how many requests may run at once, of all levels together. Borrowing begins with start(). */
  constructor({ clock, seats }: { clock: Clock; seats: number }) {
    this.#clock = clock;
    this.#seats = seats;
    this.counts = new FlowCounts();
    this.configure(none);
  }

  get levels(): Iterable<LevelState> {
    return this.#levels.values();
  }

  get schemas(): readonly Schema[] {
    return this.#schemas;
  }

  /** What there is now. The mandatory objects are there whether or not somebody removed them; what refers to no level has no part. */
  configure(objects: FlowObjects): void {
    const specs = new Map<string, PriorityLevelConfigurationSpec>(Object.entries(mandatoryPriorityLevels));
    const uids = new Map<string, string>();
    for (const { metadata, spec } of objects.levels) {
      specs.set(metadata.name, spec);
      uids.set(metadata.name, metadata.uid ?? "");
    }
    const schemas = new Map<string, Schema>();
    for (const [name, spec] of Object.entries(mandatoryFlowSchemas)) {
      schemas.set(name, schemaOf({ metadata: { name } as FlowSchema["metadata"], spec }));
    }
    for (const object of objects.schemas) schemas.set(object.metadata.name, schemaOf(object));
    this.#schemas = inOrder(schemas.values()).filter(({ level }) => specs.has(level));
    const nominal = nominalSeats(specs, this.#seats);
    const levels = new Map<string, LevelState>();
    for (const [name, spec] of specs) {
      const before = this.#levels.get(name);
      const work = before?.work ?? new Level(name, this.#clock);
      work.configure({ exempt: spec.type === "Exempt", queuing: queuingOf(spec) });
      const seats = nominal.get(name)!;
      levels.set(name, {
        name,
        uid: uids.get(name) ?? "",
        spec,
        work,
        retryAfter: before?.retryAfter ?? new RetryAfter(),
        ...seats,
        smoothed: before?.smoothed ?? 0,
        highest: before?.highest ?? 0,
      });
    }
    this.#levels = levels;
    this.#share();
  }

  /** The schema and the level of a request. */
  classify(request: FlowRequest): Class {
    for (const schema of this.#schemas) {
      if (matches(schema, request)) return { schema, level: this.#levels.get(schema.level)! };
    }
    // Whoever is not even authenticated is in no group that catch-all names.
    const schema = this.#schemas.find(({ name }) => name === "catch-all")!;
    return { schema, level: this.#levels.get(schema.level)! };
  }

  /** A seat at once, a turn, or a refusal, which is counted. */
  ask({ schema, level }: Class, request: FlowRequest, seats: number): Seat | Turn | Refusal {
    const count = this.counts.of(level.name, schema.name);
    const distinguisher = distinguisherOf(schema, request);
    const answer = level.work.ask({ schema: schema.name, distinguisher, seats, count });
    if (typeof answer === "string") return this.#refused(count, level, answer);
    if (isTurn(answer)) return { comes: this.#awaited(count, level, answer), cancel: answer.cancel };
    count.waited.observe(0);
    return answer;
  }

  async #awaited(count: FlowCount, level: LevelState, turn: Turn): Promise<Seat | Refusal> {
    const came = await turn.comes;
    if (typeof came === "string") return this.#refused(count, level, came);
    count.waited.observe(came.waitedMs / 1000);
    return came;
  }

  #refused(count: FlowCount, level: LevelState, why: Refusal): Refusal {
    if (why !== "cancelled") level.retryAfter.refused(this.#clock.now());
    count.refused.set(why, (count.refused.get(why) ?? 0) + 1);
    return why;
  }

  /** Lends and takes back seats from now on; the answer ends it. */
  start(): () => void {
    const next = () => {
      this.#stop = this.#clock.after(flowBorrowMs, () => {
        this.adjust();
        next();
      });
    };
    next();
    return () => this.#stop();
  }

  /** Looks at what was wanted since the last time, and shares the seats out anew. */
  adjust(): void {
    const now = this.#clock.now();
    for (const level of this.#levels.values()) {
      const demand = level.work.demand.take(now);
      level.highest = demand.max;
      if (demand.ms > 0) level.smoothed = smooth(level.smoothed, demand);
    }
    this.#share();
  }

  #share(): void {
    const levels = [...this.#levels.values()];
    const seats = borrow(levels.map((level) => ({ ...level, exempt: level.spec.type === "Exempt" })));
    levels.forEach(({ work }, i) => work.resize(seats[i]!));
  }
}

function queuingOf({ limited }: PriorityLevelConfigurationSpec): Queuing | undefined {
  const queuing = limited?.limitResponse?.queuing;
  if (limited?.limitResponse?.type !== "Queue" || queuing === undefined) return undefined;
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = queuing;
  return { queues, handSize: Math.min(handSize, queues), queueLengthLimit };
}
