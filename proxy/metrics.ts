/** Counters in Prometheus' text format, as many as the proxy needs. */

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric as text. */
export function metricText(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels ?? {}).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

export class Histogram {
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** `bounds` rise; what is above the last counts as +Inf. */
  constructor(readonly bounds: readonly number[]) {
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    const bound = this.bounds.findIndex((upper) => value <= upper);
    if (bound >= 0) this.#counts[bound]!++;
  }

  text(name: string, help: string): string {
    let total = 0;
    const buckets = this.bounds.map((upper, i) => `${name}_bucket{le="${upper}"} ${total += this.#counts[i]!}\n`);
    return `# HELP ${name} ${help}\n# TYPE ${name} histogram\n${
      buckets.join("")
    }${name}_bucket{le="+Inf"} ${this.#count}\n` +
      `${name}_sum ${this.#sum}\n${name}_count ${this.#count}\n`;
  }
}
