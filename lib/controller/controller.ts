/**
 * The control loop: watch → view → plan → execute. `view` gathers from informers, `plan` decides (pure, synchronous), `execute` does
 * one action. A key is planned again only when the informers have reached what it wrote last, so a plan always sees its own writes.
 */
import { getLogger } from "log";
import type { Client } from "../client/client.ts";
import type { Informer } from "../informer/informer.ts";
import type { KubeObject } from "../kind.ts";
import { type Backoff } from "../queue/backoff.ts";
import { createQueue, type Queue } from "../queue/queue.ts";
import type { LoopStats } from "../queue/stats.ts";
import type { Clock, Instant } from "../seams/clock.ts";
import { isReason } from "../status.ts";

/** What every plan may ask of the loop itself. */
export interface WakeAt {
  do: "wakeAt";
  at: Instant;
  why: string;
}

/** An informer, and which keys a change in it concerns. */
export interface Source {
  readonly informer: Informer<KubeObject>;
  readonly keysOf: (object: KubeObject) => readonly string[];
}

/** Types a Source: `source(pods, (pod) => [...])`. Both the old and the new state of an object are asked for keys. */
export function source<T extends KubeObject>(informer: Informer<T>, keysOf: (object: T) => readonly string[]): Source {
  return { informer: informer as unknown as Informer<KubeObject>, keysOf: keysOf as unknown as Source["keysOf"] };
}

export interface Controller<View, Action extends { do: string; why: string }> {
  /** As in `system:controller:<name>`. */
  readonly name: string;
  readonly sources: readonly Source[];
  /** All that a plan for the key needs, from informers. `undefined`: nothing to plan for. */
  view(key: string): View | undefined;
  /** Pure. The same view and instant give the same actions. */
  plan(view: View, now: Instant): readonly (Action | WakeAt)[];
  /** Does one action with the client it is given. A Conflict is no failure: the key is planned again from newer state. */
  execute(action: Action, client: Client, view: View): Promise<void>;
  /** Keys in work at once. Default 4. */
  readonly workers?: number;
  readonly backoff?: Backoff;
}

/** How long a plan waits to see its own writes before it goes on without. ms */
const ownWritesTimeoutMs = 5_000;

/** Runs a controller until the signal aborts. */
export async function runController<View, Action extends { do: string; why: string }>(
  controller: Controller<View, Action>,
  { client, clock, signal, stats }: { client: Client; clock: Clock; signal: AbortSignal; stats?: LoopStats },
): Promise<void> {
  const logger = getLogger(["sauropod", "controller", controller.name]);
  const queue = createQueue(clock, controller.backoff, stats?.queue(controller.name));
  signal.addEventListener("abort", () => queue.close(), { once: true });
  const unsubscribe = controller.sources.map(({ informer, keysOf }) =>
    informer.onChange(({ old, now }) => {
      for (const object of [old, now]) if (object !== undefined) { for (const key of keysOf(object)) queue.add(key); }
    })
  );
  await Promise.race([
    Promise.all(controller.sources.map(({ informer }) => informer.synced)),
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
  ]);
  const written = new Map<string, Map<string, number>>();
  const worker = async () => {
    for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
      try {
        await reconcile(controller, key, { client, clock, queue, written });
        queue.done(key);
      } catch (error) {
        const delay = queue.failed(key);
        const level = isReason(error, "Conflict", "AlreadyExists", "NotFound") ? "debug" : "warn";
        logger[level]("{key}: {error}; again in {delay} ms", { key, error: String(error), delay });
      }
    }
  };
  await Promise.all(Array.from({ length: controller.workers ?? 4 }, worker));
  for (const stop of unsubscribe) stop();
}

async function reconcile<View, Action extends { do: string; why: string }>(
  controller: Controller<View, Action>,
  key: string,
  { client, clock, queue, written }: {
    client: Client;
    clock: Clock;
    queue: Queue;
    written: Map<string, Map<string, number>>;
  },
): Promise<void> {
  const mine = written.get(key);
  if (mine !== undefined) {
    await Promise.all(controller.sources.map(({ informer }) => {
      const revision = mine.get(informer.kind.plural);
      return revision === undefined ? true : informer.reached(revision, ownWritesTimeoutMs);
    }));
    written.delete(key);
  }
  const view = controller.view(key);
  if (view === undefined) return;
  const writes = new Map<string, number>();
  const recording = client.recording((kind, revision) =>
    writes.set(kind.plural, Math.max(revision, writes.get(kind.plural) ?? 0))
  );
  try {
    for (const action of controller.plan(view, clock.now())) {
      if (isWakeAt(action)) queue.addAt(key, action.at);
      else await controller.execute(action, recording, view);
    }
  } finally {
    if (writes.size > 0) written.set(key, writes);
  }
}

function isWakeAt(action: { do: string }): action is WakeAt {
  return action.do === "wakeAt";
}
