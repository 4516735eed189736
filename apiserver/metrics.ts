/** What the API server counts, under Kubernetes' names (k8s.io/apiserver/pkg/endpoints/metrics). */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { RequestInfo } from "./rest/request_info.ts";

export interface Metrics {
  observe(info: RequestInfo, code: number, seconds: number): void;
  /** Somebody has shown a client certificate that is good for so long. */
  clientCertificate(secondsLeft: number): void;
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
}

export function createMetrics(sampled: Sampled): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const labels = ["verb", "group", "version", "resource", "subresource", "scope", "component"];
  const requests = new Counter({
    name: "apiserver_request_total",
    help: "Requests by verb, resource and HTTP status code.",
    labelNames: [...labels, "code"],
    registers,
  });
  const duration = new Histogram({
    name: "apiserver_request_duration_seconds",
    help: "Time to answer, in seconds.",
    labelNames: labels,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  const storage = new Gauge({
    name: "apiserver_storage_size_bytes",
    help: "Bytes that the store uses.",
    registers,
    async collect() {
      this.set(await sampled.storageBytes());
    },
  });
  const objects = new Gauge({
    name: "apiserver_storage_objects",
    help: "Stored objects by resource.",
    labelNames: ["resource"],
    registers,
    collect() {
      for (const [resource, count] of sampled.objects()) this.set({ resource }, count);
    },
  });
  const watchers = new Gauge({
    name: "apiserver_registered_watchers",
    help: "Watches that are open, by resource.",
    labelNames: ["resource"],
    registers,
    collect() {
      this.reset();
      for (const [resource, count] of sampled.watchers()) this.set({ resource }, count);
    },
  });
  const shown = certificateMetrics(registers, sampled);
  void [storage, objects, watchers];
  return {
    observe(info, code, seconds) {
      const scope = info.name !== undefined ? "resource" : info.namespace !== undefined ? "namespace" : "cluster";
      const values = {
        verb: info.verb.toUpperCase(),
        group: info.group ?? "",
        version: info.version ?? "",
        resource: info.resource ?? "",
        subresource: info.subresource ?? "",
        scope: info.isResource ? scope : "",
        component: "apiserver",
      };
      requests.inc({ ...values, code: String(code) });
      // A watch's duration says nothing about how fast the server is.
      if (info.verb !== "watch") duration.observe(values, seconds);
    },
    clientCertificate: (secondsLeft) => shown.observe(secondsLeft),
    text: () => registry.metrics(),
  };
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
