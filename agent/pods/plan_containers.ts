/** Which containers of a pod to start, restart or replace now (kubelet: computePodActions, computeInitContainerActions). Pure. */
import type { Instant } from "../../lib/seams/clock.ts";
import type { Container } from "../../lib/types/core_v1.ts";
import type { Action } from "./actions.ts";
import { goDuration, nextAttempt } from "./crash_backoff.ts";
import { envNeedsPodIP } from "./env.ts";
import { isOver } from "./finished.ts";
import { podLabel } from "./names.ts";
import type { Observed } from "./observed.ts";
import { planStop } from "./plan_stop.ts";
import {
  asContainer,
  containerHash,
  ephemeralContainers,
  graceSeconds,
  hostNetwork,
  initContainers,
  isSidecar,
  type Member,
} from "./pod_spec.ts";
import { needsRestart, resizingOf } from "./resize.ts";
import { current, currentSandbox, endedOf, isRunning, isStarted, newest, type PodView } from "./view.ts";

/** How long a failed pull is shown as such before it is shown as waiting for the next one. ms */
const pullErrorShownMs = 2_000;

export function planContainers(view: PodView, now: Instant): Action[] {
  const actions: Action[] = [];
  for (const container of ephemeralContainers(view.pod)) {
    const member: Member = { role: "ephemeral", container: asContainer(container) };
    const last = newest(view, container.name);
    if (last === undefined || last.state === "created") actions.push(...bringUp(view, member, now));
  }
  const init = planInit(view, now);
  actions.push(...init.actions);
  if (init.done) {
    for (const container of view.pod.spec.containers) {
      actions.push(...keepUp(view, { role: "regular", container }, now));
    }
  }
  return actions;
}

/** Init containers are over once a regular container was made in this sandbox, even if someone removed their remains. */
export function isInitialized(view: PodView): boolean {
  return view.pod.spec.containers.some(({ name }) => current(view, name) !== undefined) || initDone(view);
}

function initDone(view: PodView): boolean {
  return initContainers(view.pod).every((container) => {
    const now = current(view, container.name);
    if (isSidecar(container)) return isRunning(view, now) && isStarted(view, now);
    return now !== undefined && endedOf(view, now)?.exitCode === 0;
  });
}

function planInit(view: PodView, now: Instant): { actions: Action[]; done: boolean } {
  const done = isInitialized(view);
  const actions: Action[] = [];
  for (const container of initContainers(view.pod)) {
    const member: Member = { role: "init", container };
    const there = current(view, container.name);
    if (isSidecar(container)) {
      actions.push(...keepUp(view, member, now));
      if (!done && !(isRunning(view, there) && isStarted(view, there))) return { actions, done };
      continue;
    }
    if (done || (there !== undefined && endedOf(view, there)?.exitCode === 0)) continue;
    actions.push(...keepUp(view, member, now));
    return { actions, done };
  }
  return { actions, done };
}

/** Starts what does not run, and stops what must not go on as it is. */
function keepUp(view: PodView, member: Member, now: Instant): Action[] {
  const there = current(view, member.container.name);
  if (!isRunning(view, there)) return isOver(view, member) ? [] : bringUp(view, member, now);
  const stopping = view.memory.stops.get(there.id);
  const cause = stopping === undefined
    ? causeToStop(view, member, there)
    // Why it began is history; that it must end is not.
    : { message: "", replace: stopping.replace, graceMs: stopping.graceMs };
  if (cause !== undefined) return planStop(view, there, now, { ...cause, why: cause.message || "it is being stopped" });
  return [];
}

function causeToStop(view: PodView, member: Member, there: Observed) {
  const { container } = member;
  const { name } = container;
  const graceMs = graceSeconds(view.pod) * 1000;
  if (there.hash !== "" && there.hash !== containerHash(container)) {
    return { message: `Container ${name} definition changed, will be restarted`, replace: true, graceMs };
  }
  const resizing = resizingOf(view, member, there);
  if (resizing !== undefined && needsRestart(resizing)) {
    return { message: `Container ${name} resize requires restart`, replace: true, graceMs };
  }
  const failed = view.probes.get(there.id)?.failed;
  if (failed !== undefined) {
    const own = failed.graceSeconds === undefined ? graceMs : failed.graceSeconds * 1000;
    return {
      message: `Container ${name} failed ${failed.probe} probe, will be restarted`,
      replace: false,
      graceMs: own,
    };
  }
  if (view.memory.postStart.get(there.id) === "failed") {
    return { message: "FailedPostStartHook", replace: false, graceMs };
  }
  return undefined;
}

