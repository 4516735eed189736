/**
 * An engine in memory, that behaves: containers run programs (fake_process.ts) that write, are signalled and end. It passes
 * the same contract as Docker and Podman do. Faults: fail(), stop() and resume(), powerCut(). For tests only.
 */
import type { Clock } from "../../lib/seams/clock.ts";
import { normalizeReference } from "../images/reference.ts";
import type * as api from "./engine.ts";
import { EngineError, type EngineErrorCode } from "./error.ts";
import { FakeContainer } from "./fake_container.ts";
import { fakeImage, readImageArchive } from "./fake_image.ts";
import { imageArchive } from "../images/archive.ts";
import { basicPrograms, FakeProcess, type FakeProgram, Pipe } from "./fake_process.ts";

export interface FakeEngineOptions {
  readonly clock: Clock;
  readonly name?: "docker" | "podman";
  /** By the name that a command begins with; basicPrograms are there anyway. */
  readonly programs?: Readonly<Record<string, FakeProgram>>;
}

type Listener = (event: api.EngineEvent | undefined) => void;

export class FakeEngine implements api.Engine {
  readonly name: "docker" | "podman";
  readonly version = "0.0.0-fake";
  /** What happened, one line each: `create web`, `start web`, `kill web SIGTERM`, `pull docker.io/library/x:latest`. */
  readonly journal: string[] = [];
  readonly programs: Map<string, FakeProgram>;
  /** What a registry would give, by complete name. */
  readonly registry = new Map<string, api.ImageInfo>();
  /** True: pulls fail as if no registry answered. */
  registryDown = false;
  readonly #images = new Map<string, api.ImageInfo>();
  readonly #containers = new Map<string, FakeContainer>();
  readonly #listeners = new Set<Listener>();
  readonly #faults = new Map<string, EngineError[]>();
  readonly #clock: Clock;
  #stopped = false;
  #nextPid = 4_000_000;
  #nextId = 1;

  constructor(options: FakeEngineOptions) {
    this.#clock = options.clock;
    this.name = options.name ?? "podman";
    this.programs = new Map(Object.entries({ ...basicPrograms, ...options.programs }));
  }

  /** Puts an image on the host. */
  addImage(ref: string, config: Partial<api.ImageConfig> = {}): api.ImageInfo {
    const image = fakeImage(ref, config);
    this.#images.set(normalizeReference(ref), image);
    return image;
  }

  /** Puts an image into the registry. */
  publish(ref: string, config: Partial<api.ImageConfig> = {}): void {
    this.registry.set(normalizeReference(ref), fakeImage(ref, config));
  }

  /** The next call of `operation` (`create`, `start`, `kill`, `remove`, `pull`, `inspect`, `list`, `exec`, …) fails. */
  fail(operation: string, code: EngineErrorCode, detail = "made to fail by a test"): void {
    const queue = this.#faults.get(operation) ?? [];
    this.#faults.set(operation, [...queue, new EngineError(code, operation, "", detail)]);
  }

  /** The engine goes away (containers run on): calls fail, event streams end. */
  stop(): void {
    this.#stopped = true;
    for (const listener of [...this.#listeners]) listener(undefined);
  }

  resume(): void {
    this.#stopped = false;
  }

  /** Everything that ran is dead, and nobody saw it end. Call resume() for the boot. */
  powerCut(): void {
    for (const container of this.#containers.values()) container.cut();
    this.stop();
  }

  /** The container with this name or id, for a look inside. Throws TypeError when there is none. */
  container(id: string): FakeContainer {
    const found = this.#find(id);
    if (found === undefined) throw new TypeError(`no container ${id}`);
    return found;
  }

  #find(id: string): FakeContainer | undefined {
    return this.#containers.get(id) ?? [...this.#containers.values()].find((c) => c.options.spec.name === id);
  }

  /** Every call passes here: faults, a stopped engine, the journal. */
  #enter(operation: string, subject = "", detail = ""): void {
    if (this.#stopped) throw new EngineError("unavailable", operation, subject, "the fake engine is stopped");
    const fault = this.#faults.get(operation)?.shift();
    if (fault !== undefined) throw new EngineError(fault.code, operation, subject, fault.detail);
    if (detail !== "") this.journal.push(detail);
  }

  #need(operation: string, id: string): FakeContainer {
    const container = this.#find(id);
    if (container === undefined) throw new EngineError("not_found", operation, id, "no such container");
    return container;
  }

  #needRunning(operation: string, id: string): FakeContainer {
    const container = this.#need(operation, id);
    if (container.status !== "running") {
      throw new EngineError("not_running", operation, id, `it is ${container.status}`);
    }
    return container;
  }

