/** One lab host: namespaces, a process 1, an engine. A kill of its process 1 is a power cut: the kernel ends the rest. */
import { sleep, systemClock } from "../../../lib/seams/clock.ts";
import { type Child, type Output, systemProcesses } from "../../../lib/seams/process.ts";
import { systemRandom } from "../../../lib/seams/random.ts";
import { joinScript, removeGroups } from "./cgroups.ts";
import { engineCommand, engineEnv, type EngineKind, writeEngineConfig } from "./engine.ts";
import { type Lan, netnsPath, plug, unplug } from "./network.ts";

/** Directories of which each host has its own, kept over a power cut. */
const privateDirs = [
  "/var/tmp",
  "/var/lib/containers",
  "/var/lib/docker",
  "/var/lib/cni",
  "/var/lib/sauropod",
  "/etc/docker",
  "/etc/cni",
];

const initScript = new URL("host_init.sh", import.meta.url).pathname;

export class Host {
  #keeper: Child | undefined;
  /** What its process 1 has said. */
  readonly #lines: string[] = [];
  readonly netns: string;
  readonly engineSocket: string;

  constructor(
    readonly lan: Lan,
    readonly name: string,
    readonly ip: string,
    readonly engine: EngineKind,
    readonly dir: string,
  ) {
    this.netns = `${lan.tag}-${name}`;
    this.engineSocket = `${dir}/engine.sock`;
  }

  /** Power on. The disk is as it was. */
  async boot(): Promise<void> {
    await unplug(this.lan, this.netns, this.name); // a power cut leaves no network state
    await plug(this.lan, this.netns, this.name, this.ip);
    await Deno.mkdir(`${this.dir}/disk`, { recursive: true });
    await Deno.mkdir(`${this.dir}/etc`, { recursive: true });
    await Deno.mkdir("/var/lib/sauropod", { recursive: true }); // must be there to be mounted over
    await Deno.writeTextFile(`${this.dir}/etc/hostname`, `${this.name}\n`);
    await Deno.writeTextFile(`${this.dir}/etc/hosts`, `127.0.0.1 localhost\n${this.ip} ${this.name}\n`);
    await Deno.writeTextFile(`${this.dir}/etc/resolv.conf`, `nameserver ${this.lan.prefix}.1\n`);
    await writeMachineId(`${this.dir}/etc/machine-id`);
    await writeEngineConfig(this.dir);
    for (const file of ["init.pid", "engine.sock"]) await removeFile(`${this.dir}/${file}`);
    const unshare = [
      "unshare",
      "--mount",
      "--uts",
      "--ipc",
      "--pid",
      "--cgroup",
      "--fork",
      "--kill-child",
      "bash",
      initScript,
    ];
    // The groups first: the cgroup namespace begins at those that the process is in when it is made.
    const join = joinScript(this.lan.tag, this.name);
    this.#keeper = systemProcesses.spawn(
      ["bash", "-c", `${join}; exec "$@"`, "host", "nsenter", `--net=${netnsPath(this.netns)}`, ...unshare],
      {
        env: { DIR: this.dir, NAME: this.name, PRIVATE: privateDirs.join(" ") },
        onLine: (line) => this.#log("host", line),
      },
    );
    await until(
      10_000,
      () => exists(`${this.dir}/init.pid`),
      () => `${this.name}: its process 1 did not start: ${this.#lines.slice(-5).join("\n")}`,
    );
    await this.startEngine();
  }

  /** Power cut: every process dies at once, the disk stays. */
  async crash(): Promise<void> {
    if (this.#keeper !== undefined) {
      try {
        Deno.kill(this.#pid(), "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      this.#keeper.kill("SIGKILL");
      await this.#keeper.ended;
      this.#keeper = undefined;
    }
    await unplug(this.lan, this.netns, this.name);
    removeGroups(this.lan.tag, this.name);
  }

  #pid(): number {
    return Number(Deno.readTextFileSync(`${this.dir}/init.pid`));
  }

  /** What runs a command on the host, for who starts it himself. */
  command(command: readonly string[]): string[] {
    const env = { ...engineEnv(this.dir), HOME: "/root" };
    const join = joinScript(this.lan.tag, this.name);
    return [
      ...["bash", "-c", `${join}; exec "$@"`, "host"],
      ...[
        "nsenter",
        "--target",
        `${this.#pid()}`,
        "--mount",
        "--uts",
        "--ipc",
        "--net",
        "--pid",
        "--cgroup",
        `--wd=${Deno.cwd()}`,
      ],
      ...["env", ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...command],
    ];
  }

  /** Runs a command on the host to its end. */
  exec(command: readonly string[], options?: { stdin?: string }): Promise<Output> {
    return systemProcesses.run(this.command(command), options);
  }

  /** Starts a command on the host. Its `pid` is that of the machine; signals sent to it reach the command. */
  spawn(command: readonly string[], onLine: (line: string) => void): Child {
    return systemProcesses.spawn(this.command(command), { onLine });
  }

  async startEngine(): Promise<void> {
    const log = `${this.dir}/engine.log`;
    const command = engineCommand(this.engine, this.dir).map((word) => `'${word}'`).join(" ");
    await this.exec(["sh", "-c", `cd /run; setsid ${command} </dev/null >>${log} 2>&1 & echo $! >/run/engine.pid`]);
    const ping = ["curl", "-fsS", "--max-time", "2", "--unix-socket", this.engineSocket, "http://d/_ping"];
    const up = async () => (await systemProcesses.run(ping)).code === 0;
    await until(60_000, up, `${this.name}: ${this.engine} did not start, see ${log}`);
  }

  /** Ends only the engine; what containers do then is the engine's affair. */
  async stopEngine(signal: "TERM" | "KILL"): Promise<void> {
    await this.exec([
      "sh",
      "-c",
      `p=$(cat /run/engine.pid); kill -s ${signal} $p; while kill -0 $p 2>/dev/null; do sleep 0.05; done`,
    ]);
  }

  #log(what: string, line: string): void {
    this.#lines.push(line);
    Deno.writeTextFileSync(`${this.dir}/${what}.log`, line + "\n", { append: true });
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Each host is a machine of its own, and the same one after a power cut. */
async function writeMachineId(path: string): Promise<void> {
  if (!exists(path)) await Deno.writeTextFile(path, `${systemRandom.uuid().replaceAll("-", "")}\n`);
}

async function removeFile(path: string): Promise<void> {
  if (exists(path)) await Deno.remove(path);
}

/** Asks until it is so. Throws `message`, as it is then, when it takes longer. */
export async function until(
  timeoutMs: number,
  is: () => boolean | Promise<boolean>,
  message: string | (() => string),
): Promise<void> {
  const end = systemClock.now() + timeoutMs;
  while (!(await is())) {
    if (systemClock.now() > end) throw new Error(typeof message === "string" ? message : message());
    await sleep(systemClock, 30);
  }
}
