/** ContainerSpec → the body of POST /containers/create. Pure; what differs between engines is added by quirks.ts. */
import type { Bind, ContainerSpec, Resources } from "./engine.ts";
import { EngineError } from "./error.ts";
import type { CreateBody, HostConfig } from "./quirks.ts";

/** Throws EngineError `invalid` for what the API has no way to say. */
export function createBody(spec: ContainerSpec): CreateBody {
  return defined({
    Image: spec.image,
    Hostname: spec.hostname,
    User: spec.user,
    Tty: spec.tty ?? false,
    OpenStdin: spec.openStdin ?? false,
    StdinOnce: spec.stdinOnce ?? false,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Env: filled(spec.env),
    Entrypoint: filled(spec.command),
    Cmd: filled(spec.args),
    WorkingDir: spec.workingDir,
    Labels: spec.labels,
    StopSignal: spec.stopSignal,
    HostConfig: hostConfig(spec),
  });
}

function hostConfig(spec: ContainerSpec): HostConfig {
  return defined({
    NetworkMode: spec.networkMode,
    IpcMode: spec.ipcMode,
    PidMode: spec.pidMode,
    UTSMode: spec.utsMode,
    Binds: spec.binds?.map((bind) => bindText(spec.name, bind)),
    Tmpfs: spec.tmpfs,
    GroupAdd: filled(spec.groups),
    CapAdd: filled(spec.capAdd),
    CapDrop: filled(spec.capDrop),
    Privileged: spec.privileged ?? false,
    ReadonlyRootfs: spec.readOnlyRootfs ?? false,
    SecurityOpt: filled(spec.securityOpt),
    Sysctls: spec.sysctls,
    Devices: spec.devices?.map((device) => ({
      PathOnHost: device.hostPath,
      PathInContainer: device.containerPath,
      CgroupPermissions: device.permissions,
    })),
    Ulimits: spec.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    OomScoreAdj: spec.oomScoreAdj,
    CgroupParent: spec.cgroupParent,
    ShmSize: spec.shmBytes,
    // The agent restarts containers, with Kubernetes' backoff.
    RestartPolicy: { Name: "no" },
    ...resources(spec.resources ?? {}),
  });
}

function resources(wanted: Resources): Record<string, unknown> {
  return {
    Memory: wanted.memoryBytes,
    // Engines give as much swap again when it is not said.
    MemorySwap: wanted.memorySwapBytes ?? wanted.memoryBytes,
    MemoryReservation: wanted.memoryReservationBytes,
    NanoCpus: wanted.nanoCpus,
    CpuShares: wanted.cpuShares,
    CpusetCpus: wanted.cpuset,
    PidsLimit: wanted.pids,
  };
}

/** `source:target[:options]`, which has no way to say a colon. */
function bindText(container: string, bind: Bind): string {
  if (bind.source.includes(":") || bind.target.includes(":")) {
    throw new EngineError(
      "invalid",
      "create",
      container,
      `engines can't mount a path with a colon: ${bind.source} on ${bind.target}`,
    );
  }
  const options = [bind.readOnly ? "ro" : "rw", ...(bind.propagation === undefined ? [] : [bind.propagation])];
  return `${bind.source}:${bind.target}:${options.join(",")}`;
}

/** To an engine an empty list means "none", to Kubernetes "the image's". */
function filled(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}

/** The object without what is undefined. */
export function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
