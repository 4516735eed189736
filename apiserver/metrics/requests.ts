/** What is counted of every request (k8s.io/apiserver/pkg/endpoints/metrics/metrics.go). */
import type { Registry } from "prom-client";
import { type Distribution, exponentialBounds } from "../../lib/metrics/distribution.ts";
import type { RequestInfo } from "../rest/request_info.ts";
import { type Count, Counts, Distributions } from "./family.ts";

const about = ["verb", "group", "version", "resource", "subresource", "scope", "component"];
const withDryRun = ["verb", "dry_run", ...about.slice(1)];

const durations = [
  ...[0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3],
  ...[4, 5, 6, 8, 10, 15, 20, 30, 45, 60],
];

/** The series of one kind of request. */
export interface RequestSeries {
  readonly duration: Distribution;
  readonly withoutWaiting: Distribution;
  readonly sizes: Distribution | undefined;
  readonly running: Count | undefined;
  readonly codes: Map<number, Count>;
  readonly labels: readonly string[];
}

export class RequestMetrics {
  readonly #total: Counts;
  readonly #durations: Distributions;
  readonly #withoutWaiting: Distributions;
  readonly #sizes: Distributions;
  readonly #longRunning: Counts;
  readonly #series = new Map<string, RequestSeries>();
  readonly reading: Count;
  readonly mutating: Count;
  /** Is this a resource that is served? Paths that clients make up get no series of their own. */
  serves: (info: RequestInfo) => boolean = () => true;

  constructor(registry: Registry) {
    const labels = withDryRun;
    this.#total = new Counts(registry, {
      name: "apiserver_request_total",
      help: "Requests by verb, resource and HTTP status code.",
      labels: [...withDryRun, "code"],
    });
    this.#durations = new Distributions(registry, {
      name: "apiserver_request_duration_seconds",
      help: "Time to answer, in seconds.",
      labels,
    }, durations);
    this.#withoutWaiting = new Distributions(registry, {
      name: "apiserver_request_sli_duration_seconds",
      help: "Time to answer without what was waited for a seat, in seconds.",
      labels: about,
    }, durations);
    this.#sizes = new Distributions(registry, {
      name: "apiserver_response_sizes",
      help: "Bytes of answers to GET and LIST, with their headers.",
      labels: about,
    }, exponentialBounds(1000, 10, 7));
    this.#longRunning = new Counts(registry, {
      name: "apiserver_longrunning_requests",
      help: "Watches, logs and connections that are open.",
      labels: about,
    }, "gauge");
    const inFlight = new Counts(registry, {
      name: "apiserver_current_inflight_requests",
      help: "Requests in work, without long-running ones.",
      labels: ["request_kind"],
    }, "gauge");
    this.reading = inFlight.of("readOnly");
    this.mutating = inFlight.of("mutating");
  }

  /** Found by what a request asks for; `lasts`: it is a long-running one. */
  of(info: RequestInfo, { dryRun, lasts }: { dryRun: boolean; lasts: boolean }): RequestSeries {
    const key = `${info.verb} ${info.group} ${info.version} ${info.resource} ${info.subresource} ${scopeOf(info)}` +
      ` ${info.isResource}${dryRun}`;
    const found = this.#series.get(key);
    if (found !== undefined) return found;
    const known = !info.isResource || this.serves(info);
    const made = this.#make(info, { dryRun, lasts, known });
    // What is not known is many names for one series: it is found anew each time.
    if (known) this.#series.set(key, made);
    return made;
  }

  #make(
    info: RequestInfo,
    { dryRun, lasts, known }: { dryRun: boolean; lasts: boolean; known: boolean },
  ): RequestSeries {
    const verb = known || knownVerbs.has(info.verb) ? info.verb.toUpperCase() : "OTHER";
    const { group = "", version = "", resource = "", subresource = "" } = known ? info : {};
    const rest = [group, version, resource, subresource, info.isResource ? scopeOf(info) : "", "apiserver"];
    const labels = [verb, dryRun ? "All" : "", ...rest];
    return {
      duration: this.#durations.of(...labels),
      withoutWaiting: this.#withoutWaiting.of(verb, ...rest),
      sizes: info.isResource && (verb === "GET" || verb === "LIST") ? this.#sizes.of(verb, ...rest) : undefined,
      running: lasts ? this.#longRunning.of(verb, ...rest) : undefined,
      codes: new Map(),
      labels,
    };
  }

  answered(series: RequestSeries, code: number): void {
    let count = series.codes.get(code);
    if (count === undefined) series.codes.set(code, count = this.#total.of(...series.labels, String(code)));
    count.value++;
  }
}

const knownVerbs = new Set([
  ...["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
  ...["post", "put", "head", "options"],
]);

function scopeOf({ name, namespace }: RequestInfo): string {
  return name !== undefined ? "resource" : namespace !== undefined ? "namespace" : "cluster";
}
