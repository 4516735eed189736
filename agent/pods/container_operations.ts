/** Operations on one container on its way up: its image, its creation, its start. */
import { imagePullRetryMaxMs, imagePullRetryMinMs } from "../../lib/limits.ts";
import type { Bind } from "../engine/engine.ts";
import { EngineError, isEngineError } from "../engine/error.ts";
import { Keyring, KeyringError } from "../images/keyring.ts";
import { ImagePullError } from "../images/pull.ts";
import { VolumeError } from "../volumes/payload.ts";
import type { Lookup } from "../volumes/references.ts";
import type { ActionOf } from "./actions.ts";
import { containerSpec } from "./container_spec.ts";
import { DownwardError } from "./downward.ts";
import { ConfigError, type EnvSources, makeEnv } from "./env.ts";
import { postStartTimeoutMs, runHook } from "./hooks.ts";
import { containerName } from "./names.ts";
import { containerEvent, messageOf, nextFailure, type PodContext, podEvent, surroundings } from "./pod_context.ts";
import { fileBinds, terminationBind } from "./pod_files.ts";
import { ephemeralContainers, type Member } from "./pod_spec.ts";
import { created } from "./sandbox_operations.ts";
import { serviceEnv } from "./service_env.ts";
import { newest } from "./view.ts";

const pullBackoff = { baseMs: imagePullRetryMinMs, maxMs: imagePullRetryMaxMs };
/** A configuration that is wrong now is looked at again when what it refers to changes, and now and then anyway. */
const createBackoff = { baseMs: 10_000, maxMs: 60_000 };

export async function pullImage(context: PodContext, { member }: ActionOf<"pullImage">): Promise<void> {
  const { parts, pod, memory } = context;
  const { name, image: ref = "", imagePullPolicy = "IfNotPresent" } = member.container;
  const { uid } = pod.metadata;
  try {
    const image = await parts.images.puller.ensure({
      image: ref,
      policy: imagePullPolicy,
      keyring: await keyringOf(context),
      backoffKey: uid,
      onEvent: ({ type, reason, message }) => containerEvent(context, member, [type, reason, message]),
    });
    memory.images.set(name, { ref, ok: true, image });
  } catch (error) {
    if (!(error instanceof ImagePullError || error instanceof KeyringError)) throw error;
    const now = parts.clock.now();
    const before = memory.images.get(name);
    const failed = before !== undefined && !before.ok ? before : undefined;
    const { message } = error;
    const [reason, retryAt] = error instanceof ImagePullError
      ? [error.reason, error.retryAt]
      : ["ErrImagePull", undefined];
    const failure = nextFailure(failed, { reason, message, now, backoff: pullBackoff });
    memory.images.set(name, { ref, ok: false, ...failure, retryAt: retryAt ?? failure.retryAt });
    if (reason !== "ImagePullBackOff") containerEvent(context, member, ["Warning", "Failed", `Error: ${reason}`]);
  }
}

/** The passwords of the pod's imagePullSecrets; one that does not exist is told, and done without, as in Kubernetes. */
async function keyringOf(context: PodContext): Promise<Keyring> {
  const { parts, pod } = context;
  const { uid, namespace } = pod.metadata;
  const names = (pod.spec.imagePullSecrets ?? []).map(({ name }) => name ?? "").filter((name) => name !== "");
  if (names.length === 0) return Keyring.empty;
  await parts.references.settled(uid);
  const missing: string[] = [];
  const secrets = names.flatMap((name) => {
    const found = parts.references.secret(namespace, name);
    if (found.state === "found") return [{ ...found.object, name }];
    missing.push(name);
    return [];
  });
  if (missing.length > 0) {
    const message = `Unable to retrieve some image pull secrets (${
      missing.join(", ")
    }); attempting to pull the image may not succeed.`;
    podEvent(context, "Warning", "FailedToRetrieveImagePullSecret", message);
  }
  return Keyring.of(secrets);
}

export async function createContainer(context: PodContext, action: ActionOf<"createContainer">): Promise<void> {
  const { parts, pod, memory } = context;
  const { member, attempt } = action;
  const { name } = member.container;
  try {
    const spec = await specOf(context, action);
    const id = await created(parts.engine.create(spec), containerName(pod, name, attempt));
    memory.createFailures.delete(name);
    // The next start asks for its image again.
    memory.images.delete(name);
    await parts.observer.refresh(id);
    containerEvent(context, member, ["Normal", "Created", `Created container: ${name}`]);
  } catch (error) {
    // An engine that is away says nothing about this container.
    if (isEngineError(error, "unavailable", "timeout")) throw error;
    const config = error instanceof ConfigError || error instanceof DownwardError || error instanceof VolumeError;
    const reason = config ? "CreateContainerConfigError" : "CreateContainerError";
    const message = messageOf(error);
    const now = parts.clock.now();
    const before = memory.createFailures.get(name);
    memory.createFailures.set(name, nextFailure(before, { reason, message, now, backoff: createBackoff }));
    // The image was there when it was asked for: it may be gone.
    if (isEngineError(error, "no_image")) memory.images.delete(name);
    containerEvent(context, member, ["Warning", "Failed", `Error: ${message}`]);
  }
}

