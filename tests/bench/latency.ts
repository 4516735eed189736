/** Times of many operations and what is told of them. */

/** The value below which `share` of them are; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export const median = (values: readonly number[]) => percentile(values, 0.5);

/** `p50 1.2, p99 8.0 ms` */
export function spread(values: readonly number[]): string {
  return spreadOf(percentile(values, 0.5), percentile(values, 0.99));
}

export function spreadOf(p50: number, p99: number): string {
  return `p50 ${short(p50)}, p99 ${short(p99)} ms`;
}

const short = (ms: number) => ms < 10 ? ms.toFixed(2) : ms.toFixed(0);
