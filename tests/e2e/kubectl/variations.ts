/** The ways of the commands that write, besides the plain one. */
import assert from "assert";
import type { Shell } from "./shell.ts";

const configMap = (name: string, data: Record<string, string>) =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });

export async function variations(shell: Shell): Promise<void> {
  await applying(shell);
  await editing(shell);
  await rolling(shell);
  await running(shell);
  await debugging(shell);
}

async function applying(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  await step("apply: last-applied is set, edited and shown", async () => {
    await cluster.ask("create -f -", { stdin: configMap("last", { a: "1" }) });
    const path = await shell.file("last.json", configMap("last", { a: "1" }));
    await shell.refuses(`apply set-last-applied -f ${path}`, /no last-applied-configuration annotation/);
    await shell.says(`apply set-last-applied -f ${path} --create-annotation`, /configmap\/last configured/);
    await shell.says("apply view-last-applied configmap last -o json", /"a": "1"/);
    const editor = await shell.file("edit-last", '#!/bin/sh\nsed -i \'s/a: "1"/a: "2"/\' "$1"\n');
    await shell.scene.host.exec(["chmod", "+x", editor]);
    const env = { KUBE_EDITOR: editor };
    await shell.says("apply edit-last-applied configmap last", /configmap\/last edited/, { env });
    await shell.says("apply view-last-applied configmap last", /a: "2"/);
  });
  await step("apply --server-side: managers, conflicts, force", async () => {
    const as = (manager: string) => `apply -f - --server-side --field-manager=${manager}`;
    const text = (data: Record<string, string>) => ({ stdin: configMap("shared", data) });
    await shell.says(as("one"), /serverside-applied/, text({ a: "1", b: "1" }));
    await shell.refuses(as("two"), /conflict with "one": \.data\.a[^]*--force-conflicts/, text({ a: "2" }));
    await shell.says(`${as("two")} --force-conflicts`, /serverside-applied/, text({ a: "2" }));
    await shell.says(as("one"), /serverside-applied/, text({ b: "1" }));
    await shell.says("diff --server-side -f - --field-manager=two", /^$/, text({ a: "2" }));
    assert.equal((await cluster.kubectl("diff --server-side -f - --field-manager=two", text({ a: "3" }))).code, 1);
    assert.deepEqual((await cluster.json("get cm shared")).data, { a: "2", b: "1" });
  });
  await step("apply --prune --applyset", async () => {
    const env = { KUBECTL_APPLYSET: "true" };
    const args = "apply -f - --prune --applyset=secrets/the-set -n default";
    const two = configMap("set-a", {}) + "\n" + configMap("set-b", {});
    await shell.says(args, /set-a created[^]*set-b created/, { stdin: two, env });
    await shell.says(args, /set-b pruned/, { stdin: configMap("set-a", {}), env });
  });
  await step("label and annotate: list, all, remove; patch a file, a status, without a server", async () => {
    await shell.says("label cm last shared of=variations", /labeled/);
    await shell.says("label cm last --list", /^of=variations$/m);
    await shell.says("annotate cm -l of=variations note=x", /last annotated[^]*shared annotated/);
    await shell.says("annotate cm last --list", /^note=x$/m);
    await shell.says("annotate cm last note-", /annotated/);
    const path = await shell.file("patch.yaml", "data:\n  from: file\n");
    await shell.says(`patch cm last --patch-file=${path}`, /patched/);
    await shell.says(["patch", "-f", "-", "--local", "-o", "yaml", "-p", '{"data":{"z":"9"}}'], /z: "9"/, {
      stdin: configMap("never", {}),
    });
    await shell.says(
      ["patch", "cm", "last", "--dry-run=server", "-p", '{"data":{"z":"9"}}'],
      /patched \(server dry run\)|patched/,
    );
    const status =
      '{"status":{"conditions":[{"type":"Odd","status":"True","reason":"Test","message":"m","lastTransitionTime":"2026-01-01T00:00:00Z","lastHeartbeatTime":"2026-01-01T00:00:00Z"}]}}';
    await shell.says(["patch", "node", "h1", "--subresource=status", "-p", status], /node\/h1 patched/);
    await shell.says(["get", "node", "h1", "-o", "jsonpath={.status.conditions[?(@.type=='Odd')].reason}"], /^Test$/);
  });
}

