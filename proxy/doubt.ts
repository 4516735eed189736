/**
 * What is believed of the API right after it was out of reach. While this host was cut off from the control plane, the control plane could
 * not see it either, and has called all pods not ready whose nodes it did not hear; their agents correct that within moments of being
 * back. Until then a Service that has lost all its endpoints keeps the last ones. Services that have any left change at once.
 */
import { regainedTrustMs } from "../lib/limits.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { PortEntry, ServiceEntry } from "./model.ts";

export class Doubt {
  #active = false;
  #cancel: () => void = () => {};
  /** Keys of the Services whose endpoints were kept. */
  readonly #kept = new Set<string>();

  /** `ended`: what was kept, by its keys, is to be looked at again. */
  constructor(readonly options: { clock: Clock; ended: (keys: ReadonlySet<string>) => void }) {}

  /** What is to be made of a Service of which the API now says `now`. */
  judge(now: ServiceEntry, before: ServiceEntry | undefined): ServiceEntry {
    if (!this.#active) return now;
    const believed = withLastEndpoints(now, before);
    if (believed !== now) this.#kept.add(now.key);
    return believed;
  }

  /** The API does not answer. */
  lost(): void {
    this.#cancel();
    this.#active = true;
  }

  /** It answers again. */
  found(): void {
    this.#cancel();
    this.#cancel = this.options.clock.after(regainedTrustMs, () => {
      this.#active = false;
      this.options.ended(new Set(this.#kept));
      this.#kept.clear();
    });
  }

  close(): void {
    this.#cancel();
  }
}

/** `now`, with the endpoints of before for ports that have none on any node. Pure. */
export function withLastEndpoints(now: ServiceEntry, before: ServiceEntry | undefined): ServiceEntry {
  const lastOf = (port: PortEntry) =>
    port.anyBackend ? undefined : before?.ports.find(({ id, anyBackend }) => id === port.id && anyBackend);
  if (!now.ports.some(lastOf)) return now;
  const ports = now.ports.map((port) => {
    const last = lastOf(port);
    return last === undefined ? port : { ...port, cluster: last.cluster, local: last.local, anyBackend: true };
  });
  return { ...now, ports };
}
