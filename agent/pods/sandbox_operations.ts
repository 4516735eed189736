/** Operations on a pod as a whole: its sandbox, its network, its volumes. */
import { podRetryMaxMs, podRetryMinMs } from "../../lib/limits.ts";
import { isEngineError } from "../engine/error.ts";
import type { HostPort } from "../network/network.ts";
import type { ActionOf } from "./actions.ts";
import { containerName, sandboxName } from "./names.ts";
import type { Observed } from "./observed.ts";
import { messageOf, nextFailure, type PodContext, podEvent, surroundings } from "./pod_context.ts";
import { writePodFiles } from "./pod_files.ts";
import { hostNetwork, initContainers, isSidecar } from "./pod_spec.ts";
import { sandboxSpec } from "./sandbox_spec.ts";

const backoff = { baseMs: podRetryMinMs, maxMs: podRetryMaxMs };

/** Runs it; a failure is remembered and told as FailedCreatePodSandBox. */
async function tried(context: PodContext, work: () => Promise<void>): Promise<void> {
  const { memory, parts } = context;
  try {
    await work();
    memory.sandboxFailure = undefined;
  } catch (error) {
    const message = messageOf(error);
    const now = parts.clock.now();
    memory.sandboxFailure = nextFailure(memory.sandboxFailure, {
      reason: "FailedCreatePodSandBox",
      message,
      now,
      backoff,
    });
    podEvent(context, "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${message}`);
  }
}

export async function createSandbox(context: PodContext, { attempt }: ActionOf<"createSandbox">): Promise<void> {
  const { parts, pod } = context;
  if (attempt > 0) {
    podEvent(context, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
  }
  await tried(context, async () => {
    const [image] = await Promise.all([
      parts.images.infra(),
      writePodFiles(pod, hostNetwork(pod) ? parts.node.hostIPs : [], parts.files),
    ]);
    const spec = sandboxSpec(pod, { attempt, image, owner: parts.owner, clusterDomain: parts.files.clusterDomain });
    const id = await created(parts.engine.create(spec), containerName(pod, sandboxName, attempt));
    await parts.observer.refresh(id);
  });
}

/** One of this name was made before we could remember it: it is ours, by its name. */
export async function created(creating: Promise<string>, name: string): Promise<string> {
  try {
    return await creating;
  } catch (error) {
    if (isEngineError(error, "exists")) return name;
    throw error;
  }
}

export async function startSandbox(context: PodContext, { sandbox }: ActionOf<"startSandbox">): Promise<void> {
  const { parts } = context;
  await tried(context, async () => {
    await parts.engine.start(sandbox.id);
    const running = await parts.observer.refresh(sandbox.id);
    if (running?.state !== "running") throw new Error("the infra container ended at once");
    await attach(context, running);
  });
}

export async function attachNetwork(context: PodContext, { sandbox }: ActionOf<"attachNetwork">): Promise<void> {
  await tried(context, () => attach(context, sandbox));
}

async function attach(context: PodContext, sandbox: Observed): Promise<void> {
  const { parts, pod, memory } = context;
  if (hostNetwork(pod)) {
    memory.address = { sandboxId: sandbox.id, ip: parts.node.hostIPs[0] ?? "" };
    return;
  }
  const { ip } = await parts.network.attach({ uid: pod.metadata.uid, pid: sandbox.pid, hostPorts: hostPorts(context) });
  await writePodFiles(pod, [ip], parts.files);
  memory.address = { sandboxId: sandbox.id, ip };
}

export function hostPorts({ pod }: Pick<PodContext, "pod">): HostPort[] {
  const containers = [...pod.spec.containers, ...initContainers(pod).filter(isSidecar)];
  return containers.flatMap(({ ports }) => ports ?? []).filter(({ hostPort }) => (hostPort ?? 0) > 0).map((port) => ({
    protocol: port.protocol ?? "TCP",
    hostPort: port.hostPort!,
    containerPort: port.containerPort,
    ...(port.hostIP === undefined ? {} : { hostIP: port.hostIP }),
  }));
}

export async function releaseSandbox(context: PodContext, { sandbox }: ActionOf<"releaseSandbox">): Promise<void> {
  const { parts, pod } = context;
  // It only waits: there is nothing that it would have to finish.
  await parts.engine.kill(sandbox.id, "SIGKILL");
  if (!hostNetwork(pod)) await parts.network.detach(pod.metadata.uid);
  await ended(context, sandbox.id);
}

/** Killed is not dead: looks until the engine says so, or leaves it to the engine's events. */
async function ended({ parts }: PodContext, id: string): Promise<void> {
  for (let looks = 0; looks < 5; looks++) {
    const now = await parts.observer.refresh(id);
    if (now === undefined || now.state !== "running") return;
  }
}

export async function prepareVolumes(context: PodContext): Promise<void> {
  const { parts, pod, memory } = context;
  try {
    await parts.volumes.prepare(pod, surroundings(context));
    memory.volumes = { ok: true };
  } catch (error) {
    const before = memory.volumes?.ok === false ? memory.volumes : undefined;
    const message = messageOf(error);
    const now = parts.clock.now();
    memory.volumes = { ok: false, ...nextFailure(before, { reason: "FailedMount", message, now, backoff }) };
    podEvent(context, "Warning", "FailedMount", message);
  }
}

export async function releaseVolumes({ parts, pod, memory }: PodContext): Promise<void> {
  const { uid } = pod.metadata;
  // Also when no sandbox was left to take it from.
  if (!hostNetwork(pod)) await parts.network.detach(uid);
  await parts.volumes.release(uid);
  parts.references.release(uid);
  memory.volumesReleased = true;
}
