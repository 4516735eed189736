/**
 * What the agent needs of a container engine, in its own words. Docker and Podman are behind it (client.ts), and an
 * in-memory engine for tests (fake.ts); all three pass engine_contract.ts.
 *
 * Left out: networks, volumes and swarm. Pods get their network from agent/network and their files from binds.
 */

/** `exited` has an exit code; `created` was never started; `dead` is Docker's "could not be removed". */
export type ContainerStatus = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

export interface EngineInfo {
  readonly name: "docker" | "podman";
  readonly version: string;
  /** Version of the HTTP API that is spoken, `1.41`. */
  readonly apiVersion: string;
  /** Directory that holds images and container layers: what disk pressure is measured on. */
  readonly storageRoot: string;
  readonly storageDriver: string;
  readonly cgroupDriver: "systemd" | "cgroupfs" | "none";
  readonly cgroupVersion: 1 | 2;
  readonly kernelVersion: string;
  readonly operatingSystem: string;
  /** `linux` */
  readonly osType: string;
  /** As Kubernetes says it: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** What a container gets when its spec names no ulimits; undefined when the engine's own defaults are used. */
  readonly ulimits?: readonly Ulimit[];
  /** Security mechanisms that the engine applies: `seccomp`, `apparmor`, `selinux`. */
  readonly security: readonly string[];
}

export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** After a power cut Podman lists as `created` what inspect() knows to be `exited` (see ContainerState.lost). */
  readonly status: ContainerStatus;
  /** Milliseconds since 1970. Whole seconds: engines say no more in a list. */
  readonly createdMs: number;
}

export interface ContainerState {
  readonly id: string;
  readonly name: string;
  readonly status: ContainerStatus;
  /** Process id on the host of its first process; 0 when it is not running. */
  readonly pid: number;
  /** Of the last run: 128 + n when signal n ended it. Meaningful when `exited` or `dead`. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /**
   * It ran when the host lost power: nobody saw its end, so `exitCode` is 255 and `finishedMs` undefined. Podman calls
   * such a container `created`, here it is `exited`. Docker says `exited` with 255 by itself, and not why: false.
   */
  readonly lost: boolean;
  readonly createdMs: number;
  /** Undefined when it was never started. */
  readonly startedMs?: number;
  /** Undefined while it has not ended, or when nobody saw it end. */
  readonly finishedMs?: number;
  /** Why the engine could not start or keep it; empty otherwise. */
  readonly error: string;
  /** The reference that it was created with. */
  readonly image: string;
  /** `sha256:…` */
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly tty: boolean;
  readonly openStdin: boolean;
  /** File with its output on this host, when the engine keeps one. */
  readonly logPath?: string;
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Bind extends Mount {
  /** Kubernetes' None, HostToContainer and Bidirectional. */
  readonly propagation?: "rprivate" | "rslave" | "rshared";
}

export interface Device {
  readonly hostPath: string;
  readonly containerPath: string;
  /** Of `rwm`. */
  readonly permissions: string;
}

export interface Resources {
  readonly memoryBytes?: number;
  /** Memory and swap together; equal to memoryBytes when absent and that is set (a pod does not swap). -1: no limit. */
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  /** Billionths of a CPU: a quota. */
  readonly nanoCpus?: number;
  /** Relative weight, 2 … 262144; 1024 is one CPU. */
  readonly cpuShares?: number;
  /** `0-3,5` */
  readonly cpuset?: string;
  readonly pids?: number;
}

/** A container to be created. What is absent is the image's or the engine's default. */
export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  /** Instead of the image's ENTRYPOINT (Kubernetes' `command`). */
  readonly command?: readonly string[];
  /** Instead of the image's CMD (Kubernetes' `args`). With `command` and no `args` the image's CMD is not used. */
  readonly args?: readonly string[];
  /** `NAME=value`, later ones win; added to the image's. */
  readonly env?: readonly string[];
  readonly workingDir?: string;
  /** `uid[:gid]` or a name of the image's. */
  readonly user?: string;
  /** Supplemental groups, numeric. */
  readonly groups?: readonly string[];
  /** Refused by engines together with networkMode `container:`; the driver drops it there where the name is inherited. */
  readonly hostname?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly binds?: readonly Bind[];
  /** Target → mount options (`size=64m,mode=1777`). */
  readonly tmpfs?: Readonly<Record<string, string>>;
  readonly networkMode: "none" | "host" | `container:${string}`;
  readonly ipcMode?: "host" | "private" | "shareable" | `container:${string}`;
  readonly pidMode?: "host" | `container:${string}`;
  /** `container:` is what Docker does by itself for those who join a network, and what Podman has to be told. */
  readonly utsMode?: "host" | `container:${string}`;
  readonly resources?: Resources;
  readonly ulimits?: readonly Ulimit[];
  /** Without `CAP_`; `ALL` too. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly privileged?: boolean;
  readonly readOnlyRootfs?: boolean;
  /** `no-new-privileges`, `seccomp=unconfined`, `seccomp=<path of a profile>`, `apparmor=NAME`, `label=…`. */
  readonly securityOpt?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly devices?: readonly Device[];
  readonly tty?: boolean;
  readonly openStdin?: boolean;
  /** Standard input ends when its first attached client leaves. */
  readonly stdinOnce?: boolean;
  /** -1000 … 1000. */
  readonly oomScoreAdj?: number;
  readonly cgroupParent?: string;
  readonly shmBytes?: number;
  /** `SIGTERM`; the image's when absent. */
  readonly stopSignal?: string;
  /** Absent: logRotation in limits.ts. */
  readonly logging?: { readonly maxBytes: number; readonly maxFiles: number };
}

