/**
 * The data plane without the kernel's help (`--proxy-mode userspace`): TCP and UDP, forwarded by this process. With root (or
 * CAP_NET_ADMIN) it takes the addresses of Services for this host's own and listens on them; without, it has node ports and whatever else
 * is an address of this host already, and says so.
 *
 * Left out, because a process can't: the client's address (endpoints see this node's), connections that outlive it, dropping what is
 * refused (sockets.ts).
 */
import { getLogger } from "log";
import { userspaceDrainMs, userspaceListenersMax } from "../../lib/limits.ts";
import { type Clock, sleep } from "../../lib/seams/clock.ts";
import type { Processes } from "../../lib/seams/process.ts";
import type { DataPlane } from "../data_plane.ts";
import { type HostNetworks, hostNetworks } from "../host.ts";
import type { ServiceEntry, ServiceMap } from "../model.ts";
import { Addresses, addressesToTake, apiServerAddresses, giveUpAll } from "./addresses.ts";
import { Balancer } from "./balance.ts";
import { Claims } from "./claims.ts";
import { Forwarding, type Listener, Load } from "./forwarding.ts";
import { isServed, type Place, type Socket, socketsOf } from "./sockets.ts";
import { listenTcp } from "./tcp.ts";
import { listenUdp } from "./udp.ts";

const logger = getLogger(["sauropod", "proxy", "userspace"]);
const drainLookMs = 20;
const anywhere = "0.0.0.0";

interface Open {
  /** With its endpoints of now. */
  socket: Socket;
  listener: Listener;
}

export interface UserspacePlaneOptions {
  readonly clock: Clock;
  readonly processes: Processes;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly dnsAddress: string | undefined;
  /** `0.0.0.0`: all of this host's addresses. */
  readonly nodePortAddress: string;
  readonly loopbackNodePorts: boolean;
  /** IPv4 addresses of this node, as its Node object says. */
  readonly nodeAddresses: () => readonly string[];
  /** The same of all nodes. */
  readonly allNodeAddresses: () => readonly string[];
}

export class UserspacePlane implements DataPlane {
  readonly carried = new Load();
  readonly #addresses: Addresses;
  readonly #claims = new Claims();
  #services: ReadonlyMap<string, ServiceEntry> = new Map();
  readonly #open = new Map<string, Open>();
  /** Sockets that could not be had, and why. */
  readonly #failed = new Map<string, string>();
  /** By the id of a Service port. */
  readonly #balancers = new Map<string, Balancer>();
  #host: HostNetworks = { addresses: new Set(), ranges: [] };
  #reserved: ReadonlySet<string> = new Set();
  #place: Place;
  #toldDenied = false;
  /** Loads, changes and checks go one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly options: UserspacePlaneOptions) {
    this.#addresses = new Addresses(options.processes);
    this.#place = this.#placeOf(this.#host);
  }

  /** It takes addresses of Services: without the right to, it has node ports only. */
  get takesAddresses(): boolean {
    return this.#addresses.denied === undefined;
  }

