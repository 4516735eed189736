/** Programs of the fake engine: functions that read, write, wait and are signalled like processes. For tests only. */
import { type Clock, sleep } from "../../lib/seams/clock.ts";
import type { Chunk } from "./engine.ts";

/** Resolves to the exit code. Runs until then, or until it is killed. */
export type FakeProgram = (process: FakeProcess) => Promise<number>;

const numbers: Readonly<Record<string, number>> = { HUP: 1, INT: 2, QUIT: 3, KILL: 9, USR1: 10, USR2: 12, TERM: 15 };

/** `SIGTERM`, `TERM` and `15` are the same. */
export function signalName(signal: string): string {
  const byNumber = Object.keys(numbers).find((name) => String(numbers[name]) === signal);
  return byNumber ?? signal.toUpperCase().replace(/^SIG/, "");
}

/** A queue of bytes with one reader. */
export class Pipe {
  #chunks: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void)[] = [];

  push(data: Uint8Array): void {
    if (!this.#ended) this.#chunks.push(data);
    this.#notify();
  }

  end(): void {
    this.#ended = true;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

export interface FakeProcessOptions {
  readonly clock: Clock;
  readonly pid: number;
  /** Program name and arguments. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly tty: boolean;
  readonly onOutput: (chunk: Chunk) => void;
}

export class FakeProcess {
  readonly stdin = new Pipe();
  size: { width: number; height: number } | undefined;
  #handlers = new Map<string, () => void>();
  #finish!: (code: number) => void;
  /** Its exit code. */
  readonly ended: Promise<number> = new Promise((resolve) => this.#finish = resolve);
  running = true;
  oomKilled = false;

  constructor(readonly options: FakeProcessOptions) {}

  get args(): readonly string[] {
    return this.options.argv.slice(1);
  }

  /** The last `NAME=value` of that name. */
  env(name: string): string | undefined {
    return this.options.env.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  }

  write(stream: Chunk["stream"], text: string | Uint8Array): void {
    if (!this.running) return;
    const data = typeof text === "string" ? new TextEncoder().encode(text) : text;
    this.options.onOutput({ stream: this.options.tty ? "stdout" : stream, data });
  }

  /** As the first process of a container it does not hear signals that it has no handler for. */
  onSignal(name: string, handler: () => void): void {
    this.#handlers.set(signalName(name), handler);
  }

  /** Resolves when the signal comes. */
  signalled(name: string): Promise<void> {
    return new Promise((resolve) => this.onSignal(name, resolve));
  }

  sleep(ms: number): Promise<void> {
    return sleep(this.options.clock, ms);
  }

  /** Its memory limit is exceeded: the kernel ends it. Never resolves. */
  outOfMemory(): Promise<never> {
    this.oomKilled = true;
    this.signal("KILL");
    return new Promise(() => {});
  }

  signal(signal: string): void {
    const name = signalName(signal);
    if (name === "KILL") this.exit(137);
    else this.#handlers.get(name)?.();
  }

  exit(code: number): void {
    if (!this.running) return;
    this.running = false;
    this.#finish(code);
  }

  run(program: FakeProgram): void {
    program(this).then((code) => this.exit(code), (error) => {
      this.write("stderr", `${error instanceof Error ? error.stack : error}\n`);
      this.exit(1);
    });
  }
}

/** Programs that every fake image has; they do what the scripts of engine_contract.ts's image do. */
export const basicPrograms: Readonly<Record<string, FakeProgram>> = {
  /** Runs until SIGTERM, then ends with 0. */
  async serve(process) {
    await process.signalled("TERM");
    return 0;
  },
  /** Hears no signal but KILL. */
  stubborn: () => new Promise(() => {}),
  /** say OUT ERR CODE */
  async say(process) {
    const [out = "", err = "", code = "0"] = process.args;
    if (out !== "") process.write("stdout", `${out}\n`);
    if (err !== "") process.write("stderr", `${err}\n`);
    return Number(code);
  },
  /** lines N: `line 1` … `line N` */
  async lines(process) {
    for (let i = 1; i <= Number(process.args[0]); i++) process.write("stdout", `line ${i}\n`);
    return 0;
  },
  async cat(process) {
    for await (const data of process.stdin) process.write("stdout", data);
    return 0;
  },
  /** show NAME: the value of an environment variable. */
  async show(process) {
    process.write("stdout", `${process.env(process.args[0] ?? "") ?? ""}\n`);
    return 0;
  },
  /** Uses memory without end. */
  eat: (process) => process.outOfMemory(),
  /** The infra container. */
  async "/infra"(process) {
    await Promise.race([process.signalled("TERM"), process.signalled("INT")]);
    return 0;
  },
};
