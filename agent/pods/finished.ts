/** When a pod has come to its own end: nothing of it will be started again. Pure. */
import { initContainers, isSidecar, mayRestart, type Member } from "./pod_spec.ts";
import { current, currentSandbox, endedOf, isRunning, newest, type PodView } from "./view.ts";

/** Has this container ended for good? */
export function isOver(view: PodView, member: Member): boolean {
  const container = newest(view, member.container.name);
  const ended = container && endedOf(view, container);
  if (ended === undefined || view.memory.stops.get(container!.id)?.replace === true) return false;
  // An init container's success counts in the sandbox that it prepared only.
  if (member.role === "init" && current(view, member.container.name) === undefined && !sandboxIsGone(view)) {
    return false;
  }
  return !mayRestart(view.pod, member, ended.exitCode);
}

/** The sandbox of a pod that may not be restarted is not made again once it had containers. */
function sandboxIsGone(view: PodView): boolean {
  return currentSandbox(view)?.state !== "running";
}

/** Has an init container failed that may not be restarted? */
export function initFailed(view: PodView): boolean {
  return initContainers(view.pod).some((container) => {
    if (isSidecar(container)) return false;
    const last = newest(view, container.name);
    const ended = last && endedOf(view, last);
    return ended !== undefined && ended.exitCode !== 0 && isOver(view, { role: "init", container });
  });
}

/** True when every regular container is over, or an init container has failed for good. Sidecars don't hold a pod. */
export function hasFinished(view: PodView): boolean {
  const regular = view.pod.spec.containers.map((container): Member => ({ role: "regular", container }));
  if (regular.every((member) => isOver(view, member))) return true;
  const anyRegularRuns = regular.some(({ container }) => isRunning(view, newest(view, container.name)));
  return !anyRegularRuns && initFailed(view);
}
