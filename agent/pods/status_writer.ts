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

export interface StatusWriterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onWritten?: (pod: Pod) => void;
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

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  return new ApiStatusWriter(options);
}

const revision = (pod: Pod | undefined) => Number(pod?.metadata.resourceVersion || 0);

class ApiStatusWriter implements StatusWriter {
  readonly #entries = new Map<string, Entry>();

  constructor(readonly options: StatusWriterOptions) {}

  known(pod: Pod): PodStatus {
    const written = this.#entries.get(pod.metadata.uid)?.written;
    return (revision(written) > revision(pod) ? written!.status : pod.status) ?? {};
  }

  set(pod: Pod, status: PodStatus): void {
    const { uid } = pod.metadata;
    const entry = this.#entries.get(uid) ??
      { pod, wanted: status, sent: undefined, written: undefined, writing: undefined, gone: false };
    entry.pod = pod;
    entry.wanted = status;
    this.#entries.set(uid, entry);
    if (entry.writing !== undefined || entry.gone || this.#due(entry) === undefined) return;
    entry.writing = this.#write(entry);
  }

  async flush(uid: string): Promise<void> {
    await this.#entries.get(uid)?.writing;
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  /** What is to be written. Nothing when the API has had just this from us: it may have put it in other words. */
  #due(entry: Entry): Record<string, unknown> | undefined {
    const latest = revision(entry.written) >= revision(entry.pod);
    if (latest && entry.sent !== undefined && sameJson(entry.sent, entry.wanted)) return undefined;
    return statusPatch(this.known(entry.pod), entry.wanted);
  }

  async #write(entry: Entry): Promise<void> {
    const { client, signal, onWritten } = this.options;
    for (let failures = 0; !signal.aborted && !entry.gone;) {
      const { name, namespace, uid } = entry.pod.metadata;
      const status = this.#due(entry);
      if (status === undefined) {
        // In the same turn: who sets a status after this look has to find that nobody writes.
        entry.writing = undefined;
        return;
      }
      const sent = entry.wanted;
      try {
        const patch = { type: "strategic", patch: { metadata: { uid }, status } } as const;
        entry.written = await client.patch(PodKind, { namespace, name }, patch, { subresource: "status" });
        entry.sent = sent;
        failures = 0;
        onWritten?.(entry.written);
      } catch (error) {
        // It is gone, or another pod has its name now.
        if (isReason(error, "NotFound", "Conflict")) entry.gone = true;
        else await this.#pause(`${namespace}/${name}`, error, failures++);
      }
    }
  }

  async #pause(pod: string, error: unknown, failures: number): Promise<void> {
    const { clock, signal } = this.options;
    const delay = backoffMs(retry, failures);
    logger[failures > 2 ? "warn" : "debug"]("status of {pod}: {error}; again in {delay} ms", {
      pod,
      error: String(error),
      delay,
    });
    await sleep(clock, delay, signal);
  }
}
