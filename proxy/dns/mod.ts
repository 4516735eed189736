/** The DNS server of a node: records kept by the informers, upstream servers from resolv.conf, sockets. */
import { getLogger } from "log";
import { readText } from "../../lib/seams/files.ts";
import { type Clock, sleep } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import { parseRange, type Range, rangeHas } from "../ipv4.ts";
import { parseResolvConf } from "../host.ts";
import { isHeadless } from "../model.ts";
import { serviceKeyOf } from "../model.ts";
import { metricText } from "../metrics.ts";
import type { ConfigMap } from "../../lib/types/core_v1.ts";
import type { View } from "../view.ts";
import { Forwarder, type Server } from "./forward.ts";
import { Handler } from "./handler.ts";
import { rcodes } from "./message.ts";
import { Records, zoneFacts } from "./records.ts";
import { Resolver } from "./resolver.ts";
import { dnsSettings, noStubs, readStubs, serversOf, type Stubs } from "./stub.ts";
import { type Listening, serveDns, socketExchange } from "./sockets.ts";

const logger = getLogger(["sauropod", "proxy", "dns"]);
const rereadMs = 30_000;

export interface DnsOptions {
  readonly view: View;
  readonly clock: Clock;
  readonly random: Random;
  readonly address: string;
  readonly domain: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Instead of what resolv.conf names. */
  readonly upstream: readonly Server[] | undefined;
  readonly resolvConf: string;
  /** The ConfigMap that says who knows which domains; `undefined`: there is none. Rejects when that can't be found out. */
  settings(): Promise<ConfigMap | undefined>;
}

export class Dns {
  readonly #records: Records;
  readonly #forwarder: Forwarder;
  readonly #resolver: Resolver;
  readonly #handler: Handler;
  #servers: readonly Server[] = [];
  #stubs: Stubs = noStubs;
  #searches: readonly string[] = [];
  #listening: Listening | undefined;

  constructor(readonly options: DnsOptions) {
    const { view, clock, random, address, domain } = options;
    this.#records = new Records(domain, zoneFacts(domain, address));
    const ranges = [parseRange(options.clusterCidr)!, parseRange(options.serviceCidr)!];
    this.#forwarder = new Forwarder({
      servers: (name) => serversOf(name, this.#stubs, options.upstream ?? this.#stubs.upstream ?? this.#servers),
      exchange: socketExchange(clock),
      clock,
      random,
    });
    const zone = { records: this.#records, ranges };
    this.#resolver = new Resolver({
      zone,
      forwarder: this.#forwarder,
      clock,
      asker: (from) => view.asker(from, this.#searches),
    });
    // Without all namespaces a name that exists might be denied.
    const known = Promise.all([view.essential, view.namespaces.synced]).then(() => {});
    this.#handler = new Handler({
      zone,
      resolver: this.#resolver,
      ready: known,
      admits: (from) => this.#admits(from, ranges),
    });
    this.#follow(view);
  }

  get listening(): boolean {
    return this.#listening !== undefined;
  }

  /** Listens, and keeps what resolv.conf says until the signal aborts. Rejects when the address can't be had. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#readResolvConf();
    void this.#readSettings();
    this.#listening = await serveDns(this.#handler, { address: this.options.address, port: 53 }, this.options.clock);
    void (async () => {
      while (!signal.aborted) {
        await sleep(this.options.clock, rereadMs, signal);
        await this.#readResolvConf();
        await this.#readSettings();
      }
    })();
  }

  async close(): Promise<void> {
    await this.#listening?.close();
    this.#listening = undefined;
  }

  /** Pods, Services, this host: nobody else is answered, or anyone could use us against others. */
  #admits(from: string, ranges: readonly Range[]): boolean {
    return ranges.some((range) => rangeHas(range, from)) || rangeHas("127.0.0.0/8", from) ||
      this.options.view.nodeView().addresses.includes(from);
  }

  async #readResolvConf(): Promise<void> {
    try {
      const found = parseResolvConf(await readText(this.options.resolvConf) ?? "", this.options.address);
      this.#searches = found.search;
      const servers = this.options.upstream ?? found.servers.map((address) => ({ address, port: 53 }));
      if (JSON.stringify(servers) === JSON.stringify(this.#servers)) return;
      this.#servers = servers;
      this.#forwarder.forget();
      logger.info("names outside of the cluster are asked of {servers}", {
        servers: servers.map(({ address, port }) => `${address}:${port}`).join(", ") ||
          "nobody: there is no DNS server",
      });
    } catch (error) {
      logger.warn("{path}: {error}", { path: this.options.resolvConf, error: String(error) });
    }
  }

  async #readSettings(): Promise<void> {
    const { address, domain } = this.options;
    let map: ConfigMap | undefined;
    try {
      map = await this.options.settings();
    } catch (error) {
      // What was known holds while the API is silent.
      return logger.debug("ConfigMap {namespace}/{name}: {error}", { ...dnsSettings, error: String(error) });
    }
    const stubs = readStubs(map, address, domain);
    const text = ({ domains, upstream, problems }: Stubs) => JSON.stringify([[...domains], upstream, problems]);
    if (text(stubs) === text(this.#stubs)) return;
    this.#stubs = stubs;
    this.#forwarder.forget();
    logger.info("{count} domains have servers of their own", { count: stubs.domains.size });
    for (const problem of stubs.problems) {
      logger.warn("ConfigMap {namespace}/{name}: {problem}", { ...dnsSettings, problem });
    }
  }

  #follow(view: View): void {
    const update = (key: string) => {
      this.#records.setService(key, view.services.get(key), view.slices.by("service", key));
    };
    view.services.onChange(({ key }) => update(key));
    view.slices.onChange(({ old, now }) => {
      for (const key of new Set([old, now].map((slice) => slice === undefined ? undefined : serviceKeyOf(slice)))) {
        // Endpoints of others are no names.
        const service = key === undefined ? undefined : view.services.get(key);
        if (service !== undefined && isHeadless(service)) update(key!);
      }
    });
    view.namespaces.onChange(({ key, now }) => this.#records.setNamespace(key, now === undefined ? "gone" : "exists"));
  }

  metrics(): string {
    const { counts } = this.#handler;
    const names = new Map<number, string>(Object.entries(rcodes).map(([name, code]) => [code, name]));
    return metricText("sauropod_dns_requests_total", "counter", "DNS queries received.", [
      { labels: { proto: "udp" }, value: counts.udp },
      { labels: { proto: "tcp" }, value: counts.tcp },
    ]) +
      metricText(
        "sauropod_dns_responses_total",
        "counter",
        "DNS answers by code.",
        [...counts.rcodes].map(([rcode, value]) => ({ labels: { rcode: names.get(rcode) ?? String(rcode) }, value })),
      ) +
      metricText("sauropod_dns_prepared_total", "counter", "Answers from prepared bytes.", [{
        value: counts.prepared,
      }]) +
      metricText("sauropod_dns_search_completed_total", "counter", "Search paths walked to a name that exists.", [
        { value: this.#resolver.counts.completed },
      ]) +
      metricText("sauropod_dns_upstream_total", "counter", "Questions for upstream servers.", [
        { labels: { outcome: "asked" }, value: this.#forwarder.counts.asked },
        { labels: { outcome: "cached" }, value: this.#forwarder.counts.cached },
        { labels: { outcome: "failed" }, value: this.#forwarder.counts.failed },
        { labels: { outcome: "refused" }, value: this.#forwarder.counts.refused },
      ]) +
      metricText("sauropod_dns_names", "gauge", "Names of the cluster.", [{ value: this.#records.size }]);
  }
}
