/** Sauropod on a lab host, started as a user starts it, and the stock kubectl to speak to it. */
import type { Child, Output } from "../../lib/seams/process.ts";
import { until } from "./lab/host.ts";
import { program } from "./program.ts";
import type { Host } from "./lab/host.ts";

/** No command of a test's takes longer, unless it hangs. */
const kubectlSecondsMax = 120;

export interface ClusterOptions {
  /** Flags besides those that the test bed needs. */
  flags?: readonly string[];
  readyMs?: number;
  /** Part of the line that says that it is up; default: that of a first host. */
  readyLine?: string;
}

/** Is there a kubectl on this machine? */
export function kubectlInstalled(): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((dir) => {
    try {
      return Deno.statSync(`${dir}/kubectl`).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
      throw error;
    }
  });
}

export interface KubectlOptions {
  stdin?: string;
  env?: Readonly<Record<string, string>>;
}

export interface Following extends AsyncDisposable {
  /** What it has said, standard error too. */
  readonly lines: readonly string[];
  readonly ended: Promise<number>;
  /** Resolves when a line matches. */
  until(what: RegExp): Promise<void>;
}

/** Each as its command line tells it. */
const patterns = {
  supervisor: "/main.ts start ",
  apiserver: "/apiserver/main.ts",
  agent: "/agent/main.ts",
  proxy: "/proxy/main.ts",
  "redis-server": "redis-server.*sauropod",
};
export type Component = keyof typeof patterns;

export class Cluster implements AsyncDisposable {
  #child: Child | undefined;
  #follows = 0;
  readonly lines: string[] = [];
  /** What kubectl was asked for, by its first one, two and three words: `apply`, `rollout undo`, `create secret tls`. */
  readonly commands = new Set<string>();
  readonly dataDir = "/var/lib/sauropod";

  constructor(readonly host: Host, readonly options: ClusterOptions = {}) {}

  /** Starts it and waits until it says that its node is Ready. Answers how long that took. ms */
  async start(): Promise<number> {
    const begun = performance.now();
    const { readyLine = "export KUBECONFIG" } = this.options;
    this.lines.length = 0;
    const child = this.host.spawn(
      [
        ...[...program, "start"],
        ...["--engine", this.host.engineSocket, "--node-ip", this.host.ip, ...(this.options.flags ?? [])],
      ],
      (line) => this.lines.push(line),
    );
    this.#child = child;
    let code: number | undefined;
    void child.ended.then((ended) => code = ended);
    const ready = () => code !== undefined || this.lines.some((line) => line.includes(readyLine));
    await until(this.options.readyMs ?? 60_000, ready, () => `no Ready node:\n${this.log()}`);
    if (code !== undefined) throw new Error(`deno task start ended with ${code}:\n${this.log()}`);
    return performance.now() - begun;
  }

  /** The last lines that it printed. */
  log(count = 60): string {
    return this.lines.slice(-count).join("\n");
  }

  /** SIGTERM, as Ctrl-C: the pods stay. */
  async stop(): Promise<void> {
    if (this.#child === undefined) return;
    await this.#signalSupervisor();
    await this.#child.ended;
    this.#child = undefined;
  }

  /** Its host has lost power: there is nothing to stop. */
  async lost(): Promise<void> {
    await this.#child?.ended;
    this.#child = undefined;
  }

  async #signalSupervisor(): Promise<void> {
    await this.host.exec(["sh", "-c", `kill -TERM $(cat ${this.dataDir}/supervisor.pid)`]);
  }