  load(services: ServiceMap): Promise<void> {
    return this.#alone(async () => {
      this.#host = await this.#readHost();
      this.#place = this.#placeOf(this.#host);
      await this.#addresses.read();
      await this.#addresses.fence(this.options.serviceCidr);
      const gone = [...this.#services.keys()].filter((key) => !services.has(key));
      this.#services = new Map(services);
      await this.#follow([...services.keys(), ...gone]);
      // Of an earlier run.
      await this.#addresses.giveUp([...this.#addresses.taken].filter((address) => !this.#claims.wants(address)));
    });
  }

  change(changes: ReadonlyMap<string, ServiceEntry | undefined>): Promise<void> {
    return this.#alone(async () => {
      const services = new Map(this.#services);
      for (const [key, entry] of changes) {
        if (entry === undefined) services.delete(key);
        else services.set(key, entry);
      }
      this.#services = services;
      await this.#follow([...changes.keys()]);
    });
  }

  /** What it can mend without a load, sockets that another program has given back, it mends by itself. */
  check(): Promise<readonly string[]> {
    return this.#alone(async () => {
      const host = await this.#readHost();
      if (String([...host.addresses].sort()) !== String([...this.#host.addresses].sort())) {
        return ["this host's addresses are others"];
      }
      for (const key of [...this.#failed.keys()]) await this.#settle(key);
      if (!this.takesAddresses) return [];
      const before = [...this.#addresses.taken];
      const there = await this.#addresses.read();
      const missing = before.filter((address) => !there.has(address));
      return missing.length === 0 ? [] : [`${missing.length} addresses of Services are gone, such as ${missing[0]}`];
    });
  }

  /** Its sockets are nobody else's to close; routes are looked after by check(). */
  isThere(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Takes nothing new, lets open connections go on for a while, and gives all addresses up. */
  async close(): Promise<void> {
    await this.#alone(async () => {
      await Promise.all([...this.#open.values()].map(({ listener }) => listener.close()));
      this.#open.clear();
      const { clock } = this.options;
      const { connections } = this.carried;
      for (const end = clock.now() + userspaceDrainMs; connections.size > 0 && clock.now() < end;) {
        await sleep(clock, drainLookMs);
      }
      for (const end of connections) end();
      if (this.takesAddresses) await giveUpAll(this.options.processes);
    });
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#last.then(run, run);
    this.#last = done.catch(() => {});
    return done;
  }

  async #readHost(): Promise<HostNetworks> {
    try {
      return await hostNetworks(this.options.processes);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return { addresses: new Set([...this.options.nodeAddresses(), "127.0.0.1"]), ranges: [] };
    }
  }

  #placeOf({ addresses }: HostNetworks): Place {
    const { clusterCidr, dnsAddress, nodePortAddress, loopbackNodePorts } = this.options;
    const nodePortAddresses = nodePortAddress !== anywhere
      ? [nodePortAddress]
      : [...addresses].filter((one) =>
        one !== dnsAddress && (one.startsWith("127.") ? loopbackNodePorts && one === "127.0.0.1" : true)
      );
    return {
      clusterCidr,
      dnsAddress,
      nodePortAddresses,
      own: addresses,
      listens: (address) => addresses.has(address) || this.#addresses.taken.has(address),
    };
  }

  /** Brings these Services' addresses and sockets to what their entries are now. */
  async #follow(keys: readonly string[]): Promise<void> {
    const reserved = [...this.options.allNodeAddresses(), ...apiServerAddresses(this.#services)];
    this.#reserved = new Set(reserved);
    const free = keys.flatMap((key) => this.#claims.wantAddresses(key, this.#wantedBy(key)));
    await this.#take(keys);
    const touched = new Set(this.#failed.keys());
    for (const key of keys) {
      const entry = this.#services.get(key);
      const sockets = entry === undefined ? [] : socketsOf(entry, this.#place);
      for (const one of this.#claims.wantSockets(key, sockets)) touched.add(one);
    }
    for (const key of touched) await this.#settle(key);
    await this.#addresses.giveUp(free.filter((address) => !this.#claims.wants(address)));
    for (const key of keys) if (!this.#services.has(key)) this.#forget(key);
  }

  #wantedBy(key: string): readonly string[] {
    const entry = this.#services.get(key);
    const { clusterCidr } = this.options;
    return entry === undefined ? [] : addressesToTake(entry, {
      host: this.#host,
      clusterCidr,
      reserved: this.#reserved,
    });
  }

  async #take(keys: readonly string[]): Promise<void> {
    const source = this.options.nodeAddresses().find((address) => this.#host.addresses.has(address));
    await this.#addresses.take(new Set(keys.flatMap((key) => this.#wantedBy(key))), source);
    const { denied } = this.#addresses;
    if (denied !== undefined && !this.#toldDenied) {
      logger.warn("only node ports are served: to take cluster IPs and other addresses of Services {denied}", {
        denied,
      });
    }
    this.#toldDenied = denied !== undefined;
  }

  #forget(service: string): void {
    for (const id of [...this.#balancers.keys()]) if (id.startsWith(`${service}/`)) this.#balancers.delete(id);
  }

  /** Listens, or no longer, or for somebody else. */
  async #settle(key: string): Promise<void> {
    const holder = this.#claims.holder(key);
    const wanted = holder !== undefined && isServed(holder) ? holder : undefined;
    const open = this.#open.get(key);
    if (open !== undefined) {
      if (wanted !== undefined && wanted.to.id === open.socket.to.id) {
        open.socket = wanted;
        return open.listener.changed();
      }
      await open.listener.close();
      this.#open.delete(key);
    }
    if (wanted === undefined) this.#failed.delete(key);
    else await this.#listen(wanted);
  }

  async #listen(socket: Socket): Promise<void> {
    const open: Open = { socket, listener: { changed() {}, close: () => Promise.resolve() } };
    const forwarding = new Forwarding({
      clock: this.options.clock,
      load: this.carried,
      balancer: this.#balancer(socket.to.id),
      socket: () => open.socket,
      place: () => this.#place,
    });
    try {
      if (this.#open.size >= userspaceListenersMax) {
        throw new Error(`${userspaceListenersMax} sockets are open already`);
      }
      open.listener = socket.protocol === "tcp" ? listenTcp(socket, forwarding) : await listenUdp(socket, forwarding);
      this.#open.set(socket.key, open);
      this.#failed.delete(socket.key);
    } catch (error) {
      // Another program has the port. The other Services must not wait for it; check() tries again.
      const said = String(error);
      if (this.#failed.get(socket.key) !== said) {
        logger.error("{key} of {id}: {error}", { key: socket.key, id: socket.to.id, error: said });
      }
      this.#failed.set(socket.key, said);
    }
  }

  #balancer(id: string): Balancer {
    const known = this.#balancers.get(id) ?? new Balancer();
    this.#balancers.set(id, known);
    return known;
  }
}
