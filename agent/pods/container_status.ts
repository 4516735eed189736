/** One container's status as the API shows it (kubelet: convertToAPIContainerStatuses and what follows it). Pure. */
import { type Instant, rfc3339 } from "../../lib/seams/clock.ts";
import type { ContainerState, ContainerStatus, ResourceRequirements } from "../../lib/types/core_v1.ts";
import { attemptOf, isInitialized } from "./plan_containers.ts";
import { goDuration } from "./crash_backoff.ts";
import { isOver } from "./finished.ts";
import { podLabel } from "./names.ts";
import type { Observed } from "./observed.ts";
import { initContainers, isSidecar, type Member } from "./pod_spec.ts";
import { appliedTo } from "./resize.ts";
import { endedOf, isRunning, isStarted, newest, type PodView } from "./view.ts";

export interface StatusInput {
  readonly view: PodView;
  readonly now: Instant;
  /** `docker` or `podman`: the scheme of container ids. */
  readonly runtime: string;
  /** What the API was told last. */
  readonly previous: ContainerStatus | undefined;
  /** The registry's name for an image, by the engine's id of it. */
  readonly imageName: (imageId: string) => string | undefined;
  /** The pod is going: nothing is started any more. */
  readonly ending: boolean;
}

export function containerStatus(member: Member, input: StatusInput): ContainerStatus {
  const { view } = input;
  const { container } = member;
  const last = newest(view, container.name);
  if (last === undefined) return unstarted(member, input);
  const running = isRunning(view, last);
  const { state, lastState } = states(member, last, input);
  const ended = endedOf(view, last);
  const started = running && isStarted(view, last);
  const plainInit = member.role === "init" && !isSidecar(container);
  const ready = plainInit
    ? ended?.exitCode === 0
    : member.role !== "ephemeral" && started && (view.probes.get(last.id)?.ready ?? true);
  return {
    name: container.name,
    state,
    lastState,
    ready,
    restartCount: last.attempt,
    image: container.image ?? last.image,
    imageID: input.imageName(last.imageId) ?? last.imageId,
    containerID: `${input.runtime}://${last.id}`,
    started: plainInit || member.role === "ephemeral" ? (member.role === "ephemeral" ? undefined : false) : started,
    ...resourceStatus(member, running ? appliedTo(view, member, last) : undefined),
    ...mountStatuses(member),
  };
}

/** What was granted, and what it is held to: where it does not run, it will be what was granted. */
function resourceStatus(
  { role, container }: Member,
  applied: ResourceRequirements | undefined,
): Pick<ContainerStatus, "allocatedResources" | "resources"> {
  const { requests } = container.resources ?? {};
  if (role === "ephemeral") return {};
  return {
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    resources: applied ?? container.resources ?? {},
  };
}

function mountStatuses({ container }: Member): Pick<ContainerStatus, "volumeMounts"> {
  if (container.volumeMounts === undefined || container.volumeMounts.length === 0) return {};
  return {
    volumeMounts: container.volumeMounts.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      // The engine does not make mounts read-only recursively, and only what was asked to be read-only says so.
      ...(readOnly === true ? { readOnly, recursiveReadOnly: "Disabled" } : {}),
    })),
  } as Pick<ContainerStatus, "volumeMounts">;
}

/** Nothing of it is in the engine: it waits for something, or what there was has been removed from under us. */
function unstarted(member: Member, input: StatusInput): ContainerStatus {
  const { previous, ending } = input;
  const { container } = member;
  const wasRunning = previous?.state?.running;
  const lost: ContainerState | undefined = wasRunning === undefined ? previous?.lastState : {
    terminated: {
      exitCode: 137,
      reason: "ContainerStatusUnknown",
      message: "The container could not be located when the pod was deleted.  The container used to be Running",
      containerID: previous!.containerID,
      startedAt: wasRunning.startedAt,
    },
  };
  const gone = ending && wasRunning !== undefined;
  const over = previous?.state?.terminated;
  return {
    name: container.name,
    state: over !== undefined && ending ? { terminated: over } : gone ? lost! : { waiting: waiting(member, input) },
    lastState: gone ? {} : lost ?? {},
    ready: false,
    restartCount: previous?.restartCount ?? 0,
    image: container.image ?? "",
    imageID: previous?.imageID ?? "",
    ...(previous?.containerID === undefined ? {} : { containerID: previous.containerID }),
    started: member.role === "ephemeral" ? undefined : false,
    ...resourceStatus(member, undefined),
    ...mountStatuses(member),
  };
}

