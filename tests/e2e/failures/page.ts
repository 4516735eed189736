/** docs/failures.md, from what failures_test has measured. */
import { output, systemProcesses } from "../../../lib/seams/process.ts";
import { graceSeconds, type Row, tolerationSeconds } from "./world.ts";

const path = new URL("../../../docs/failures.md", import.meta.url);

const sentence = (text: string) => text[0]!.toUpperCase() + text.slice(1);

export async function writeFailures(rows: readonly Row[]): Promise<void> {
  const failures = [...new Set(rows.map(({ failure }) => failure))];
  const sections = failures.map((failure) => {
    const mine = rows.filter((row) => row.failure === failure);
    const lines = mine.map(({ what, value }) => {
      const [phase, ...rest] = what.split(": ");
      return `| ${phase} | ${rest.join(": ")} | ${value} |`;
    });
    return `## ${sentence(failure)}\n\n| after | what | |\n|---|---|---|\n${lines.join("\n")}\n`;
  });
  await Deno.writeTextFile(
    path,
    `# What failures cost

Three hosts (Podman, Docker, Podman), the control plane on the first; three pods behind a Service, one on each; things happen to the third
host. Nothing is repaired by hand. Measured by \`tests/e2e/failures_test.ts\` on two processor cores for all three hosts.

How soon a silent host is given up is a setting, not a property: a node may be silent for \`--node-monitor-grace\` (here ${graceSeconds} s; default
50 s, heartbeats are 10 s apart), and pods stay bound to a silent node for their \`tolerationSeconds\` (here ${tolerationSeconds} s; default 300 s).

With two or more other hosts that are all silent at once, the control plane takes itself for the one that is cut off: nobody is evicted.

${sections.join("\n")}
This page is written by \`UPDATE=1 FAILURES=all deno test -A tests/e2e/failures_test.ts\`.
`,
  );
  await output(systemProcesses, [Deno.execPath(), "fmt", "--quiet", path.pathname]);
}
