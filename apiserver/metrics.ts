/** What the API server counts, under Kubernetes' names. Its parts count for themselves; here their numbers become series. */
import { Gauge, Histogram, Registry } from "prom-client";
import type { LoopStats } from "../lib/queue/stats.ts";
import type { Instant } from "../lib/seams/clock.ts";
import type { Audit } from "./audit/audit.ts";
import type { FlowControl } from "./flow/flow_control.ts";
import { encryptionMetrics, type EncryptionSampled } from "./metrics/encryption.ts";
import { flowMetrics } from "./metrics/flow.ts";
import { loopMetrics, schedulerMetrics } from "./metrics/loops.ts";
import { RequestMetrics } from "./metrics/requests.ts";
import { auditMetrics, processMetrics, StoreMetrics, watchMetrics } from "./metrics/server.ts";
import type { SchedulerStats } from "./scheduler/mod.ts";
import type { Rest } from "./rest/rest.ts";

export interface Metrics {
  readonly requests: RequestMetrics;
  readonly store: StoreMetrics;
  /** Somebody has shown a client certificate that is good for so long. */
  clientCertificate(secondsLeft: number): void;
  /** Shows what the server counts, too. Once. */
  attach(server: Served): void;
  /** Prometheus' text format. */
  text(): Promise<string>;
}

/** Read when somebody asks for the metrics. */
export interface Sampled {
  storageBytes(): Promise<number>;
  objects(): Iterable<[resource: string, count: number]>;
  watchers(): Iterable<[resource: string, count: number]>;
  /** When the server's own certificates end, ms since 1970. */
  certificates?(): Iterable<[name: string, until: number]>;
  encryption?: EncryptionSampled;
  loops?: LoopStats;
  scheduler?: SchedulerStats;
}

/** The parts of a server that count. */
export interface Served {
  rest: Rest;
  flow: FlowControl;
  audit: Audit | undefined;
  version: Readonly<Record<string, string>>;
  now: () => Instant;
}

export function createMetrics(sampled: Sampled): Metrics {
  const registry = new Registry();
  const registers = [registry];
  storageMetrics(registers, sampled);
  const shown = certificateMetrics(registers, sampled);
  if (sampled.encryption !== undefined) encryptionMetrics(registers, sampled.encryption);
  const requests = new RequestMetrics(registry);
  return {
    requests,
    store: new StoreMetrics(registry),
    clientCertificate: (secondsLeft) => shown.observe(secondsLeft),
    attach({ rest, flow, audit, version, now }) {
      requests.serves = (info) => rest.serves(info);
      watchMetrics(registry, rest.watchCounts);
      flowMetrics(registry, flow);
      if (audit !== undefined) auditMetrics(registry, audit);
      if (sampled.loops !== undefined) loopMetrics(registry, sampled.loops, now);
      if (sampled.scheduler !== undefined) schedulerMetrics(registry, sampled.scheduler);
      processMetrics(registry, { version, now });
    },
    text: () => registry.metrics(),
  };
}

function storageMetrics(registers: Registry[], sampled: Sampled): void {
  new Gauge({
    name: "apiserver_storage_size_bytes",
    help: "Bytes that the store uses.",
    registers,
    async collect() {
      this.set(await sampled.storageBytes());
    },
  });
  new Gauge({
    name: "apiserver_storage_objects",
    help: "Stored objects by resource.",
    labelNames: ["resource"],
    registers,
    collect() {
      for (const [resource, count] of sampled.objects()) this.set({ resource }, count);
    },
  });
  new Gauge({
    name: "apiserver_registered_watchers",
    help: "Watches that are open, by resource.",
    labelNames: ["resource"],
    registers,
    collect() {
      this.reset();
      for (const [resource, count] of sampled.watchers()) this.set({ resource }, count);
    },
  });
}

/** When the server's own certificates end; answers what counts how long those are good that clients show. */
function certificateMetrics(registers: Registry[], sampled: Sampled): Histogram {
  new Gauge({
    name: "sauropod_certificate_expiration_timestamp_seconds",
    help: "When a certificate of this server ends, in seconds since 1970.",
    labelNames: ["certificate"],
    registers,
    collect() {
      for (const [certificate, until] of sampled.certificates?.() ?? []) this.set({ certificate }, until / 1000);
    },
  });
  // k8s.io/apiserver/pkg/authentication/request/x509
  return new Histogram({
    name: "apiserver_client_certificate_expiration_seconds",
    help: "Remaining lifetime of the certificates that requests were authenticated with, in seconds.",
    buckets: [0, 1800, 3600, 7200, 21600, 43200, ...[1, 2, 4, 7, 30, 90, 180, 365].map((days) => days * 86_400)],
    registers,
  });
}
