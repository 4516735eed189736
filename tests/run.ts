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
  .map((name) => ({ name: `e2e ${name.replace("_test.ts", "")}`, command: test(`tests/e2e/${name}`), counts: true }));

const suites: Record<string, Step[]> = { ok, e2e, all: [...ok, ...e2e] };

// deno-lint-ignore no-console
const print = (line: string) => console.log(line);

async function main(suite: string): Promise<number> {
  const steps = suites[suite];
  if (steps === undefined) throw new Error(`no suite ${JSON.stringify(suite)}: ${Object.keys(suites).join(", ")}`);
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, command, counts } of steps) {
    const begun = performance.now();
    const { code, stdout, stderr } = await systemProcesses.run(command);
    const text = stripVTControlCharacters(stdout + stderr);
    const last = [...text.matchAll(/\| (\d+) passed.*?\| (\d+) failed(?:.*?\| (\d+) ignored)?/g)].at(-1);
    const result = counts && last !== undefined
      ? { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3] ?? 0) }
      : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
    // A step that failed beside its tests (it did not compile, it leaked) has failed.
    if (code !== 0 && result.failed === 0) result.failed = 1;
    sum.passed += result.passed;
    sum.failed += result.failed;
    sum.skipped += result.skipped;
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    print(
      `${
        result.failed === 0 ? "ok  " : "FAIL"
      } ${name}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped (${seconds} s)`,
    );
    for (const line of text.split("\n")) if (/\.\.\. ignored/.test(line)) print(`     skipped: ${line.trim()}`);
    if (result.failed > 0) print(text);
  }
  print(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ""}`);
  return sum.failed === 0 ? 0 : 1;
}

Deno.exit(await main(Deno.args[0] ?? "all"));
