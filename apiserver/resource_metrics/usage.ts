/** Two looks at a counter → what is used per second between them (metrics-server's storage.resourceUsage). Pure. */
import { formatGoDuration } from "../../lib/go_duration.ts";
import { formatQuantity, quantityOf } from "../../lib/quantity.ts";
import type { ResourceUse } from "../../lib/resource_metrics.ts";
import { type Instant, rfc3339 } from "../../lib/seams/clock.ts";
import type { Point } from "./exposition.ts";

export interface Usage {
  at: Instant;
  windowMs: number;
  cpuNanoCores: number;
  memoryBytes: number;
}

/** From its start on nothing younger is measured: the work of starting is not what it uses. */
const lifeMsMin = 2_000;
/** An average over longer than this says nothing about now. */
export const windowMsMax = 2 * 60_000;

/** Undefined when the two say nothing: one look only, a clock or a counter that went back. */
export function usageBetween(previous: Point | undefined, latest: Point): Usage | undefined {
  const { at, startedMs, memoryBytes } = latest;
  const restarted = startedMs !== undefined && (previous === undefined || startedMs > previous.at);
  const since = restarted ? { at: startedMs, cpuSeconds: 0 } : previous;
  if (since === undefined) return undefined;
  const windowMs = at - since.at;
  const used = latest.cpuSeconds - since.cpuSeconds;
  if (windowMs <= 0 || windowMs > windowMsMax || used < 0 || (restarted && windowMs < lifeMsMin)) return undefined;
  return { at, windowMs, cpuNanoCores: Math.round(used / (windowMs / 1000) * 1e9), memoryBytes };
}

export function useOf({ cpuNanoCores, memoryBytes }: Usage): ResourceUse {
  return {
    cpu: formatQuantity({ nano: BigInt(cpuNanoCores), format: "DecimalSI" }),
    memory: formatQuantity(quantityOf(memoryBytes, "BinarySI")),
  };
}

/** The time and the window of what has several parts: those of the one that was looked at first. */
export function periodOf(usages: readonly Usage[]): { timestamp: string; window: string } {
  const first = usages.reduce((a, b) => b.at < a.at ? b : a);
  return { timestamp: rfc3339(first.at), window: formatGoDuration(first.windowMs) };
}
