/** How a program of ours ends when it cannot go on: one line that says why, and an exit code. */
import { FlagError, HelpAsked } from "./flags.ts";

const bugs = [TypeError, RangeError, ReferenceError, SyntaxError];

/** Prints the error and ends the process: 2 for a setting that is wrong, 1 for the rest; 0 for help, which is no error. Only a bug of ours shows its stack. */
export function fail(error: unknown): never {
  if (error instanceof HelpAsked) {
    Deno.stdout.writeSync(new TextEncoder().encode(`${error.message}\n`));
    Deno.exit(0);
  }
  const text = error instanceof Error && bugs.some((bug) => error instanceof bug) ? error.stack : undefined;
  const message = text ?? (error instanceof Error ? error.message : String(error));
  Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
  Deno.exit(error instanceof FlagError ? 2 : 1);
}
