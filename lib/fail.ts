/** How a program of ours ends when it cannot go on: one line that says why, and an exit code. */
import { FlagError } from "./flags.ts";

const bugs = [TypeError, RangeError, ReferenceError, SyntaxError];

/** Prints the error and ends the process: 2 for a setting that is wrong, 1 for the rest. Only a bug of ours shows its stack. */
export function fail(error: unknown): never {
  const text = error instanceof Error && bugs.some((bug) => error instanceof bug) ? error.stack : undefined;
  const message = text ?? (error instanceof Error ? error.message : String(error));
  Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
  Deno.exit(error instanceof FlagError ? 2 : 1);
}