export interface Chunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

export interface LogOptions {
  /** Goes on until the container ends, the caller stops reading or `signal` aborts. */
  readonly follow?: boolean;
  /** Only this many of the last lines; all when absent. */
  readonly tail?: number;
  /** Only lines written at or after this time (milliseconds since 1970; engines look at whole seconds). */
  readonly sinceMs?: number;
  /** Each line begins with its RFC 3339 time and a space. Podman's have whole seconds. */
  readonly timestamps?: boolean;
  /** Both default to true. */
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly signal?: AbortSignal;
}

/** A running conversation with a process of a container. */
export interface StreamSession {
  /** What it writes, in order; ends when its output ends. Read by one reader; a slow one slows the process down. */
  readonly output: AsyncIterable<Chunk>;
  /** Resolves when there is room for more. A no-op once the process has closed its input. */
  write(data: Uint8Array): Promise<void>;
  /** End of file on its standard input. Attached to one that is not `stdinOnce`, engines do different things: don't. */
  closeStdin(): void;
  /** In characters. A no-op when the process has ended or has no terminal. */
  resize(size: { width: number; height: number }): Promise<void>;
  /** Leaves. An attached container runs on; so does an exec'd process that does not look at its input. */
  close(): void;
}

export interface ExecSession extends StreamSession {
  /** Once it has ended and its output was read to the end. 126 or 127 when there is no such command. Rejects with EngineError when nobody can know. */
  readonly exitCode: Promise<number>;
  /** Sends the process SIGKILL: for what takes too long. What it has started goes on. A no-op when it has ended. */
  kill(): Promise<void>;
}

export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty?: boolean;
  /** Give it a standard input. */
  readonly stdin?: boolean;
  /** `NAME=value` */
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
}

export interface AttachOptions {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
}

/** Other things that happen (exec, attach, rename, …) are not reported. */
export type EngineAction = "create" | "start" | "die" | "oom" | "pause" | "unpause" | "remove";

