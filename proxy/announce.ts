/**
 * Tells the cluster what this host's kernel does: a Lease whose annotation has the revision of EndpointSlices up to which all is in force.
 * Renewed from time to time, and at once when a change took endpoints out of use, because a pod waits for that to be stopped.
 */
import { getLogger } from "log";
import { Heartbeat, type HeartbeatOptions } from "../lib/client/heartbeat.ts";
import type { Client } from "../lib/client/client.ts";
import { componentLabel, programmedAnnotation, proxyLeaseName, proxyLeaseNamespace } from "../lib/draining.ts";
import { proxyLeaseRenewMs, proxyLeaseSeconds, proxyRetryMinMs } from "../lib/limits.ts";
import { rfc3339Micro } from "../lib/seams/clock.ts";
import { isReason } from "../lib/status.ts";
import type { EndpointSlice } from "../lib/types/discovery_v1.ts";
import { Lease } from "../lib/types/kinds.ts";

const logger = getLogger(["sauropod", "proxy"]);

/** Did a change take an endpoint out of use that new connections could go to before? Pure. */
export function takesOut(old: EndpointSlice | undefined, now: EndpointSlice | undefined): boolean {
  const inUse = (slice: EndpointSlice | undefined) =>
    (slice?.endpoints ?? []).filter(({ conditions }) => conditions?.terminating !== true)
      .flatMap(({ addresses }) => addresses);
  const still = new Set(inUse(now));
  return inUse(old).some((address) => !still.has(address));
}

export class Announcer {
  /** Changes up to this revision took endpoints out of use; it is told as soon as it is in force. */
  #awaited = 0;
  #programmed = 0;
  #told = 0;
  #wake: () => void = () => {};

  constructor(readonly options: HeartbeatOptions & { client: Client; node: string }) {}

  /** A change that pods may wait for, by its revision. */
  await(revision: number): void {
    this.#awaited = Math.max(this.#awaited, revision);
  }

  /** The kernel follows all changes up to this revision. */
  programmed(revision: number): void {
    this.#programmed = Math.max(this.#programmed, revision);
    if (this.#due) this.#wake();
  }

  get #due(): boolean {
    return this.#awaited > this.#told && this.#programmed > this.#told;
  }

  /** Until the signal aborts. The Lease stays: the rules do, too. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    const heartbeat = new Heartbeat(this.options);
    for (let failed = false; !signal.aborted;) {
      const pause = failed ? proxyRetryMinMs * 10 : this.#due ? 0 : proxyLeaseRenewMs;
      await this.#pause(pause, signal);
      if (signal.aborted) return;
      // Before the first load there is nothing to tell.
      if (this.#programmed === 0) continue;
      try {
        await heartbeat.beat(this.#tell(this.#programmed));
        failed = false;
      } catch (error) {
        if (!failed) logger.warn("could not tell what is programmed: {error}", { error: String(error) });
        failed = true;
      }
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (ms === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const cancel = this.options.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = () => {};
  }

  async #tell(revision: number): Promise<void> {
    const { client, clock, node } = this.options;
    const ref = { namespace: proxyLeaseNamespace, name: proxyLeaseName(node) };
    const metadata = {
      labels: { [componentLabel]: "proxy" },
      annotations: { [programmedAnnotation]: String(revision) },
    };
    const spec = {
      holderIdentity: node,
      leaseDurationSeconds: proxyLeaseSeconds,
      renewTime: rfc3339Micro(clock.now()),
    };
    try {
      await client.patch(Lease, ref, { type: "merge", patch: { metadata, spec } });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      await client.create(Lease, { metadata: { ...ref, ...metadata }, spec });
    }
    this.#told = revision;
  }
}