async function specOf(context: PodContext, { member, attempt, sandbox, restartDelayMs }: ActionOf<"createContainer">) {
  const { parts, pod, memory } = context;
  const { container } = member;
  const outcome = memory.images.get(container.name);
  if (outcome?.ok !== true) throw new ConfigError(`image ${container.image} is not ready`);
  const env = makeEnv(pod, container, envSources(context));
  const binds: Bind[] = [
    ...await parts.volumes.binds(pod, container, env),
    ...fileBinds(pod, container, parts.files),
  ];
  const log = await terminationBind(pod, container, attempt, parts.files);
  if (log !== undefined) binds.push(log);
  const profiles = await seccompProfiles(context, member);
  const target = targetOf(context, member);
  return containerSpec(pod, member, {
    attempt,
    sandbox,
    restartDelayMs,
    owner: parts.owner,
    imageId: outcome.image.id,
    image: outcome.image.config,
    env,
    binds,
    memoryCapacityBytes: parts.node.memoryCapacityBytes,
    seccompProfile: (name) => profiles.get(name),
    ...(target === undefined ? {} : { target }),
  });
}

/** The container whose processes a debugging container wants to see. */
function targetOf({ view, pod }: PodContext, { role, container }: Member): string | undefined {
  if (role !== "ephemeral") return undefined;
  const wanted = ephemeralContainers(pod).find(({ name }) => name === container.name)?.targetContainerName;
  if (wanted === undefined || wanted === "") return undefined;
  const target = newest(view, wanted);
  if (target?.state !== "running") {
    throw new ConfigError(`unable to find target container ${JSON.stringify(wanted)}: it is not running`);
  }
  return target.id;
}

function envSources(context: PodContext): EnvSources {
  const { parts, pod } = context;
  const { namespace } = pod.metadata;
  const links = pod.spec.enableServiceLinks ?? true;
  const services = parts.services();
  if (services === undefined && links) {
    throw new ConfigError("services have not yet been read at least once, cannot construct envvars");
  }
  const known = <T>(what: string, found: Lookup<T>): T | undefined => {
    if (found.state === "unknown") {
      throw new ConfigError(`failed to sync ${what} cache: timed out waiting for the condition`);
    }
    return found.state === "found" ? found.object : undefined;
  };
  return {
    configMap: (name) => known("configmap", parts.references.configMap(namespace, name)),
    secret: (name) => known("secret", parts.references.secret(namespace, name)),
    services: serviceEnv(services ?? [], { namespace, links }),
    around: surroundings(context),
  };
}

async function seccompProfiles({ parts, pod }: PodContext, { container }: Member): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const profile of [pod.spec.securityContext?.seccompProfile, container.securityContext?.seccompProfile]) {
    const name = profile?.type === "Localhost" ? profile.localhostProfile ?? "" : "";
    if (name === "" || name.startsWith("/") || name.split("/").includes("..")) continue;
    try {
      found.set(name, await Deno.readTextFile(`${parts.node.seccompDirectory}/${name}`));
    } catch (error) {
      // engineSecurity() says which profile is missing.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}

export async function startContainer(
  context: PodContext,
  { member, container }: ActionOf<"startContainer">,
): Promise<void> {
  const { parts, memory } = context;
  const { name, lifecycle } = member.container;
  // Told before it is seen to run, so that nothing takes it for started in between.
  if (lifecycle?.postStart !== undefined) memory.postStart.set(container.id, "running");
  try {
    await parts.engine.start(container.id);
  } catch (error) {
    memory.postStart.delete(container.id);
    if (
      !(error instanceof EngineError) ||
      !["start_failed", "invalid", "engine", "conflict", "exists"].includes(error.code)
    ) throw error;
    const state = await parts.observer.refresh(container.id);
    const exitCode = state?.state === "exited" && state.exitCode !== 0 ? state.exitCode : 128;
    memory.startFailures.set(container.id, { message: error.detail, at: parts.clock.now(), exitCode });
    containerEvent(context, member, [
      "Warning",
      "Failed",
      `Error: failed to start container ${JSON.stringify(name)}: ${error.detail}`,
    ]);
    return;
  }
  await parts.observer.refresh(container.id);
  containerEvent(context, member, ["Normal", "Started", `Started container ${name}`]);
  if (lifecycle?.postStart === undefined) return;
  context.changed();
  const podIP = surroundings(context).podIPs[0] ?? "";
  const failure = await runHook(
    lifecycle.postStart,
    { container: member.container, containerId: container.id, podIP },
    {
      engine: parts.engine,
      clock: parts.clock,
      timeoutMs: postStartTimeoutMs,
      signal: parts.signal,
    },
  );
  memory.postStart.set(container.id, failure === undefined ? "done" : "failed");
  if (failure !== undefined) {
    containerEvent(context, member, ["Warning", "FailedPostStartHook", `PostStartHook failed: ${failure}`]);
  }
}
