/**
 * All that a plan for one pod looks at: what is wanted (the pod), what is there (the engine's containers), how the probes see it, and
 * what the agent remembers of its own attempts. Nothing of the memory is needed to be right after a restart of the agent; it
 * only says what is being done and what has failed lately.
 */
import type { Instant } from "../../lib/seams/clock.ts";
import type { Pod, ResourceRequirements } from "../../lib/types/core_v1.ts";
import type { ImageInfo } from "../engine/engine.ts";
import type { Observed, PodContainers } from "./observed.ts";
import type { Allocation, Refusal } from "./resize.ts";

/** Something that did not work and will be tried again. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
  /** In a row. */
  readonly failures: number;
  readonly failedAt: Instant;
  readonly retryAt: Instant;
}

export type ImageOutcome =
  | { readonly ref: string; readonly ok: true; readonly image: ImageInfo }
  | { readonly ref: string; readonly ok: false } & Failure;

/** A container that is being stopped. */
export interface Stop {
  readonly since: Instant;
  readonly graceMs: number;
  readonly hook: "none" | "running" | "done";
  readonly signalledAt?: Instant;
  readonly killedAt?: Instant;
  /** It is stopped in order to be started again, whatever its restart policy says. */
  readonly replace: boolean;
}

export interface StartFailure {
  readonly message: string;
  readonly at: Instant;
  readonly exitCode: number;
}

export interface Memory {
  /** Keys of the operations that are under way. */
  readonly busy: Set<string>;
  volumes: { readonly ok: true } | { readonly ok: false } & Failure | undefined;
  volumesReleased: boolean;
  /** By name of the container: for its next start. */
  readonly images: Map<string, ImageOutcome>;
  sandboxFailure: Failure | undefined;
  /** Of the sandbox with this id; no address for a pod in the host's network. */
  address: { readonly sandboxId: string; readonly ip: string } | undefined;
  /** By name of the container. */
  readonly createFailures: Map<string, Failure>;
  /** By id of the container, like all below. */
  readonly startFailures: Map<string, StartFailure>;
  readonly postStart: Map<string, "running" | "done" | "failed">;
  readonly stops: Map<string, Stop>;
  /** Termination messages; an entry for every ended container that was asked. */
  readonly messages: Map<string, string>;
  /** What the node has granted the pod; the pod of a PodView is the pod as granted. */
  allocation: Allocation;
  /** Why the node does not grant what is asked for now, and of which generation of the pod that is. */
  resizePending: Refusal & { readonly generation: number } | undefined;
  /** What was granted with this generation is being applied. */
  resizing: { readonly generation: number } | undefined;
  resizeFailure: Failure | undefined;
  /** By id of the container: what it is held to, where this agent has changed that. */
  readonly applied: Map<string, ResourceRequirements>;
  /** Operations that failed unexpectedly, by key: not again before their time. */
  readonly held: Map<string, Failure>;
  /** When the pod was first seen to be deleted. */
  leavingSince: Instant | undefined;
  /** When its grace period began: it has to end and nothing is sent to it any longer. */
  stoppingSince: Instant | undefined;
  /** Why the pod has failed as a whole. */
  failed: { readonly reason: string; readonly message: string } | undefined;
  /** The pod's object is deleted at the API, or never was this agent's to delete. */
  deleted: boolean;
}

export function newMemory(): Memory {
  return {
    busy: new Set(),
    volumes: undefined,
    volumesReleased: false,
    images: new Map(),
    sandboxFailure: undefined,
    address: undefined,
    createFailures: new Map(),
    startFailures: new Map(),
    postStart: new Map(),
    stops: new Map(),
    messages: new Map(),
    allocation: new Map(),
    resizePending: undefined,
    resizing: undefined,
    resizeFailure: undefined,
    applied: new Map(),
    held: new Map(),
    leavingSince: undefined,
    stoppingSince: undefined,
    failed: undefined,
    deleted: false,
  };
}

export interface ProbeState {
  /** Its startup probe has succeeded, or it has none. */
  readonly started: boolean;
  readonly ready: boolean;
  /** A liveness or startup probe has given it up. */
  readonly failed?: { readonly probe: "liveness" | "startup"; readonly graceSeconds?: number };
}

export interface PodView extends PodContainers {
  readonly pod: Pod;
  /** The API knows the pod (or can't be asked). Otherwise it is an orphan that has to go. */
  readonly wanted: boolean;
  readonly memory: Readonly<Memory>;
  /** No proxy of the cluster sends new connections to it: it may be stopped. */
  readonly drained: boolean;
  /** By container id; for containers that have probes. */
  readonly probes: ReadonlyMap<string, ProbeState>;
  /** Why no pod can get an address yet; undefined when the node's network is set up. */
  readonly networkWait: string | undefined;
}

/** The sandbox that a pod lives in or would be started in. */
export const currentSandbox = (view: PodView): Observed | undefined => view.sandboxes[0];

export interface Ended {
  readonly exitCode: number;
  readonly finishedMs: Instant;
}

/** How a container ended, if it did. One that could not be started counts as ended when that was found out. */
export function endedOf(view: PodView, container: Observed): Ended | undefined {
  const failure = view.memory.startFailures.get(container.id);
  if (failure !== undefined) return { exitCode: failure.exitCode, finishedMs: failure.at };
  if (container.state !== "exited") return undefined;
  // Nobody saw a lost one end: that it once started is the last that is known.
  return {
    exitCode: container.exitCode,
    finishedMs: container.finishedMs ?? container.startedMs ?? container.createdMs,
  };
}

export const newest = (view: PodView, name: string): Observed | undefined => view.containers.get(name)?.[0];

/** The newest attempt, if it belongs to the sandbox that now is. */
export function current(view: PodView, name: string): Observed | undefined {
  const container = newest(view, name);
  const sandbox = currentSandbox(view);
  return sandbox !== undefined && container?.sandboxAttempt === sandbox.attempt ? container : undefined;
}

export const isRunning = (
  view: PodView,
  container: Observed | undefined,
): container is Observed & { state: "running" } =>
  container?.state === "running" && !view.memory.startFailures.has(container.id);

/** Has a running container started in the sense of probes and hooks? */
export function isStarted(view: PodView, container: Observed): boolean {
  const hook = view.memory.postStart.get(container.id);
  return (view.probes.get(container.id)?.started ?? true) && hook !== "running" && hook !== "failed";
}

export function* allContainers(view: PodView): Iterable<Observed> {
  for (const attempts of view.containers.values()) yield* attempts;
}

export const runningContainers = (view: PodView): Observed[] =>
  [...allContainers(view)].filter((container) => isRunning(view, container));
