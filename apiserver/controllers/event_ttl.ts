/** Events are kept for an hour (kube-apiserver --event-ttl). They are looked through in pages and never held in memory. */
import { eventDeletionsMax, eventPageMax, eventSweepMs, eventTtlMs } from "../../lib/limits.ts";
import type { Client } from "../../lib/client/client.ts";
import type { Controller } from "../../lib/controller/controller.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Event } from "../../lib/types/core_v1.ts";
import { Event as EventKind } from "../../lib/types/kinds.ts";
import { createBell } from "./changes.ts";
import type { Parts } from "./parts.ts";

export interface SweepAction {
  do: "sweep";
  /** Events that were last seen before this are deleted. */
  before: Instant;
  why: string;
}

/** When the Event was last seen, 0 when it does not say. */
export function lastSeen({ metadata, lastTimestamp, eventTime, series }: Event): Instant {
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime];
  return Math.max(0, ...times.map((time) => Date.parse(time ?? "") || 0));
}

export function eventTtlController({ clock }: Parts): Controller<Record<string, never>, SweepAction> {
  return {
    name: "event-ttl-controller",
    sources: [createBell("event-ttl", ["sweep"]).source],
    workers: 1,
    view: () => ({}),
    plan: (_, now) => [
      { do: "sweep", before: now - eventTtlMs, why: "Events are kept for an hour" },
      { do: "wakeAt", at: now + eventSweepMs, why: "the next look" },
    ],
    execute: ({ before }, client) => sweep(client, before, () => clock.now()),
  };
}

async function sweep(client: Client, before: Instant, now: () => Instant): Promise<void> {
  const deadline = now() + eventSweepMs;
  let next: string | undefined;
  do {
    const page = await client.list(EventKind, { limit: eventPageMax, continue: next });
    const old = page.items.filter((event) => lastSeen(event) < before);
    for (let i = 0; i < old.length; i += eventDeletionsMax) {
      await Promise.all(old.slice(i, i + eventDeletionsMax).map((event) => remove(client, event)));
    }
    next = page.metadata.continue;
  } while (next && now() < deadline);
}

/** An Event that happened again since it was listed has another revision, and stays. */
async function remove(client: Client, { metadata }: Event): Promise<void> {
  const { uid, resourceVersion } = metadata;
  try {
    await client.delete(EventKind, metadata, { preconditions: { uid, resourceVersion } });
  } catch (error) {
    if (!isReason(error, "NotFound", "Conflict")) throw error;
  }
}
