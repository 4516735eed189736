/**
 * How the server's seats are shared out among priority levels, and how levels lend to each other what they don't need
 * (k8s.io/apiserver/pkg/util/flowcontrol: apf_controller.go, conc_alloc.go). Pure.
 */
import type { PriorityLevelConfigurationSpec } from "../../lib/types/flowcontrol_v1.ts";

/** Seats of a level. */
export interface Nominal {
  readonly nominal: number;
  /** What is left when it has lent all that it may. */
  readonly min: number;
  /** What it has when it has borrowed all that it may. */
  readonly max: number;
}

/** Seats by the level's name: each level's share of `seats`, rounded up. */
export function nominalSeats(
  levels: ReadonlyMap<string, PriorityLevelConfigurationSpec>,
  seats: number,
): Map<string, Nominal> {
  const sharesOf = (spec: PriorityLevelConfigurationSpec) =>
    (spec.limited ?? spec.exempt)?.nominalConcurrencyShares ?? 0;
  let all = 0;
  for (const spec of levels.values()) all += sharesOf(spec);
  const shared = new Map<string, Nominal>();
  for (const [name, spec] of levels) {
    const nominal = all === 0 ? 0 : Math.ceil(seats * sharesOf(spec) / all);
    const lendable = Math.round(nominal * ((spec.limited ?? spec.exempt)?.lendablePercent ?? 0) / 100);
    const borrowable = spec.limited?.borrowingLimitPercent;
    const max = borrowable === undefined ? Math.max(seats, nominal) : nominal + Math.round(nominal * borrowable / 100);
    shared.set(name, { nominal, min: nominal - lendable, max });
  }
  return shared;
}

export interface Borrower extends Nominal {
  readonly exempt: boolean;
  /** The most seats that it wanted of late. */
  readonly highest: number;
  /** How many it wanted of late, smoothed. */
  readonly smoothed: number;
}

/**
 * Seats of now, in the levels' order. Nobody gets less than it wants of its own, nor more than it may borrow; what is left is shared
 * in proportion to what is wanted.
 */
export function borrow(levels: readonly Borrower[]): number[] {
  // "What it had and needed": a level that is busy keeps its own seats.
  const needs = levels.map(({ min, nominal, highest }) => Math.max(min, Math.min(nominal, Math.round(highest))));
  let seats = 0;
  levels.forEach(({ nominal, exempt }, i) => seats += nominal - (exempt ? needs[i]! : 0));
  const others = levels.map((level, i) => ({ level, need: needs[i]!, i })).filter(({ level }) => !level.exempt);
  const given = [...needs];
  const minSum = sum(others.map(({ level }) => level.min));
  const needSum = sum(others.map(({ need }) => need));
  if (seats <= minSum) { for (const { level, i } of others) given[i] = level.min; }
  else if (seats <= needSum) {
    const part = (seats - minSum) / (needSum - minSum);
    for (const { level, need, i } of others) given[i] = level.min + Math.round((need - level.min) * part);
  } else {
    const fair = fairly(
      others.map(({ level, need }) => ({ least: need, most: level.max, wanted: Math.max(need, level.smoothed) })),
      seats,
    );
    others.forEach(({ i }, at) => given[i] = Math.round(fair[at]!));
  }
  return given;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

interface Claimant {
  readonly least: number;
  readonly most: number;
  readonly wanted: number;
}

/** `factor × wanted` for each, held within its bounds, with the one factor at which all seats are given away. */
function fairly(claimants: readonly Claimant[], seats: number): number[] {
  // Who wanted nothing is counted with a little, so that it may hold what nobody else can.
  const at = (factor: number) =>
    claimants.map(({ least, most, wanted }) => Math.min(most, Math.max(least, factor * Math.max(wanted, 1e-3))));
  let [low, high] = [0, 1];
  const all = sum(claimants.map(({ most }) => most));
  if (all <= seats) return claimants.map(({ most }) => most);
  while (sum(at(high)) < seats) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (sum(at(middle)) < seats) low = middle;
    else high = middle;
  }
  return at(high);
}

/** Of the old smoothed demand: one ten-second period weighs 2.3 %, so that a level keeps for minutes what it needed once. */
const smoothing = 0.977;

/** A rise counts at once, a fall slowly. */
export function smooth(before: number, demand: { average: number; deviation: number }): number {
  const envelope = demand.average + demand.deviation;
  return Math.max(envelope, smoothing * before + (1 - smoothing) * envelope);
}
