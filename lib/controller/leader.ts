/**
 * Leader election through a Lease (as client-go's leaderelection): one holder at a time, found dead when it stops renewing.
 * A holder that comes back under its own identity goes on at once.
 */
import { getLogger } from "log";
import type { Client } from "../client/client.ts";
import { type Clock, rfc3339Micro, sleep } from "../seams/clock.ts";
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
  const renewMs = (election.renewSeconds ?? 2) * 1000;
  const leaseMs = (election.leaseSeconds ?? 15) * 1000;
  let observed = { renewTime: "", at: election.clock.now() };
  let term: AbortController | undefined;
  let leading = Promise.resolve();
  let renewed = 0;
  while (!signal.aborted) {
    try {
      const lease = await current(election);
      const renewTime = lease?.spec.renewTime ?? "";
      if (renewTime !== observed.renewTime) observed = { renewTime, at: election.clock.now() };
      if (mayAcquire(lease, election.identity, observed.at, election.clock.now())) {
        await hold(election, lease);
        renewed = election.clock.now();
        if (term === undefined) {
          logger.info("{identity} leads {name}", { identity: election.identity, name: election.name });
          term = new AbortController();
          leading = lead(term.signal);
        }
      } else if (term !== undefined) term = resign(term);
    } catch (error) {
      if (!isReason(error, "Conflict", "AlreadyExists")) {
        logger.debug("{name}: {error}", { name: election.name, error: String(error) });
      }
    }
    // Two thirds of the lease, so that another can never believe it leads while we still do.
    if (term !== undefined && election.clock.now() - renewed > leaseMs * 2 / 3) term = resign(term);
    await sleep(election.clock, renewMs, signal);
  }
  term?.abort();
  await leading;
}

function resign(term: AbortController): undefined {
  logger.warn("no longer leading");
  term.abort();
  return undefined;
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
  { client, clock, name, identity, leaseSeconds = 15 }: Election,
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
