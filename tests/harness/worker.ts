/** A lab host that joins a cluster, as its user joins it: with the line that the first host printed. */
import type { Child } from "../../lib/seams/process.ts";
import type { Cluster } from "./cluster.ts";
import { type Host, until } from "./lab/host.ts";
import { program } from "./program.ts";

export class Worker implements AsyncDisposable {
  #child: Child | undefined;
  readonly lines: string[] = [];

  constructor(readonly host: Host, readonly join: string, readonly flags: readonly string[] = []) {}

  /** Waits until it says that its node is Ready. */
  async start(timeoutMs = 60_000): Promise<void> {
    this.lines.length = 0;
    const where = ["--engine", this.host.engineSocket, ...this.flags];
    const child = this.host.spawn(
      [...program, "start", "--join", this.join, ...where],
      (line) => this.lines.push(line),
    );
    this.#child = child;
    let code: number | undefined;
    void child.ended.then((ended) => code = ended);
    const ready = () => code !== undefined || this.lines.some((line) => / node .* is Ready/.test(line));
    await until(timeoutMs, ready, `${this.host.name} did not become Ready:\n${this.log()}`);
    if (code !== undefined) {
      throw new Error(`${this.host.name}: deno task start --join ended with ${code}:\n${this.log()}`);
    }
  }

  log(count = 40): string {
    return this.lines.slice(-count).join("\n");
  }

  /** SIGTERM, as Ctrl-C: the pods stay. */
  async stop(): Promise<void> {
    if (this.#child === undefined) return;
    await this.host.exec(["sh", "-c", "kill -TERM $(cat /var/lib/sauropod/supervisor.pid)"]);
    await this.#child.ended;
    this.#child = undefined;
  }

  /** Removes all that it made of its host. It must have been stopped. Answers what was printed. */
  async reset(): Promise<string> {
    const { code, stdout, stderr } = await this.host.exec([...program, "reset", "--engine", this.host.engineSocket]);
    if (code !== 0) throw new Error(`${this.host.name}: deno task reset ended with ${code}:\n${stderr}${stdout}`);
    return stdout + stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What a cluster prints for other hosts to join by, when it is ready. */
export async function joinOf(cluster: Cluster): Promise<string> {
  const line = () => cluster.lines.findLast((one) => one.includes("--join "));
  await until(10_000, () => line() !== undefined, "no join command was printed");
  return line()!.slice(line()!.indexOf("--join ") + "--join ".length).trim();
}
