/** Requests without pause (programs/requests.ts), from a lab host or from outside of the cluster: started, watched and ended by a test. */
import { type Child, systemProcesses } from "../../lib/seams/process.ts";
import { until } from "./lab/host.ts";
import type { Progress, Report, RequestsOptions } from "./programs/requests.ts";

export type { Report, RequestsOptions } from "./programs/requests.ts";

const program = new URL("programs/requests.ts", import.meta.url).pathname;

export class Requests implements AsyncDisposable {
  #last: Progress | Report = { ok: 0, failed: 0 };
  readonly #other: string[] = [];
  #pid = 0;
  #child!: Child;

  private constructor(readonly commandOf: (words: readonly string[]) => readonly string[]) {}

  /** `commandOf` makes a command one of the place that asks: `host.command`, `lab.clientCommand`. Resolves at the first answer. */
  static async start(
    commandOf: (words: readonly string[]) => readonly string[],
    options: RequestsOptions,
  ): Promise<Requests> {
    const requests = new Requests(commandOf);
    const words = [Deno.execPath(), "run", "--allow-all", "--quiet", "--no-check", program, JSON.stringify(options)];
    requests.#child = systemProcesses.spawn(commandOf(words), { onLine: (line) => requests.#take(line) });
    await until(
      20_000,
      () => requests.progress.ok > 0,
      () => `nothing was answered: ${JSON.stringify(requests.#last)}\n${requests.#other.join("\n")}`,
    );
    return requests;
  }

  #take(line: string): void {
    if (line.startsWith('{"pid":')) this.#pid = JSON.parse(line).pid;
    else if (line.startsWith("{")) this.#last = JSON.parse(line);
    else this.#other.push(line);
  }

  /** As it was within the last second. */
  get progress(): Progress {
    return this.#last;
  }

  /** Lets what has begun end, and answers what became of all. */
  async stop(): Promise<Report> {
    await this.#signal("TERM");
    if (!("failures" in this.#last)) throw new Error(`no report: ${this.#other.join("\n")}`);
    return this.#last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if ("failures" in this.#last) return;
    await this.#signal("KILL");
  }

  /** By its id where it runs: on a host it has another one than what we have started. */
  async #signal(name: "TERM" | "KILL"): Promise<void> {
    await systemProcesses.run(this.commandOf(["kill", `-${name}`, `${this.#pid}`]));
    await this.#child.ended;
  }
}
