/** Small files, small functions. */
import assert from "assert";
import { handWritten, isTest, type Source } from "./sources.ts";

const fileLinesMax = 800;
const functionLinesMax = 70;
const medianLinesMax = 120;

/** First and last line of each function, found by the formatter's own layout: what opens at an indentation closes at it. */
function functions({ lines }: Source): { name: string; from: number; length: number }[] {
  const found = [];
  for (let i = 0; i < lines.length; i++) {
    const start =
      /^(\s*)(?:export )?(?:default )?(?:async )?(?:function\*? (\w+)|(?:static |override |private |#)*(?:async )?\*?([#\w]+)\(.*\{$)/
        .exec(lines[i]!);
    const name = start?.[2] ?? start?.[3];
    if (
      start === null || name === undefined ||
      ["if", "for", "while", "switch", "catch", "test", "describe"].includes(name)
    ) continue;
    const closes = new Set([`${start[1]}}`, `${start[1]}},`, `${start[1]}};`, `${start[1]}});`]);
    const end = lines.findIndex((line, at) => at > i && closes.has(line));
    if (end > i) found.push({ name, from: i + 1, length: end - i + 1 });
  }
  return found;
}

Deno.test("no file is longer than 800 lines", () => {
  const long = handWritten().filter(({ lines }) => lines.length > fileLinesMax).map(({ path, lines }) =>
    `${path}: ${lines.length}`
  );
  assert.deepEqual(long, []);
});

Deno.test("no function is longer than 70 lines", () => {
  const long = handWritten().filter(({ path }) => !isTest(path)).flatMap((source) =>
    functions(source).filter(({ length }) => length > functionLinesMax).map((f) =>
      `${source.path}:${f.from} ${f.name}: ${f.length}`
    )
  );
  assert.deepEqual(long, []);
});

Deno.test("the median file is small", () => {
  const lengths = handWritten().filter(({ path }) => !isTest(path)).map(({ lines }) => lines.length).sort((a, b) =>
    a - b
  );
  const median = lengths[Math.floor(lengths.length / 2)]!;
  assert.ok(median <= medianLinesMax, `median ${median}`);
});
