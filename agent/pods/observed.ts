/** A pod's containers as the engine has them: the half of a PodView that nobody may invent. Pure. */
import type { ContainerState } from "../engine/engine.ts";
import { type ContainerIdentity, identityOf, sandboxName } from "./names.ts";

export interface Observed extends ContainerIdentity {
  readonly id: string;
  readonly podUid: string;
  readonly podName: string;
  readonly podNamespace: string;
  readonly state: "created" | "running" | "exited";
  readonly pid: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Nobody saw it end: the host or the engine went down under it. */
  readonly lost: boolean;
  readonly createdMs: number;
  readonly startedMs: number | undefined;
  readonly finishedMs: number | undefined;
  readonly error: string;
  readonly image: string;
  readonly imageId: string;
}

/** Undefined for a container that carries no pod's labels. */
export function observe(state: ContainerState): Observed | undefined {
  const identity = identityOf(state.labels);
  if (identity === undefined) return undefined;
  return {
    ...identity,
    id: state.id,
    state: simple(state.status),
    pid: state.pid,
    exitCode: state.exitCode,
    oomKilled: state.oomKilled,
    lost: state.lost,
    createdMs: state.createdMs,
    startedMs: state.startedMs,
    finishedMs: state.finishedMs,
    error: state.error,
    image: state.image,
    imageId: state.imageId,
  };
}

/** A paused container still holds its place; one that is being removed or could not be removed is over. */
function simple(status: ContainerState["status"]): Observed["state"] {
  switch (status) {
    case "created":
      return "created";
    case "running":
    case "paused":
    case "restarting":
      return "running";
    case "removing":
    case "exited":
    case "dead":
      return "exited";
  }
}

export interface PodContainers {
  /** Newest attempt first. */
  readonly sandboxes: readonly Observed[];
  /** By name of the container, newest attempt first. */
  readonly containers: ReadonlyMap<string, readonly Observed[]>;
}

export function groupContainers(all: Iterable<Observed>): PodContainers {
  const sandboxes: Observed[] = [];
  const containers = new Map<string, Observed[]>();
  for (const one of all) {
    if (one.container === sandboxName) sandboxes.push(one);
    else containers.set(one.container, [...containers.get(one.container) ?? [], one]);
  }
  const newestFirst = (a: Observed, b: Observed) => b.attempt - a.attempt || b.createdMs - a.createdMs;
  sandboxes.sort(newestFirst);
  for (const list of containers.values()) list.sort(newestFirst);
  return { sandboxes, containers };
}

export const isSandboxAlive = ({ state }: Observed): boolean => state === "running";
