/**
 * Says that this API server is there: a Lease in kube-system, as kube-apiserver's identity (pkg/controlplane, APIServerIdentity), that is
 * renewed while it serves and removed when it stops in good order. The endpoints of the Service `kubernetes` are made of these
 * (controllers/kubernetes_service.ts). Upstream keeps its endpoints' leases beside the API, in etcd; here everybody can see them.
 */
import { getLogger } from "log";
import type { Client } from "../lib/client/client.ts";
import { endpointAnnotation, identityLabel, identityValue } from "../lib/apiserver_presence.ts";
import { presenceLeaseSeconds, presenceRenewMs } from "../lib/limits.ts";
import { type Clock, rfc3339Micro, sleep } from "../lib/seams/clock.ts";
import { isReason } from "../lib/status.ts";
import type { Lease } from "../lib/types/coordination_v1.ts";
import { Lease as LeaseKind } from "../lib/types/kinds.ts";

export interface Presence {
  readonly client: Client;
  readonly clock: Clock;
  /** Tells API servers of one cluster apart; the same after a restart. */
  readonly serverId: string;
  readonly hostname: string;
  /** Where others reach it: `192.0.2.1:6443`. */
  readonly endpoint: string;
  readonly signal: AbortSignal;
}

const logger = getLogger(["sauropod", "presence"]);
const namespace = "kube-system";

/** Renews until the signal aborts, then takes the Lease away. Never rejects. */
export async function announce(presence: Presence): Promise<void> {
  const { client, clock, serverId, signal } = presence;
  const ref = { namespace, name: `apiserver-${serverId}` };
  let failing = false;
  while (!signal.aborted) {
    try {
      await renew(presence, ref);
      failing = false;
    } catch (error) {
      // Once per outage: while the store is away everything else says so, too.
      if (!failing) logger.warn("could not renew {name}: {error}", { name: ref.name, error: String(error) });
      failing = true;
    }
    await sleep(clock, presenceRenewMs, signal);
  }
  await client.delete(LeaseKind, ref).catch((error) => {
    if (!isReason(error, "NotFound")) logger.warn("{name} stays: {error}", { name: ref.name, error: String(error) });
  });
}

async function renew(presence: Presence, ref: { namespace: string; name: string }): Promise<void> {
  const { client, clock, serverId, hostname, endpoint } = presence;
  const present = await client.get(LeaseKind, ref).catch((error) => {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  });
  const renewTime = rfc3339Micro(clock.now());
  const spec: Lease["spec"] = {
    holderIdentity: `apiserver-${serverId}`,
    leaseDurationSeconds: presenceLeaseSeconds,
    acquireTime: present?.spec.acquireTime ?? renewTime,
    renewTime,
  };
  const labels = { [identityLabel]: identityValue, "kubernetes.io/hostname": hostname };
  const annotations = { [endpointAnnotation]: endpoint };
  if (present === undefined) await client.create(LeaseKind, { metadata: { ...ref, labels, annotations }, spec });
  else await client.update(LeaseKind, { ...present, metadata: { ...present.metadata, labels, annotations }, spec });
}
