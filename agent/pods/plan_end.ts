/**
 * A pod's way down: regular containers together, then the sidecars in reverse, each with what is left of the grace period; then the
 * sandbox and the volumes; then, for a deleted pod, the containers and last the object at the API. Pure.
 */
import { drainWaitMsMax, minimumGraceMs } from "../../lib/limits.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { Action } from "./actions.ts";
import type { PodPlan } from "./plan.ts";
import { planStop } from "./plan_stop.ts";
import { graceSeconds, sidecars } from "./pod_spec.ts";
import { allContainers, endedOf, type PodView, runningContainers } from "./view.ts";

export function planEnd(view: PodView, now: Instant, { remove, why }: { remove: boolean; why: string }): PodPlan {
  const running = runningContainers(view);
  if (running.length > 0) {
    const until = drainingUntil(view);
    if (until === undefined || now >= until) return { report: true, actions: stopInOrder(view, now, why) };
    return { report: true, actions: [{ do: "wakeAt", at: until, why: "proxies may still send it connections" }] };
  }
  const { busy } = view.memory;
  // What is on its way would come up after us.
  if ([...busy].some((key) => key.startsWith("container "))) {
    return { report: !view.memory.volumesReleased, actions: [] };
  }
  if (busy.has("sandbox") || busy.has("volumes")) return { report: !remove, actions: [] };
  const unread = [...allContainers(view)].some((c) =>
    c === view.containers.get(c.container)![0] && endedOf(view, c) !== undefined && !view.memory.messages.has(c.id)
  );
  if (unread) return { report: false, actions: [] };
  const sandbox = view.sandboxes.find((s) => s.state === "running");
  const actions: Action[] = [];
  if (sandbox !== undefined) actions.push({ do: "releaseSandbox", sandbox, why });
  if (!view.memory.volumesReleased) actions.push({ do: "releaseVolumes", why });
  if (actions.length > 0) return { report: true, actions };
  if (!remove) return { report: true, actions: [] };
  return { report: removalReported(view), actions: removeAll(view, why) };
}

/**
 * Until when a deleted pod runs on because new connections may still reach it: until it is told to be drained, and not for long.
 * Pods that are deleted without grace, that the API has forgotten, or that are on their way down already do not wait.
 */
export function drainingUntil(view: PodView): Instant | undefined {
  const { pod, memory } = view;
  const phase = pod.status?.phase;
  const ended = memory.failed !== undefined || phase === "Failed" || phase === "Succeeded";
  if (view.drained || ended || memory.stops.size > 0) return undefined;
  if (!view.wanted || pod.metadata.deletionTimestamp === undefined || graceSeconds(pod) === 0) return undefined;
  return memory.leavingSince === undefined ? undefined : memory.leavingSince + drainWaitMsMax;
}

/** Once the first container is gone the rest no longer tells how the pod ended: what was reported before stands. */
function removalReported(view: PodView): boolean {
  return !view.memory.deleted && ![...view.memory.busy].some((key) => key.startsWith("container ")) &&
    view.pod.spec.containers.every(({ name }) => view.containers.has(name));
}

function stopInOrder(view: PodView, now: Instant, why: string): Action[] {
  const { pod, memory } = view;
  const graceMs = graceSeconds(pod) * 1000;
  const order = sidecars(pod).map(({ name }) => name);
  const running = runningContainers(view);
  const message = (name: string) => `Stopping container ${name}`;
  const first = running.filter(({ container }) => !order.includes(container));
  if (first.length > 0 || graceMs === 0) {
    const together = graceMs === 0 ? running : first;
    return together.flatMap((c) => planStop(view, c, now, { graceMs, message: message(c.container), why }));
  }
  const last = order.findLast((name) => running.some(({ container }) => container === name))!;
  const left = (memory.stoppingSince ?? now) + graceMs - now;
  return running.filter(({ container }) => container === last).flatMap((c) =>
    planStop(view, c, now, { graceMs: Math.max(left, stopBudget(view, c.id)), message: message(last), why })
  );
}

/** A sidecar's budget is fixed when its turn comes, and at least the minimum. */
function stopBudget(view: PodView, id: string): number {
  return Math.max(view.memory.stops.get(id)?.graceMs ?? 0, minimumGraceMs);
}

function removeAll(view: PodView, why: string): Action[] {
  const containers = [...allContainers(view)];
  // Podman removes no sandbox that containers still refer to.
  const next = containers.length > 0 ? containers : view.sandboxes;
  if (next.length > 0) return next.map((container): Action => ({ do: "removeContainer", container, why }));
  if (view.wanted && !view.memory.deleted) return [{ do: "deletePod", why }];
  return [{ do: "forget", why }];
}
