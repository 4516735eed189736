/**
 * Names of nodes that were let in and are not there yet: two machines of one name that join at the same moment must not both get it.
 * Kept in memory: when it is lost, the names are guarded again as soon as the Nodes have registered.
 */
import { joinReservationMs, joinReservationsMax } from "../../../lib/limits.ts";
import type { Instant } from "../../../lib/seams/clock.ts";

export interface Reservation {
  readonly machine: string;
  readonly addresses: string;
  readonly until: Instant;
}

export class Reservations {
  readonly #byName = new Map<string, Reservation>();

  of(name: string, now: Instant): Reservation | undefined {
    const found = this.#byName.get(name);
    return found !== undefined && found.until > now ? found : undefined;
  }

  reserve(name: string, who: Omit<Reservation, "until">, now: Instant): void {
    this.#byName.delete(name);
    if (this.#byName.size >= joinReservationsMax) this.#byName.delete(this.#byName.keys().next().value!);
    this.#byName.set(name, { ...who, until: now + joinReservationMs });
  }

  /** The Node is there: it says who it is. */
  release(name: string): void {
    this.#byName.delete(name);
  }
}
