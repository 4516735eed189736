/**
 * What to do for one pod now. Pure: the same view and instant give the same actions, and a plan is right from any state, so that
 * nothing depends on having seen how it came about (a restarted agent, a lost event, a container that someone removed).
 * plan_run.ts brings a pod up and keeps it so, plan_end.ts brings it down.
 */
import { type Instant } from "../../lib/seams/clock.ts";
import type { Action } from "./actions.ts";
import { operationKey } from "./actions.ts";
import { hasFinished } from "./finished.ts";
import { planEnd } from "./plan_end.ts";
import { planRun } from "./plan_run.ts";
import { allContainers, endedOf, type PodView } from "./view.ts";

export interface PodPlan {
  readonly actions: readonly Action[];
  /**
   * False while the containers do not show what the pod's status should say: their last words are being read, or they are being
   * removed after their end was reported.
   */
  readonly report: boolean;
}

export function planPod(view: PodView, now: Instant): PodPlan {
  const planned = decide(view, now);
  const busy = view.memory.busy;
  const actions: Action[] = [];
  const asked = new Set<string>();
  for (const action of planned.actions) {
    const key = operationKey(action);
    if (action.do === "wakeAt" || action.do === "backOff") {
      actions.push(action);
      continue;
    }
    if (busy.has(key) || asked.has(key)) continue;
    asked.add(key);
    const held = view.memory.held.get(key);
    if (held === undefined || now >= held.retryAt) actions.push(action);
    else actions.push({ do: "wakeAt", at: held.retryAt, why: held.message });
  }
  const collecting = [...busy, ...asked].some((key) => key.startsWith("collect "));
  return { actions, report: planned.report && !collecting };
}

function decide(view: PodView, now: Instant): PodPlan {
  const { pod, memory } = view;
  const collect = [...allContainers(view)]
    .filter((c) =>
      endedOf(view, c) !== undefined && !memory.messages.has(c.id) && c === view.containers.get(c.container)![0]
    )
    .map((container): Action => ({ do: "collect", container, why: "it has ended" }));
  const leaving = !view.wanted || pod.metadata.deletionTimestamp !== undefined;
  if (leaving) {
    return prefixed(
      collect,
      planEnd(view, now, { remove: true, why: view.wanted ? "the pod is deleted" : "the API has no such pod" }),
    );
  }
  const reported = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  if (memory.failed !== undefined || reported) {
    return prefixed(collect, planEnd(view, now, { remove: false, why: memory.failed?.message ?? "the pod has ended" }));
  }
  if (hasFinished(view)) {
    return prefixed(collect, planEnd(view, now, { remove: false, why: "all its containers have ended" }));
  }
  const deadline = deadlineOf(view);
  if (deadline !== undefined && now >= deadline) {
    const message = "Pod was active on the node longer than the specified deadline";
    return prefixed(collect, {
      report: true,
      actions: [{ do: "fail", reason: "DeadlineExceeded", message, why: message }],
    });
  }
  const run = planRun(view, now);
  const wake: Action[] = deadline === undefined ? [] : [{ do: "wakeAt", at: deadline, why: "activeDeadlineSeconds" }];
  return { report: true, actions: [...collect, ...run, ...wake] };
}

function prefixed(first: readonly Action[], { actions, report }: PodPlan): PodPlan {
  return { actions: [...first, ...actions], report };
}

function deadlineOf({ pod }: PodView): Instant | undefined {
  const { activeDeadlineSeconds } = pod.spec;
  if (activeDeadlineSeconds === undefined || pod.status?.startTime === undefined) return undefined;
  return Date.parse(pod.status.startTime) + activeDeadlineSeconds * 1000;
}
