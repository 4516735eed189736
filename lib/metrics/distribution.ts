/** How often values were of which size: what a histogram is made of. Adding one costs a few comparisons and no memory. */

export class Distribution {
  /** One more than there are bounds: the last is for what is above all of them. Not added up. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  /** `bounds`: ascending, each the greatest value of its bucket. */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
    this.count++;
  }
}

/** `count` bounds from `start`, each `factor` times the one before (prometheus.ExponentialBuckets). */
export function exponentialBounds(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((start * factor ** i).toPrecision(12)));
}