async function editing(shell: Shell): Promise<void> {
  const { step, scene: { host } } = shell;
  const editor = async (name: string, sed: string) => {
    const path = await shell.file(name, `#!/bin/sh\nsed -i '${sed}' "$1"\n`);
    await host.exec(["chmod", "+x", path]);
    return { env: { KUBE_EDITOR: path } };
  };
  await step("edit: as JSON, a status, what is refused comes back", async () => {
    await shell.says("edit cm last -o json", /"from": "edit"/, await editor("e1", 's/"from": "file"/"from": "edit"/'));
    const unchanged = await shell.scene.cluster.kubectl("edit cm last", { env: { KUBE_EDITOR: "true" } });
    assert.match(unchanged.stderr, /Edit cancelled, no changes made/);
    // The second look finds nothing changed, and gives up.
    const { stderr } = await shell.scene.cluster.kubectl(
      "edit cm last",
      await editor("e2", "s/^  name: last/  name: Wrong!/"),
    );
    assert.match(stderr, /error|Edit cancelled/);
    await shell.says(
      "edit node h1 --subresource=status",
      /edited/,
      await editor("e3", "s/reason: Test/reason: Edited/"),
    );
    await shell.says("create -f - --edit", /created/, {
      ...(await editor("e4", "s/name: before/name: after/")),
      stdin: configMap("before", {}),
    });
    await shell.says("delete cm after last shared set-a", /deleted/);
  });
}

async function rolling(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  const container = {
    name: "main",
    image: "busybox:1.36",
    imagePullPolicy: "IfNotPresent",
    command: ["sleep", "infinity"],
  };
  const of = (kind: string, more: object) =>
    JSON.stringify({
      apiVersion: "apps/v1",
      kind,
      metadata: { name: "roll" },
      spec: {
        selector: { matchLabels: { app: `roll-${kind}` } },
        template: {
          metadata: { labels: { app: `roll-${kind}` } },
          spec: { terminationGracePeriodSeconds: 0, containers: [container] },
        },
        ...more,
      },
    });
  await step("rollout of DaemonSets and StatefulSets; set env from a ConfigMap, serviceaccount, selector", async () => {
    await cluster.ask("create -f -", {
      stdin: of("DaemonSet", {}) + "\n" + of("StatefulSet", { serviceName: "roll" }),
    });
    for (const kind of ["daemonset", "statefulset"]) {
      await shell.says(
        `rollout status ${kind}/roll --timeout=60s`,
        /successfully rolled out|rolling update complete|roll out complete/,
      );
    }
    await cluster.ask("create cm for-env --from-literal=LEVEL=info");
    await shell.says("set env daemonset/roll --from=configmap/for-env --prefix=MY_", /env updated/);
    await shell.says("set env daemonset/roll --list", /MY_LEVEL from configmap for-env, key LEVEL/);
    await shell.says("set serviceaccount statefulset/roll default", /serviceaccount updated/);
    await shell.says(
      "rollout restart daemonset/roll statefulset/roll",
      /daemonset.apps\/roll restarted[^]*statefulset.apps\/roll restarted/,
    );
    for (const kind of ["daemonset", "statefulset"]) {
      await shell.says(
        `rollout status ${kind}/roll --timeout=60s`,
        /successfully rolled out|rolling update complete|roll out complete/,
      );
      await shell.says(`rollout history ${kind}/roll`, /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +/);
      await shell.says(`rollout undo ${kind}/roll --to-revision=1`, /rolled back/);
    }
    await shell.says("scale statefulset roll --replicas=0 --timeout=60s", /scaled/);
    await cluster.ask("create service clusterip picks --tcp=80");
    await shell.says(["set", "selector", "service", "picks", "app=roll-DaemonSet"], /selector updated/);
    await cluster.eventually(
      "get endpointslices -l kubernetes.io/service-name=picks",
      (text) => /10\.244\./.test(text),
    );
    await shell.says("set image daemonsets main=busybox:2 --all --dry-run=client -o name", /daemonset.apps\/roll/);
    await shell.says("wait --for=create statefulset/roll --timeout=10s", /condition met/);
    await shell.says(
      "delete daemonset,statefulset,service,cm roll picks for-env --ignore-not-found --wait=false",
      /deleted/,
    );
  });
}

