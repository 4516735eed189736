/** One container of the fake engine: its state, its log, its processes. For tests only. */
import type { Clock } from "../../lib/seams/clock.ts";
import type { AppliedLimits, Chunk, ContainerSpec, ContainerState, ImageInfo, LogOptions } from "./engine.ts";
import { FakeProcess, type FakeProgram } from "./fake_process.ts";

interface Line {
  readonly stream: Chunk["stream"];
  readonly timeMs: number;
  data: Uint8Array;
  complete: boolean;
}

export interface FakeContainerOptions {
  readonly id: string;
  readonly spec: ContainerSpec;
  readonly image: ImageInfo;
  readonly clock: Clock;
  readonly nextPid: () => number;
  readonly programs: ReadonlyMap<string, FakeProgram>;
  readonly onEnd: (container: FakeContainer) => void;
}

export class FakeContainer {
  readonly createdMs: number;
  process: FakeProcess | undefined;
  readonly execs = new Set<FakeProcess>();
  status: ContainerState["status"] = "created";
  exitCode = 0;
  oomKilled = false;
  lost = false;
  startedMs: number | undefined;
  finishedMs: number | undefined;
  error = "";
  removed = false;
  /** What it is held to now. */
  limits: AppliedLimits;
  /** What its processes are to be thought to use. */
  memoryUsageBytes = 2 * 2 ** 20;
  readonly lines: Line[] = [];
  readonly #attached = new Set<(chunk: Chunk | undefined) => void>();

  constructor(readonly options: FakeContainerOptions) {
    this.createdMs = options.clock.now();
    const { memoryBytes, nanoCpus, cpuShares = 1024 } = options.spec.resources ?? {};
    this.limits = { ...(memoryBytes ? { memoryBytes } : {}), ...(nanoCpus ? { nanoCpus } : {}), cpuShares };
  }

  /** Program and arguments, by the rules of `command` and `args`. */
  get argv(): readonly string[] {
    const { spec, image } = this.options;
    const own = (list: readonly string[] | undefined) => list !== undefined && list.length > 0 ? list : undefined;
    const command = own(spec.command);
    if (command !== undefined) return [...command, ...spec.args ?? []];
    return [...image.config.entrypoint, ...own(spec.args) ?? image.config.cmd];
  }

  get env(): readonly string[] {
    return [...this.options.image.config.env, ...this.options.spec.env ?? []];
  }

  program(argv: readonly string[]): FakeProgram | undefined {
    return this.options.programs.get(argv[0] ?? "");
  }

  /** Answers why it can't be, or undefined. */
  start(): string | undefined {
    const argv = this.argv;
    const program = this.program(argv);
    if (program === undefined) {
      this.error = `exec: ${JSON.stringify(argv[0])}: executable file not found in $PATH`;
      return this.error;
    }
    const { clock, spec } = this.options;
    const process = new FakeProcess({
      clock,
      pid: this.options.nextPid(),
      argv,
      env: this.env,
      tty: spec.tty ?? false,
      onOutput: (chunk) => this.#append(chunk),
    });
    if (!spec.openStdin) process.stdin.end();
    Object.assign(this, { process, status: "running", startedMs: clock.now(), finishedMs: undefined, exitCode: 0 });
    Object.assign(this, { oomKilled: false, lost: false, error: "" });
    void process.ended.then((code) => this.#end(process, code));
    process.run(program);
    return undefined;
  }

  #end(process: FakeProcess, code: number): void {
    if (this.process !== process || this.lost) return;
    Object.assign(this, { status: "exited", exitCode: code, oomKilled: process.oomKilled });
    this.finishedMs = this.options.clock.now();
    for (const exec of this.execs) exec.exit(137);
    this.#tell(undefined);
    this.options.onEnd(this);
  }

  /** The host loses power. */
  cut(): void {
    if (this.status !== "running") return;
    Object.assign(this, { status: "exited", exitCode: 255, lost: true });
    this.process?.exit(137);
    for (const exec of this.execs) exec.exit(137);
    this.#tell(undefined);
  }

  /** Output from now on; `undefined` at its end. The answer stops it. */
  watch(listener: (chunk: Chunk | undefined) => void): () => void {
    this.#attached.add(listener);
    return () => this.#attached.delete(listener);
  }

  #tell(chunk: Chunk | undefined): void {
    for (const listener of [...this.#attached]) listener(chunk);
  }

  #append(chunk: Chunk): void {
    let rest = chunk.data;
    while (rest.length > 0) {
      const newline = rest.indexOf(10);
      const part = newline < 0 ? rest : rest.subarray(0, newline + 1);
      const open = this.lines.findLast((line) => line.stream === chunk.stream);
      if (open !== undefined && !open.complete) {
        open.data = new Uint8Array([...open.data, ...part]);
        open.complete = newline >= 0;
      } else {
        const timeMs = this.options.clock.now();
        this.lines.push({ stream: chunk.stream, timeMs, data: part.slice(), complete: newline >= 0 });
      }
      rest = rest.subarray(part.length);
    }
    this.#tell(chunk);
  }

  /** As engines give them; `follow` until it ends. */
  async *logs(options: LogOptions): AsyncGenerator<Chunk> {
    const wanted = (line: Line) =>
      (line.stream === "stdout" ? options.stdout ?? true : options.stderr ?? true) &&
      line.timeMs >= Math.floor((options.sinceMs ?? 0) / 1000) * 1000;
    const render = (line: Line): Chunk => {
      const time = options.timestamps ? new TextEncoder().encode(`${new Date(line.timeMs).toISOString()} `) : [];
      return { stream: line.stream, data: new Uint8Array([...time, ...line.data]) };
    };
    let next = this.lines.length;
    const past = this.lines.filter(wanted);
    yield* (options.tail === undefined ? past : past.slice(past.length - Math.min(past.length, options.tail))).map(
      render,
    );
    while (options.follow && !options.signal?.aborted) {
      for (; next < this.lines.length; next++) if (wanted(this.lines[next]!)) yield render(this.lines[next]!);
      if (this.status !== "running" || this.removed) return;
      await new Promise<void>((resolve) => {
        const done = () => {
          stop();
          options.signal?.removeEventListener("abort", done);
          resolve();
        };
        const stop = this.watch(done);
        options.signal?.addEventListener("abort", done, { once: true });
      });
    }
  }

  state(): ContainerState {
    const { spec, image, id } = this.options;
    return {
      id,
      name: spec.name,
      status: this.status,
      pid: this.status === "running" ? this.process!.options.pid : 0,
      exitCode: this.exitCode,
      oomKilled: this.oomKilled,
      lost: this.lost,
      createdMs: this.createdMs,
      startedMs: this.startedMs,
      finishedMs: this.finishedMs,
      error: this.error,
      image: spec.image,
      imageId: image.id,
      labels: spec.labels ?? {},
      mounts: (spec.binds ?? []).map(({ source, target, readOnly }) => ({ source, target, readOnly })),
      tty: spec.tty ?? false,
      openStdin: spec.openStdin ?? false,
    };
  }
}
