/**
 * From what metrics recommend to what is done: stabilised over time, limited in pace, within minimum and maximum (horizontal.go:
 * normalizeDesiredReplicas, normalizeDesiredReplicasWithBehaviors). Pure: what was recommended and done before comes in and goes out.
 */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { HPAScalingRules } from "../../../lib/types/autoscaling_v2.ts";

export interface Recommendation {
  replicas: number;
  at: Instant;
}

export interface ScaleChange {
  /** Positive in both directions. */
  change: number;
  at: Instant;
}

/** Of one autoscaler; forgotten with its process, as upstream. */
export interface Memory {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly ScaleChange[];
  readonly downs: readonly ScaleChange[];
}

export interface Bounds {
  min: number;
  max: number;
  current: number;
}

/** Status "True", except of `limited`, where it is true when something was cut. */
interface Said {
  reason: string;
  message: string;
}

export interface Normalized {
  replicas: number;
  able: Said;
  limited: Said & { cut: boolean };
  recommendations: readonly Recommendation[];
}

const ready: Said = { reason: "ReadyForNewScale", message: "recommended size matches current size" };
const scaleUpStabilized: Said = {
  reason: "ScaleUpStabilized",
  message: "recent recommendations were lower than current one, applying the lowest recent recommendation",
};
const scaleDownStabilized: Said = {
  reason: "ScaleDownStabilized",
  message: "recent recommendations were higher than current one, applying the highest recent recommendation",
};
const withinRange: Said = {
  reason: "DesiredWithinRange",
  message: "the desired count is within the acceptable range",
};
const tooFast: Said = {
  reason: "ScaleUpLimit",
  message: "the desired replica count is increasing faster than the maximum scale rate",
};
const tooFastDown: Said = {
  reason: "ScaleDownLimit",
  message: "the desired replica count is decreasing faster than the maximum scale rate",
};
const tooMany: Said = {
  reason: "TooManyReplicas",
  message: "the desired replica count is more than the maximum replica count",
};
const tooFew: Said = {
  reason: "TooFewReplicas",
  message: "the desired replica count is less than the minimum replica count",
};

/** Without behaviours: at most twice as many at once, or four; down by the highest of the last window. */
export function normalize(
  desired: number,
  bounds: Bounds,
  memory: Memory,
  { windowMs, now }: { windowMs: number; now: Instant },
): Normalized {
  const recent = memory.recommendations.filter(({ at }) => at >= now - windowMs);
  const stable = Math.max(desired, ...recent.map(({ replicas }) => replicas));
  const limit = Math.max(2 * bounds.current, 4);
  const [most, why] = bounds.max > limit ? [limit, tooFast] : [bounds.max, tooMany];
  const [replicas, said] = stable < bounds.min
    ? [bounds.min, tooFew]
    : stable > most
    ? [most, why]
    : [stable, withinRange];
  return {
    replicas,
    able: stable === desired ? ready : scaleDownStabilized,
    limited: { ...said, cut: replicas !== stable },
    recommendations: [...recent, { replicas: desired, at: now }],
  };
}

/** Rules of both directions, complete: the API's defaults have filled them. */
export interface Behavior {
  up: HPAScalingRules;
  down: HPAScalingRules;
}

export function normalizeWithBehavior(
  desired: number,
  bounds: Bounds,
  memory: Memory,
  { behavior, now }: { behavior: Behavior; now: Instant },
): Normalized {
  const { current } = bounds;
  const from = ({ stabilizationWindowSeconds: seconds = 0 }: HPAScalingRules) => now - seconds * 1000;
  const [upFrom, downFrom] = [from(behavior.up), from(behavior.down)];
  const since = (at: Instant) => memory.recommendations.filter((one) => one.at > at).map(({ replicas }) => replicas);
  const lowest = Math.min(desired, ...since(upFrom));
  const highest = Math.max(desired, ...since(downFrom));
  const stable = Math.min(Math.max(current, lowest), highest);
  const limited = limit(stable, bounds, memory, { behavior, now });
  return {
    ...limited,
    able: stable === desired ? ready : desired >= current ? scaleUpStabilized : scaleDownStabilized,
    recommendations: [
      ...memory.recommendations.filter(({ at }) => at >= upFrom || at >= downFrom),
      { replicas: desired, at: now },
    ],
  };
}

function limit(
  stable: number,
  { current, min, max }: Bounds,
  memory: Memory,
  { behavior, now }: { behavior: Behavior; now: Instant },
): Pick<Normalized, "replicas" | "limited"> {
  const cut = (replicas: number, said: Said) => ({ replicas, limited: { ...said, cut: replicas !== stable } });
  if (stable > current) {
    const pace = Math.max(current, upLimit(current, behavior.up, memory, now));
    const [most, why] = max > pace ? [pace, tooFast] : [max, tooMany];
    if (stable > most) return cut(most, why);
  } else if (stable < current) {
    const pace = Math.min(current, downLimit(current, behavior.down, memory, now));
    const [least, why] = min < pace ? [pace, tooFastDown] : [min, tooFew];
    if (stable < least) return cut(least, why);
  }
  return cut(stable, withinRange);
}

/** What was there when a policy's period began. */
function atStart(current: number, periodSeconds: number, { ups, downs }: Memory, now: Instant): number {
  const changed = (changes: readonly ScaleChange[]) =>
    changes.filter(({ at }) => at > now - periodSeconds * 1000).reduce((sum, { change }) => sum + change, 0);
  return current - changed(ups) + changed(downs);
}

function upLimit(current: number, rules: HPAScalingRules, memory: Memory, now: Instant): number {
  if (rules.selectPolicy === "Disabled") return current;
  const proposed = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = atStart(current, periodSeconds, memory, now);
    // Rounded up: a percentage of few pods would never add one.
    return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return rules.selectPolicy === "Min" ? Math.min(...proposed) : Math.max(...proposed);
}

function downLimit(current: number, rules: HPAScalingRules, memory: Memory, now: Instant): number {
  if (rules.selectPolicy === "Disabled") return current;
  const proposed = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = atStart(current, periodSeconds, memory, now);
    return type === "Pods" ? start - value : Math.trunc(start * (1 - value / 100));
  });
  // The least change is the highest number.
  return rules.selectPolicy === "Min" ? Math.max(...proposed) : Math.min(...proposed);
}

/** The memory with a change of size in it, and without what no policy asks for any more. */
export function remember(
  memory: Memory,
  change: { from: number; to: number },
  { behavior, now }: { behavior: Behavior; now: Instant },
): Memory {
  const { from, to } = change;
  const kept = (changes: readonly ScaleChange[], { policies = [] }: HPAScalingRules) => {
    const longest = Math.max(0, ...policies.map(({ periodSeconds }) => periodSeconds));
    return changes.filter(({ at }) => at >= now - longest * 1000);
  };
  const one = { change: Math.abs(to - from), at: now };
  // Changes in one direction count for the limit of the other, too: kept for as long as either asks.
  const all: HPAScalingRules = { policies: [...behavior.up.policies ?? [], ...behavior.down.policies ?? []] };
  const [ups, downs] = [kept(memory.ups, all), kept(memory.downs, all)];
  return to > from ? { ...memory, ups: [...ups, one], downs } : { ...memory, ups, downs: [...downs, one] };
}