  #command(args: readonly string[] | string, env: Readonly<Record<string, string>> = {}): string[] {
    const all = { KUBECONFIG: `${this.dataDir}/kubeconfig`, KUBECACHEDIR: "/run/kubectl", ...env };
    const words = typeof args === "string" ? args.split(" ") : args;
    for (const count of [1, 2, 3]) this.commands.add(words.slice(0, count).join(" "));
    const set = Object.entries(all).map(([name, value]) => `${name}=${value}`);
    return ["env", ...set, "timeout", "--foreground", `${kubectlSecondsMax}`, "kubectl", ...words];
  }

  /** Runs kubectl on the host, as admin. */
  kubectl(args: readonly string[] | string, { stdin, env }: KubectlOptions = {}): Promise<Output> {
    return this.host.exec(this.#command(args, env), { stdin });
  }

  /** The same with a terminal of 33 lines and 99 columns for standard input and output; what is typed is `stdin`. */
  kubectlOnTerminal(args: readonly string[] | string, { stdin, env }: KubectlOptions = {}): Promise<Output> {
    const quoted = this.#command(args, env).map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    const sized = `stty rows 33 cols 99; ${quoted}`;
    return this.host.exec(["timeout", `${kubectlSecondsMax}`, "script", "-qec", sized, "/dev/null"], { stdin });
  }

  /** A kubectl that goes on until it is ended. */
  follow(args: readonly string[] | string, { stdin, env }: KubectlOptions = {}): Following {
    const lines: string[] = [];
    const pidFile = `/run/follow-${this.#follows++}.pid`;
    // Standard input is a file: a pipeline would be another process than the one that is noted.
    const script = `echo $$ >${pidFile}; printf %s "$1" >${pidFile}.in; shift; exec "$@" <${pidFile}.in`;
    const command = ["sh", "-c", script, "sh", stdin ?? "", ...this.#command(args, env)];
    const child = this.host.spawn(command, (line) => lines.push(line));
    let ended = false;
    void child.ended.then(() => ended = true);
    return {
      lines,
      ended: child.ended,
      async until(what) {
        const said = () => ended || lines.some((line) => what.test(line));
        await until(30_000, said, "").catch(() => {});
        if (!lines.some((line) => what.test(line))) {
          throw new Error(`kubectl ${args} never said ${what}, but:\n${lines.join("\n")}`);
        }
      },
      [Symbol.asyncDispose]: async () => {
        if (!ended) await this.host.exec(["sh", "-c", `kill -TERM $(cat ${pidFile})`]);
        await child.ended;
      },
    };
  }

  /** Standard output of a kubectl that must succeed. */
  async ask(args: readonly string[] | string, options: KubectlOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args, options);
    if (code !== 0) {
      const words = typeof args === "string" ? args : args.join(" ");
      throw new Error(`kubectl ${words}: exit code ${code}\n${stderr}${stdout}\n--- cluster:\n${this.log(40)}`);
    }
    return stdout;
  }

  /** What kubectl prints as JSON. */
  // deno-lint-ignore no-explicit-any
  async json(args: string): Promise<any> {
    return JSON.parse(await this.ask(`${args} -o json`));
  }

  /** Asks until kubectl's output is what the test wants. */
  async eventually(
    args: readonly string[] | string,
    is: (stdout: string) => boolean,
    timeoutMs = 60_000,
  ): Promise<string> {
    let last = "";
    await until(timeoutMs, async () => {
      const { stdout, stderr } = await this.kubectl(args);
      last = stdout + stderr;
      return is(stdout);
    }, `kubectl ${args} was never what was wanted`).catch((error) => {
      throw new Error(`${(error as Error).message}; last:\n${last}\n--- cluster:\n${this.log(40)}`);
    });
    return last;
  }

  /** Process ids of a component, as the host counts them. */
  async pids(component: Component): Promise<number[]> {
    const { stdout } = await this.host.exec(["pgrep", "-f", patterns[component]]);
    return stdout.split("\n").filter(Boolean).map(Number);
  }

  /** SIGKILL to all of these at once. */
  async kill(...components: Component[]): Promise<void> {
    const pids = await Promise.all(components.map((one) => this.pids(one)));
    const missing = components.filter((_, i) => pids[i]!.length === 0);
    if (missing.length > 0) throw new Error(`not running: ${missing.join(", ")}`);
    await this.host.exec(["kill", "-KILL", ...pids.flat().map(String)]);
    if (!components.includes("supervisor")) return;
    await this.#child?.ended;
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
