/**
 * Leader election through a Lease (as client-go's leaderelection): one holder at a time, found dead when it stops renewing; one that
 * stops in good order says so. A holder that comes back under its own identity goes on at once.
 */
import { getLogger } from "log";
import type { Client } from "../client/client.ts";
import { type Clock, type Instant, rfc3339Micro, sleep } from "../seams/clock.ts";
import { isReason } from "../status.ts";
import type { Lease } from "../types/coordination_v1.ts";
import { Lease as LeaseKind } from "../types/kinds.ts";

export interface Election {
  client: Client;
  clock: Clock;
  /** Name of the Lease in kube-system. */
  name: string;
  /** Who we are; the same after a restart. */
  identity: string;
  leaseSeconds?: number;
  renewSeconds?: number;
}

const logger = getLogger(["sauropod", "leader"]);
const leaseSecondsDefault = 15;

/** May we hold this Lease now? Pure. `seen` is when we first saw its present renewal, on our own clock. */
export function mayAcquire(lease: Lease | undefined, identity: string, seen: number, now: number): boolean {
  const holder = lease?.spec.holderIdentity;
  if (holder === undefined || holder === "" || holder === identity) return true;
  return now > seen + (lease!.spec.leaseDurationSeconds ?? 15) * 1000;
}

/** Calls `lead` with a signal each time we become the leader; the signal aborts when we no longer are. Ends with `signal`. */
export async function runElected(
  election: Election,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, identity, name } = election;
  const renewMs = (election.renewSeconds ?? 2) * 1000;
  const reign = new Reign(election, lead);
  let observed = { renewTime: "", at: clock.now() };
  while (!signal.aborted) {
    try {
      const lease = await current(election);
      const renewTime = lease?.spec.renewTime ?? "";
      if (renewTime !== observed.renewTime) observed = { renewTime, at: clock.now() };
      if (mayAcquire(lease, identity, observed.at, clock.now())) {
        // From before it was asked: that is when others' patience began.
        const asked = clock.now();
        await hold(election, lease);
        reign.renewed(asked);
      } else reign.end("another leads");
    } catch (error) {
      if (!isReason(error, "Conflict", "AlreadyExists")) {
        logger.debug("{name}: {error}", { name, error: String(error) });
      }
    }
    await sleep(clock, renewMs, signal);
  }
  const led = reign.active;
  reign.end("stopping");
  await reign.ended;
  // Only now: who takes over must not meet us at work.
  if (led) await release(election).catch((error) => logger.debug("{name}: {error}", { name, error: String(error) }));
}

/** The time in which we lead, which ends by itself when the Lease was not renewed: also while a request hangs. */
class Reign {
  ended: Promise<void> = Promise.resolve();
  #term: AbortController | undefined;
  #cancel: () => void = () => {};

  constructor(
    private readonly election: Election,
    private readonly lead: (signal: AbortSignal) => Promise<void>,
  ) {}

  get active(): boolean {
    return this.#term !== undefined;
  }

  /** The Lease is ours as of `at`. */
  renewed(at: Instant): void {
    const { clock, identity, name, leaseSeconds = leaseSecondsDefault } = this.election;
    this.#cancel();
    // Two thirds of the lease, so that another can never believe it leads while we still do.
    const left = at + leaseSeconds * 1000 * 2 / 3 - clock.now();
    if (left <= 0) return this.end("renewing took too long");
    this.#cancel = clock.after(left, () => this.end("the Lease could not be renewed in time"));
    if (this.#term !== undefined) return;
    logger.info("{identity} leads {name}", { identity, name });
    const term = this.#term = new AbortController();
    // What we did in an earlier term may still be ending.
    this.ended = this.ended.then(() => term.signal.aborted ? undefined : this.lead(term.signal));
  }

  end(why: string): void {
    this.#cancel();
    if (this.#term === undefined) return;
    logger.info("{identity} no longer leads {name}: {why}", { ...this.election, why });
    this.#term.abort();
    this.#term = undefined;
  }
}

/** Lets another take over at once (client-go's ReleaseOnCancel). */
async function release(election: Election): Promise<void> {
  const { client, clock, identity } = election;
  const lease = await current(election);
  if (lease === undefined || lease.spec.holderIdentity !== identity) return;
  const renewTime = rfc3339Micro(clock.now());
  await client.update(LeaseKind, {
    ...lease,
    spec: { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime, acquireTime: renewTime },
  });
}

async function current({ client, name }: Election): Promise<Lease | undefined> {
  try {
    return await client.get(LeaseKind, { namespace: "kube-system", name });
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

async function hold(
  { client, clock, name, identity, leaseSeconds = leaseSecondsDefault }: Election,
  lease: Lease | undefined,
): Promise<void> {
  const now = rfc3339Micro(clock.now());
  const changed = lease?.spec.holderIdentity !== identity;
  const spec: Lease["spec"] = {
    holderIdentity: identity,
    leaseDurationSeconds: leaseSeconds,
    renewTime: now,
    acquireTime: changed ? now : lease?.spec.acquireTime ?? now,
    leaseTransitions: (lease?.spec.leaseTransitions ?? 0) + (lease !== undefined && changed ? 1 : 0),
  };
  if (lease === undefined) await client.create(LeaseKind, { metadata: { namespace: "kube-system", name }, spec });
  else await client.update(LeaseKind, { ...lease, spec });
}
