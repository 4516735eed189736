import assert from "assert";
import { CronError, type CronFields, parseCron } from "./cron.ts";

const list = (set: ReadonlySet<number>) => [...set].sort((a, b) => a - b).join(",");

Deno.test("parseCron() reads fields, steps, names and macros", () => {
  const table: [text: string, expected: string][] = [
    ["* * 1 1 *", "60 24 1 1 0,1,2,3,4,5,6 both"],
    ["*/15 0 1,15 * 1-5", "0,15,30,45 0 1,15 12 1,2,3,4,5 either"],
    ["5/20 3 ? jan-mar SUN", "5,25,45 3 31 1,2,3 0 both"],
    ["@daily", "0 0 31 12 0,1,2,3,4,5,6 both"],
    ["@monthly", "0 0 1 12 0,1,2,3,4,5,6 both"],
    ["TZ=UTC 0 0 1 * 0", "0 0 1 12 0 either"],
    ["0 0 */2 * 1", "0 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 12 1 either"],
  ];
  const some = (set: ReadonlySet<number>, all: number) => set.size === all ? `${all}` : list(set);
  for (const [text, expected] of table) {
    const fields = parseCron(text) as CronFields;
    const found = [
      some(fields.minutes, 60),
      some(fields.hours, 24),
      some(fields.daysOfMonth, 31),
      some(fields.months, 12),
      list(fields.daysOfWeek),
      fields.eitherDay ? "either" : "both",
    ];
    assert.equal(found.join(" "), expected, text);
  }
  assert.deepEqual(parseCron("@every 1h30m"), { everyMs: 5_400_000 });
  assert.deepEqual(parseCron("@every 10ms"), { everyMs: 1000 });
});

Deno.test("parseCron() says what is wrong in the words of robfig/cron", () => {
  const table: [text: string, message: string][] = [
    ["", "empty spec string"],
    ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
    ["60 * * * *", "end of range (60) above maximum (59): 60"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
    ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
    ["1/2/3 * * * *", "too many slashes: 1/2/3"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ["@often", "unrecognized descriptor: @often"],
    ["@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'],
  ];
  for (const [text, message] of table) assert.throws(() => parseCron(text), new CronError(message), text);
});
