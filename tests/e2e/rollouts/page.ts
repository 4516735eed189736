/** docs/rollouts.md, from what rollouts_test has measured. */
import { output, systemProcesses } from "../../../lib/seams/process.ts";
import type { Report } from "../../harness/requests.ts";

interface Run {
  /** Of who asks from outside by node ports, and of who asks from a host by the cluster IP. */
  reports: readonly Report[];
  seconds: number;
  rollouts: number;
}

export interface Measured {
  drained: Run;
  undrained: Run;
  plan: { replicas: number; drains: number };
}

const path = new URL("../../../docs/rollouts.md", import.meta.url);
const places = ["outside, by every node's port", "a host, by the Service's address"];

const number = (value: number) => value.toLocaleString("en-US");
const text = (error: string) => error.replace(/ \(os error \d+\)/, "");

function rows(what: string, { reports }: Run): string {
  return reports.map(({ ok, failed, sorts, p50, p99, longest }, i) => {
    const sum = (sort: keyof typeof sorts) => number(sorts[sort].ok + sorts[sort].failed);
    return `| ${what} | ${places[i]} | ${number(ok + failed)} | ${sum("kept")} | ${sum("fresh")} | ${sum("slow")} | ` +
      `**${number(failed)}** | ${p50} | ${p99} | ${longest} |`;
  }).join("\n");
}

function reasons({ reports }: Run): string {
  const counts = new Map<string, number>();
  for (const { failures } of reports) {
    for (const { why } of failures) counts.set(text(why), (counts.get(text(why)) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([why]) => `“${why}”`).join(", ");
}

export async function writeRollouts({ drained, undrained, plan }: Measured): Promise<void> {
  const total = drained.reports.reduce((sum, { ok, failed }) => sum + ok + failed, 0);
  await Deno.writeTextFile(
    path,
    `# Rollouts that lose no request

A pod that is deleted is stopped only when no proxy sends anything to it any longer
([how](decisions/drain_before_stop.md)). \`tests/e2e/rollouts_test.ts\` asks a Deployment on three hosts (Podman, Docker, Podman) without
pause while its pods are replaced, moved and removed. A third of the requests are new connections, the others keep theirs until the
server closes it, and four at a time in each place take 10 s to be answered. Nothing is tried again.

The server does what a well-behaved one does on SIGTERM: it takes what has connected already, listens no longer, finishes what it was
asked, and says \`Connection: close\`. There is no \`preStop\` hook.

With draining, in ${drained.seconds} s: ${drained.rollouts} rolling updates of ${plan.replicas} pods, ${plan.drains} \`kubectl drain\` and \`uncordon\`, a scale to 10, to 2, to 10 and
back, and each of the three proxies killed with SIGKILL during a further rolling update. Without (\`--drain off\`), in ${undrained.seconds} s:
${undrained.rollouts} rolling updates.

| | asked from | requests | kept | fresh | 10 s | failed | p50 ms | p99 ms | longest ms |
|---|---|---|---|---|---|---|---|---|---|
${rows("draining", drained)}
${rows("`--drain off`", undrained)}

What fails without draining: ${reasons(undrained)}.

Times are those of three hosts, their engines, the cluster and both clients on two processor cores. This page is written by
\`UPDATE=1 REQUESTS=${
      total > 100_000 ? "1000000" : "20000"
    } deno test -A tests/e2e/rollouts_test.ts\`; \`deno task e2e\` runs a short form of it.
`,
  );
  await output(systemProcesses, [Deno.execPath(), "fmt", "--quiet", path.pathname]);
}
