/** Events that watches were sent, by resource: a number that each watch adds to. */
import { Distribution, exponentialBounds } from "../../lib/metrics/distribution.ts";

export interface WatchCount {
  events: number;
  readonly sizes: Distribution;
}

const sizes = exponentialBounds(1024, 2, 8);

export class WatchCounts {
  readonly #counts = new Map<string, WatchCount & { labels: readonly string[] }>();

  of({ group, version, plural }: { group: string; version: string; plural: string }): WatchCount {
    const key = `${group}/${version}/${plural}`;
    let count = this.#counts.get(key);
    if (count === undefined) {
      count = { labels: [group, version, plural], events: 0, sizes: new Distribution(sizes) };
      this.#counts.set(key, count);
    }
    return count;
  }

  [Symbol.iterator](): Iterator<WatchCount & { labels: readonly string[] }> {
    return this.#counts.values();
  }
}
