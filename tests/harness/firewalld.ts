/** firewalld on a machine of a test: with a message bus and a configuration of its own, so that the real one is not touched. */
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { type Child, systemProcesses } from "../../lib/seams/process.ts";
import { findProgram } from "./host_program.ts";

export function firewalldMissing(): string | undefined {
  return ["firewalld", "firewall-cmd", "dbus-daemon"].some((name) => findProgram(name) === undefined)
    ? "needs firewalld and dbus"
    : undefined;
}

const bus = (path: string) =>
  `<busconfig><type>system</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_type="*"/></policy>
</busconfig>
`;

export class Firewalld {
  readonly #children: Child[] = [];
  readonly environment: readonly string[];

  /** `enter` leads into the machine's network namespace; `directory` is for it alone. */
  constructor(readonly enter: readonly string[], readonly directory: string) {
    this.environment = ["env", `DBUS_SYSTEM_BUS_ADDRESS=unix:path=${directory}/bus`];
  }

  async start(): Promise<void> {
    await Deno.mkdir(`${this.directory}/config`, { recursive: true });
    await Deno.writeTextFile(`${this.directory}/bus.conf`, bus(`${this.directory}/bus`));
    this.#spawn("dbus-daemon", `--config-file=${this.directory}/bus.conf`, "--nofork");
    await this.#until(["test", "-S", `${this.directory}/bus`]);
    this.#spawn(
      "firewalld",
      "--nofork",
      "--nopid",
      "--log-target=console",
      "--system-config",
      `${this.directory}/config`,
    );
    await this.#until(["firewall-cmd", "--state"]);
  }

  #spawn(...command: string[]): void {
    this.#children.push(systemProcesses.spawn([...this.environment, ...this.enter, ...command], { onLine() {} }));
  }

  async #until(command: readonly string[]): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      if ((await systemProcesses.run([...this.environment, ...this.enter, ...command])).code === 0) return;
      await sleep(systemClock, 50);
    }
    throw new Error(`firewalld did not start: ${command.join(" ")}`);
  }

  /** `firewall-cmd` */
  async ask(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await systemProcesses.run([
      ...this.environment,
      ...this.enter,
      "firewall-cmd",
      ...words,
    ]);
    if (code !== 0) throw new Error(`firewall-cmd ${words.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  async stop(): Promise<void> {
    for (const child of this.#children.toReversed()) {
      child.kill("SIGTERM");
      await child.ended;
    }
  }
}
