/** Logs, attach, exec, run, cp, port-forward, debug. */
import assert from "assert";
import type { Shell } from "./shell.ts";

const chatter = JSON.stringify({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "chatter" },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "main",
        image: "busybox:1.36",
        command: [
          "sh",
          "-c",
          "for i in 1 2 3; do echo line $i; done; echo oops >&2; while read l; do echo heard $l; done; sleep infinity",
        ],
        stdin: true,
      },
      { name: "crasher", image: "busybox:1.36", command: ["sh", "-c", "echo last words; sleep 1; exit 3"] },
    ],
  },
});

export async function streams(shell: Shell): Promise<void> {
  const { step, scene: { cluster, host } } = shell;
  await cluster.ask("create -f -", { stdin: chatter });
  await cluster.ask("run shell --image=busybox:1.36 --command -- sleep infinity");
  await cluster.ask("wait --for=condition=Ready pod/shell --timeout=60s");
  await step("logs: all, tail, since, timestamps, prefix, follow, previous", async () => {
    await cluster.eventually("logs chatter -c main", (text) => /oops/.test(text) && /line 3/.test(text));
    // How the two outputs come together is the engine's affair.
    const all = await shell.says("logs chatter -c main", /^oops$/m);
    assert.equal(all.replace("oops\n", ""), "line 1\nline 2\nline 3\n");
    await shell.says("logs chatter -c main --tail=1", /^(oops|line 3)\n$/);
    await shell.says("logs chatter -c main --timestamps", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z line 1$/m);
    await shell.says("logs chatter -c main --since=1h", /line 1/);
    await shell.says("logs chatter -c main --limit-bytes=6", /^(line 1|oops\nl)$/);
    await shell.says("logs chatter --all-containers --prefix", /\[pod\/chatter\/main\] line 1/);
    await shell.says("logs -l run=shell --tail=5", /^$/);
    await cluster.eventually(
      "get pod chatter -o jsonpath={.status.containerStatuses[*].restartCount}",
      (text) => /[1-9]/.test(text),
    );
    await shell.says("logs chatter -c crasher --previous", /^last words$/m);
    await shell.refuses(
      "logs chatter -c main --previous",
      /previous terminated container "main" in pod "chatter" not found/,
    );
    await shell.refuses("logs chatter -c nobody", /container nobody is not valid for pod chatter/);
  });
  await step("attach, with logs -f seeing it", async () => {
    await using logs = cluster.follow("logs -f chatter -c main");
    await logs.until(/^line 3$/);
    await using attached = cluster.follow("attach -i chatter -c main", { stdin: "hello\n" });
    await attached.until(/^heard hello$/);
    await logs.until(/^heard hello$/);
  });
  await step("exec: output, errors, exit code, standard input, a terminal", async () => {
    await shell.says("exec shell -- echo hi there", /^hi there\n$/);
    await shell.says("exec -i shell -- sh -c wc", /^ +2 +3 +12/, { stdin: "a bc\ndefghi\n" });
    const { code, stdout, stderr } = await cluster.kubectl([
      "exec",
      "shell",
      "--",
      "sh",
      "-c",
      "echo out; echo err >&2; exit 7",
    ]);
    assert.deepEqual([code, stdout], [7, "out\n"]);
    assert.match(stderr, /^err\ncommand terminated with exit code 7/);
    // Docker tells it on standard output.
    const absent = await cluster.kubectl("exec shell -- nosuchprogram");
    assert.match(absent.stderr + absent.stdout, /nosuchprogram.*(not found|no such file)/i);
    assert.notEqual(absent.code, 0);
    const terminal = await cluster.kubectlOnTerminal("exec -it shell -- sh", {
      stdin: "tty; until stty size 2>/dev/null | grep .; do sleep 0.1; done\nexit 5\n",
    });
    assert.match(terminal.stdout, /\/dev\/pts\/\d+\r\n/);
    assert.match(terminal.stdout, /^33 99\r\n/m);
    assert.equal(terminal.code, 5, terminal.stdout);
    assert.notEqual((await cluster.kubectl("exec shell -- tty")).code, 0, "no terminal where none was asked for");
  });
  await step("run -it --rm", async () => {
    const { stdout } = await cluster.kubectlOnTerminal(
      "run brief -it --rm --restart=Never --image=busybox:1.36 -- sh",
      { stdin: "echo here I am $HOSTNAME\nexit\n" },
    );
    assert.match(stdout, /here I am brief\r\n[^]*pod "brief" deleted/);
  });
  await step("cp, there and back", async () => {
    const big = "head -c 3000000 /dev/urandom >/run/there; ";
    const at = "KUBECONFIG=/var/lib/sauropod/kubeconfig kubectl";
    const script =
      `set -e; ${big} ${at} cp /run/there shell:/tmp/there; ${at} cp shell:/tmp/there /run/back; cmp /run/there /run/back && echo same`;
    const { stdout, stderr } = await host.exec(["sh", "-c", script]);
    assert.match(stdout, /same/, stderr);
  });
  await step("port-forward, to a pod and to a Service", async () => {
    for (const target of ["deployment/web", "service/web"]) {
      const local = target.startsWith("service") ? "18080:80" : "18080:8080";
      await using forward = cluster.follow(`port-forward ${target} ${local}`);
      await forward.until(/Forwarding from 127\.0\.0\.1:18080 -> 8080/);
      const { stdout, stderr } = await host.exec(["curl", "-sS", "http://127.0.0.1:18080/?[1-20]"]);
      assert.equal(stdout.match(/This is v1/g)?.length, 20, stderr + forward.lines.join("\n"));
    }
  });
  await step("debug adds a container to a running pod", async () => {
    const { stdout, stderr } = await cluster.kubectlOnTerminal(
      "debug -it shell --image=busybox:1.36 --target=shell --container=doctor -- sh",
      { stdin: "echo I see $(ps | grep -c infinity)\nexit\n" },
    );
    assert.match(stdout, /I see [1-9]/, stderr);
  });
}
