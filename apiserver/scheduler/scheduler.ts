/**
 * The scheduler's loop: takes the next pod, decides at once, assumes the decision and binds in the background, so that the next pod is
 * decided for while the API server still writes. What it decides is in schedule.ts and preempt.ts.
 */
import { schedulerTurnMs, schedulerWritesMax } from "../../lib/limits.ts";
import { getLogger } from "log";
import type { Client } from "../../lib/client/client.ts";
import { createRecorder } from "../../lib/events.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { sleep } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import { isReason } from "../../lib/status.ts";
import type { Node, Pod } from "../../lib/types/core_v1.ts";
import { bind, failureStatus, preempt, type Writer, writeStatus } from "./bind.ts";
import type { Catalogue } from "./catalogue.ts";
import { addedPlugins, arrivalHelps, nodeHelps, nodePlugins, removalHelps, removedPlugins } from "./hints.ts";
import { couldFit } from "./filters/resources_fit.ts";
import { keyOf } from "../../lib/kind.ts";
import { failureMessage } from "./message.ts";
import type { NodeInfo } from "./node_info.ts";
import { type PodInfo, podInfo } from "./pod_info.ts";
import { findPreemption } from "./preempt.ts";
import { type Entry, SchedulingQueue } from "./queue.ts";
import { isPlaced, schedule, type Unplaced } from "./schedule.ts";
import { Snapshot } from "./snapshot.ts";
import type { SchedulerStats } from "./stats.ts";
import { bindVolumes, chooseVolumes, type VolumeChoice, waitingClaims } from "./volumes.ts";
import { createWatches, informersOf, type Watches } from "./watches.ts";

export const schedulerName = "default-scheduler";

const logger = getLogger(["sauropod", "scheduler"]);

export interface SchedulerOptions {
  /** As `system:kube-scheduler`. */
  client: Client;
  clock: Clock;
  random: Random;
  signal: AbortSignal;
  /** Absent: nobody counts what it does. */
  stats?: SchedulerStats;
}

export class Scheduler {
  readonly snapshot = new Snapshot();
  readonly queue: SchedulingQueue;
  readonly #writer: Writer;
  readonly #catalogue: Catalogue;
  /** Pods that are placed here and not yet so by the server, by uid. */
  readonly #assumed = new Map<string, number>();
  /** Volumes for the claims of such pods, by name, and the claims' keys. */
  readonly #promised = new Map<string, string>();
  #start = 0;
  #writes = 0;
  #slot: (() => void) | undefined;

  constructor(readonly watches: Watches, readonly options: SchedulerOptions) {
    const { client, clock } = options;
    this.queue = new SchedulingQueue(clock);
    if (options.stats !== undefined) options.stats.pending = () => this.queue.pending;
    this.#writer = { client, clock, recorder: createRecorder(client, clock, schedulerName) };
    this.#catalogue = { ...catalogueOf(watches), promised: this.#promised };
    this.snapshot.namespaceLabels = (name) => watches.namespaces.get(name)?.metadata.labels;
    this.#listen();
  }