async function running(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  await step("run, create, expose and autoscale that only show what they would do", async () => {
    const run = await shell.says(
      "run shown --image=x --env=A=b --labels=a=b --port=80 --restart=OnFailure --dry-run=client -o yaml",
      /kind: Pod/,
    );
    assert.match(run, /- name: A\n +value: b[^]*restartPolicy: OnFailure/);
    await shell.says("run shown --image=x --dry-run=server -o jsonpath={.spec.serviceAccountName}", /^default$/);
    await shell.says("create deployment shown --image=x --dry-run=server -o jsonpath={.spec.replicas}", /^1$/);
    await shell.says("create cm shown --from-env-file=/dev/null --dry-run=client -o name", /configmap\/shown/);
    await shell.says(
      "expose deployment web --name=shown --type=NodePort --port=80 --session-affinity=ClientIP --dry-run=client -o yaml",
      /sessionAffinity: ClientIP[^]*type: NodePort/,
    );
    await shell.says("autoscale deployment web --name=shown --max=3 --dry-run=client -o yaml", /maxReplicas: 3/);
    await shell.refuses("get pod,deployment,cm,hpa shown", /NotFound/);
  });
  await step("run --expose with overrides; expose a pod; events and wait of several", async () => {
    const overrides =
      '{"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"seen","image":"busybox:1.36","command":["sleep","infinity"]}]}}';
    await shell.says([
      "run",
      "seen",
      "--image=busybox:1.36",
      "--port=80",
      "--expose",
      `--overrides=${overrides}`,
      "--override-type=strategic",
    ], /service\/seen created[^]*pod\/seen created/);
    await shell.says("expose pod seen --name=seen-too --port=81", /service\/seen-too exposed/);
    await shell.says("wait pod --all --for=condition=PodScheduled --timeout=30s", /pod\/seen condition met/);
    await shell.says("wait pod/seen --for=jsonpath={.status.phase}=Running --timeout=60s", /condition met/);
    await shell.says("events --types=Normal --for=pod/seen", /Started/);
    await shell.says("label pods --all tour=yes", /seen labeled/);
    await shell.says("label pods -l tour=yes tour-", /unlabeled/);
    await cluster.ask("delete pod,service seen seen-too --ignore-not-found --wait=false");
  });
}

async function debugging(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  await step("debug a copy of a pod, and a node", async () => {
    await shell.says(
      "debug shell --copy-to=shell-copy --set-image=*=busybox:1.36 --share-processes --container=shell -- sleep 600",
      /^$|Defaulting/,
    );
    await shell.says("wait pod/shell-copy --for=condition=Ready --timeout=60s", /condition met/);
    await shell.says("exec shell-copy -c shell -- sh -c ps", /sleep/);
    const { stdout } = await cluster.kubectlOnTerminal(
      "debug node/h1 -it --image=busybox:1.36 --profile=sysadmin -- sh",
      {
        stdin: "chroot /host cat /run/k/template; echo; exit\n",
      },
    );
    assert.match(stdout, /Creating debugging pod node-debugger-h1-\w+ with container debugger on node h1/);
    assert.match(stdout, /range \.items/);
    await cluster.ask("delete pod shell-copy --now --wait=false");
    const pods = (await cluster.ask("get pods -o name")).split("\n").filter((name) => name.includes("node-debugger"));
    await cluster.ask(["delete", ...pods, "--now", "--wait=false"]);
  });
  await step("cp a directory, port-forward to a port of its own, logs of several pods", async () => {
    await shell.file("tree/a", "A");
    await shell.file("tree/b/c", "C");
    await shell.says("cp /run/k/tree shell:/tmp/tree -c shell", /^$/);
    await shell.says("exec shell -- cat /tmp/tree/b/c", /^C$/);
    await shell.says("cp default/shell:/tmp/tree /run/k/tree-back", /^(tar: .*)?$/m);
    const { stdout } = await shell.scene.host.exec(["diff", "-r", "/run/k/tree", "/run/k/tree-back"]);
    assert.equal(stdout, "");
    await using forward = cluster.follow("port-forward deployment/web :8080 18090:8080 --address=127.0.0.1");
    await forward.until(/127\.0\.0\.1:18090 -> 8080/);
    assert.ok(forward.lines.some((line) => /127\.0\.0\.1:\d+ -> 8080/.test(line)));
    await shell.says("logs deployment/web --all-containers --tail=3 --ignore-errors", /^[^]*$/);
    await shell.says("logs -l app=web --prefix --tail=1 --max-log-requests=9", /^([^]*\[pod\/web-|$)/);
  });
}
