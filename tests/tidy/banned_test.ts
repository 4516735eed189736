/** What only the seams may call, and what may not stand anywhere. */
import assert from "assert";
import { files, handWritten, isTest } from "./sources.ts";

/** Each with the reason that its user should read. */
const banned: [call: RegExp, because: string][] = [
  [/\bDate\.now\(/, "time arrives as a Clock"],
  [/\bnew Date\(\)/, "time arrives as a Clock"],
  [/\bperformance\.now\(/, "time arrives as a Clock"],
  [/\bMath\.random\(/, "chance arrives as a Random"],
  [/\bcrypto\.randomUUID\(/, "ids arrive from a Random"],
  [/(?<![.\w])set(?:Timeout|Interval)\(/, "delays arrive as a Clock"],
  [/\bDeno\.Command\b/, "programs arrive as Processes"],
  [/\bcatch\s*(?:\(\w*\))?\s*\{\s*\}/, "an error that nobody looks at"],
];

Deno.test("time, chance and processes are reached through lib/seams only", () => {
  const wrong: string[] = [];
  for (const { path, lines } of handWritten()) {
    if (path.startsWith("lib/seams/") || isTest(path)) continue;
    lines.forEach((line, i) => {
      const code = line.replace(/^\s*(?:\*|\/\/|\/\*\*).*/, "");
      for (const [call, because] of banned) {
        if (call.test(code)) wrong.push(`${path}:${i + 1}: ${line.trim()} (${because})`);
      }
    });
  }
  assert.deepEqual(wrong, []);
});

Deno.test("every dependency has a bare name in deno.json", () => {
  const wrong = handWritten().flatMap(({ path, lines }) =>
    lines.flatMap((line, i) => /from "(?:npm|jsr|https?):/.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])
  );
  assert.deepEqual(wrong, []);
});

Deno.test("every file begins with what it is for", () => {
  const wrong = handWritten().filter(({ path, text }) => !isTest(path) && !/^(?:#!.*\n)?(?:\/\*\*|\/\/)/.test(text))
    .map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

Deno.test("ARCHITECTURE.md has at most 200 lines", () => {
  const [architecture] = files("ARCHITECTURE.md");
  assert.ok(architecture !== undefined && architecture.lines.length <= 201, `${architecture?.lines.length}`);
});