interface Attempt {
  readonly attempt: number;
  readonly at: Instant;
  readonly delayMs: number;
  /** The label of the attempt: what its own end will be followed by. */
  readonly nextDelayMs: number;
}

/** The number of the next attempt, when it may be made, and what its own end will be followed by. */
export function attemptOf(view: PodView, { container }: Member): Attempt {
  const last = newest(view, container.name);
  if (last === undefined) {
    const all = [...view.pod.status?.containerStatuses ?? [], ...view.pod.status?.initContainerStatuses ?? []];
    const reported = all.find((s) => s.name === container.name && (s.containerID ?? "") !== "");
    return { attempt: reported === undefined ? 0 : reported.restartCount + 1, at: 0, delayMs: 0, nextDelayMs: 0 };
  }
  const ended = endedOf(view, last);
  const attempt = last.attempt + 1;
  // Replaced because it was never started, or because its host went down: no fault of its own.
  if (ended === undefined || last.lost) return { attempt, at: 0, delayMs: 0, nextDelayMs: last.restartDelayMs };
  if (view.memory.stops.get(last.id)?.replace === true) {
    return { attempt, at: 0, delayMs: 0, nextDelayMs: last.restartDelayMs };
  }
  return { attempt, ...nextAttempt(last, ended.finishedMs) };
}

function bringUp(view: PodView, member: Member, now: Instant): Action[] {
  const { memory } = view;
  const { container } = member;
  const sandbox = currentSandbox(view);
  const there = current(view, container.name);
  if (there?.state === "created" && !memory.startFailures.has(there.id)) {
    const ready = sandbox!.state === "running" && memory.address?.sandboxId === sandbox!.id;
    return ready && memory.volumes?.ok === true
      ? [{ do: "startContainer", member, container: there, why: "it was created" }]
      : [];
  }
  const stale = newest(view, container.name);
  if (stale?.state === "created" && there === undefined) {
    return [{ do: "removeContainer", container: stale, why: "it belongs to a sandbox that is no more" }];
  }
  const next = attemptOf(view, member);
  if (now < next.at) return backOff(view, member, next);
  const image = planImage(view, member, now);
  if (image.length > 0) return image;
  const failure = memory.createFailures.get(container.name);
  if (failure !== undefined && now < failure.retryAt) {
    return [{ do: "wakeAt", at: failure.retryAt, why: failure.message }];
  }
  if (sandbox === undefined || sandbox.state === "exited" || memory.volumes?.ok !== true) return [];
  if (needsAddress(view, container) && memory.address?.sandboxId !== sandbox.id) return [];
  const why = next.attempt === 0 ? "the pod has none" : "it ended and may be restarted";
  return [{ do: "createContainer", member, attempt: next.attempt, sandbox, restartDelayMs: next.nextDelayMs, why }];
}

function backOff(view: PodView, member: Member, next: Attempt): Action[] {
  const wake: Action = { do: "wakeAt", at: next.at, why: "back-off" };
  const last = newest(view, member.container.name)!;
  if (view.memory.messages.get(last.id) === undefined) return [wake];
  const message = `Back-off restarting failed container ${member.container.name} in pod ${podLabel(view.pod)}`;
  return [{ do: "backOff", member, message, why: `back-off ${goDuration(next.delayMs)}` }, wake];
}

/** Images are asked for at every start: an imagePullPolicy of Always means just that. */
function planImage({ memory }: PodView, member: Member, now: Instant): Action[] {
  const { name, image = "" } = member.container;
  const outcome = memory.images.get(name);
  if (outcome === undefined || outcome.ref !== image) return [{ do: "pullImage", member, why: "it is to be started" }];
  if (outcome.ok) return [];
  // Asked again soon after an attempt, it is the back-off that is shown.
  const shown = outcome.reason === "ErrImagePull" || outcome.reason === "RegistryUnavailable";
  const at = shown ? Math.min(outcome.retryAt, outcome.failedAt + pullErrorShownMs) : outcome.retryAt;
  if (now < at) return [{ do: "wakeAt", at, why: outcome.message }];
  return [{ do: "pullImage", member, why: "it failed before" }];
}

/** A container that asks for the pod's address in its environment or arguments can't be created while the sandbox starts. */
function needsAddress({ pod }: PodView, container: Container): boolean {
  return !hostNetwork(pod) && envNeedsPodIP(container);
}
