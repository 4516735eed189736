/** What a benchmark found, as lines of one table: the figure, its target, a peer's figure and the ratio. Leaves out measuring. */

/** `atLeast` for what should be high (per second), `atMost` for what should be low (ms, MiB). In the figure's own unit. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

export interface Peer {
  readonly name: string;
  /** In the figure's unit. */
  readonly value: number;
  /** Measured in this run on this machine; otherwise a figure of peers.ts. */
  readonly here: boolean;
}

export interface Row {
  readonly what: string;
  readonly value: number;
  /** `/s`, `ms`, `MiB`, … */
  readonly unit: string;
  /** Further figures: `p50 1.2, p99 8.0 ms`. */
  readonly more?: string;
  readonly target?: Target;
  readonly peer?: Peer;
}

export interface Report {
  add(row: Row): void;
  /** A part, or a line of one, that cannot run here. */
  skip(what: string, why: string): void;
  /** A line of text below the last row. */
  note(text: string): void;
}

const widths = { what: 44, figure: 14, more: 40, target: 14, peer: 38 };

/** Three digits that count, thousands with a comma: `0.52`, `7.3`, `812`, `12,345`. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}

export function meets(value: number, target: Target): boolean {
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

/** How many times better than the peer: above 1 is better, whichever way is good. */
export function ratio(row: Row): number | undefined {
  if (row.peer === undefined) return undefined;
  const less = row.target === undefined ? row.unit !== "/s" : "atMost" in row.target;
  return less ? row.peer.value / row.value : row.value / row.peer.value;
}

export const heading = columns(["", "measured", "", "target", "peer (* not in this run)", "better by"]);

export function line(row: Row): string {
  const { what, value, unit, more = "", target, peer } = row;
  const wanted = target === undefined
    ? ""
    : "atLeast" in target
    ? `>= ${figure(target.atLeast)}`
    : `<= ${figure(target.atMost)}`;
  const verdict = target === undefined ? "" : meets(value, target) ? "" : "  MISSED";
  const other = peer === undefined ? "" : `${peer.name} ${figure(peer.value)}${peer.here ? "" : " *"}`;
  const better = ratio(row);
  const times = better === undefined ? "" : `${better.toFixed(2)}x`;
  return columns([what, `${figure(value)} ${unit}`, more, wanted, other, times + verdict]);
}

function columns([what, measured, more, target, peer, rest]: readonly string[]): string {
  const cells = [
    what!.padEnd(widths.what),
    measured!.padStart(widths.figure),
    more!.padEnd(widths.more),
    target!.padEnd(widths.target),
    peer!.padEnd(widths.peer),
    rest!,
  ];
  return cells.join("  ").trimEnd();
}

/** Prints each line as it comes, and counts. */
export class PrintedReport implements Report {
  readonly counts = { measured: 0, withTarget: 0, missed: 0, skipped: 0 };

  constructor(readonly print: (line: string) => void) {}

  add(row: Row): void {
    this.counts.measured++;
    if (row.target !== undefined) {
      this.counts.withTarget++;
      if (!meets(row.value, row.target)) this.counts.missed++;
    }
    this.print(line(row));
  }

  skip(what: string, why: string): void {
    this.counts.skipped++;
    this.print(`${what.padEnd(widths.what)}  not run: ${why}`);
  }

  note(text: string): void {
    this.print(`  ${text}`);
  }

  /** The last line. */
  summary(): string {
    const { measured, withTarget, missed, skipped } = this.counts;
    return `${measured} figures, ${withTarget - missed} of ${withTarget} targets met, ${skipped} not run`;
  }
}
