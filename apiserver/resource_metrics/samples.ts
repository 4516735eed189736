/**
 * What the agents say of their nodes' usage. Asked only while somebody asks for metrics, and then at most once in metricsFreshMs: nothing
 * runs when nobody looks. Who asks first, or after long, waits for a second look, since usage is the difference of two.
 */
import { getLogger } from "log";
import { metricsFirstWindowMs, metricsFreshMs, metricsScrapeMs, metricsScrapesMax } from "../../lib/limits.ts";
import { type Clock, type Instant, sleep } from "../../lib/seams/clock.ts";
import { parseSample, type Sample } from "./exposition.ts";
import { windowMsMax } from "./usage.ts";

export interface Looks {
  previous?: Sample;
  latest: Sample;
}

export interface SamplesParts {
  /** Names of the nodes that there are. */
  nodes(): readonly string[];
  /** GET of the agent's `/metrics/resource`. */
  ask(node: string, signal: AbortSignal): Promise<string>;
  clock: Clock;
}

interface Known extends Looks {
  asked: Instant;
}

const logger = getLogger(["sauropod", "apiserver", "metrics"]);

export class Samples {
  readonly #parts: SamplesParts;
  #known = new Map<string, Known>();
  #asking: Promise<void> | undefined;
  #asked: Instant | undefined;

  constructor(parts: SamplesParts) {
    this.#parts = parts;
  }

  /** By node; those that do not answer are missing. */
  async get(): Promise<ReadonlyMap<string, Looks>> {
    const now = this.#parts.clock.now();
    if (this.#asked === undefined || now - this.#asked >= metricsFreshMs) {
      this.#asking ??= this.#askAll().finally(() => this.#asking = undefined);
      await this.#asking;
    }
    return this.#known;
  }

  async #askAll(): Promise<void> {
    const { clock } = this.#parts;
    const nodes = [...this.#parts.nodes()];
    const known = new Map<string, Known>();
    const work = async () => {
      for (let node = nodes.shift(); node !== undefined; node = nodes.shift()) {
        const looks = await this.#looks(node);
        if (looks !== undefined) known.set(node, { ...looks, asked: clock.now() });
      }
    };
    await Promise.all(Array.from({ length: metricsScrapesMax }, work));
    this.#known = known;
    this.#asked = clock.now();
  }

  async #looks(node: string): Promise<Looks | undefined> {
    const { clock } = this.#parts;
    const before = this.#known.get(node);
    const young = before !== undefined && clock.now() - before.asked < windowMsMax;
    const previous = young ? before.latest : await this.#look(node);
    if (previous === undefined) return undefined;
    if (!young) await sleep(clock, metricsFirstWindowMs);
    const latest = await this.#look(node);
    return latest && { previous, latest };
  }

  async #look(node: string): Promise<Sample | undefined> {
    const { clock, ask } = this.#parts;
    const controller = new AbortController();
    const cancel = clock.after(metricsScrapeMs, () => controller.abort());
    try {
      return parseSample(await ask(node, controller.signal), clock.now());
    } catch (error) {
      logger.debug("no metrics of node {node}: {error}", { node, error: String(error) });
      return undefined;
    } finally {
      cancel();
    }
  }
}
