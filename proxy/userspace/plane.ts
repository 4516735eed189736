/**
 * The data plane without the kernel's help (`--proxy-mode userspace`): node ports, TCP and UDP, forwarded by this process, for hosts
 * without nftables or without root. Left out: cluster IPs, external IPs and load balancer addresses, which are no addresses of this host.
 * A port without endpoints is not listened on, so it is refused.
 */
import { getLogger } from "log";
import type { Clock } from "../../lib/seams/clock.ts";
import type { DataPlane } from "../data_plane.ts";
import type { PortEntry, ServiceEntry, ServiceMap } from "../model.ts";
import { Balancer, externalBackends } from "./balance.ts";
import { type Listener, listenTcp } from "./tcp.ts";
import { listenUdp } from "./udp.ts";

const logger = getLogger(["sauropod", "proxy", "userspace"]);

interface Open {
  entry: PortEntry;
  listener: Listener;
}

export class UserspacePlane implements DataPlane {
  readonly #open = new Map<string, Open>();
  readonly #failed = new Map<string, string>();
  readonly #load = { connections: 0 };
  readonly #services = new Map<string, ServiceEntry>();

  constructor(readonly options: { address: string; clock: Clock }) {}

  async load(services: ServiceMap): Promise<void> {
    const gone = [...this.#services.keys()].filter((key) => !services.has(key));
    await this.change(
      new Map<string, ServiceEntry | undefined>([...services, ...gone.map((key) => [key, undefined] as const)]),
    );
  }

  async change(changes: ReadonlyMap<string, ServiceEntry | undefined>): Promise<void> {
    const wanted = new Map<string, PortEntry>();
    const before = new Set<string>();
    for (const [key, entry] of changes) {
      for (const port of this.#services.get(key)?.ports ?? []) {
        if (port.nodePort !== undefined) before.add(socketKey(port));
      }
      if (entry === undefined) this.#services.delete(key);
      else this.#services.set(key, entry);
      for (const port of entry?.ports ?? []) {
        if (port.nodePort !== undefined && externalBackends(port).length > 0) wanted.set(socketKey(port), port);
      }
    }
    for (const key of before) {
      if (wanted.has(key)) continue;
      this.#open.get(key)?.listener.close();
      this.#open.delete(key);
      this.#failed.delete(key);
    }
    for (const [key, port] of wanted) await this.#ensure(key, port);
  }

  async #ensure(key: string, port: PortEntry): Promise<void> {
    const open = this.#open.get(key);
    if (open !== undefined) {
      open.entry = port;
      return open.listener.changed();
    }
    const { address, clock } = this.options;
    const made: Open = { entry: port, listener: { changed() {}, close() {} } };
    const forwarding = { address, clock, balancer: new Balancer(), load: this.#load, entry: () => made.entry };
    try {
      made.listener = port.protocol === "tcp"
        ? listenTcp(port.nodePort!, forwarding)
        : await listenUdp(port.nodePort!, forwarding);
      this.#open.set(key, made);
      this.#failed.delete(key);
    } catch (error) {
      // Another program has the port. The other Services must not wait for it; check() brings it up again.
      this.#failed.set(key, String(error));
      logger.error("node port {key} of {id}: {error}", { key, id: port.id, error: String(error) });
    }
  }

  check(): Promise<readonly string[]> {
    return Promise.resolve([...this.#failed].map(([key, error]) => `${key}: ${error}`));
  }

  close(): Promise<void> {
    for (const { listener } of this.#open.values()) listener.close();
    this.#open.clear();
    return Promise.resolve();
  }
}

const socketKey = (port: PortEntry) => `${port.protocol}/${port.nodePort}`;
