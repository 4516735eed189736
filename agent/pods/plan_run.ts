/** A pod's way up, and what keeps it up: sandbox, volumes, init containers in sequence, sidecars, regular containers. Pure. */
import type { Instant } from "../../lib/seams/clock.ts";
import type { Action } from "./actions.ts";
import { planContainers } from "./plan_containers.ts";
import { planStop } from "./plan_stop.ts";
import { planResize } from "./plan_resize.ts";
import { graceSeconds, hostNetwork } from "./pod_spec.ts";
import { allContainers, currentSandbox, type PodView, runningContainers } from "./view.ts";

export function planRun(view: PodView, now: Instant): Action[] {
  return [
    ...planVolumes(view, now),
    ...planSandbox(view, now),
    ...planContainers(view, now),
    ...planResize(view, now),
    ...planGarbage(view),
  ];
}

function planVolumes({ memory: { volumes } }: PodView, now: Instant): Action[] {
  if (volumes === undefined) return [{ do: "prepareVolumes", why: "the pod is new here" }];
  if (volumes.ok) return [];
  if (now < volumes.retryAt) return [{ do: "wakeAt", at: volumes.retryAt, why: volumes.message }];
  return [{ do: "prepareVolumes", why: "it failed before" }];
}

function planSandbox(view: PodView, now: Instant): Action[] {
  const sandbox = currentSandbox(view);
  const { sandboxFailure, address } = view.memory;
  const networkless = view.networkWait !== undefined && !hostNetwork(view.pod);
  if (sandbox?.state === "running") {
    if (address?.sandboxId === sandbox.id || networkless) return [];
    return retried(sandboxFailure, now, { do: "attachNetwork", sandbox, why: "its address is not known" });
  }
  if (sandbox?.state === "created") {
    if (networkless) return [];
    return retried(sandboxFailure, now, { do: "startSandbox", sandbox, why: "it was created" });
  }
  const running = runningContainers(view);
  if (running.length > 0) {
    // Their network died with the sandbox and never comes back.
    const graceMs = graceSeconds(view.pod) * 1000;
    const why = "Pod sandbox changed, it will be killed and re-created.";
    return running.flatMap((c) =>
      planStop(view, c, now, { graceMs, message: `Stopping container ${c.container}`, replace: false, why })
    );
  }
  if (networkless) return [];
  const attempt = sandbox === undefined ? 0 : sandbox.attempt + 1;
  const why = sandbox === undefined ? "the pod has none" : "Pod sandbox changed, it will be killed and re-created.";
  return retried(sandboxFailure, now, { do: "createSandbox", attempt, why });
}

function retried(failure: { retryAt: Instant; message: string } | undefined, now: Instant, action: Action): Action[] {
  if (failure === undefined || now >= failure.retryAt) return [action];
  return [{ do: "wakeAt", at: failure.retryAt, why: failure.message }];
}

/** The newest attempt and one before it are kept, for `logs --previous`; sandboxes as long as containers refer to them. */
function planGarbage(view: PodView): Action[] {
  const superfluous = [...allContainers(view)].filter((c) => {
    const newest = view.containers.get(c.container)![0]!;
    return c.attempt < newest.attempt - 1 && c.state !== "running";
  });
  const used = new Set([...allContainers(view)].filter((c) => !superfluous.includes(c)).map((c) => c.sandboxAttempt));
  const sandboxes = view.sandboxes.slice(1).filter((s) => !used.has(s.attempt));
  const blocked = superfluous.length > 0;
  return [...superfluous, ...(blocked ? [] : sandboxes)].map((container): Action => ({
    do: "removeContainer",
    container,
    why: "a newer one has taken its place",
  }));
}
