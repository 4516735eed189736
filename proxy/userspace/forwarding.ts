/** What the forwarders of TCP and UDP have in common: whom a client is led to, and how much this process carries at all. */
import type { Clock } from "../../lib/seams/clock.ts";
import type { Backend } from "../model.ts";
import { type Balancer, nameOf } from "./balance.ts";
import { backendsFor, type Place, type Socket } from "./sockets.ts";

/** What all listeners carry together. */
export class Load {
  /** A way to end each of the open connections. */
  readonly connections = new Set<() => void>();
  flows = 0;
  /** Clients that were turned away because it was too much. */
  refused = 0;
}

export interface Listener {
  /** The endpoints changed. */
  changed(): void;
  /** Takes nothing new; connections that are open go on, UDP flows end. Resolves when the address is free. */
  close(): Promise<void>;
}

export interface ForwardingOptions {
  readonly clock: Clock;
  readonly load: Load;
  readonly balancer: Balancer;
  socket(): Socket;
  place(): Place;
}

export class Forwarding {
  constructor(readonly options: ForwardingOptions) {}

  get clock(): Clock {
    return this.options.clock;
  }

  get load(): Load {
    return this.options.load;
  }

  /** The endpoint whose turn it is, without those that did not answer just now. */
  choose(client: string, skip?: ReadonlySet<string>): Backend | undefined {
    const { balancer, clock, place } = this.options;
    const socket = this.options.socket();
    const asking = { client, now: clock.now(), affinitySeconds: socket.to.affinitySeconds, skip };
    return balancer.next(backendsFor(socket, client, place()), asking);
  }

  /** May this client still be led there? */
  allows(client: string, backend: Backend): boolean {
    const name = nameOf(backend);
    return backendsFor(this.options.socket(), client, this.options.place()).some((one) => nameOf(one) === name);
  }
}
