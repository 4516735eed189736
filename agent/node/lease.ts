/** The node's Lease in kube-node-lease: renewed every ten seconds, it says that the node lives (kubelet: pkg/kubelet/nodelease). */
import { getLogger } from "log";
import type { Client } from "../../lib/client/client.ts";
import { Heartbeat } from "../../lib/client/heartbeat.ts";
import { nodeLeaseRenewMs, nodeLeaseSeconds } from "../../lib/limits.ts";
import { backoffMs } from "../../lib/queue/backoff.ts";
import { type Clock, rfc3339Micro, sleep } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Lease } from "../../lib/types/coordination_v1.ts";
import type { Node } from "../../lib/types/core_v1.ts";
import { Lease as LeaseKind } from "../../lib/types/kinds.ts";

const namespace = "kube-node-lease";
const logger = getLogger(["sauropod", "agent", "node"]);
const retry = { baseMs: 200, maxMs: 7_000 };

export interface LeaseOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly name: string;
  /** The node's object, once it is there: the Lease goes with it. */
  readonly node: () => Node | undefined;
  readonly signal: AbortSignal;
  /** Nothing is heard of the API. */
  readonly onSilence?: () => void;
}

/** Until the signal aborts. */
export async function runLease(options: LeaseOptions): Promise<void> {
  const { clock, name, signal } = options;
  const heartbeat = new Heartbeat(options);
  let lease: Lease | undefined;
  for (let failures = 0; !signal.aborted;) {
    try {
      lease = await heartbeat.beat(renew(options, lease));
      failures = 0;
      await sleep(clock, nodeLeaseRenewMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      // Someone else has written or deleted it: look again.
      lease = undefined;
      const delay = backoffMs(retry, failures++);
      const level = failures > 3 ? "warn" : "debug";
      logger[level]("lease {name}: {error}; again in {delay} ms", { name, error: String(error), delay });
      await sleep(clock, delay, signal);
    }
  }
}

async function renew({ client, clock, name, node }: LeaseOptions, known: Lease | undefined): Promise<Lease> {
  const owner = node();
  const spec: Lease["spec"] = {
    holderIdentity: name,
    leaseDurationSeconds: nodeLeaseSeconds,
    renewTime: rfc3339Micro(clock.now()),
  };
  const ownerReferences = owner === undefined
    ? []
    : [{ apiVersion: "v1", kind: "Node", name, uid: owner.metadata.uid }];
  const current = known ?? await client.get(LeaseKind, { namespace, name }).catch((error) => {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  });
  if (current === undefined) {
    return await client.create(LeaseKind, { metadata: { name, namespace, ownerReferences }, spec });
  }
  return await client.update(LeaseKind, {
    ...current,
    metadata: { ...current.metadata, ownerReferences },
    spec: { ...current.spec, ...spec },
  });
}
