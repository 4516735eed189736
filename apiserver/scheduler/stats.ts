/** What the scheduler has done (pkg/scheduler/metrics). */
import { Distribution, exponentialBounds } from "../../lib/metrics/distribution.ts";

export type Result = "scheduled" | "unschedulable" | "error";

export class SchedulerStats {
  /** How long one decision took, in seconds, by what came of it. */
  readonly attempts: ReadonlyMap<Result, Distribution> = new Map(
    (["scheduled", "unschedulable", "error"] as const).map((result) => [
      result,
      new Distribution(exponentialBounds(0.001, 2, 15)),
    ]),
  );
  /** Pods that wait, by queue: active, backoff, unschedulable. */
  pending: () => Readonly<Record<string, number>> = () => ({});

  attempted(result: Result, seconds: number): void {
    this.attempts.get(result)!.observe(seconds);
  }
}
