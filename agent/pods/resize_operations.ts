/** Changes what running containers are held to, step by step, and remembers how far it came. */
import { resizeRetryMaxMs, resizeRetryMinMs } from "../../lib/limits.ts";
import { isEngineError } from "../engine/error.ts";
import type { ActionOf } from "./actions.ts";
import { messageOf, nextFailure, type PodContext, podEvent } from "./pod_context.ts";
import { afterStep, appliedTo, resizeMessage, type ResizeStep } from "./resize.ts";

const backoff = { baseMs: resizeRetryMinMs, maxMs: resizeRetryMaxMs };

export async function resize(context: PodContext, { steps }: ActionOf<"resize">): Promise<void> {
  const { parts, memory, view } = context;
  try {
    await refuseBelowUsage(context, steps);
    for (const step of steps) {
      const { member, container } = step.resizing;
      if (Object.keys(step.update).length > 0) await parts.engine.update(container.id, step.update);
      memory.applied.set(container.id, afterStep(appliedTo(view, member, container), step));
    }
    memory.resizeFailure = undefined;
  } catch (error) {
    // An engine that is away says nothing about this pod; what has ended meanwhile is started as it is to be.
    if (isEngineError(error, "unavailable", "timeout")) throw error;
    if (isEngineError(error, "not_found", "not_running")) return;
    failed(context, messageOf(error));
  }
}

function failed(context: PodContext, message: string): void {
  const { parts, memory, pod } = context;
  const before = memory.resizeFailure;
  const now = parts.clock.now();
  memory.resizeFailure = nextFailure(before, { reason: "Error", message, now, backoff });
  if (before?.message === message) return;
  const generation = memory.resizing?.generation ?? pod.metadata.generation ?? 0;
  podEvent(context, "Warning", "ResizeError", resizeMessage("error", pod, { generation, error: message }));
}

/** The kernel would end who is above its limit: it is not lowered below what is in use. Throws Error with kubelet's words. */
async function refuseBelowUsage({ parts }: PodContext, steps: readonly ResizeStep[]): Promise<void> {
  const above: string[] = [];
  for (const { resizing, update: { memoryBytes } } of steps) {
    if (memoryBytes === undefined) continue;
    const { memoryUsageBytes } = await parts.engine.stats(resizing.container.id);
    if (memoryUsageBytes <= memoryBytes) continue;
    const name = JSON.stringify(resizing.member.container.name);
    above.push(
      `attempting to set container ${name} memory limit (${memoryBytes}) below current usage (${memoryUsageBytes})`,
    );
  }
  if (above.length === 0) return;
  throw new Error(`cannot decrease memory limits: ${above.length === 1 ? above[0] : `[${above.join(", ")}]`}`);
}
