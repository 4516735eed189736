/** For tests: the program, as `deno task start` and its like run it. */

/** Followed by a command and its flags. */
export const program: readonly string[] = [
  Deno.execPath(),
  "run",
  "--allow-all",
  "--frozen",
  "--quiet",
  "--v8-flags=--expose-gc",
  new URL("../../main.ts", import.meta.url).pathname,
];
