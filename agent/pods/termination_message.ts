/** A container's last words: its termination log, or the end of its output when it failed and asked for that. */
import { terminationLogBytesMax, terminationLogLinesMax, terminationMessageBytesMax } from "../../lib/limits.ts";
import type { Container, Pod } from "../../lib/types/core_v1.ts";
import type { Engine } from "../engine/engine.ts";
import { type AgentDirectories, terminationLog } from "../volumes/directories.ts";
import type { Observed } from "./observed.ts";

const decoder = new TextDecoder();

export async function terminationMessage(
  pod: Pod,
  container: Container,
  ended: Observed,
  { engine, directories }: { engine: Pick<Engine, "logs">; directories: AgentDirectories },
): Promise<string> {
  const said = await head(terminationLog(directories, pod.metadata.uid, container.name, ended.attempt));
  if (said !== "" || container.terminationMessagePolicy !== "FallbackToLogsOnError" || ended.exitCode === 0) {
    return said;
  }
  let tail = "";
  for await (const { data } of engine.logs(ended.id, { tail: terminationLogLinesMax })) {
    tail = (tail + decoder.decode(data)).slice(-terminationLogBytesMax);
  }
  return tail;
}

/** Only the beginning is read, however much was written. */
async function head(path: string): Promise<string> {
  try {
    const file = await Deno.open(path, { read: true });
    try {
      const buffer = new Uint8Array(terminationMessageBytesMax);
      const length = await file.read(buffer) ?? 0;
      return decoder.decode(buffer.subarray(0, length));
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
