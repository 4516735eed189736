/** Durations as Go writes them (time.Duration.String and ParseDuration): `1m2.5s`, the form of metav1.Duration. Whole milliseconds. */

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  "µs": 1e-3,
  ns: 1e-6,
};

/** `1h0m3.25s`, `250ms`, `0s`. */
export function formatGoDuration(ms: number): string {
  const whole = Math.round(Math.abs(ms));
  const sign = ms < 0 && whole > 0 ? "-" : "";
  if (whole === 0) return "0s";
  if (whole < 1000) return `${sign}${whole}ms`;
  const [hours, minutes] = [Math.floor(whole / unitMs.h!), Math.floor(whole / unitMs.m!) % 60];
  const seconds = `${(whole % unitMs.m!) / 1000}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

/** In milliseconds; undefined for what is no duration. */
export function parseGoDuration(text: string): number | undefined {
  const [, sign, rest = ""] = /^([+-]?)(.*)$/s.exec(text)!;
  if (rest === "0") return 0;
  if (!/^(?:\d+(?:\.\d*)?(?:h|ms|m|s|us|µs|ns))+$/.test(rest)) return undefined;
  let total = 0;
  for (const [, amount, unit] of rest.matchAll(/(\d+(?:\.\d*)?)(h|ms|m|s|us|µs|ns)/g)) {
    total += Number(amount) * unitMs[unit!]!;
  }
  return sign === "-" ? -total : total;
}