  async run(): Promise<void> {
    const { clock, signal } = this.options;
    signal.addEventListener("abort", () => this.queue.close(), { once: true });
    let turn = clock.now();
    while (!signal.aborted) {
      const entry = this.queue.pop();
      if (entry === undefined) {
        await this.queue.wait();
        turn = clock.now();
        continue;
      }
      this.#place(entry);
      if (this.#writes >= schedulerWritesMax) {
        await new Promise<void>((resolve) => this.#slot = resolve);
        turn = clock.now();
      } else if (clock.now() - turn >= schedulerTurnMs) {
        await sleep(clock, 0, signal);
        turn = clock.now();
      }
    }
  }

  #place(entry: Entry): void {
    const { info } = entry;
    if (info.terminating) {
      this.queue.remove(info.uid);
      const message = `skip schedule deleting pod: ${info.key}`;
      this.#writer.recorder.event(info.pod, "Warning", "FailedScheduling", message);
      return;
    }
    const options = { start: this.#start, random: this.options.random };
    const { clock, stats } = this.options;
    const begun = clock.now();
    const placement = schedule(info, this.snapshot, this.#catalogue, options);
    stats?.attempted(isPlaced(placement) ? "scheduled" : "unschedulable", (clock.now() - begun) / 1000);
    if (!isPlaced(placement)) return this.#refuse(entry, placement);
    this.#start = (this.#start + placement.evaluated) % Math.max(1, this.snapshot.nodes.length);
    this.#assume(entry, placement.node);
  }

  #assume(entry: Entry, { name: node, labels }: NodeInfo): void {
    const { info, attempts } = entry;
    const waiting = info.claims.length === 0 ? [] : waitingClaims(info, this.#catalogue);
    const choices = chooseVolumes(waiting, { name: node, labels }, this.#catalogue) ?? [];
    this.queue.placed(entry);
    this.snapshot.nominate(info, undefined);
    this.snapshot.add(info, node);
    this.#assumed.set(info.uid, attempts);
    this.#arrived(info);
    if (choices.length === 0) this.#bind(info, node);
    else void this.#bindWithVolumes(info, node, choices);
  }

  #bind(info: PodInfo, node: string): void {
    this.#write(async () => {
      try {
        await bind(this.#writer, info.pod, node);
      } catch (error) {
        this.#forget(info, error);
      }
    });
  }

  /** Its volumes first: they may take long to be made, and hold up no other pod. */
  async #bindWithVolumes(info: PodInfo, node: string, choices: readonly VolumeChoice[]): Promise<void> {
    const { client, clock, signal } = this.options;
    const promised = choices.map(({ volume }) => volume?.metadata.name).filter((name) => name !== undefined);
    for (const { claim, volume } of choices) if (volume) this.#promised.set(volume.metadata.name, keyOf(claim));
    try {
      await bindVolumes({ client, clock, claims: this.watches.claims!, signal }, choices, node);
      // It may have gone meanwhile.
      if (this.#assumed.has(info.uid)) this.#bind(info, node);
    } catch (error) {
      this.#forget(info, error);
    } finally {
      for (const name of promised) this.#promised.delete(name);
    }
  }

  /** The binding failed: the pod is nowhere, and is tried again if it still waits. */
  #forget(info: PodInfo, error: unknown): void {
    const attempts = this.#assumed.get(info.uid);
    if (attempts === undefined) return;
    this.#assumed.delete(info.uid);
    this.options.stats?.attempted("error", 0);
    const current = this.watches.pods.get(info.key);
    // The server may have bound it all the same, and its answer got lost.
    if (current?.metadata.uid === info.uid && current.spec.nodeName) return;
    const node = this.snapshot.nodeOf(info.uid);
    this.snapshot.remove(info.uid);
    this.#left(info, node?.name);
    if (current?.metadata.uid !== info.uid || isReason(error, "NotFound")) return;
    const message = `binding rejected: ${(error as Error).message}`;
    logger.debug("{pod}: {message}", { pod: info.key, message });
    this.#writer.recorder.event(info.pod, "Warning", "FailedScheduling", message);
    this.queue.retry(podInfo(current), attempts);
  }

