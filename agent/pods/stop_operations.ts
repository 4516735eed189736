/** Operations on one container on its way down: preStop, signals, last words, removal. */
import { terminationLog } from "../volumes/directories.ts";
import type { ActionOf } from "./actions.ts";
import { runHook } from "./hooks.ts";
import { sandboxName } from "./names.ts";
import type { Observed } from "./observed.ts";
import { containerEvent, memberNamed, messageOf, type PodContext, surroundings } from "./pod_context.ts";
import { terminationMessage } from "./termination_message.ts";
import { getLogger } from "log";

const logger = getLogger(["sauropod", "agent", "pods"]);

export async function stop(context: PodContext, action: ActionOf<"stop">): Promise<void> {
  const { parts, memory } = context;
  const { container, graceMs, replace } = action;
  const member = memberNamed(context, container.container);
  const since = parts.clock.now();
  containerEvent(context, member, ["Normal", "Killing", action.message]);
  const hook = graceMs > 0 ? member.container.lifecycle?.preStop : undefined;
  memory.stops.set(container.id, { since, graceMs, replace, hook: hook === undefined ? "none" : "running" });
  if (hook === undefined) return await sendSignal(context, container, graceMs === 0 ? "KILL" : "TERM");
  context.changed();
  const podIP = surroundings(context).podIPs[0] ?? "";
  const target = { container: member.container, containerId: container.id, podIP };
  const failure = await runHook(hook, target, {
    engine: parts.engine,
    clock: parts.clock,
    timeoutMs: graceMs,
    signal: parts.signal,
  });
  if (failure !== undefined) {
    containerEvent(context, member, ["Warning", "FailedPreStopHook", `PreStopHook failed: ${failure}`]);
  }
  const now = memory.stops.get(container.id);
  if (now !== undefined) memory.stops.set(container.id, { ...now, hook: "done" });
}

export async function signal(context: PodContext, action: ActionOf<"signal">): Promise<void> {
  await sendSignal(context, action.container, action.signal);
}

async function sendSignal(context: PodContext, container: Observed, signal: "TERM" | "KILL"): Promise<void> {
  const { parts, memory } = context;
  const name = signal === "KILL" ? "SIGKILL" : await stopSignal(context, container);
  await parts.engine.kill(container.id, name);
  const now = parts.clock.now();
  const entry = memory.stops.get(container.id);
  if (entry !== undefined) {
    memory.stops.set(container.id, {
      ...entry,
      signalledAt: entry.signalledAt ?? now,
      ...(signal === "KILL" ? { killedAt: now } : {}),
    });
  }
  await parts.observer.refresh(container.id);
}

/** The container's own, then its image's, then SIGTERM. */
async function stopSignal(context: PodContext, container: Observed): Promise<string> {
  const { lifecycle } = memberNamed(context, container.container).container;
  if (lifecycle?.stopSignal !== undefined) return lifecycle.stopSignal;
  const image = await context.parts.images.byId(container.imageId);
  return image?.config.stopSignal || "SIGTERM";
}

export async function collect(context: PodContext, { container }: ActionOf<"collect">): Promise<void> {
  const { parts, pod, memory } = context;
  const { container: spec } = memberNamed(context, container.container);
  try {
    const sources = { engine: parts.engine, directories: parts.files.directories };
    memory.messages.set(container.id, await terminationMessage(pod, spec, container, sources));
  } catch (error) {
    logger.warn("termination message of {container}: {error}", { container: container.id, error: messageOf(error) });
    memory.messages.set(container.id, "");
  }
}

export async function removeContainer(context: PodContext, { container }: ActionOf<"removeContainer">): Promise<void> {
  const { parts, pod, memory } = context;
  const { id } = container;
  await parts.engine.remove(id, { force: true });
  if (container.container !== sandboxName) {
    const log = terminationLog(parts.files.directories, pod.metadata.uid, container.container, container.attempt);
    await Deno.remove(log).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  const { startFailures, postStart, stops, messages, applied } = memory;
  for (const map of [startFailures, postStart, stops, messages, applied]) map.delete(id);
  parts.observer.drop(id);
}
