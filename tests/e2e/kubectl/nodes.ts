/** Nodes are tainted, cordoned and drained; events; deletion. */
import { idlePod } from "../../harness/manifests.ts";
import type { Shell } from "./shell.ts";

export async function nodes(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  await step("taint, cordon, drain, uncordon", async () => {
    await shell.says("taint nodes h1 quiet=yes:NoSchedule", /tainted/);
    await cluster.ask("create -f -", { stdin: idlePod("shy") });
    const told = /0\/1 nodes are available: 1 node\(s\) had untolerated taint/;
    await cluster.eventually("get events --field-selector involvedObject.name=shy", (text) => told.test(text));
    await shell.says("taint nodes h1 quiet-", /untainted/);
    await shell.says("wait --for=condition=Ready pod/shy --timeout=30s", /condition met/);
    await shell.says("cordon h1", /cordoned/);
    await shell.says("get nodes", /Ready,SchedulingDisabled/);
    await shell.refuses("drain h1", /cannot delete.*declare no controller/);
    await shell.says(
      "drain h1 --force --timeout=60s --grace-period=1",
      /evicting pod default\/web-[^]*node\/h1 drained/,
    );
    await shell.says("uncordon h1", /uncordoned/);
    await shell.says("rollout status deployment web --timeout=60s", /successfully rolled out/);
  });
  await step("a budget keeps drain from evicting", async () => {
    await cluster.ask("create poddisruptionbudget keep --selector=app=web --min-available=1");
    await cluster.eventually("get pdb keep -o jsonpath={.status.currentHealthy}", (text) => text === "1");
    await shell.refuses("drain h1 --timeout=2s", /Cannot evict pod as it would violate the pod's disruption budget/);
    await cluster.ask("delete pdb keep");
    await cluster.ask("uncordon h1");
  }, "poddisruptionbudgets.policy");
  await step("events, as a list and for one object", async () => {
    await shell.says("events", /LAST SEEN +TYPE +REASON +OBJECT +MESSAGE/);
    await shell.says("events --for deployment/web", /ScalingReplicaSet +Deployment\/web/);
    await shell.says("get events --sort-by=.lastTimestamp", /Normal +Started +pod\//);
  });
  await step("delete: by label, by kind, at once, and waiting", async () => {
    await cluster.ask("create -f -", { stdin: idlePod("gone-1") + idlePod("gone-2") });
    await cluster.ask("label pod gone-1 gone-2 group=gone");
    await shell.says("delete pods -l group=gone --now", /"gone-1"[^]*"gone-2"/);
    await shell.says("get pods -l group=gone", /^$/);
    await cluster.ask("create -f -", { stdin: idlePod("forced") });
    await shell.says("delete pod forced --grace-period=0 --force", /force deleted/);
    await shell.says("delete deployment,service web", /deployment.apps "web" deleted[^]*service "web" deleted/);
    await cluster.eventually("get pods -l app=web --no-headers", (text) => text === "");
  });
}
