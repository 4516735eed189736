/** Times on the wire: metav1.Time and MicroTime parsed as Go parses them, and written in UTC as Kubernetes writes them. */

/** The text is no time; the message is that of Go's time.Parse. */
export class TimeError extends Error {
  override name = "TimeError";
}

const secondsLayout = "2006-01-02T15:04:05Z07:00";
const microLayout = "2006-01-02T15:04:05.000000Z07:00";

type Step = readonly [layout: string, pattern: RegExp];
const elements: readonly Step[] = [
  ["2006", /^\d{4}/],
  ["-", /^-/],
  ["01", /^\d\d/],
  ["-", /^-/],
  ["02", /^\d\d/],
  ["T", /^T/],
  ["15", /^\d\d/],
  [":", /^:/],
  ["04", /^\d\d/],
  [":", /^:/],
  ["05", /^\d\d/],
];
const optionalFraction: Step = ["", /^(?:[.,]\d+)?/];
const microFraction: Step = [".000000", /^[.,]\d{6}/];
const zone: Step = ["Z07:00", /^(?:Z|[+-]\d\d:\d\d)/];

const utcSeconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const utcMicros = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

const daysIn = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The same time as `2026-01-02T03:04:05Z`. Throws TimeError. */
export function normalizeTime(text: string): string {
  const parsed = parse(text, secondsLayout, [...elements, optionalFraction, zone]);
  return utcSeconds.test(text) ? text : parsed.toISOString().slice(0, 19) + "Z";
}

/** The same time as `2026-01-02T03:04:05.678000Z`. Throws TimeError. */
export function normalizeMicroTime(text: string): string {
  const parsed = parse(text, microLayout, [...elements, microFraction, zone]);
  if (utcMicros.test(text)) return text;
  return `${parsed.toISOString().slice(0, 19)}.${text.slice(20, 26)}Z`;
}

function parse(text: string, layout: string, steps: readonly Step[]): Date {
  let rest = text;
  for (const [element, pattern] of steps) {
    const match = pattern.exec(rest);
    if (match === null) {
      const what = `cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`;
      throw new TimeError(`parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: ${what}`);
    }
    rest = rest.slice(match[0].length);
  }
  if (rest !== "") throw new TimeError(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`);
  checkRanges(text);
  const offset = /([+-])(\d\d):(\d\d)$/.exec(text);
  const minutes = offset === null ? 0 : (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3]));
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(number(text, 0, 4), number(text, 5, 7) - 1, number(text, 8, 10));
  date.setUTCHours(number(text, 11, 13), number(text, 14, 16) - minutes, number(text, 17, 19), 0);
  const year = date.getUTCFullYear();
  if (year < 0 || year > 9999) throw outOfRange(text, "year");
  return date;
}

const number = (text: string, from: number, to: number) => Number(text.slice(from, to));
const outOfRange = (text: string, what: string) =>
  new TimeError(`parsing time ${JSON.stringify(text)}: ${what} out of range`);

function checkRanges(text: string): void {
  const [year, month, day] = [number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)];
  if (month < 1 || month > 12) throw outOfRange(text, "month");
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day < 1 || day > daysIn[month - 1]! + (month === 2 && leap ? 1 : 0)) throw outOfRange(text, "day");
  if (number(text, 11, 13) > 23) throw outOfRange(text, "hour");
  if (number(text, 14, 16) > 59) throw outOfRange(text, "minute");
  if (number(text, 17, 19) > 59) throw outOfRange(text, "second");
}
