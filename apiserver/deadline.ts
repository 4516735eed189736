/** `?timeout=5s`: how long the client of a request waits at most (WithRequestDeadline). What was begun may still be done after that. */
import { parseGoDuration } from "../lib/go_duration.ts";
import { requestMs } from "../lib/limits.ts";
import type { Clock } from "../lib/seams/clock.ts";
import { statusError } from "../lib/status.ts";
import { afterwards, type Filter, isLongRunning } from "./filters.ts";

/** Of requests that end by themselves. The others have their `timeoutSeconds`. */
export function deadline(clock: Clock): Filter {
  return (c) => {
    const { url } = c.req.raw;
    // Parsing a query costs more than many a request's work.
    if (!url.includes("timeout=") || isLongRunning(c.get("info"))) return;
    const text = new URL(url).searchParams.get("timeout");
    if (text === null || text === "") return;
    const why = "request did not complete within requested timeout - context deadline exceeded";
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = clock.after(timeoutOf(text), () => reject(statusError("Timeout", `Timeout: ${why}`)));
    promise.catch(() => {}); // nobody need wait for it at that moment
    afterwards(c, cancel);
    c.set("expired", promise);
  };
}

function timeoutOf(text: string): number {
  const shown = JSON.stringify(text.slice(0, 50));
  const invalid = (why: string) =>
    statusError("BadRequest", `invalid timeout specified in the request URL - time: ${why} ${shown}`);
  if (/^[+-]?[\d.]+$/.test(text) && Number(text) !== 0) throw invalid("missing unit in duration");
  const ms = parseGoDuration(text);
  if (ms === undefined) throw invalid("invalid duration");
  // 0 is no wish, and nobody waits longer than the server does.
  return ms <= 0 ? requestMs : Math.min(ms, requestMs);
}
