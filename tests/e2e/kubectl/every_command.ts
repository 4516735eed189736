/** Which commands kubectl has, by its own help, and that all of them were driven. */
import assert from "assert";
import type { Shell } from "./shell.ts";

/** Commands that only hold others. */
const holders = [
  "apply",
  "auth",
  "certificate",
  "cluster-info",
  "config",
  "create",
  "create secret",
  "create service",
  "plugin",
  "rollout",
  "set",
  "top",
];
/** Nothing of ours is behind them. */
const exempt = new Set(["alpha", "help", "kuberc"]);

/** The first words of the indented lines under the headings that end in `Commands:` or begin so. */
function commandsIn(help: string): string[] {
  const found: string[] = [];
  let listing = false;
  for (const line of help.split("\n")) {
    if (/^\S.*:\s*$/.test(line)) listing = /Commands/.test(line);
    const [, word] = /^ {2}([a-z][a-z-]*) {2,}\S/.exec(line) ?? [];
    if (listing && word !== undefined) found.push(word);
  }
  return found;
}

export async function everyCommand(shell: Shell): Promise<void> {
  await shell.step("every command that kubectl's help names was driven", async () => {
    const { cluster } = shell.scene;
    const driven = new Set(cluster.commands);
    const top = commandsIn(await cluster.ask("--help"));
    assert.ok(top.includes("apply") && top.includes("wait"), `kubectl's help is not understood: ${top}`);
    const wanted = top.filter((command) => !exempt.has(command));
    for (const holder of holders) {
      const inner = commandsIn(await cluster.ask(`${holder} --help`));
      assert.ok(inner.length > 0, `kubectl ${holder} --help names no commands`);
      wanted.push(...inner.map((command) => `${holder} ${command}`));
    }
    assert.deepEqual(wanted.filter((command) => !driven.has(command)), []);
  });
}
