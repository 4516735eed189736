/** docs/joining.md, from what hosts_batch_test has measured. */
import { output, systemProcesses } from "../../../lib/seams/process.ts";

const path = new URL("../../../docs/joining.md", import.meta.url);
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** `times`: when each host's node was Ready, from the start of all. ms, sorted */
export async function writeJoining(times: readonly number[]): Promise<void> {
  const at = (share: number) => seconds(times[Math.max(1, Math.ceil(times.length * share)) - 1]!);
  const shares: [string, number][] = [["the first", 0], ["half of them", 0.5], ["nine in ten", 0.9], ["all", 1]];
  await Deno.writeTextFile(
    path,
    `# ${times.length} hosts join at once

\`tests/e2e/hosts_batch_test.ts\` starts \`deno task start --join …\` on ${times.length} hosts at the same moment, all with one join string. Each is
a machine of its own as far as one kernel lets it be (network, mounts, process ids, machine id) with its own Podman, and runs a
supervisor, an agent and a proxy. All of them, the first host with the control plane, and the test share two processor cores, so what is
measured is mostly the start of ${
      times.length * 3
    } programs; a host that joins alone is Ready within 3 s (\`deno task bench\`).

| a node is Ready | after |
|---|---|
${shares.map(([who, share]) => `| ${who} | ${at(share)} |`).join("\n")}

Nobody is refused, every node has a pod range, certificates and a way to all others' pods. This page is written by
\`HOSTS=${times.length} UPDATE=1 deno test -A tests/e2e/hosts_batch_test.ts\`; \`deno task e2e\` runs it with five.
`,
  );
  await output(systemProcesses, [Deno.execPath(), "fmt", "--quiet", path.pathname]);
}
