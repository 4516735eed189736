/** Sets of indexes of a Job as text: `1,3-5,7`, in increasing order (pkg/apis/batch/validation). */

/** The text is no such set; the message says why, in Kubernetes' words. */
export class IndexRangeError extends Error {
  override name = "IndexRangeError";
}

export interface IndexRange {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

/** All indexes must be below `completions`. Throws IndexRangeError. */
export function parseIndexRanges(text: string, completions: number): IndexRange[] {
  if (text === "") return [];
  const ranges: IndexRange[] = [];
  for (const part of text.split(",")) {
    const range = parseRange(part, completions);
    const last = ranges.at(-1);
    if (last !== undefined && last.to >= range.from) throw order(last.to, range.from);
    ranges.push(range);
  }
  return ranges;
}

export function indexCount(ranges: readonly IndexRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** The first index that is in both sets. */
export function commonIndex(a: readonly IndexRange[], b: readonly IndexRange[]): number | undefined {
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i]!, b[j]!];
    if (x.from <= y.to && y.from <= x.to) return Math.max(x.from, y.from);
    if (x.from <= y.from) i++;
    else j++;
  }
  return undefined;
}

/** What of a text is right: a wrong part is somebody else's error. */
export function readableRanges(text: string, completions: number): IndexRange[] {
  return (text === "" ? [] : text.split(",")).flatMap((part) => {
    try {
      return [parseRange(part, completions)];
    } catch (error) {
      if (error instanceof IndexRangeError) return [];
      throw error;
    }
  });
}

function parseRange(text: string, completions: number): IndexRange {
  const limits = text.split("-");
  if (limits.length > 2) {
    const rule = "an index interval can have at most two parts separated by '-'";
    throw new IndexRangeError(`the fragment ${JSON.stringify(text)} violates the requirement that ${rule}`);
  }
  const [from, to] = limits.map((limit) => parseIndex(limit, completions));
  if (to !== undefined && from! >= to) throw order(from!, to);
  return { from: from!, to: to ?? from! };
}

function parseIndex(text: string, completions: number): number {
  if (!/^\+?[0-9]{1,15}$/.test(text)) {
    throw new IndexRangeError(`cannot convert string to integer for index: ${JSON.stringify(text)}`);
  }
  const index = Number(text);
  if (index >= completions) throw new IndexRangeError(`too large index: ${JSON.stringify(text)}`);
  return index;
}

const order = (previous: number, current: number) =>
  new IndexRangeError(`non-increasing order, previous: ${previous}, current: ${current}`);
