/** Tells the API each pod's status: only what has changed, one request at a time for a pod, the newest status winning. */
import { getLogger } from "log";
import type { Client } from "../../lib/client/client.ts";
import { statusRetryMaxMs, statusRetryMinMs } from "../../lib/limits.ts";
import { backoffMs } from "../../lib/queue/backoff.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { sleep } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Pod, PodStatus } from "../../lib/types/core_v1.ts";
import { Pod as PodKind } from "../../lib/types/kinds.ts";
import { sameJson, statusPatch } from "./status_patch.ts";

export interface StatusWriter {
  /** From now on the pod's status is to be this. */
  set(pod: Pod, status: PodStatus): void;
  /** Resolves when the newest status is written, or can't be written for good. */
  flush(uid: string): Promise<void>;
  /** The status as the API has it as far as is known: what a watch has shown, or our own later write. */
  known(pod: Pod): PodStatus;
  forget(uid: string): void;
}

interface Entry {
  pod: Pod;
  wanted: PodStatus;
  /** What we sent last, and the answer to it. */
  sent: PodStatus | undefined;
  written: Pod | undefined;
  writing: Promise<void> | undefined;
  /** The API no longer has this pod. */
  gone: boolean;
}

const logger = getLogger(["sauropod", "agent", "status"]);
const retry = { baseMs: statusRetryMinMs, maxMs: statusRetryMaxMs };

export function createStatusWriter(
  { client, clock, signal, onWritten }: {
    client: Client;
    clock: Clock;
    signal: AbortSignal;
    onWritten?: (pod: Pod) => void;
  },
): StatusWriter {
  const entries = new Map<string, Entry>();

  const revision = (pod: Pod | undefined) => Number(pod?.metadata.resourceVersion ?? 0);
  function known(pod: Pod): PodStatus {
    const written = entries.get(pod.metadata.uid)?.written;
    return (revision(written) > revision(pod) ? written!.status : pod.status) ?? {};
  }

  /** What is to be written. Nothing when the API has had just this from us: it may have put it in other words. */
  function due(entry: Entry): Record<string, unknown> | undefined {
    const latest = revision(entry.written) >= revision(entry.pod);
    if (latest && entry.sent !== undefined && sameJson(entry.sent, entry.wanted)) return undefined;
    return statusPatch(known(entry.pod), entry.wanted);
  }

  async function write(entry: Entry): Promise<void> {
    for (let failures = 0; !signal.aborted && !entry.gone;) {
      const { name, namespace, uid } = entry.pod.metadata;
      const status = due(entry);
      if (status === undefined) return;
      const sent = entry.wanted;
      try {
        const patch = { type: "strategic", patch: { metadata: { uid }, status } } as const;
        entry.written = await client.patch(PodKind, { namespace, name }, patch, { subresource: "status" });
        entry.sent = sent;
        failures = 0;
        onWritten?.(entry.written);
      } catch (error) {
        // It is gone, or another pod has its name now.
        if (isReason(error, "NotFound", "Conflict")) {
          entry.gone = true;
          return;
        }
        const delay = backoffMs(retry, failures++);
        const level = failures > 3 ? "warn" : "debug";
        logger[level]("status of {pod}: {error}; again in {delay} ms", {
          pod: `${namespace}/${name}`,
          error: String(error),
          delay,
        });
        await sleep(clock, delay, signal);
      }
    }
  }

  return {
    known,
    set(pod, status) {
      const { uid } = pod.metadata;
      const entry = entries.get(uid) ??
        { pod, wanted: status, sent: undefined, written: undefined, writing: undefined, gone: false };
      entry.pod = pod;
      entry.wanted = status;
      entries.set(uid, entry);
      if (entry.writing !== undefined || entry.gone || due(entry) === undefined) return;
      entry.writing = write(entry).finally(() => entry.writing = undefined);
    },
    async flush(uid) {
      await entries.get(uid)?.writing;
    },
    forget: (uid) => void entries.delete(uid),
  };
}
