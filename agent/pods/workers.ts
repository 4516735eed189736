/**
 * The loop over this node's pods: view → plan → execute, a pod at a time, nothing awaited in between. Operations run beside the loop; when
 * one ends, or the API, the engine, a probe or a timer says something, the pod is planned again.
 */
import { getLogger } from "log";
import { drainedCondition } from "../../lib/draining.ts";
import { podRetryMaxMs, podRetryMinMs, resizeDeferredRetryMs } from "../../lib/limits.ts";
import { createQueue, type Queue } from "../../lib/queue/queue.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import type { Probes } from "../probes/probes.ts";
import type { ProbeTarget } from "../probes/target.ts";
import { volumeReferences } from "../volumes/payload.ts";
import { type Action, operationKey } from "./actions.ts";
import { type NodeRoom, rejectionOf } from "./admit.ts";
import { type Assigned, podOfContainers } from "./assigned.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { envReferences } from "./env.ts";
import { execute } from "./execute.ts";
import { hostPorts } from "./sandbox_operations.ts";
import { planPod } from "./plan.ts";
import { drainingUntil } from "./plan_end.ts";
import { memberOf, members } from "./pod_spec.ts";
import { asHeld, withAllocation } from "./resize.ts";
import { byTurn, followResize, grantResize, recallResize, type Told } from "./resize_grants.ts";
import { messageOf, nextFailure, type NodeParts, type PodContext } from "./pod_context.ts";
import { podIPs, podStatus } from "./status.ts";
import { type Memory, newMemory, type PodView, type ProbeState, runningContainers } from "./view.ts";

export interface WorkerOptions {
  readonly parts: NodeParts;
  readonly assigned: Assigned;
  readonly probes: Probes;
  readonly checkpoint: Checkpoint;
  /** The pods that the checkpoint knew at the start, as they were granted their resources. */
  readonly saved: readonly Pod[];
  /** Why pods can't get an address yet. */
  readonly networkWait: () => string | undefined;
  /** Do deleted pods run on until no proxy sends new connections to them? */
  readonly drain: "on" | "off";
}

interface Entry {
  readonly memory: Memory;
  /** The object that references were held for, and that was written to the checkpoint. */
  seen: Pod | undefined;
  /** Containers whose back-off was told. */
  readonly told: Set<string>;
  /** Nothing of the pod is left here. */
  finished: boolean;
  /** What the plan needs of the pod when the API has forgotten it. With the resources that it was granted. */
  pod: Pod;
  /** As it was planned for last. */
  view: PodView | undefined;
}

const logger = getLogger(["sauropod", "agent", "pods"]);
const isDrained = ({ status }: Pod) =>
  status?.conditions?.some(({ type, status }) => type === drainedCondition && status === "True") ?? false;
const hold = { baseMs: podRetryMinMs, maxMs: podRetryMaxMs };

/** Does it hold resources of this node? */
const isActive = ({ finished, memory, pod }: Entry) =>
  !finished && memory.failed === undefined && pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed";

const isLeaving = ({ pod, wanted }: PodView) => !wanted || pod.metadata.deletionTimestamp !== undefined;

/** With what is to be thought of running containers that cannot be probed: they have no address yet. */
function withUnprobed(view: PodView, known: ReadonlyMap<string, ProbeState>): ReadonlyMap<string, ProbeState> {
  const states = new Map(known);
  for (const { id, container } of runningContainers(view)) {
    const spec = memberOf(view.pod, container)?.container;
    if (states.has(id) || spec === undefined) continue;
    const started = spec.startupProbe === undefined;
    if (!started || spec.readinessProbe !== undefined) states.set(id, { started, ready: false });
  }
  return states;
}

export class PodWorkers {
  readonly #entries = new Map<string, Entry>();
  readonly #queue: Queue;
  /** By uid; each until its pod is seen. */
  readonly #saved: Map<string, Pod>;

  constructor(readonly options: WorkerOptions) {
    this.#queue = createQueue(options.parts.clock);
    this.#saved = new Map(options.saved.map((pod) => [pod.metadata.uid, pod]));
  }

