/** A container of a pod as the engine is asked for it. Pure: all that must be looked up has been. */
import type { Pod } from "../../lib/types/core_v1.ts";
import type { Bind, ContainerSpec, ImageConfig } from "../engine/engine.ts";
import { ConfigError } from "./env.ts";
import { expand } from "./expansion.ts";
import { containerLabels, containerName, type Owner } from "./names.ts";
import { asContainer, containerHash, hostNetwork, type Member } from "./pod_spec.ts";
import { engineResources, oomScoreAdj } from "./resources.ts";
import { engineSecurity, type SecurityInput } from "./security.ts";

export interface ContainerInput extends SecurityInput {
  readonly attempt: number;
  readonly sandbox: { readonly id: string; readonly attempt: number };
  readonly restartDelayMs: number;
  readonly owner: Owner;
  /** The image's id: what was pulled is what runs, wherever its tag moves meanwhile. */
  readonly imageId: string;
  readonly image: ImageConfig;
  readonly env: ReadonlyMap<string, string>;
  /** Volumes, and the files of the agent's own. */
  readonly binds: readonly Bind[];
  readonly memoryCapacityBytes: number;
  /** Id of the container whose processes a debugging container is to see. */
  readonly target?: string;
}

/** Throws ConfigError for what cannot be done as it is asked. */
export function containerSpec(pod: Pod, member: Member, input: ContainerInput): ContainerSpec {
  const { container } = member;
  if ((container.volumeDevices?.length ?? 0) > 0) {
    throw new ConfigError("volumeDevices are not supported by this agent");
  }
  const lookup = (name: string) => input.env.get(name);
  const oom = oomScoreAdj(pod, container, input.memoryCapacityBytes);
  const stopSignal = container.lifecycle?.stopSignal;
  return {
    name: containerName(pod, container.name, input.attempt),
    image: input.imageId,
    ...(container.command === undefined ? {} : { command: container.command.map((part) => expand(part, lookup)) }),
    ...(container.args === undefined ? {} : { args: container.args.map((part) => expand(part, lookup)) }),
    env: [...input.env].map(([name, value]) => `${name}=${value}`),
    ...(container.workingDir === undefined ? {} : { workingDir: container.workingDir }),
    labels: containerLabels(pod, input.owner, {
      container: container.name,
      attempt: input.attempt,
      sandboxAttempt: input.sandbox.attempt,
      restartDelayMs: input.restartDelayMs,
      hash: containerHash(container),
      resources: container.resources ?? {},
    }),
    binds: input.binds,
    ...namespaces(pod, input),
    resources: engineResources(container),
    ...engineSecurity(pod, asContainer(container), input),
    tty: container.tty === true,
    openStdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    ...(oom === undefined ? {} : { oomScoreAdj: oom }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
  };
}

type Namespaces = Pick<ContainerSpec, "networkMode" | "ipcMode" | "pidMode" | "utsMode">;

/** Network, IPC and hostname are the sandbox's; processes too when the pod shares them. */
function namespaces(pod: Pod, { sandbox, target }: ContainerInput): Namespaces {
  const join = `container:${sandbox.id}` as const;
  const { spec } = pod;
  const pidMode = target !== undefined
    ? `container:${target}` as const
    : spec.hostPID === true
    ? "host" as const
    : spec.shareProcessNamespace === true
    ? join
    : undefined;
  return {
    networkMode: hostNetwork(pod) ? "host" : join,
    ipcMode: spec.hostIPC === true ? "host" : join,
    utsMode: hostNetwork(pod) ? "host" : join,
    ...(pidMode === undefined ? {} : { pidMode }),
  };
}
