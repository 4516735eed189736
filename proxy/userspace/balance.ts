/** Which endpoint the next connection to a Service port gets. Time is an argument. */
import { userspaceAffinityMax } from "../../lib/limits.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { Backend, PortEntry } from "../model.ts";

/** Endpoints of connections that come in through a node port. */
export function externalBackends(port: PortEntry): readonly Backend[] {
  return port.externalLocal ? port.local : port.cluster;
}

export class Balancer {
  #turn = 0;
  /** By client: its endpoint and when it was last given it, oldest first. */
  readonly #clients = new Map<string, { backend: string; at: Instant }>();

  /** `undefined` when there is none. `skip` are endpoints that did not answer just now. */
  next(port: PortEntry, client: string, now: Instant, skip: ReadonlySet<Backend> = new Set()): Backend | undefined {
    const backends = externalBackends(port).filter((backend) => !skip.has(backend));
    if (backends.length === 0) return undefined;
    const chosen = this.#remembered(port, backends, client, now) ?? backends[this.#turn++ % backends.length]!;
    if (port.affinitySeconds !== undefined) {
      this.#clients.delete(client);
      if (this.#clients.size >= userspaceAffinityMax) this.#clients.delete(this.#clients.keys().next().value!);
      this.#clients.set(client, { backend: `${chosen.ip}:${chosen.port}`, at: now });
    }
    return chosen;
  }

  #remembered(port: PortEntry, backends: readonly Backend[], client: string, now: Instant): Backend | undefined {
    const known = this.#clients.get(client);
    if (port.affinitySeconds === undefined || known === undefined) return undefined;
    if (now - known.at > port.affinitySeconds * 1_000) return undefined;
    return backends.find((backend) => `${backend.ip}:${backend.port}` === known.backend);
  }
}
