/** The events of one watch answer: JSON objects, one a line. */
import type { KubeObject } from "../kind.ts";
import { type Status, StatusError } from "../status.ts";

export type WatchEvent<T = KubeObject> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  /** Says only how far the watch has got. */
  | { type: "BOOKMARK"; object: T };

/** Throws the Status of an ERROR event (410 Expired: list again). Ends when the server ends the watch or the signal aborts. */
export async function* watchEvents<T>(response: Response, signal: AbortSignal): AsyncIterable<WatchEvent<T>> {
  const reader = response.body!.getReader();
  // The reader is what must be told: aborting the request of a streamed answer may do nothing.
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  const decoder = new TextDecoder();
  let rest = "";
  try {
    while (!signal.aborted) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (line === "") continue;
        const event = JSON.parse(line);
        if (event.type === "ERROR") throw new StatusError(event.object as Status);
        yield event;
      }
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    await reader.cancel().catch(() => {}); // already closed: nothing is left to stop
  }
}
