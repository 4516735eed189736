/** Sets of completion indexes, as a Job's status writes them: `1,3-5,7` (pkg/controller/job/indexed_job_utils.go). Pure. */

interface Range {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

/** In increasing order; neighbours are joined. */
export class IndexSet {
  private constructor(readonly ranges: readonly Range[]) {}

  static readonly empty = new IndexSet([]);

  static of(indexes: Iterable<number>): IndexSet {
    return new IndexSet(join([...indexes].map((index) => ({ from: index, to: index }))));
  }

  /** What of the text lies below `completions`; parts that are no indexes are left out: only a controller writes it. */
  static parse(text: string | undefined, completions: number): IndexSet {
    if (text === undefined || text === "") return IndexSet.empty;
    const ranges: Range[] = [];
    for (const part of text.split(",")) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part);
      if (match === null) continue;
      const from = Number(match[1]);
      const to = Math.min(Number(match[2] ?? match[1]), completions - 1);
      if (from <= to) ranges.push({ from, to });
    }
    return new IndexSet(join(ranges));
  }

  get total(): number {
    return this.ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  has(index: number): boolean {
    return this.ranges.some(({ from, to }) => from <= index && index <= to);
  }

  with(...others: readonly IndexSet[]): IndexSet {
    return new IndexSet(join([this, ...others].flatMap(({ ranges }) => ranges)));
  }

  /** How many of `other` are here. */
  common(other: IndexSet): number {
    let sum = 0;
    for (const a of this.ranges) {
      for (const b of other.ranges) sum += Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from) + 1);
    }
    return sum;
  }

  /** The first `count` indexes below `completions` that are not here. */
  missing(count: number, completions: number): number[] {
    const found: number[] = [];
    let candidate = 0;
    for (const { from, to } of [...this.ranges, { from: completions, to: completions }]) {
      for (; candidate < Math.min(from, completions) && found.length < count; candidate++) found.push(candidate);
      candidate = Math.max(candidate, to + 1);
    }
    return found;
  }

  /** Two neighbours are written with a comma, more with a hyphen. */
  toString(): string {
    return this.ranges.map(({ from, to }) => from === to ? `${from}` : `${from}${to === from + 1 ? "," : "-"}${to}`)
      .join(",");
  }
}

function join(ranges: readonly Range[]): Range[] {
  const result: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}
