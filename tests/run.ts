/**
 * `deno task test`: everything that says whether this tree is good, step by step. Prints each step's result as it comes and, as its last
 * line, `N passed, N failed` with `, N skipped` when some were. `deno task ok` leaves out what needs hosts of its own.
 */
import { stripVTControlCharacters } from "node:util";
import { systemProcesses } from "../lib/seams/process.ts";

interface Step {
  name: string;
  command: string[];
  /** Counts its own tests in the line that `deno test` ends with. */
  counts?: true;
  /** May run beside others of this sort. */
  beside?: true;
}

interface Result {
  passed: number;
  failed: number;
  skipped: number;
}

const deno = Deno.execPath();
const test = (...paths: string[]) => [deno, "test", "--allow-all", "--quiet", "--no-check", ...paths];

const ok: Step[] = [
  { name: "format", command: [deno, "fmt", "--check", "--quiet"] },
  { name: "lint", command: [deno, "lint", "--quiet"] },
  { name: "types", command: [deno, "check", "--quiet", "."] },
  { name: "generated files are current", command: [deno, "task", "--quiet", "gen", "--check"] },
  {
    name: "unit tests",
    command: test("lib", "apiserver", "agent", "proxy", "tests/tidy", "tests/harness", "tests/integration"),
    counts: true,
  },
];

const e2e: Step[] = [...Deno.readDirSync(new URL("e2e", import.meta.url))]
  .map((entry) => entry.name).filter((name) => name.endsWith("_test.ts")).sort()
  .map((name) => ({
    name: `e2e ${name.replace("_test.ts", "")}`,
    command: test(`tests/e2e/${name}`),
    counts: true,
    beside: true,
  }));

const suites: Record<string, Step[]> = { ok, e2e, all: [...ok, ...e2e] };

/** What the names of each one's hosts begin with. */
const lanes = ["x", "y"] as const;

// deno-lint-ignore no-console
const print = (line: string) => console.log(line);

/** Runs a step and prints how it ended. `lab` begins the names of the hosts that it makes. */
async function perform({ name, command, counts }: Step, lab: string): Promise<Result> {
  const begun = performance.now();
  const { code, stdout, stderr } = await systemProcesses.run([
    "env",
    `LAB=${Deno.env.get("LAB") ?? ""}${lab}`,
    ...command,
  ]);
  const text = stripVTControlCharacters(stdout + stderr);
  const last = [...text.matchAll(/\| (\d+) passed.*?\| (\d+) failed(?:.*?\| (\d+) ignored)?/g)].at(-1);
  const result = counts && last !== undefined
    ? { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3] ?? 0) }
    : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  // A step that failed beside its tests (it did not compile, it leaked) has failed.
  if (code !== 0 && result.failed === 0) result.failed = 1;
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  const { passed, failed, skipped } = result;
  print(
    `${failed === 0 ? "ok  " : "FAIL"} ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds} s)`,
  );
  for (const line of text.split("\n")) if (/\.\.\. ignored/.test(line)) print(`     skipped: ${line.trim()}`);
  if (failed > 0) print(text);
  return result;
}

async function main(suite: string): Promise<number> {
  const steps = suites[suite];
  if (steps === undefined) throw new Error(`no suite ${JSON.stringify(suite)}: ${Object.keys(suites).join(", ")}`);
  const results: Result[] = [];
  for (const step of steps.filter(({ beside }) => !beside)) results.push(await perform(step, lanes[0]));
  const waiting = steps.filter(({ beside }) => beside);
  await Promise.all(lanes.map(async (lab) => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) results.push(await perform(step, lab));
  }));
  const sum = (of: keyof Result) => results.reduce((total, result) => total + result[of], 0);
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  print(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed === 0 ? 0 : 1;
}

Deno.exit(await main(Deno.args[0] ?? "all"));
