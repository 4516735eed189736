/** Priority levels as a table for people (k8s.io/apiserver/pkg/util/flowcontrol/apf_controller_debug.go). Pure. */
import type { FlowControl } from "./flow_control.ts";

/** Where it is asked for. */
export const dumpPath = "/debug/api_priority_and_fairness/dump_priority_levels";

const columns = [
  ...["PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests"],
  ...["DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"],
];

export function dumpPriorityLevels(flow: FlowControl): string {
  const levels = [...flow.levels].sort((a, b) => a.name < b.name ? -1 : 1);
  const rows = levels.map(({ name, work }) => {
    const sum = { dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 };
    for (const { level, waited, refused } of flow.counts) {
      if (level !== name) continue;
      sum.dispatched += waited.count;
      sum.rejected += (refused.get("queue-full") ?? 0) + (refused.get("concurrency-limit") ?? 0);
      sum.timedOut += refused.get("time-out") ?? 0;
      sum.cancelled += refused.get("cancelled") ?? 0;
    }
    const isIdle = work.waiting === 0 && work.executing === 0;
    return [name, work.activeQueues, isIdle, false, work.waiting, work.executing, ...Object.values(sum)].map(String);
  });
  const table = [columns, ...rows];
  const widths = columns.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => i === row.length - 1 ? cell : `${cell},`.padEnd(widths[i]! + 2)).join("");
  return table.map(line).join("\n") + "\n";
}