  #refuse(entry: Entry, unplaced: Unplaced): void {
    const { info } = entry;
    const budgets = [...this.watches.budgets?.list() ?? []];
    const options = { budgets, chance: this.options.random.number() };
    const found = unplaced.nodes === 0
      ? { message: "" }
      : findPreemption(info, unplaced, this.snapshot, this.#catalogue, options);
    const before = this.snapshot.nominatedNode(info.uid);
    const waits = "message" in found && found.message.startsWith("not eligible due to a terminating pod");
    const nominated = "node" in found ? found.node.name : waits ? before?.name : undefined;
    const message = failureMessage(unplaced, "message" in found ? found.message : undefined);
    this.snapshot.nominate(info, nominated);
    this.queue.refused(entry, unplaced.plugins);
    this.#writer.recorder.event(info.pod, "Warning", "FailedScheduling", message);
    const status = failureStatus(info.pod, message, nominated, this.options.clock.now());
    this.#write(async () => {
      if (status !== undefined) await writeStatus(this.#writer, info.pod, status);
      if (!("node" in found)) return;
      // Whoever was promised this room before and goes after this pod has to look elsewhere.
      for (const other of [...found.node.nominated.values()].filter(({ priority }) => priority < info.priority)) {
        this.snapshot.nominate(other, undefined);
        await writeStatus(this.#writer, other.pod, { nominatedNodeName: null });
        this.queue.add(other);
      }
      await Promise.all(found.victims.map((victim) => preempt(this.#writer, victim.pod, info.pod, found.node.name)));
    });
  }

  /** Runs a write in the background; the loop waits while too many are in flight. */
  #write(run: () => Promise<void>): void {
    this.#writes++;
    run().catch((error) => logger.warn("{error}", { error: String(error) })).finally(() => {
      this.#writes--;
      const slot = this.#slot;
      this.#slot = undefined;
      slot?.();
    });
  }

  #listen(): void {
    const { pods, nodes, namespaces, claims, volumes, storageClasses } = this.watches;
    nodes.onChange(({ key, old, now }) => this.#nodeChanged(key, old, now));
    pods.onChange(({ old, now }) => {
      if (old !== undefined && old.metadata.uid !== now?.metadata.uid) this.#podGone(old);
      if (now !== undefined) this.#podChanged(old?.metadata.uid === now.metadata.uid ? old : undefined, now);
    });
    namespaces.onChange(({ old, now }) => {
      if (JSON.stringify(old?.metadata.labels) === JSON.stringify(now?.metadata.labels)) return;
      this.snapshot.namespacesChanged();
      this.queue.changed(["InterPodAffinity"]);
    });
    for (const informer of [claims, volumes, storageClasses]) {
      informer?.onChange(() => this.queue.changed(["VolumeRestrictions"]));
    }
  }

  #nodeChanged(name: string, old: Node | undefined, now: Node | undefined): void {
    if (now === undefined) {
      this.snapshot.removeNode(name);
      return;
    }
    // Heartbeats are most of the changes.
    if (old !== undefined && nodeAspect(old) === nodeAspect(now)) return;
    this.snapshot.setNode(now);
    const node = this.snapshot.get(name)!;
    this.queue.changed(nodePlugins, ({ info, plugins }) => nodeHelps(info, node, plugins));
  }

  #podGone(pod: Pod): void {
    const { uid } = pod.metadata;
    this.queue.remove(uid);
    this.#assumed.delete(uid);
    const info = this.snapshot.podOf(uid);
    const node = this.snapshot.nodeOf(uid)?.name;
    this.snapshot.remove(uid);
    const nominated = this.snapshot.nominatedNode(uid);
    if (nominated !== undefined) this.snapshot.nominate(podInfo(pod), undefined);
    this.#left(info ?? podInfo(pod), node ?? nominated?.name);
  }

  #podChanged(old: Pod | undefined, now: Pod): void {
    const { uid } = now.metadata;
    if (now.spec.nodeName) {
      this.queue.remove(uid);
      const here = this.snapshot.nodeOf(uid)?.name;
      this.#assumed.delete(uid);
      const known = this.snapshot.podOf(uid);
      if (here === now.spec.nodeName && known !== undefined && podAspect(known.pod) === podAspect(now)) return;
      const info = podInfo(now);
      this.snapshot.nominate(info, undefined);
      this.snapshot.add(info, now.spec.nodeName);
      if (known === undefined || podAspect(known.pod) !== podAspect(now)) this.#arrived(info);
      if (here === now.spec.nodeName && known !== undefined && shrinks(known, info)) this.#shrunk(here);
      return;
    }
    if ((now.spec.schedulerName ?? schedulerName) !== schedulerName || this.#assumed.has(uid)) return;
    if (now.metadata.deletionTimestamp !== undefined || (now.spec.schedulingGates ?? []).length > 0) {
      this.queue.remove(uid);
      return;
    }
    const info = podInfo(now);
    if (now.status.nominatedNodeName && this.snapshot.nominatedNode(uid) === undefined) {
      this.snapshot.nominate(info, now.status.nominatedNodeName);
    }
    if (old !== undefined && this.queue.has(uid) && podAspect(old) === podAspect(now)) this.queue.update(info);
    else this.queue.add(info);
  }

