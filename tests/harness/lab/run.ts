/** Programs that the lab runs on the machine itself. */
import { CommandError, type Output, systemProcesses } from "../../../lib/seams/process.ts";

/** Standard output of a command that must succeed. */
export async function must(command: readonly string[], stdin?: string): Promise<string> {
  const result = await systemProcesses.run(command, { stdin });
  if (result.code !== 0) throw new CommandError(command, result);
  return result.stdout;
}

/** A command that may fail: it removes something that may be gone already. */
export async function may(command: readonly string[], stdin?: string): Promise<Output> {
  return await systemProcesses.run(command, { stdin });
}
