/**
 * Series that are counted at every request. prom-client finds a series by sorting and joining its labels each time, which costs more than
 * what is counted; here it is found once and kept by who counts. The registry sees what it sees of its own.
 */
import type { Metric, Registry } from "prom-client";
import { Distribution } from "../../lib/metrics/distribution.ts";

export interface Described {
  name: string;
  help: string;
  labels: readonly string[];
}

interface Value {
  value: number;
  labels: Record<string, string | number>;
  metricName?: string;
}

/** A series that only grows. */
export interface Count {
  value: number;
}

function register(registry: Registry, { name, help }: Described, type: string, values: () => Iterable<Value>): void {
  const get = () => Promise.resolve({ name, help, type, values: [...values()], aggregator: "sum" });
  registry.registerMetric({ name, get } as unknown as Metric);
}

function labelled(labels: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ""]));
}

/** Counters, or gauges, of one name. */
export class Counts {
  readonly #series = new Map<string, { labels: Record<string, string>; count: Count }>();

  constructor(registry: Registry, readonly described: Described, type: "counter" | "gauge" = "counter") {
    register(registry, described, type, () => this.#values());
  }

  /** The series with these labels' values, to be kept. */
  of(...values: string[]): Count {
    const key = values.join("\0");
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels: labelled(this.described.labels, values), count: { value: 0 } };
      this.#series.set(key, series);
    }
    return series.count;
  }

  *#values(): Iterable<Value> {
    for (const { labels, count } of this.#series.values()) yield { labels, value: count.value };
  }
}

/** Histograms of one name. */
export class Distributions {
  readonly #series = new Map<string, { labels: Record<string, string>; distribution: Distribution }>();

  constructor(registry: Registry, readonly described: Described, readonly bounds: readonly number[]) {
    register(registry, described, "histogram", () => this.#values());
  }

  of(...values: string[]): Distribution {
    const key = values.join("\0");
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels: labelled(this.described.labels, values), distribution: new Distribution(this.bounds) };
      this.#series.set(key, series);
    }
    return series.distribution;
  }

  *#values(): Iterable<Value> {
    for (const { labels, distribution } of this.#series.values()) {
      yield* bucketsOf(this.described.name, labels, distribution);
    }
  }
}

function* bucketsOf(name: string, labels: Record<string, string>, distribution: Distribution): Iterable<Value> {
  let sum = 0;
  for (const [i, bound] of distribution.bounds.entries()) {
    sum += distribution.counts[i]!;
    yield { metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: sum };
  }
  yield { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: distribution.count };
  yield { metricName: `${name}_sum`, labels, value: distribution.sum };
  yield { metricName: `${name}_count`, labels, value: distribution.count };
}

/** Counters or gauges that are read where they are kept, when somebody asks. */
export function sampled(
  registry: Registry,
  described: Described & { type?: "counter" | "gauge" },
  read: () => Iterable<readonly [labels: readonly string[], value: number]>,
): void {
  register(registry, described, described.type ?? "gauge", function* () {
    for (const [values, value] of read()) yield { labels: labelled(described.labels, values), value };
  });
}

/** Histograms that are kept elsewhere. */
export function sampledDistributions(
  registry: Registry,
  described: Described,
  read: () => Iterable<readonly [labels: readonly string[], distribution: Distribution]>,
): void {
  register(registry, described, "histogram", function* () {
    for (const [values, distribution] of read()) {
      yield* bucketsOf(described.name, labelled(described.labels, values), distribution);
    }
  });
}
