/** What the server's parts count by themselves: the audit log, watches, the store, this process. */
import process from "node:process";
import type { Registry } from "prom-client";
import type { Instant } from "../../lib/seams/clock.ts";
import type { Audit } from "../audit/audit.ts";
import type { WatchCounts } from "../rest/watch_counts.ts";
import { Distributions, sampled, sampledDistributions } from "./family.ts";

/** k8s.io/apiserver/pkg/audit/metrics.go */
export function auditMetrics(registry: Registry, audit: Audit): void {
  sampled(registry, {
    name: "apiserver_audit_event_total",
    help: "Events that were written to the audit log.",
    labels: [],
    type: "counter",
  }, () => [[[], audit.log.events]]);
  sampled(registry, {
    name: "apiserver_audit_error_total",
    help: "Events that could not be written.",
    labels: ["plugin"],
    type: "counter",
  }, () => [[["log"], audit.log.errors]]);
  sampled(registry, {
    name: "apiserver_audit_level_total",
    help: "Requests by the level at which the policy wants to know of them.",
    labels: ["level"],
    type: "counter",
  }, function* () {
    for (const [level, count] of audit.requests) yield [[level], count];
  });
}

/** k8s.io/apiserver/pkg/endpoints/metrics */
export function watchMetrics(registry: Registry, watches: WatchCounts): void {
  const labels = ["group", "version", "resource"];
  sampled(registry, {
    name: "apiserver_watch_events_total",
    help: "Events that were sent to watches.",
    labels,
    type: "counter",
  }, function* () {
    for (const { labels, events } of watches) yield [labels, events];
  });
  sampledDistributions(registry, {
    name: "apiserver_watch_events_sizes",
    help: "Bytes of events that were sent to watches.",
    labels,
  }, function* () {
    for (const { labels, sizes } of watches) yield [labels, sizes];
  });
}

/** The names of etcd's client, whose place the store has (k8s.io/apiserver/pkg/storage/etcd3/metrics). */
export class StoreMetrics {
  readonly #durations: Distributions;

  constructor(registry: Registry) {
    this.#durations = new Distributions(registry, {
      name: "etcd_request_duration_seconds",
      help: "Time that the store took, in seconds.",
      labels: ["operation", "type"],
    }, [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]);
  }

  took(operation: string, resource: string, seconds: number): void {
    this.#durations.of(operation, resource).observe(seconds);
  }
}

/** Of this process, as far as it may know it; and what it is a build of. */
export function processMetrics(
  registry: Registry,
  { version, now }: { version: Readonly<Record<string, string>>; now: () => Instant },
): void {
  const gauge = (name: string, help: string, read: () => number) =>
    sampled(registry, { name, help, labels: [] }, () => [[[], read()]]);
  const started = now() / 1000;
  gauge("process_start_time_seconds", "When this process began, in seconds since 1970.", () => started);
  gauge("process_resident_memory_bytes", "Memory of this process, in bytes.", () => Deno.memoryUsage().rss);
  gauge("process_heap_bytes", "Memory that objects use, in bytes.", () => Deno.memoryUsage().heapUsed);
  sampled(registry, {
    name: "process_cpu_seconds_total",
    help: "Processor time of this process, in seconds.",
    labels: [],
    type: "counter",
  }, () => {
    const { user, system } = process.cpuUsage();
    return [[[], (user + system) / 1e6]];
  });
  const labels = ["major", "minor", "git_version", "git_commit", "git_tree_state", "build_date", "go_version"];
  const { major = "", minor = "", gitVersion = "", gitCommit = "", gitTreeState = "", buildDate = "" } = version;
  const values = [major, minor, gitVersion, gitCommit, gitTreeState, buildDate, version.goVersion ?? ""];
  sampled(registry, {
    name: "kubernetes_build_info",
    help: "What this is a build of. Always 1.",
    labels: [...labels, "compiler", "platform"],
  }, () => [[[...values, version.compiler ?? "", version.platform ?? ""], 1]]);
}
