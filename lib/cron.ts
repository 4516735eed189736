/**
 * Cron schedules as CronJobs have them (github.com/robfig/cron/v3 ParseStandard, with its errors): five fields, `?` as
 * `*`, steps, names of months and days, `@daily` and the like, `@every 1h30m`. Leaves out time zones: a CronJob has a
 * field for them.
 */

/** A text that is no schedule. */
export class CronError extends Error {
  override name = "CronError";
}

export interface CronFields {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  /** From 1. */
  readonly months: ReadonlySet<number>;
  /** From 0, Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** A day must match both of its fields when one of them says `*`, either of them otherwise. */
  readonly eitherDay: boolean;
}

/** `everyMs`: at the start of whole seconds, that far apart. */
export type CronSchedule = CronFields | { readonly everyMs: number };

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];

const macros: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** Throws CronError. */
export function parseCron(text: string): CronSchedule {
  if (text === "") throw new CronError("empty spec string");
  // Without the zone, which its user refuses with words of its own.
  const zone = /^(?:TZ|CRON_TZ)=\S*(\s+|$)/.exec(text);
  const spec = (zone === null ? text : text.slice(zone[0].length)).trim();
  if (spec.startsWith("@")) return parseMacro(spec);
  const fields = spec.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== bounds.length) {
    throw new CronError(`expected exactly ${bounds.length} fields, found ${fields.length}: [${fields.join(" ")}]`);
  }
  const [minutes, hours, daysOfMonth, monthsOfYear, daysOfWeek] = fields.map((field, i) =>
    parseField(field, bounds[i]!)
  );
  return {
    minutes: minutes!.values,
    hours: hours!.values,
    daysOfMonth: daysOfMonth!.values,
    months: monthsOfYear!.values,
    daysOfWeek: daysOfWeek!.values,
    eitherDay: !daysOfMonth!.star && !daysOfWeek!.star,
  };
}

function parseMacro(text: string): CronSchedule {
  if (Object.hasOwn(macros, text)) return parseCron(macros[text]!);
  const every = "@every ";
  if (!text.startsWith(every)) throw new CronError(`unrecognized descriptor: ${text}`);
  const duration = text.slice(every.length);
  const ms = parseDuration(duration);
  if (ms === undefined) {
    const why = `time: invalid duration ${JSON.stringify(duration)}`;
    throw new CronError(`failed to parse duration ${text}: ${why}`);
  }
  // Whole seconds, one at least.
  return { everyMs: Math.max(1000, Math.trunc(ms / 1000) * 1000) };
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** `1h30m`, as Go's time.ParseDuration. */
function parseDuration(text: string): number | undefined {
  const match = /^([-+]?)((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|ms|s|m|h))+$/.exec(text);
  if (match === null || text.length > 100) return text === "0" ? 0 : undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ns|us|µs|ms|s|m|h)/g)) ms += Number(amount) * unitMs[unit!]!;
  return match[1] === "-" ? -ms : ms;
}

interface Parsed {
  readonly values: ReadonlySet<number>;
  /** Says `*` or `?`, without a step. */
  readonly star: boolean;
}

function parseField(text: string, of: Bounds): Parsed {
  const values = new Set<number>();
  let star = false;
  for (const expression of text.split(",").filter((part) => part !== "")) {
    const range = parseRange(expression, of);
    for (let value = range.start; value <= range.end; value += range.step) values.add(value);
    star ||= range.star;
  }
  return { values, star };
}

function parseRange(text: string, of: Bounds): { start: number; end: number; step: number; star: boolean } {
  const [span, step, ...slashes] = text.split("/");
  const [low, high, ...hyphens] = span!.split("-");
  let star = low === "*" || low === "?";
  let [start, end] = [of.min, of.max];
  if (!star) {
    start = intOrName(low!, of);
    if (hyphens.length > 0) throw new CronError(`too many hyphens: ${text}`);
    end = high === undefined ? start : intOrName(high, of);
  }
  let by = 1;
  if (slashes.length > 0) throw new CronError(`too many slashes: ${text}`);
  if (step !== undefined) {
    by = integer(step);
    // `N/step` is `N-max/step`.
    if (high === undefined) end = of.max;
    if (by > 1) star = false;
  }
  if (start < of.min) throw new CronError(`beginning of range (${start}) below minimum (${of.min}): ${text}`);
  if (end > of.max) throw new CronError(`end of range (${end}) above maximum (${of.max}): ${text}`);
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (by === 0) throw new CronError(`step of range should be a positive number: ${text}`);
  return { start, end, step: by, star };
}

function intOrName(text: string, { names, min }: Bounds): number {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  return index >= 0 ? index + min : integer(text);
}

function integer(text: string): number {
  if (!/^[-+]?[0-9]{1,9}$/.test(text)) {
    const why = `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
    throw new CronError(`failed to parse int from ${text}: ${why}`);
  }
  const value = Number(text);
  if (value < 0) throw new CronError(`negative number (${value}) not allowed: ${text}`);
  return value;
}
