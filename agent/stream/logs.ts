/** GET /containerLogs: a container's output as text, with the options of `kubectl logs`. */
import { type FieldError, fieldError, invalid } from "../../lib/status.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Engine, LogOptions } from "../engine/engine.ts";

export interface LogQuery {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly sinceSeconds?: number;
  /** Milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly stream: "All" | "Stdout" | "Stderr";
}

/** Reads the query as v1.PodLogOptions. Throws StatusError with all that is wrong with it, in Kubernetes' words. */
export function parseLogQuery(params: URLSearchParams): LogQuery {
  const errors: FieldError[] = [];
  const number = (name: string, least: number) => {
    const text = params.get(name);
    if (text === null || text === "") return undefined;
    const value = Number(text);
    if (!Number.isInteger(value)) errors.push(fieldError.invalid(name, text, "must be an integer"));
    else if (value < least) {
      const rule = least === 0 ? "must be greater than or equal to 0" : "must be greater than 0";
      errors.push(fieldError.invalid(name, value, rule));
    }
    return value;
  };
  const flag = (name: string) => ["true", "1"].includes(params.get(name) ?? "");
  const sinceSeconds = number("sinceSeconds", 1);
  const sinceTime = params.get("sinceTime") || undefined;
  const sinceMs = sinceTime === undefined ? undefined : Date.parse(sinceTime);
  if (sinceMs !== undefined && Number.isNaN(sinceMs)) {
    errors.push(fieldError.invalid("sinceTime", sinceTime, "must be an RFC 3339 time"));
  }
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    errors.push(fieldError.forbidden("sinceSeconds", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  }
  const stream = params.get("stream") || "All";
  if (stream !== "All" && stream !== "Stdout" && stream !== "Stderr") {
    errors.push(fieldError.notSupported("stream", stream, ["All", "Stderr", "Stdout"]));
  }
  const tailLines = number("tailLines", 0);
  if (tailLines !== undefined && stream !== "All") {
    errors.push(fieldError.forbidden("tailLines", "`tailLines` and specific `stream` are mutually exclusive for now"));
  }
  const limitBytes = number("limitBytes", 1);
  if (errors.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, "", errors);
  return {
    follow: flag("follow"),
    previous: flag("previous"),
    timestamps: flag("timestamps"),
    sinceSeconds,
    sinceMs,
    tailLines,
    limitBytes,
    stream: stream as LogQuery["stream"],
  };
}

/** The bytes of the answer. Leaving the stream ends the engine's. */
export function logStream(
  engine: Engine,
  containerId: string,
  query: LogQuery,
  clock: Clock,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const abort = new AbortController();
  const sinceMs = query.sinceMs ??
    (query.sinceSeconds === undefined ? undefined : clock.now() - query.sinceSeconds * 1000);
  const options: LogOptions = {
    follow: query.follow,
    timestamps: query.timestamps,
    tail: query.tailLines,
    sinceMs,
    stdout: query.stream !== "Stderr",
    stderr: query.stream !== "Stdout",
    signal: abort.signal,
  };
  const chunks = limited(engine.logs(containerId, options), query.limitBytes);
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      abort.abort();
      await chunks.return(undefined);
    },
  });
}

/** At most so many bytes, cut where they end. */
async function* limited(
  chunks: ReturnType<Engine["logs"]>,
  limitBytes: number | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  let left = limitBytes ?? Infinity;
  for await (const { data } of chunks) {
    const part = new Uint8Array(data.length > left ? data.subarray(0, left) : data);
    left -= part.length;
    yield part;
    if (left <= 0) return;
  }
}