function states(
  member: Member,
  last: Observed,
  input: StatusInput,
): { state: ContainerState; lastState: ContainerState } {
  const { view, now } = input;
  const before = view.containers.get(last.container)![1];
  const past = before === undefined ? input.previous?.lastState ?? {} : terminatedOr(before, input, {});
  if (isRunning(view, last)) {
    return { state: { running: { startedAt: rfc3339(last.startedMs ?? last.createdMs) } }, lastState: past };
  }
  const ended = endedOf(view, last);
  if (ended === undefined) return { state: { waiting: waiting(member, input) }, lastState: past };
  const terminated = terminatedOr(last, input, {});
  if (input.ending || isOver(view, member)) return { state: terminated, lastState: past };
  const startFailure = view.memory.startFailures.get(last.id);
  const next = attemptOf(view, member);
  if (now < next.at) {
    const { name } = member.container;
    const message = `back-off ${goDuration(next.delayMs)} restarting failed container=${name} pod=${
      podLabel(view.pod)
    }`;
    return { state: { waiting: { reason: "CrashLoopBackOff", message } }, lastState: terminated };
  }
  if (startFailure !== undefined) {
    return {
      state: { waiting: { reason: "RunContainerError", message: startFailure.message } },
      lastState: terminated,
    };
  }
  const blocked = blockedBy(member, input);
  if (blocked !== undefined) return { state: { waiting: blocked }, lastState: terminated };
  // It is about to be started again: until then it shows how it ended.
  return { state: terminated, lastState: past };
}

function terminatedOr(container: Observed, { view, runtime }: StatusInput, otherwise: ContainerState): ContainerState {
  const ended = endedOf(view, container);
  if (ended === undefined) return otherwise;
  const failure = view.memory.startFailures.get(container.id);
  const message = failure?.message ?? (view.memory.messages.get(container.id) || undefined);
  return {
    terminated: {
      exitCode: ended.exitCode,
      reason: failure !== undefined ? "ContainerCannotRun" : reasonOf(container),
      ...(message === undefined ? {} : { message }),
      startedAt: rfc3339(container.startedMs ?? ended.finishedMs),
      finishedAt: rfc3339(ended.finishedMs),
      containerID: `${runtime}://${container.id}`,
    },
  };
}

function reasonOf(container: Observed): string {
  if (container.oomKilled) return "OOMKilled";
  if (container.lost) return "ContainerStatusUnknown";
  return container.exitCode === 0 ? "Completed" : "Error";
}

interface Waiting {
  reason: string;
  message?: string;
}

function waiting(member: Member, input: StatusInput): Waiting {
  const blocked = blockedBy(member, input);
  if (blocked !== undefined) return blocked;
  const { view } = input;
  const held = initContainers(view.pod).length > 0 && (member.role === "init" || !isInitialized(view));
  return { reason: held ? "PodInitializing" : "ContainerCreating" };
}

/** What keeps it from being started, when that is something that has failed. */
function blockedBy(member: Member, { view }: StatusInput): Waiting | undefined {
  const { name, image = "" } = member.container;
  const pull = view.memory.images.get(name);
  if (pull !== undefined && !pull.ok && pull.ref === image) {
    return { reason: pull.reason, message: pull.message };
  }
  const create = view.memory.createFailures.get(name);
  if (create !== undefined) return { reason: create.reason, message: create.message };
  return undefined;
}