  #emit(container: FakeContainer, action: api.EngineAction): void {
    const { id, spec } = container.options;
    const event: api.EngineEvent = {
      id,
      action,
      timeMs: this.#clock.now(),
      labels: spec.labels ?? {},
      ...(action === "die" ? { exitCode: container.exitCode } : {}),
    };
    for (const listener of [...this.#listeners]) listener(event);
  }

  async info(): Promise<api.EngineInfo> {
    this.#enter("info");
    return {
      name: this.name,
      version: this.version,
      apiVersion: "1.41",
      storageRoot: "/",
      storageDriver: "fake",
      cgroupDriver: "none",
      cgroupVersion: 2,
      kernelVersion: "0.0.0-fake",
      operatingSystem: "fake",
      osType: "linux",
      architecture: "amd64",
      cpus: 2,
      memoryBytes: 4 * 2 ** 30,
      security: [],
    };
  }

  async list(labels: Readonly<Record<string, string>>): Promise<api.ContainerSummary[]> {
    this.#enter("list");
    const wanted = [...this.#containers.values()].filter((c) =>
      Object.entries(labels).every(([key, value]) => c.options.spec.labels?.[key] === value)
    );
    return wanted.map((c) => {
      const { id, name, image, imageId, status, createdMs, labels } = c.state();
      return { id, name, image, imageId, labels, status, createdMs: Math.floor(createdMs / 1000) * 1000 };
    });
  }

  async inspect(id: string): Promise<api.ContainerState | undefined> {
    this.#enter("inspect", id);
    return this.#find(id)?.state();
  }

  async create(spec: api.ContainerSpec): Promise<string> {
    this.#enter("create", spec.name, `create ${spec.name}`);
    const image = this.#image(spec.image);
    if (image === undefined) throw new EngineError("no_image", "create", spec.name, `no such image: ${spec.image}`);
    if (this.#find(spec.name) !== undefined) throw new EngineError("exists", "create", spec.name, "the name is in use");
    const joined = spec.networkMode.match(/^container:(.+)$/)?.[1];
    if (joined !== undefined) this.#need("create", joined);
    const id = (this.#nextId++).toString(16).padStart(64, "0");
    const container = new FakeContainer({
      id,
      spec,
      image,
      clock: this.#clock,
      nextPid: () => this.#nextPid++,
      programs: this.programs,
      onEnd: (ended) => {
        if (ended.oomKilled && this.name === "docker") this.#emit(ended, "oom");
        this.#emit(ended, "die");
      },
    });
    this.#containers.set(id, container);
    this.#emit(container, "create");
    return id;
  }

  async start(id: string): Promise<void> {
    const container = this.#need("start", id);
    this.#enter("start", id, `start ${container.options.spec.name}`);
    if (container.status === "running") return;
    const joined = container.options.spec.networkMode.match(/^container:(.+)$/)?.[1];
    if (joined !== undefined && this.#find(joined)?.status !== "running") {
      throw new EngineError("start_failed", "start", id, `cannot join network of a non running container: ${joined}`);
    }
    const why = container.start();
    if (why !== undefined) throw new EngineError("start_failed", "start", id, why);
    this.#emit(container, "start");
  }

  async update(id: string, resources: api.ResourceUpdate): Promise<void> {
    const container = this.#needRunning("update", id);
    const words = Object.entries(resources).filter(([, value]) => value !== undefined).map((entry) => entry.join("="));
    this.#enter("update", id, `update ${container.options.spec.name} ${words.join(" ")}`);
    for (const [name, value] of Object.entries(resources)) {
      if (value !== undefined) Object.assign(container.limits, { [name]: value });
    }
  }

  async kill(id: string, signal: string): Promise<void> {
    const container = this.#find(id);
    this.#enter("kill", id, `kill ${container?.options.spec.name ?? id} ${signal}`);
    container?.process?.signal(signal);
    // What the signal ends has ended when an engine answers.
    await Promise.resolve();
  }

  async remove(id: string, options: { force: boolean }): Promise<void> {
    const container = this.#find(id);
    this.#enter("remove", id, `remove ${container?.options.spec.name ?? id}`);
    if (container === undefined) return;
    if (container.status === "running" && !options.force) {
      throw new EngineError("conflict", "remove", id, "you cannot remove a running container");
    }
    const dependents = [...this.#containers.values()].filter((c) => this.#joins(c, container));
    if (this.name === "podman" && dependents.length > 0) {
      throw new EngineError("conflict", "remove", id, "it has dependent containers which must be removed before it");
    }
    const process = container.process;
    if (process?.running) {
      process.signal("KILL");
      await process.ended;
    }
    this.#containers.delete(container.options.id);
    container.removed = true;
    this.#emit(container, "remove");
  }

  /** True when the first container is in the network of the second. */
  #joins(one: FakeContainer, other: FakeContainer): boolean {
    const joined = one.options.spec.networkMode.match(/^container:(.+)$/)?.[1];
    return joined !== undefined && this.#find(joined) === other;
  }

  async *logs(id: string, options: api.LogOptions = {}): AsyncGenerator<api.Chunk> {
    this.#enter("logs", id);
    yield* this.#need("logs", id).logs(options);
  }

  async exec(id: string, options: api.ExecOptions): Promise<api.ExecSession> {
    this.#enter("exec", id);
    const container = this.#needRunning("exec", id);
    const output = new ChunkPipe();
    const process = new FakeProcess({
      clock: this.#clock,
      pid: this.#nextPid++,
      argv: options.command,
      env: [...container.env, ...options.env ?? []],
      tty: options.tty ?? false,
      onOutput: (chunk) => output.push(chunk),
    });
    if (!options.stdin) process.stdin.end();
    container.execs.add(process);
    void process.ended.then(() => {
      container.execs.delete(process);
      output.end();
    });
    const program = container.program(options.command);
    if (program === undefined) {
      process.write("stderr", `exec: ${JSON.stringify(options.command[0])}: executable file not found in $PATH\n`);
      process.exit(127);
    } else {
      process.run(program);
    }
    return {
      ...sessionOf(process, output, () => output.end()),
      exitCode: process.ended,
      kill: async () => process.signal("KILL"),
    };
  }

  async attach(id: string, options: api.AttachOptions): Promise<api.StreamSession> {
    this.#enter("attach", id);
    const container = this.#needRunning("attach", id);
    const output = new ChunkPipe();
    const wanted = { stdout: options.stdout ?? true, stderr: options.stderr ?? true };
    const stop = container.watch((chunk) => {
      if (chunk === undefined) output.end();
      else if (wanted[chunk.stream]) output.push(chunk);
    });
    const session = sessionOf(container.process!, output, () => {
      stop();
      output.end();
    });
    // Input stays open for the next who attaches, unless it was made for one; then the output ends here, as Docker has it.
    return { ...session, closeStdin: () => container.options.spec.stdinOnce ? session.closeStdin() : output.end() };
  }

  async *events(options: Parameters<api.Engine["events"]>[0]): AsyncGenerator<api.EngineEvent> {
    this.#enter("events");
    const queue: (api.EngineEvent | undefined)[] = [];
    let wake = () => {};
    const listener: Listener = (event) => {
      const matches = event === undefined ||
        Object.entries(options.labels).every(([key, value]) => event.labels[key] === value);
      if (matches) queue.push(event);
      wake();
    };
    const abort = () => listener(undefined);
    this.#listeners.add(listener);
    options.signal.addEventListener("abort", abort, { once: true });
    options.onOpen?.();
    try {
      while (!options.signal.aborted) {
        if (queue.length === 0) {
          await new Promise<void>((resolve) => wake = resolve);
          continue;
        }
        const event = queue.shift();
        if (event === undefined) return;
        yield event;
      }
    } finally {
      this.#listeners.delete(listener);
      options.signal.removeEventListener("abort", abort);
    }
  }

  async stats(id: string): Promise<api.ContainerStats> {
    this.#enter("stats", id);
    const container = this.#needRunning("stats", id);
    const timeMs = this.#clock.now();
    return {
      timeMs,
      limits: { ...container.limits },
      cpuNanos: (timeMs - container.startedMs!) * 1_000,
      memoryUsageBytes: container.memoryUsageBytes,
      memoryWorkingSetBytes: 2 ** 20,
      memoryRssBytes: 2 ** 19,
      pids: 1 + container.execs.size,
    };
  }

  #image(text: string): api.ImageInfo | undefined {
    const ref = normalizeReference(text);
    const id = ref.startsWith("sha256:") ? ref : `sha256:${ref}`;
    return this.#images.get(ref) ??
      [...this.#images.values()].find((image) => image.id === id || image.digests.includes(ref));
  }

  async imageInspect(ref: string): Promise<api.ImageInfo | undefined> {
    this.#enter("image inspect", ref);
    return this.#image(ref);
  }

  async imageList(): Promise<api.ImageSummary[]> {
    this.#enter("image list");
    return [...new Set(this.#images.values())].map(({ config: _, ...summary }) => summary);
  }

  async imagePull(text: string, options: api.PullOptions = {}): Promise<void> {
    const ref = normalizeReference(text);
    this.#enter("pull", ref, `pull ${ref}`);
    if (this.registryDown) throw new EngineError("unreachable", "pull", ref, "dial tcp: connection refused");
    const image = this.registry.get(ref);
    if (image === undefined) throw new EngineError("no_image", "pull", ref, "manifest unknown");
    options.onProgress?.("Pull complete");
    this.#images.set(ref, image);
  }

  async imageRemove(text: string): Promise<void> {
    const ref = normalizeReference(text);
    this.#enter("image remove", ref, `remove image ${ref}`);
    const image = this.#image(ref);
    if (image === undefined) return;
    if ([...this.#containers.values()].some((container) => container.options.image.id === image.id)) {
      throw new EngineError("conflict", "image remove", ref, "the image is in use by a container");
    }
    for (const [name, value] of this.#images) if (value === image) this.#images.delete(name);
  }

  async imageLoad(archive: Uint8Array | AsyncIterable<Uint8Array>, text: string): Promise<void> {
    const ref = normalizeReference(text);
    this.#enter("image load", ref, `load ${ref}`);
    const image = await readImageArchive(archive);
    for (const tag of image.tags) this.#images.set(tag, image);
    if (!this.#images.has(ref)) throw new EngineError("no_image", "image load", ref, "the archive held no such image");
  }

  async *imageSave(ref: string): AsyncGenerator<Uint8Array> {
    this.#enter("image save", ref);
    const image = this.#image(ref);
    if (image === undefined) throw new EngineError("no_image", "image save", ref, "no such image");
    yield await imageArchive({ ref: normalizeReference(ref), architecture: "amd64", files: [], ...image.config });
  }

  close(): void {}
}

/** A queue of chunks with one reader. */
class ChunkPipe {
  readonly #streams: api.Chunk["stream"][] = [];
  readonly #pipe = new Pipe();

  push(chunk: api.Chunk): void {
    this.#streams.push(chunk.stream);
    this.#pipe.push(chunk.data.slice());
  }

  end(): void {
    this.#pipe.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<api.Chunk> {
    for await (const data of this.#pipe) yield { stream: this.#streams.shift()!, data };
  }
}

function sessionOf(process: FakeProcess, output: ChunkPipe, close: () => void): api.StreamSession {
  return {
    output,
    write: async (data) => process.stdin.push(data.slice()),
    closeStdin: () => process.stdin.end(),
    resize: async (size) => {
      process.size = size;
    },
    close,
  };
}
