/** A steady load on a lab host (programs/load.ts), started, asked and ended by a test. */
import type { Child } from "../../lib/seams/process.ts";
import { type Host, until } from "./lab/host.ts";
import type { LoadOptions, Report } from "./programs/load.ts";

export type { Report, Tally } from "./programs/load.ts";

const program = new URL("programs/load.ts", import.meta.url).pathname;
const port = 7070;

export class Load implements AsyncDisposable {
  private constructor(readonly host: Host, readonly child: Child, readonly lines: readonly string[]) {}

  /** Resolves when all three sorts have succeeded once. */
  static async start(host: Host, options: Omit<LoadOptions, "port">): Promise<Load> {
    const lines: string[] = [];
    const child = host.spawn(
      [Deno.execPath(), "run", "--allow-all", "--quiet", "--no-check", program, JSON.stringify({ ...options, port })],
      (line) => lines.push(line),
    );
    const load = new Load(host, child, lines);
    let last: unknown;
    const begun = async () => {
      const report = last = await load.report().catch((error) => ({ error: (error as Error).message }) as never);
      return report.writes?.ok > 0 && report.requests.ok > 0 && report.stream.ok > 0;
    };
    await until(20_000, begun, "").catch(() => {
      throw new Error(`the load did not begin: ${JSON.stringify(last)}\n${lines.join("\n")}`);
    });
    return load;
  }

  async #ask(path: string): Promise<string> {
    const { code, stdout, stderr } = await this.host.exec(["curl", "-sS", `http://127.0.0.1:${port}${path}`]);
    if (code !== 0) throw new Error(`load: ${stderr}\n${this.lines.join("\n")}`);
    return stdout;
  }

  /** What was since the last report. */
  async report(): Promise<Report> {
    return JSON.parse(await this.#ask("/report"));
  }

  /** Names of the ConfigMaps whose creation was acknowledged. */
  async acknowledged(): Promise<string[]> {
    return JSON.parse(await this.#ask("/acknowledged"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ask("/stop");
    await this.child.ended;
  }
}
