/**
 * Records Events: what a component did about an object and why, for `kubectl describe`. Equal Events within their lifetime become one
 * with a count, as client-go's correlator does. Recording never delays or fails its caller; what cannot be written is dropped.
 */
import { getLogger } from "log";
import type { Client } from "./client/client.ts";
import type { KubeObject } from "./kind.ts";
import { type Clock, rfc3339 } from "./seams/clock.ts";
import { isReason } from "./status.ts";
import type { Event } from "./types/core_v1.ts";
import { Event as EventKind } from "./types/kinds.ts";

export interface Recorder {
  /** `reason` is CamelCase (`Started`), `message` a sentence for people. */
  event(object: Subject, type: "Normal" | "Warning", reason: string, message: string): void;
  /** Resolves when all that was recorded has been written or dropped. */
  flush(): Promise<void>;
}

/** What an Event is about. `fieldPath` names a part: `spec.containers{web}`. */
export interface Subject extends Pick<KubeObject, "apiVersion" | "kind"> {
  metadata: { name: string; namespace?: string; uid?: string; resourceVersion?: string };
  fieldPath?: string;
}

/** Events waiting to be written at once; more are dropped. */
const queuedEventsMax = 1_000;
/** Different Events that are remembered for counting. */
const rememberedEventsMax = 4_096;

const logger = getLogger(["sauropod", "events"]);

export function createRecorder(client: Client, clock: Clock, component: string, host?: string): Recorder {
  const known = new Map<string, Event>();
  let queued = 0;
  let tail = Promise.resolve();

  async function write(identity: string, event: Event, name: string): Promise<void> {
    const before = known.get(identity);
    try {
      if (before === undefined) {
        remember(identity, await client.create(EventKind, { ...event, metadata: { ...event.metadata, name } }));
        return;
      }
      const patch = { count: (before.count ?? 1) + 1, lastTimestamp: event.lastTimestamp, message: event.message };
      remember(identity, await client.patch(EventKind, before.metadata, { type: "merge", patch }));
    } catch (error) {
      known.delete(identity);
      // Expired meanwhile: it starts anew.
      if (before !== undefined && isReason(error, "NotFound")) return await write(identity, event, name);
      logger.debug("dropped an event: {error}", { error: String(error) });
    }
  }
  function remember(identity: string, event: Event): void {
    known.delete(identity);
    known.set(identity, event);
    if (known.size > rememberedEventsMax) known.delete(known.keys().next().value!);
  }
  return {
    event(object, type, reason, message) {
      if (queued >= queuedEventsMax) return;
      const { name, namespace, uid } = object.metadata;
      const at = rfc3339(clock.now());
      const involvedObject = {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name,
        namespace,
        uid,
        resourceVersion: object.metadata.resourceVersion,
        fieldPath: object.fieldPath,
      };
      const event = {
        metadata: { namespace: namespace ?? "default" },
        involvedObject,
        type,
        reason,
        message: message.slice(0, 1024),
        source: { component, host },
        reportingComponent: component,
        reportingInstance: host ?? "",
        firstTimestamp: at,
        lastTimestamp: at,
        count: 1,
      } as unknown as Event;
      const identity = [uid ?? `${namespace}/${name}`, object.fieldPath, type, reason, message].join("\n");
      queued++;
      // The suffix as client-go makes it: the time in nanoseconds, in hexadecimal; the counter keeps two of one instant apart.
      const suffix = (BigInt(clock.now()) * 1_000_000n + BigInt(serial++ % 1_000_000)).toString(16);
      tail = tail.then(() => write(identity, event, `${name.slice(0, 200)}.${suffix}`)).finally(() => queued--);
    },
    flush: () => tail,
  };
}

let serial = 0;
