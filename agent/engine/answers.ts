/** What the engines' API answers, and its translation to our words. Pure. */
import { InvalidReferenceError, normalizeReference } from "../images/reference.ts";
import type {
  ContainerState,
  ContainerStatus,
  ContainerSummary,
  EngineEvent,
  EngineInfo,
  ImageInfo,
  ImageSummary,
} from "./engine.ts";
import type { Quirks } from "./quirks.ts";

export interface VersionAnswer {
  Version: string;
  ApiVersion: string;
  MinAPIVersion?: string;
  Components?: { Name: string; Version: string }[];
}

export interface InfoAnswer {
  DockerRootDir: string;
  Driver: string;
  CgroupDriver: string;
  CgroupVersion?: string;
  KernelVersion: string;
  OperatingSystem: string;
  OSType: string;
  Architecture: string;
  NCPU: number;
  MemTotal: number;
  SecurityOptions?: string[] | null;
}

export interface InspectAnswer {
  Id: string;
  Name: string;
  Created: string;
  Image: string;
  LogPath?: string;
  State: {
    Status: string;
    Pid: number;
    ExitCode: number;
    OOMKilled: boolean;
    Error: string;
    StartedAt: string;
    FinishedAt: string;
  };
  Config: { Image: string; Labels?: Record<string, string> | null; Tty: boolean; OpenStdin: boolean };
  HostConfig?: { NetworkMode: string };
  Mounts?: { Source: string; Destination: string; RW: boolean }[] | null;
}

export interface ListAnswer {
  Id: string;
  Names: string[];
  Image: string;
  ImageID: string;
  Labels?: Record<string, string> | null;
  State: string;
  Created: number;
}

export interface ImageAnswer {
  Id: string;
  RepoTags?: string[] | null;
  RepoDigests?: string[] | null;
  Size: number;
  /** A date when inspected, seconds in a list. */
  Created: string | number;
  Config?: {
    User?: string;
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    Env?: string[] | null;
    WorkingDir?: string;
    StopSignal?: string;
    ExposedPorts?: Record<string, unknown> | null;
    Volumes?: Record<string, unknown> | null;
    Labels?: Record<string, string> | null;
  } | null;
}

export interface EventAnswer {
  Type?: string;
  Action?: string;
  id?: string;
  timeNano?: number;
  time?: number;
  Actor?: { ID: string; Attributes?: Record<string, string> | null };
}