  #arrived(info: PodInfo): void {
    const labels = this.snapshot.namespaceLabels;
    this.queue.changed(addedPlugins, (entry) => arrivalHelps(entry.info, info, entry.plugins, labels));
  }

  /** A pod of the Node has less than before: others may fit beside it. */
  #shrunk(nodeName: string): void {
    const node = this.snapshot.get(nodeName);
    this.queue.changed(["NodeResourcesFit"], ({ info }) => node === undefined || couldFit(info, node));
  }

  #left(info: PodInfo, nodeName: string | undefined): void {
    const node = nodeName === undefined ? undefined : this.snapshot.get(nodeName);
    const labels = this.snapshot.namespaceLabels;
    this.queue.changed(removedPlugins, (entry) => removalHelps(entry.info, info, node, entry.plugins, labels));
  }
}

/** What of a Node placing depends on, as a text to compare. */
function nodeAspect({ metadata, spec, status }: Node): string {
  return JSON.stringify([metadata.labels, spec.taints, spec.unschedulable, status.allocatable, status.images]);
}

const shrinks = ({ requests: before }: PodInfo, { requests: now }: PodInfo) =>
  now.cpu < before.cpu || now.memory < before.memory;

/** What of a pod placing depends on. */
function podAspect({ metadata, spec, status }: Pod): string {
  const resources = [...spec.containers, ...spec.initContainers ?? []].map((container) => container.resources);
  const statuses = [...status.containerStatuses ?? [], ...status.initContainerStatuses ?? []];
  return JSON.stringify([
    metadata.labels,
    metadata.deletionTimestamp !== undefined,
    resources,
    spec.tolerations,
    spec.schedulingGates,
    spec.nodeSelector,
    spec.affinity,
    statuses.map(({ name, allocatedResources, resources }) => [name, allocatedResources, resources]),
    // What can never be granted does not count.
    status.conditions?.find(({ type }) => type === "PodResizePending")?.reason,
  ]);
}

function catalogueOf(watches: Watches): Catalogue {
  return {
    services: (namespace) => watches.services.by("namespace", namespace),
    controllerSelector(kind, namespace, name) {
      const key = `${namespace}/${name}`;
      if (kind === "ReplicaSet") return watches.replicaSets?.get(key)?.spec.selector;
      if (kind === "StatefulSet") return watches.statefulSets?.get(key)?.spec.selector;
      if (kind !== "ReplicationController") return undefined;
      const matchLabels = watches.replicationControllers.get(key)?.spec.selector;
      return matchLabels === undefined ? undefined : { matchLabels };
    },
    claim: (key) => watches.claims?.get(key),
    volume: (name) => watches.volumes?.get(name),
    volumes: () => watches.volumes?.list() ?? [],
    storageClass: (name) => watches.storageClasses?.get(name),
    promised: new Map(),
    knowsVolumes: watches.claims !== undefined,
  };
}

/** Places pods until the signal aborts. Run it under a leader election: two of them would promise the same room. */
export async function runScheduler(options: SchedulerOptions): Promise<void> {
  const { client, clock, signal } = options;
  const watches = await untilServed(() => createWatches(client, clock), options);
  if (watches === undefined) return;
  const informers = informersOf(watches);
  const running = informers.map((informer) => informer.run(signal));
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([Promise.all(informers.map(({ synced }) => synced)), aborted]);
  if (!signal.aborted) await new Scheduler(watches, options).run();
  await Promise.all(running);
}

/** Asks again while the server is not up yet. */
async function untilServed<T>(ask: () => Promise<T>, { clock, signal }: SchedulerOptions): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await ask();
    } catch (error) {
      logger.debug("discovery: {error}", { error: String(error) });
      await sleep(clock, 500, signal);
    }
  }
  return undefined;
}
