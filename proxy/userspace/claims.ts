/** Who wants which sockets and addresses of this host. Of two Services that want the same socket the first to ask has it. Pure. */
import type { Socket } from "./sockets.ts";

export class Claims {
  /** By Service. */
  readonly #sockets = new Map<string, readonly Socket[]>();
  readonly #addresses = new Map<string, readonly string[]>();
  /** By the key of a socket: the Services that want it, in the order in which they came. */
  readonly #askers = new Map<string, string[]>();
  readonly #takers = new Map<string, number>();

  /** The addresses that a Service wants from now on; answers what nobody wants any more. */
  wantAddresses(service: string, addresses: readonly string[]): string[] {
    const before = this.#addresses.get(service) ?? [];
    for (const address of addresses) this.#takers.set(address, (this.#takers.get(address) ?? 0) + 1);
    for (const address of before) this.#takers.set(address, this.#takers.get(address)! - 1);
    if (addresses.length === 0) this.#addresses.delete(service);
    else this.#addresses.set(service, addresses);
    const free = before.filter((address) => this.#takers.get(address) === 0);
    for (const address of free) this.#takers.delete(address);
    return free;
  }

  wants(address: string): boolean {
    return this.#takers.has(address);
  }

  /** The sockets that a Service wants from now on; answers the keys that this may matter to. */
  wantSockets(service: string, sockets: readonly Socket[]): Set<string> {
    const before = this.#sockets.get(service) ?? [];
    const keys = new Set(sockets.map(({ key }) => key));
    for (const { key } of before) {
      if (keys.has(key)) continue;
      const left = this.#askers.get(key)!.filter((one) => one !== service);
      if (left.length === 0) this.#askers.delete(key);
      else this.#askers.set(key, left);
    }
    for (const key of keys) {
      const askers = this.#askers.get(key) ?? [];
      if (!askers.includes(service)) this.#askers.set(key, [...askers, service]);
    }
    if (sockets.length === 0) this.#sockets.delete(service);
    else this.#sockets.set(service, sockets);
    return new Set([...keys, ...before.map(({ key }) => key)]);
  }

  /** What a socket is for now; `undefined`: nothing. */
  holder(key: string): Socket | undefined {
    const service = this.#askers.get(key)?.[0];
    return service === undefined ? undefined : this.#sockets.get(service)!.find((one) => one.key === key);
  }

  /** Services that want a socket and don't have it. */
  waiting(key: string): readonly string[] {
    return this.#askers.get(key)?.slice(1) ?? [];
  }
}
