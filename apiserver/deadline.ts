/** `?timeout=5s`: how long the client of a request waits at most (WithRequestDeadline). What was begun may still be done after that. */
import { parseGoDuration } from "../lib/go_duration.ts";
import { requestMs } from "../lib/limits.ts";
import type { Clock } from "../lib/seams/clock.ts";
import { statusError } from "../lib/status.ts";
import { type Filter, isLongRunning } from "./filters.ts";

/** Of requests that end by themselves. The others have their `timeoutSeconds`. */
export function deadline(clock: Clock): Filter {
  return async (c, next) => {
    const { url } = c.req.raw;
    // Parsing a query costs more than many a request's work.
    if (!url.includes("timeout=") || isLongRunning(c.get("info"))) return await next();
    const text = new URL(url).searchParams.get("timeout");
    if (text === null || text === "") return await next();
    const timeout = timeoutOf(text);
    let cancel = () => {};
    const expired = new Promise<"late">((resolve) => {
      cancel = clock.after(timeout, () => resolve("late"));
    });
    try {
      if (await Promise.race([next(), expired]) !== "late") return;
    } finally {
      cancel();
    }
    const why = "request did not complete within requested timeout - context deadline exceeded";
    throw statusError("Timeout", `Timeout: ${why}`);
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
