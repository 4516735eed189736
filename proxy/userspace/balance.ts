/** Which endpoint the next connection to a Service port gets: one turn for all ways in. Time is an argument. */
import { userspaceAffinityMax } from "../../lib/limits.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { Backend } from "../model.ts";

export interface Asking {
  /** Address of who opens the connection. */
  readonly client: string;
  readonly now: Instant;
  /** How long a client keeps its endpoint; `undefined`: it does not. */
  readonly affinitySeconds: number | undefined;
  /** Endpoints that did not answer just now. */
  readonly skip?: ReadonlySet<string>;
}

export const nameOf = ({ ip, port }: Backend): string => `${ip}:${port}`;

export class Balancer {
  #turn = 0;
  /** By client: its endpoint and when it was last given it, oldest first. */
  readonly #clients = new Map<string, { backend: string; at: Instant }>();

  /** `undefined` when there is none. */
  next(from: readonly Backend[], { client, now, affinitySeconds, skip }: Asking): Backend | undefined {
    const backends = skip === undefined ? from : from.filter((backend) => !skip.has(nameOf(backend)));
    if (backends.length === 0) return undefined;
    if (affinitySeconds === undefined) return backends[this.#turn++ % backends.length]!;
    const known = this.#clients.get(client);
    const kept = known === undefined || now - known.at > affinitySeconds * 1_000
      ? undefined
      : backends.find((backend) => nameOf(backend) === known.backend);
    const chosen = kept ?? backends[this.#turn++ % backends.length]!;
    this.#clients.delete(client);
    if (this.#clients.size >= userspaceAffinityMax) this.#clients.delete(this.#clients.keys().next().value!);
    this.#clients.set(client, { backend: nameOf(chosen), at: now });
    return chosen;
  }
}
