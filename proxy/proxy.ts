/** The parts of a node's proxy, put together: informers → view → syncer → data plane, names, health. */
import { getLogger } from "log";
import { type Client, createClient, type Transport } from "../lib/client/client.ts";
import { proxyStaleMs } from "../lib/limits.ts";
import { type Clock, sleep } from "../lib/seams/clock.ts";
import type { Processes } from "../lib/seams/process.ts";
import type { Random } from "../lib/seams/random.ts";
import { isReason } from "../lib/status.ts";
import type { ConfigMap } from "../lib/types/core_v1.ts";
import * as kinds from "../lib/types/kinds.ts";
import { Announcer, takesOut } from "./announce.ts";
import type { ProxyConfig } from "./config.ts";
import type { DataPlane } from "./data_plane.ts";
import { Doubt } from "./doubt.ts";
import { Dns } from "./dns/mod.ts";
import { dnsSettings } from "./dns/stub.ts";
import { healthAnswer, type HttpListening, serveHttp, ServiceHealth } from "./health.ts";
import {
  addDnsAddress,
  addServiceRoute,
  type HostOptions,
  removeServiceRoute,
  setKernel,
  type Settings,
  settingsToChange,
} from "./host.ts";
import { noteMade, readMade, removeTables } from "./made.ts";
import { Histogram, metricText } from "./metrics.ts";
import type { NodeView } from "./model.ts";
import { NftPlane } from "./nft/plane.ts";
import { Syncer, type SyncReport } from "./sync.ts";
import { giveUpAll } from "./userspace/addresses.ts";
import type { Load } from "./userspace/forwarding.ts";
import { UserspacePlane } from "./userspace/plane.ts";
import { View } from "./view.ts";
import { serviceKeyOf } from "./model.ts";

const logger = getLogger(["sauropod", "proxy"]);
const startRetryMs = 1_000;

export interface Surroundings {
  readonly transport: Transport;
  /** Makes the connections to the API anew. */
  readonly reconnect?: () => void;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly random: Random;
}

export class Proxy {
  readonly view: View;
  readonly #plane: DataPlane;
  readonly #syncer: Syncer;
  readonly #dns: Dns | undefined;
  readonly #serviceHealth: ServiceHealth;
  readonly #announcer: Announcer;
  readonly #doubt: Doubt;
  readonly #syncSeconds = new Histogram([0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15]);
  #node: NodeView;
  /** Addresses of the nodes that it knows of, as a text to compare. */
  #others = "";
  #report: SyncReport | undefined;
  #health: HttpListening | undefined;

