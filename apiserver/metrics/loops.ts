/** Control loops: their work queues (k8s.io/component-base/metrics/prometheus/workqueue), and the scheduler. */
import type { Registry } from "prom-client";
import type { LoopStats, QueueStats } from "../../lib/queue/stats.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { SchedulerStats } from "../scheduler/mod.ts";
import { sampled, sampledDistributions } from "./family.ts";

const labels = ["name"];

export function loopMetrics(registry: Registry, loops: LoopStats, now: () => Instant): void {
  const each = (read: (queue: QueueStats) => number) => () =>
    [...loops.queues].map((queue) => [[queue.name], read(queue)] as const);
  const rows: readonly [name: string, help: string, type: "gauge" | "counter", read: (queue: QueueStats) => number][] =
    [
      ["depth", "Keys that wait.", "gauge", ({ depth }) => depth],
      ["adds_total", "Keys that came.", "counter", ({ adds }) => adds],
      ["retries_total", "Keys that came again because work on them failed.", "counter", ({ retries }) => retries],
      [
        "unfinished_work_seconds",
        "Time that work which is not done has taken, added up.",
        "gauge",
        (queue) => queue.unfinished(now()).sum,
      ],
      [
        "longest_running_processor_seconds",
        "Time that the oldest work which is not done has taken.",
        "gauge",
        (queue) => queue.unfinished(now()).longest,
      ],
    ];
  for (const [name, help, type, read] of rows) {
    sampled(registry, { name: `workqueue_${name}`, help, labels, type }, each(read));
  }
  const times: readonly [string, string, "waited" | "worked"][] = [
    ["queue_duration_seconds", "Time that keys waited, in seconds.", "waited"],
    ["work_duration_seconds", "Time that work on keys took, in seconds.", "worked"],
  ];
  for (const [name, help, which] of times) {
    sampledDistributions(registry, { name: `workqueue_${name}`, help, labels }, function* () {
      for (const queue of loops.queues) yield [[queue.name], queue[which]];
    });
  }
}

/** pkg/scheduler/metrics */
export function schedulerMetrics(registry: Registry, stats: SchedulerStats): void {
  const profile = "default-scheduler";
  sampled(
    registry,
    { name: "scheduler_pending_pods", help: "Pods that wait, by queue.", labels: ["queue"] },
    () => Object.entries(stats.pending()).map(([queue, count]) => [[queue], count]),
  );
  const labels = ["result", "profile"];
  sampled(registry, {
    name: "scheduler_schedule_attempts_total",
    help: "Decisions, by what came of them.",
    labels,
    type: "counter",
  }, () => [...stats.attempts].map(([result, { count }]) => [[result, profile], count]));
  sampledDistributions(registry, {
    name: "scheduler_scheduling_attempt_duration_seconds",
    help: "Time that a decision took, in seconds.",
    labels,
  }, () => [...stats.attempts].map(([result, distribution]) => [[result, profile], distribution]));
}