export interface EngineEvent {
  readonly id: string;
  readonly action: EngineAction;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** With `die`. */
  readonly exitCode?: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ImageConfig {
  /** Empty: root. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly stopSignal: string;
  /** `80/tcp` */
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface ImageInfo {
  /** `sha256:…` */
  readonly id: string;
  /** `docker.io/library/busybox:1.36` */
  readonly tags: readonly string[];
  /** `docker.io/library/busybox@sha256:…`; empty for images that came from no registry. */
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  readonly createdMs: number;
  readonly config: ImageConfig;
}

export type ImageSummary = Omit<ImageInfo, "config">;

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identityToken?: string;
  readonly serverAddress?: string;
}

export interface PullOptions {
  readonly auth?: RegistryAuth;
  /** Lines of the engine's: `Downloading layer …`. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface ContainerStats {
  readonly timeMs: number;
  /** CPU time used since it was started, in nanoseconds. */
  readonly cpuNanos: number;
  readonly memoryUsageBytes: number;
  /** Usage without file cache that could go at once: what Kubernetes evicts by. */
  readonly memoryWorkingSetBytes: number;
  readonly memoryRssBytes: number;
  readonly pids: number;
  /** What the kernel holds it to now; undefined where its files are out of reach. */
  readonly limits?: AppliedLimits;
}

/** As its control group has them. */
export interface AppliedLimits {
  /** Undefined: no limit. */
  readonly memoryBytes?: number;
  /** Undefined: no quota. */
  readonly nanoCpus?: number;
  /** On hosts with cgroup v2 what its weight stands for, roughly: runtimes differ in how they translate. */
  readonly cpuShares?: number;
}

/** What of a running container's resources may change. What is absent stays as it is; nothing can be taken back. */
export type ResourceUpdate = Pick<Resources, "memoryBytes" | "nanoCpus" | "cpuShares">;

export interface Engine {
  readonly name: "docker" | "podman";
  readonly version: string;

  info(): Promise<EngineInfo>;
  /** All containers that have these labels, stopped ones too. */
  list(labels: Readonly<Record<string, string>>): Promise<ContainerSummary[]>;
  /** Undefined when there is no such container. Takes a name too, here and below. */
  inspect(id: string): Promise<ContainerState | undefined>;
  /** Answers the id. Throws EngineError: `exists`, `no_image`, `invalid`. */
  create(spec: ContainerSpec): Promise<string>;
  /** A no-op when it runs. Throws EngineError `start_failed` with the engine's reason. */
  start(id: string): Promise<void>;
  /**
   * Changes what a running container may use, without a restart; it holds for this run (Podman 4.3 forgets it at the next).
   * Throws EngineError: `not_found`, `not_running`, `engine` when the kernel refuses (a memory limit below what is in use).
   */
  update(id: string, resources: ResourceUpdate): Promise<void>;
  /** `SIGTERM`, … A no-op when it does not run. */
  kill(id: string, signal: string): Promise<void>;
  /**
   * With its anonymous volumes. A no-op when it is gone. Throws EngineError `conflict` for a running one without `force`,
   * and, on Podman even with it, for one whose network others join: those are removed first.
   */
  remove(id: string, options: { force: boolean }): Promise<void>;
  /** Throws EngineError `not_found` at the first read. */
  logs(id: string, options?: LogOptions): AsyncIterable<Chunk>;
  /** Throws EngineError: `not_found`, `not_running`. */
  exec(id: string, options: ExecOptions): Promise<ExecSession>;
  attach(id: string, options: AttachOptions): Promise<StreamSession>;
  /**
   * From now on, for containers with these labels. Yields nothing before it is connected: `onOpen` is called then, and
   * what happens later is not missed. Ends or throws when the engine goes away: connecting again, and listing again
   * after it, is the caller's.
   */
  events(options: {
    labels: Readonly<Record<string, string>>;
    signal: AbortSignal;
    onOpen?: () => void;
  }): AsyncIterable<EngineEvent>;
  /** Throws EngineError: `not_found`, `not_running`. */
  stats(id: string): Promise<ContainerStats>;

  imageInspect(ref: string): Promise<ImageInfo | undefined>;
  imageList(): Promise<ImageSummary[]>;
  /** Throws EngineError: `no_image`, `denied`, `unreachable` (the registry), `engine`. */
  imagePull(ref: string, options?: PullOptions): Promise<void>;
  /** A no-op when it is gone; `conflict` when a container uses it. */
  imageRemove(ref: string): Promise<void>;
  /** Loads a docker-archive (agent/images/archive.ts writes them) and makes sure that it held `ref`. */
  imageLoad(archive: Uint8Array | AsyncIterable<Uint8Array>, ref: string): Promise<void>;
  /** The image as a docker-archive: for a node that has no registry to pull it from. */
  imageSave(ref: string): AsyncIterable<Uint8Array>;
  /** Ends idle connections; streams that are open go on. */
  close(): void;
}
