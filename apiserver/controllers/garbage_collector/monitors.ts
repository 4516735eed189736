/**
 * Watches every kind that can be listed, watched and deleted, and feeds the graph. Kinds that other controllers watch are not watched
 * twice; of the others only what the graph needs is kept.
 */
import { garbageDiscoveryMs, garbageSyncTimeoutMs } from "../../../lib/limits.ts";
import type { Client } from "../../../lib/client/client.ts";
import { createInformer, type Informer } from "../../../lib/informer/informer.ts";
import type { KubeObject } from "../../../lib/kind.ts";
import { type Clock, type Instant, sleep } from "../../../lib/seams/clock.ts";
import { getLogger } from "log";
import { discover, type ServedKind } from "../discovery.ts";
import type { Informers } from "../informers.ts";
import type { Graph } from "./graph.ts";

const logger = getLogger(["sauropod", "controller", "generic-garbage-collector"]);
/** Nobody owns by an Event, and there are many. */
const ignored = new Set(["events.", "events.events.k8s.io"]);
/** Informers that hold all objects of their kind. */
const sharedNames = [
  "pods",
  "nodes",
  "namespaces",
  "services",
  "endpoints",
  "endpointSlices",
  "deployments",
  "replicaSets",
  "replicationControllers",
  "serviceAccounts",
  "leases",
] as const;

interface Monitor {
  kind: ServedKind;
  informer: Informer<KubeObject>;
  /** When the kind is no longer waited for. */
  patience: Instant;
  stop: () => void;
}

const nameOf = ({ group, plural }: { group: string; plural: string }) => `${plural}.${group}`;

export class Monitors {
  readonly #monitors = new Map<string, Monitor>();
  #discovered = false;
  #onComplete = () => {};

  constructor(readonly graph: Graph, readonly parts: { client: Client; clock: Clock; informers: Informers }) {}

  /** Every kind has been listed, or was waited for in vain. */
  get complete(): boolean {
    const now = this.parts.clock.now();
    return this.#discovered &&
      [...this.#monitors.values()].every(({ informer, patience }) => informer.hasSynced || now >= patience);
  }

  /** The served kind that an owner reference means. */
  kindOf(group: string, kind: string): ServedKind | undefined {
    for (const monitor of this.#monitors.values()) {
      if (monitor.kind.group === group && monitor.kind.kind === kind) return monitor.kind;
    }
    return undefined;
  }

  /** Follows discovery until the signal aborts. `onComplete` is called each time that all kinds have been listed. */
  async run(signal: AbortSignal, onComplete: () => void): Promise<void> {
    this.#onComplete = onComplete;
    while (!signal.aborted) {
      let wait = garbageDiscoveryMs;
      try {
        const { kinds, failures } = await discover(this.parts.client);
        this.#follow(kinds, failures.length > 0, signal);
        this.#discovered = true;
        void this.#announce(signal);
      } catch (error) {
        logger.debug("discovery: {error}", { error: String(error) });
        wait = this.#discovered ? garbageDiscoveryMs : 1_000;
      }
      await sleep(this.parts.clock, wait, signal);
    }
    for (const { stop } of this.#monitors.values()) stop();
  }

  async #announce(signal: AbortSignal): Promise<void> {
    const synced = Promise.all([...this.#monitors.values()].map(({ informer }) => informer.synced));
    const ended = new AbortController();
    await Promise.race([
      synced,
      sleep(this.parts.clock, garbageSyncTimeoutMs, AbortSignal.any([signal, ended.signal])),
    ]);
    ended.abort();
    if (this.complete) this.#onComplete();
  }

  #follow(kinds: readonly ServedKind[], partly: boolean, signal: AbortSignal): void {
    const wanted = kinds.filter((kind) =>
      !ignored.has(nameOf(kind)) && ["list", "watch", "delete"].every((verb) => kind.verbs.includes(verb))
    );
    const names = new Set(wanted.map(nameOf));
    for (const kind of wanted) if (!this.#monitors.has(nameOf(kind))) this.#start(kind, signal);
    // A group that could not be asked has perhaps not gone.
    if (partly) return;
    for (const [name, monitor] of this.#monitors) {
      if (names.has(name)) continue;
      monitor.stop();
      this.#monitors.delete(name);
    }
  }

  #start(kind: ServedKind, signal: AbortSignal): void {
    const shared = sharedNames.map((name) => this.parts.informers[name] as unknown as Informer<KubeObject>)
      .find((informer) => nameOf(informer.kind) === nameOf(kind));
    const ended = new AbortController();
    let informer = shared;
    if (informer === undefined) {
      const own = createInformer(this.parts.client, kind, { clock: this.parts.clock, trim });
      void own.run(AbortSignal.any([signal, ended.signal]));
      informer = own as Informer<KubeObject>;
    }
    const unsubscribe = informer.onChange(({ old, now }) => {
      // The same name may have come back as another object.
      if (old !== undefined && old.metadata.uid !== now?.metadata.uid) this.graph.delete(old.metadata.uid);
      if (now !== undefined) this.graph.set(kind, now);
    });
    const stop = () => {
      ended.abort();
      unsubscribe();
      for (const object of informer.list()) this.graph.delete(object.metadata.uid);
    };
    this.#monitors.set(nameOf(kind), { kind, informer, stop, patience: this.parts.clock.now() + garbageSyncTimeoutMs });
  }
}

/** Keeps of each object what the graph needs: a cluster's Secrets and ConfigMaps are large. */
function trim<T extends KubeObject>({ apiVersion, kind, metadata }: T): T {
  const { name, namespace, uid, resourceVersion, creationTimestamp, ownerReferences, finalizers, deletionTimestamp } =
    metadata;
  const kept = {
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    ownerReferences,
    finalizers,
    deletionTimestamp,
  };
  return { apiVersion, kind, metadata: kept } as T;
}