  constructor(readonly config: ProxyConfig, readonly around: Surroundings) {
    const { clock, processes } = around;
    const client = createClient(around.transport);
    // Addresses of nodes are never taken for this host's own.
    this.view = new View(client, config.nodeName, clock, { nodes: config.mode === "userspace" ? "all" : "own" });
    this.#doubt = new Doubt({ clock, ended: (keys) => keys.forEach((key) => this.#syncer.mark(key)) });
    this.#announcer = new Announcer({
      client,
      clock,
      node: config.nodeName,
      onSilence: around.reconnect,
      onLost: () => this.#doubt.lost(),
      onFound: () => this.#doubt.found(),
    });
    this.#node = this.view.nodeView();
    const nodeAddresses = () => this.#node.addresses;
    this.#plane = config.mode === "nftables"
      ? new NftPlane({ net: config, processes, clock, nodeAddresses })
      : new UserspacePlane({
        ...config,
        clock,
        processes,
        nodeAddresses,
        allNodeAddresses: () => this.view.nodeAddresses(),
      });
    this.#syncer = new Syncer({
      plane: this.#plane,
      clock,
      keys: () => this.view.keys(),
      entry: (key, before) => {
        const now = this.view.entry(key, this.#node);
        return now && this.#doubt.judge(now, before);
      },
      revision: () => this.view.slices.revision,
      synced: (report) => this.#synced(report),
    });
    this.#dns = config.dnsAddress === undefined ? undefined : new Dns({
      ...config,
      view: this.view,
      clock,
      random: around.random,
      address: config.dnsAddress,
      settings: () => settingsOf(client),
    });
    this.#serviceHealth = new ServiceHealth("0.0.0.0", () => this.#healthy ? "healthy" : "unhealthy");
  }

  /** Where health is served, once it is. */
  get healthPort(): number | undefined {
    return this.#health?.port;
  }

  get ready(): boolean {
    // Without root there is no way to the DNS address either.
    const isPlain = this.#plane instanceof UserspacePlane && !this.#plane.takesAddresses;
    const named = this.#dns === undefined || this.#dns.listening || isPlain;
    return this.#report !== undefined && named;
  }

  get #healthy(): boolean {
    const since = this.#syncer.dueSince;
    return since === undefined || this.around.clock.now() - since < proxyStaleMs;
  }

  /** Until the signal aborts; what the kernel does goes on after that. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.around;
    this.#health = await serveHttp(this.config.health, (path) =>
      healthAnswer(path, {
        now: clock.now(),
        lastSync: this.#syncer.lastSync,
        healthy: this.#healthy,
        ready: this.ready,
        nodeEligible: this.view.nodeEligible(),
        metrics: () => this.#metrics(),
      }));
    await this.#prepareHost();
    const parts = [
      this.view.run(signal, { dns: this.#dns === undefined ? "without" : "with" }),
      this.#dns === undefined ? undefined : this.#startDns(this.#dns, signal),
      this.#startSync(signal),
      this.#announcer.run(signal),
    ];
    await Promise.all(parts);
    this.#doubt.close();
    await Promise.all([this.#dns?.close(), this.#serviceHealth.close(), this.#health.close(), this.#plane.close()]);
  }

  get #hostOptions(): HostOptions {
    return this.config;
  }

  async #prepareHost(): Promise<void> {
    const { processes } = this.around;
    const host = hostOnly(this.#hostOptions);
    const { table, dataDir, mode } = this.config;
    let settings: Settings = {};
    const steps = [
      async () => {
        if (mode === "nftables") settings = await settingsToChange(processes, host);
      },
      async () => {
        if (dataDir === undefined) return;
        // What an earlier run found is what the host was like before us.
        const before = (await readMade(dataDir))?.settings;
        await noteMade(dataDir, { table, host, settings: { ...settings, ...before } });
      },
      () => setKernel(processes, settings),
      // What a run in the other mode left would go before.
      async () => {
        if (mode === "nftables") return await giveUpAll(processes);
        await removeTables(table, processes, this.around.clock);
        await removeServiceRoute(processes, host);
      },
      () => addDnsAddress(processes, host),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        // Rules are of use without it; what needs it says so again when it fails.
        logger.error("preparing the host: {error}", { error: String(error) });
      }
    }
  }

  /** An address that is not there yet, or is still held by our predecessor, is tried for again. */
  async #startDns(dns: Dns, signal: AbortSignal): Promise<void> {
    for (let told = false; !signal.aborted; told = true) {
      try {
        return await dns.start(signal);
      } catch (error) {
        if (!told) logger.error("DNS on {address}: {error}", { address: this.config.dnsAddress, error: String(error) });
        await sleep(this.around.clock, startRetryMs, signal);
      }
    }
  }

  /** Nothing is loaded before all is known: the rules of an earlier run serve until then. */
  async #startSync(signal: AbortSignal): Promise<void> {
    await Promise.race([this.view.essential, aborted(signal)]);
    if (signal.aborted) return;
    this.#node = this.view.nodeView();
    this.#others = String(this.view.nodeAddresses().sort());
    this.view.services.onChange(({ key }) => this.#syncer.mark(key));
    this.view.slices.onChange(({ old, now }) => {
      // What is gone has no revision of its own; it went after all that was known.
      const revision = Number(now?.metadata.resourceVersion ?? this.view.slices.revision + 1);
      if (takesOut(old, now)) this.#announcer.await(revision);
      for (const slice of [old, now]) {
        const key = slice === undefined ? undefined : serviceKeyOf(slice);
        if (key !== undefined) this.#syncer.mark(key);
      }
    });
    this.view.node.onChange(() => this.#nodeChanged());
    await this.#addRoute();
    await this.#syncer.run(signal);
  }

  #nodeChanged(): void {
    const now = this.view.nodeView();
    const others = String(this.view.nodeAddresses().sort());
    if (JSON.stringify(now) === JSON.stringify(this.#node) && others === this.#others) return;
    this.#node = now;
    this.#others = others;
    this.#syncer.markAll();
    void this.#addRoute();
  }

  async #addRoute(): Promise<void> {
    if (this.config.mode !== "nftables") return;
    try {
      await addServiceRoute(this.around.processes, this.#hostOptions, this.#node.addresses[0]);
    } catch (error) {
      logger.error("a route for this host's own connections to Services: {error}", { error: String(error) });
    }
  }

  #synced(report: SyncReport): void {
    if (this.#report === undefined) {
      logger.info("{count} Services are served after {ms} ms", {
        count: report.services.size,
        ms: Math.round(report.ms),
      });
    }
    this.#report = report;
    this.#announcer.programmed(report.revision);
    this.#syncSeconds.observe(report.ms / 1_000);
    this.#serviceHealth.update(report.services.values());
  }

  #metrics(): string {
    const gauge = (name: string, help: string, value: number) => metricText(name, "gauge", help, [{ value }]);
    const counter = (name: string, help: string, value: number) => metricText(name, "counter", help, [{ value }]);
    const slots = this.#plane instanceof NftPlane ? this.#plane.size.slots : 0;
    return this.#syncSeconds.text("kubeproxy_sync_proxy_rules_duration_seconds", "How long syncs took.") +
      gauge(
        "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
        "The last sync.",
        (this.#syncer.lastSync ?? 0) / 1_000,
      ) +
      gauge("sauropod_proxy_services", "Services that are served.", this.#report?.services.size ?? 0) +
      gauge("sauropod_proxy_endpoint_slots", "Endpoints in the kernel's map.", slots) +
      counter("sauropod_proxy_sync_failures_total", "Syncs that failed.", this.#syncer.failed) +
      counter("sauropod_proxy_repairs_total", "Times that the rules had to be repaired.", this.#syncer.repairs) +
      (this.#plane instanceof UserspacePlane ? loadMetrics(this.#plane.carried) : "") +
      (this.#dns?.metrics() ?? "");
  }
}

function loadMetrics({ connections, flows, refused }: Load): string {
  return metricText("sauropod_proxy_connections", "gauge", "Open connections and UDP flows.", [
    { labels: { proto: "tcp" }, value: connections.size },
    { labels: { proto: "udp" }, value: flows },
  ]) +
    metricText("sauropod_proxy_connections_refused_total", "counter", "Turned away: too many at once.", [
      { value: refused },
    ]);
}

async function settingsOf(client: Client): Promise<ConfigMap | undefined> {
  try {
    return await client.get(kinds.ConfigMap, dnsSettings);
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

function hostOnly({ serviceCidr, dnsAddress, dnsInterface, loopbackNodePorts }: HostOptions): HostOptions {
  return { serviceCidr, dnsAddress, dnsInterface, loopbackNodePorts };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