/** Go's zero time is "never". */
function instant(text: string): number | undefined {
  if (text === "" || text.startsWith("0001-")) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

const statuses: Readonly<Record<string, ContainerStatus>> = {
  created: "created",
  initialized: "created",
  configured: "created",
  running: "running",
  // Podman's name for the moment between the end and its clean-up, in which inspect still lacks the exit code.
  stopping: "running",
  paused: "paused",
  restarting: "restarting",
  removing: "removing",
  exited: "exited",
  stopped: "exited",
  dead: "dead",
};

function status(text: string): ContainerStatus {
  return statuses[text.toLowerCase()] ?? "dead";
}

export function infoOf(answer: InfoAnswer, version: VersionAnswer, quirks: Quirks): EngineInfo {
  const machine: Record<string, string> = { x86_64: "amd64", aarch64: "arm64" };
  const driver = answer.CgroupDriver;
  return {
    name: quirks.name,
    version: version.Version,
    apiVersion: version.ApiVersion,
    storageRoot: answer.DockerRootDir,
    storageDriver: answer.Driver,
    cgroupDriver: driver === "systemd" || driver === "cgroupfs" ? driver : "none",
    cgroupVersion: answer.CgroupVersion === "2" ? 2 : 1,
    kernelVersion: answer.KernelVersion,
    operatingSystem: answer.OperatingSystem,
    osType: answer.OSType,
    architecture: machine[answer.Architecture] ?? answer.Architecture,
    cpus: answer.NCPU,
    memoryBytes: answer.MemTotal,
    ulimits: quirks.ulimits,
    security: (answer.SecurityOptions ?? []).map((option) => option.match(/name=([^,]+)/)?.[1] ?? option),
  };
}

export function stateOf(answer: InspectAnswer): ContainerState {
  return {
    id: answer.Id,
    name: answer.Name.replace(/^\//, ""),
    status: status(answer.State.Status),
    pid: answer.State.Pid,
    exitCode: answer.State.ExitCode,
    oomKilled: answer.State.OOMKilled,
    lost: false,
    createdMs: instant(answer.Created) ?? 0,
    startedMs: instant(answer.State.StartedAt),
    finishedMs: instant(answer.State.FinishedAt),
    error: answer.State.Error,
    image: answer.Config.Image,
    imageId: imageId(answer.Image),
    labels: answer.Config.Labels ?? {},
    mounts: (answer.Mounts ?? []).map(({ Source, Destination, RW }) => ({
      source: Source,
      target: Destination,
      readOnly: !RW,
    })),
    tty: answer.Config.Tty,
    openStdin: answer.Config.OpenStdin,
    logPath: answer.LogPath === "" ? undefined : answer.LogPath,
  };
}

export function summaryOf(answer: ListAnswer): ContainerSummary {
  return {
    id: answer.Id,
    name: (answer.Names[0] ?? "").replace(/^\//, ""),
    image: answer.Image,
    imageId: imageId(answer.ImageID),
    labels: answer.Labels ?? {},
    status: status(answer.State),
    createdMs: answer.Created * 1000,
  };
}

export function imageOf(answer: ImageAnswer): ImageInfo {
  const config = answer.Config ?? {};
  return {
    ...imageSummaryOf(answer),
    config: {
      user: config.User ?? "",
      entrypoint: config.Entrypoint ?? [],
      cmd: config.Cmd ?? [],
      env: config.Env ?? [],
      workingDir: config.WorkingDir ?? "",
      stopSignal: config.StopSignal ?? "",
      exposedPorts: Object.keys(config.ExposedPorts ?? {}),
      volumes: Object.keys(config.Volumes ?? {}),
      labels: config.Labels ?? {},
    },
  };
}

export function imageSummaryOf(answer: ImageAnswer): ImageSummary {
  return {
    id: imageId(answer.Id),
    tags: names(answer.RepoTags),
    digests: names(answer.RepoDigests),
    sizeBytes: answer.Size,
    createdMs: typeof answer.Created === "number" ? answer.Created * 1000 : instant(answer.Created) ?? 0,
  };
}

function imageId(text: string): string {
  return text === "" || text.startsWith("sha256:") ? text : `sha256:${text}`;
}

/** Docker shortens names (`busybox:1`), Podman does not; `<none>:<none>` is a name of neither. */
function names(list: readonly string[] | null | undefined): string[] {
  return (list ?? []).flatMap((name) => {
    try {
      return name.includes("<none>") ? [] : [normalizeReference(name)];
    } catch (error) {
      if (error instanceof InvalidReferenceError) return [];
      throw error;
    }
  });
}

const attributesOfTheEngine = new Set([
  "image",
  "name",
  "exitCode",
  "containerExitCode",
  "podId",
  "signal",
  "execDuration",
  "execID",
]);

/** Undefined for what we do not report. */
export function eventOf(answer: EventAnswer, quirks: Quirks): EngineEvent | undefined {
  const action = quirks.actions[answer.Action ?? ""];
  const attributes = answer.Actor?.Attributes ?? {};
  const id = answer.Actor?.ID ?? answer.id;
  if (answer.Type !== "container" || action === undefined || id === undefined) return undefined;
  const code = attributes.exitCode ?? attributes.containerExitCode;
  return {
    id,
    action,
    timeMs: answer.timeNano !== undefined ? Math.floor(answer.timeNano / 1e6) : (answer.time ?? 0) * 1000,
    ...(action === "die" && code !== undefined ? { exitCode: Number(code) } : {}),
    labels: Object.fromEntries(Object.entries(attributes).filter(([key]) => !attributesOfTheEngine.has(key))),
  };
}