  /** Until the agent's signal aborts. */
  async run(): Promise<void> {
    const { parts, assigned } = this.options;
    parts.signal.addEventListener("abort", () => this.#queue.close(), { once: true });
    assigned.onChange((uid) => this.enqueue(uid));
    parts.observer.onChange((uid) => this.enqueue(uid));
    parts.references.onChange((uid) => this.#referencesChanged(uid));
    void parts.observer.synced.then(() => this.enqueueAll());
    this.enqueueAll();
    for (let uid = await this.#queue.next(); uid !== undefined; uid = await this.#queue.next()) {
      try {
        this.#reconcile(uid);
        this.#queue.done(uid);
      } catch (error) {
        logger.error("pod {uid}: {error}", { uid, error });
        this.#queue.failed(uid);
      }
    }
  }

  enqueue(uid: string): void {
    this.#queue.add(uid);
  }

  enqueueAll(): void {
    const { assigned, parts } = this.options;
    for (const uid of new Set([...assigned.uids(), ...parts.observer.uids()])) this.enqueue(uid);
  }

  /** The pod as it was planned for last. */
  pod(uid: string): Pod | undefined {
    return this.#entries.get(uid)?.pod;
  }

  memory(uid: string): Memory | undefined {
    return this.#entries.get(uid)?.memory;
  }

  /** What a pod of the API looks like with the resources that it was granted here. */
  granted(pod: Pod): Pod {
    const memory = this.memory(pod.metadata.uid);
    return memory === undefined ? pod : withAllocation(pod, memory.allocation);
  }

  /** The node's room for a pod, and the others that hold resources of it. */
  #room(uid: string): NodeRoom {
    const { allocatable, labels } = this.options.parts.node;
    const others = [...this.#entries].filter(([other, entry]) => other !== uid && isActive(entry));
    return { allocatable, labels, others: others.map(([, { view, pod }]) => view === undefined ? pod : asHeld(view)) };
  }

  /** Grants what the API wants of the pod's resources, if there is room. */
  #resize(uid: string, entry: Entry): void {
    const { assigned, checkpoint, parts } = this.options;
    const found = assigned.get(uid);
    if (found?.wanted !== true || !isActive(entry) || found.pod.metadata.deletionTimestamp !== undefined) return;
    const { granted, told } = grantResize(found.pod, entry.memory, () => this.#room(uid));
    this.#tell(found.pod, told);
    if (granted) {
      checkpoint.save({ ...found.pod, status: parts.status.known(found.pod) });
      this.#roomMade();
    } else if (entry.memory.resizePending?.reason === "Deferred") {
      this.#queue.addAt(uid, parts.clock.now() + resizeDeferredRetryMs);
    }
  }

  #tell(pod: Pod, told: readonly Told[]): void {
    for (const { type, reason, message } of told) this.options.parts.recorder.event(pod, type, reason, message);
  }

  /** Those that were told to wait may have their turn. */
  #roomMade(): void {
    const waiting = [...this.#entries].flatMap(([uid, { memory }]) => {
      const pod = this.options.assigned.get(uid)?.pod;
      return memory.resizePending?.reason === "Deferred" && pod !== undefined ? [{ uid, pod, memory }] : [];
    });
    for (const { uid } of waiting.sort(byTurn)) this.enqueue(uid);
  }

  /** The pod's network was lost: it is attached anew. */
  reattach(uid: string): void {
    const memory = this.memory(uid);
    if (memory?.address === undefined) return;
    memory.address = undefined;
    this.enqueue(uid);
  }

  /** For the network: the pods that are attached, or are just being. */
  attachments(): { uid: string; pid: number; hostPorts: ReturnType<typeof hostPorts> }[] {
    return [...this.#entries].flatMap(([uid, { pod }]) => {
      const sandbox = this.options.parts.observer.ofPod(uid).sandboxes[0];
      if (sandbox?.state !== "running" || pod.spec.hostNetwork === true) {
        return [];
      }
      return [{ uid, pid: sandbox.pid, hostPorts: hostPorts({ pod }) }];
    });
  }

  #referencesChanged(uid: string): void {
    const memory = this.memory(uid);
    if (memory === undefined) return;
    // What failed for want of them is worth another try.
    memory.createFailures.clear();
    if (memory.volumes?.ok === false) memory.volumes = undefined;
    this.enqueue(uid);
  }

  #reconcile(uid: string): void {
    const { parts } = this.options;
    if (!parts.observer.hasSynced) return;
    const entry = this.#entryOf(uid);
    if (entry === undefined || entry.finished) return;
    const now = parts.clock.now();
    const held = isActive(entry);
    this.#resize(uid, entry);
    const view = this.#view(uid, entry);
    if (view.wanted && isActive(entry)) this.#tell(view.pod, followResize(view, entry.memory));
    const leaving = isLeaving(view);
    if (leaving) entry.memory.leavingSince ??= now;
    if (leaving && now >= (drainingUntil(view) ?? now)) entry.memory.stoppingSince ??= now;
    this.#attend(entry, view);
    const { actions, report } = planPod(view, now);
    const context: PodContext = { parts, pod: view.pod, view, memory: entry.memory, changed: () => this.enqueue(uid) };
    if (report && view.wanted) {
      const node = { runtime: parts.engine.name, hostIPs: parts.node.hostIPs, imageName: parts.images.nameOf };
      parts.status.set(view.pod, podStatus(view, now, node));
    }
    for (const action of actions) this.#do(uid, entry, context, action);
    if (held && !isActive(entry)) this.#roomMade();
  }

  #entryOf(uid: string): Entry | undefined {
    const { assigned, parts } = this.options;
    const found = assigned.get(uid);
    const existing = this.#entries.get(uid);
    if (existing?.finished === true && found === undefined) this.#entries.delete(uid);
    if (existing !== undefined && found === undefined && existing.finished) return undefined;
    if (existing !== undefined) return existing;
    const containers = parts.observer.ofPod(uid);
    if (found === undefined) {
      // Until the API has answered nobody knows whose containers these are.
      const any = containers.sandboxes[0] ?? [...containers.containers.values()][0]?.[0];
      if (any === undefined || !assigned.hasSynced) return undefined;
      return this.#add(uid, podOfContainers(uid, any, containers.containers.keys()));
    }
    return this.#add(uid, found.pod, containers.sandboxes.length + containers.containers.size > 0);
  }

  #add(uid: string, pod: Pod, hasContainers = true): Entry {
    const { parts } = this.options;
    const memory = newMemory();
    for (const status of [...pod.status?.containerStatuses ?? [], ...pod.status?.initContainerStatuses ?? []]) {
      // Last words that were reported are not lost with the agent's memory, or with the file.
      for (const state of [status.state, status.lastState]) {
        const { containerID, message } = state?.terminated ?? {};
        if (containerID !== undefined && message !== undefined) {
          memory.messages.set(containerID.replace(/^.*:\/\//, ""), message);
        }
      }
    }
    const phase = pod.status?.phase;
    const fresh = !hasContainers && (phase === undefined || phase === "Pending") &&
      pod.metadata.deletionTimestamp === undefined;
    recallResize(memory, pod, { fresh, saved: this.#saved.get(uid) });
    this.#saved.delete(uid);
    if (fresh) {
      memory.failed = rejectionOf(withAllocation(pod, memory.allocation), this.#room(uid));
      if (memory.failed !== undefined) {
        parts.recorder.event(pod, "Warning", memory.failed.reason, memory.failed.message);
      }
    }
    const entry: Entry = { memory, seen: undefined, told: new Set(), finished: false, pod, view: undefined };
    this.#entries.set(uid, entry);
    return entry;
  }

  #view(uid: string, entry: Entry): PodView {
    const { parts, assigned, probes, networkWait, drain } = this.options;
    const found = assigned.get(uid);
    const seen = found?.pod ?? entry.pod;
    const pod = withAllocation({ ...seen, status: parts.status.known(seen) }, entry.memory.allocation);
    entry.pod = pod;
    const view = {
      pod,
      wanted: found?.wanted ?? false,
      ...parts.observer.ofPod(uid),
      memory: entry.memory,
      drained: drain === "off" || isDrained(seen),
      probes: new Map<string, ProbeState>(),
      networkWait: networkWait(),
    };
    // First the probes of what runs now, then their states: a container whose probes have not begun must not look ready.
    this.#probe(uid, view);
    entry.view = { ...view, probes: withUnprobed(view, probes.states(uid)) };
    return entry.view;
  }

  /** Holds what the pod refers to, and remembers it for a restart. */
  #attend(entry: Entry, { pod, wanted }: PodView): void {
    const { parts, assigned, checkpoint } = this.options;
    const { uid, namespace } = pod.metadata;
    const seen = assigned.get(uid)?.pod;
    if (seen === undefined || seen === entry.seen || entry.memory.volumesReleased) return;
    entry.seen = seen;
    if (wanted) checkpoint.save(pod);
    const names = [volumeReferences(pod), ...members(pod).map(({ container }) => envReferences(container))];
    parts.references.hold(uid, namespace, {
      configMaps: [...new Set(names.flatMap(({ configMaps }) => configMaps))],
      secrets: [
        ...new Set([
          ...names.flatMap(({ secrets }) => secrets),
          ...(pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => name === undefined ? [] : [name]),
        ]),
      ],
    });
  }

  #probe(uid: string, view: PodView): void {
    const { parts, probes } = this.options;
    const terminating = isLeaving(view);
    const podIP = view.memory.address?.ip ?? podIPs(view, parts.node)[0];
    const statuses = [...view.pod.status?.containerStatuses ?? [], ...view.pod.status?.initContainerStatuses ?? []];
    const targets = runningContainers(view).flatMap((running): ProbeTarget[] => {
      const member = memberOf(view.pod, running.container);
      if (member === undefined || podIP === undefined) return [];
      const reported = statuses.find(({ name }) => name === running.container);
      const before = reported?.containerID === `${parts.engine.name}://${running.id}` &&
        reported.state?.running !== undefined;
      return [{
        pod: view.pod,
        container: member.container,
        containerId: running.id,
        podIP,
        startedMs: running.startedMs ?? running.createdMs,
        terminating: terminating || view.memory.stops.has(running.id),
        ...(before ? { known: { started: reported.started === true, ready: reported.ready } } : {}),
      }];
    });
    probes.sync(uid, targets);
  }

  #do(uid: string, entry: Entry, context: PodContext, action: Action): void {
    const { memory } = entry;
    if (action.do === "wakeAt") return this.#queue.addAt(uid, action.at);
    if (action.do === "forget") return this.#finish(uid, entry);
    if (action.do === "backOff") {
      const last = context.view.containers.get(action.member.container.name)![0]!.id;
      if (entry.told.has(last)) return;
      entry.told.add(last);
    }
    const key = operationKey(action);
    logger.debug("{pod}: {action}: {why}", { pod: context.pod.metadata.name, action: key, why: action.why });
    memory.busy.add(key);
    execute(context, action).then(
      () => void memory.held.delete(key),
      (error) => {
        const message = messageOf(error);
        const now = context.parts.clock.now();
        memory.held.set(key, nextFailure(memory.held.get(key), { reason: action.do, message, now, backoff: hold }));
        if (!context.parts.signal.aborted) {
          logger.warn("{pod}: {action}: {error}", { pod: context.pod.metadata.name, action: key, error: message });
        }
      },
    ).finally(() => {
      memory.busy.delete(key);
      this.enqueue(uid);
      if (action.do === "resize") this.#roomMade();
    });
  }

  /** All is gone: what is remembered of the pod goes, too, once the API has no such pod either. */
  #finish(uid: string, entry: Entry): void {
    const { parts, probes, checkpoint, assigned } = this.options;
    entry.finished = true;
    this.#roomMade();
    probes.sync(uid, []);
    parts.references.release(uid);
    parts.status.forget(uid);
    parts.images.puller.forget(uid);
    checkpoint.remove(uid);
    assigned.forget(uid);
    if (assigned.get(uid) === undefined) this.#entries.delete(uid);
  }
}
