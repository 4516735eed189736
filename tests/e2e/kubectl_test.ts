/** The stock kubectl, command by command, with validation as it comes. */
import assert from "assert";
import type { KubectlOptions } from "../harness/cluster.ts";
import { idlePod } from "../harness/manifests.ts";
import { scenario, type Scene } from "./scenario.ts";

class Shell {
  /** `served` are the resources that there are: `pods`, `pods/log`, `jobs.batch`. */
  constructor(readonly scene: Scene, readonly served: ReadonlySet<string>) {}

  /** Runs a command and tells what it printed from what it should have. */
  async says(args: string | readonly string[], wanted: RegExp, options: KubectlOptions = {}): Promise<string> {
    const stdout = await this.scene.cluster.ask(args, options);
    assert.match(stdout, wanted, `kubectl ${args}: not ${wanted}, but\n${stdout}`);
    return stdout;
  }

  /** Runs a command that must be refused. */
  async refuses(args: string | readonly string[], wanted: RegExp, options: KubectlOptions = {}): Promise<void> {
    const { code, stdout, stderr } = await this.scene.cluster.kubectl(args, options);
    assert.match(stderr, wanted, `kubectl ${args}: not ${wanted}, but\n${stderr}${stdout}`);
    assert.notEqual(code, 0);
  }

  /** A part of the test that needs these resources. Where one of them is not served, kubectl must say so. */
  readonly step = (name: string, run: () => Promise<void>, ...needs: string[]): Promise<void> => {
    const missing = needs.find((one) => !this.served.has(one));
    if (missing === undefined) return this.scene.step(name, run);
    return this.scene.step(
      `${name}: kubectl says that ${missing} is not served`,
      () =>
        this.refuses(`get ${missing}`, /the server doesn't have a resource type|could not find the requested resource/),
    );
  };
}

async function served({ cluster }: Scene): Promise<Set<string>> {
  const core = JSON.parse(await cluster.ask("get --raw=/api/v1")).resources.map(({ name }: { name: string }) => name);
  return new Set([...core, ...(await cluster.ask("api-resources -o name")).split("\n")]);
}

async function about(shell: Shell): Promise<void> {
  const { step } = shell;
  await step("version, cluster-info", async () => {
    await shell.says("version", /Server Version: v1\.36\.\d+\+sauropod\./);
    await shell.says("cluster-info", /control plane.* is running at .*https:\/\//);
  });
  await step("api-resources, api-versions", async () => {
    const all = await shell.says("api-resources", /deployments +deploy +apps\/v1 +true +Deployment/);
    assert.match(all, /configmaps +cm +v1 +true +ConfigMap/);
    await shell.says("api-resources --namespaced=false --verbs=list -o name", /^nodes$/m);
    await shell.says("api-resources --api-group=apps -o wide", /replicasets +rs +apps\/v1 +true .*watch.* all/);
    await shell.says("api-versions", /^apps\/v1\n[^]*^v1$/m);
  });
  await step("explain", async () => {
    await shell.says("explain deployment", /GROUP: +apps\nKIND: +Deployment\nVERSION: +v1[^]*spec\t<DeploymentSpec>/);
    await shell.says("explain pod.spec.containers.ports", /containerPort\t<integer> -required-/);
    await shell.says("explain pod.spec.containers.ports.containerPort", /FIELD: containerPort <integer>/);
    await shell.says("explain deploy.spec.strategy --recursive", /rollingUpdate\t<[^]*maxSurge\t<IntOrString>/);
    await shell.refuses("explain pod.spec.colour", /field "colour" does not exist/);
  });
  await step("auth whoami", async () => {
    await shell.says("auth whoami", /Username +\S+[^]*Groups +\[.*system:masters/);
  }, "selfsubjectreviews.authentication.k8s.io");
  await step(
    "auth can-i",
    async () => {
      await shell.says("auth can-i create pods", /^yes$/m);
      await shell.says("auth can-i --list", /\*\.\* +\[\] +\[\] +\[\*\]/);
      const as = "--as=system:serviceaccount:default:default";
      await shell.refuses(
        `get secrets ${as}`,
        /\(Forbidden\): secrets is forbidden: User "system:serviceaccount:default:default" cannot list resource "secrets" in API group "" in the namespace "default"/,
      );
      assert.equal((await shell.scene.cluster.kubectl(`auth can-i delete nodes ${as}`)).stdout.trim(), "no");
    },
    "selfsubjectaccessreviews.authorization.k8s.io",
    "selfsubjectrulesreviews.authorization.k8s.io",
  );
  await step("top is refused clearly", async () => {
    await shell.refuses("top nodes", /Metrics API not available/);
    await shell.refuses("top pods", /Metrics API not available/);
  });
  await step("get --raw and proxy", async () => {
    await shell.says("get --raw=/readyz", /^ok/);
    await using proxy = shell.scene.cluster.follow("proxy --port=18001");
    await proxy.until(/Starting to serve on 127\.0\.0\.1:18001/);
    const { stdout } = await shell.scene.host.exec(["curl", "-sS", "http://127.0.0.1:18001/api/v1/namespaces/default"]);
    assert.equal(JSON.parse(stdout).metadata.name, "default");
  });
}

async function creates(shell: Shell): Promise<void> {
  const { step } = shell;
  const made = async (args: string, kind = args.split(" ")[0]) => {
    await shell.says(`create ${args}`, new RegExp(`^${kind}\\S*/\\S+ created$`, "m"));
  };
  await step("create namespace, serviceaccount", async () => {
    await made("namespace side");
    await shell.scene.cluster.eventually("get serviceaccount default -n side --no-headers", (text) => text !== "");
    await made("serviceaccount robot -n side");
  });
  await step("create token", async () => {
    await shell.says("create token robot -n side --duration=10m", /^ey[\w-]+\.[\w-]+\.[\w-]+$/m);
  }, "serviceaccounts/token");
  await step("create configmap, secret", async () => {
    await made("configmap settings --from-literal=level=info --from-literal=colour=blue");
    await made("configmap files --from-file=/etc/hostname --from-file=name=/etc/hostname");
    await made("secret generic login --from-literal=password=correct-horse");
    await made(
      "secret docker-registry pull --docker-server=r.example --docker-username=u --docker-password=p",
      "secret",
    );
    await shell.says("get secret login -o jsonpath={.data.password}", /^Y29ycmVjdC1ob3JzZQ==$/);
    await shell.says("get configmap files -o jsonpath={.data.name}", /^h1/);
    await shell.says("get secrets", /login +Opaque +1 [^]*pull +kubernetes\.io\/dockerconfigjson +1 /);
    const described = await shell.says("describe secret login", /password: +13 bytes/);
    assert.doesNotMatch(described, /horse|Y29y/);
  });
  await step("create service, of every type", async () => {
    await made("service clusterip one --tcp=80:8080");
    await made("service nodeport two --tcp=80:8080 --node-port=30123");
    await made("service loadbalancer three --tcp=80:8080");
    await made("service externalname four --external-name=example.com");
    await made("service clusterip five --clusterip=None --tcp=80");
    const all = await shell.says("get services", /two +NodePort +10\.96\.\S+ +<none> +80:30123\/TCP/);
    assert.match(all, /four +ExternalName +<none> +example\.com +<none>/);
    assert.match(all, /five +ClusterIP +None +<none> +80\/TCP/);
    await shell.says("delete service one two three four five", /"five" deleted/);
  });
  await step("create role, rolebinding, clusterrole, clusterrolebinding: they hold", async () => {
    await made("role reader --verb=get,list --resource=pods,configmaps -n side");
    await made("rolebinding reader --role=reader --serviceaccount=side:robot -n side", "rolebinding");
    await made("clusterrole watcher --verb=watch --resource=nodes", "clusterrole");
    await made("clusterrolebinding watcher --clusterrole=watcher --serviceaccount=side:robot", "clusterrolebinding");
    const as = "--as=system:serviceaccount:side:robot";
    await shell.says(`get pods -n side ${as}`, /^$/);
    await shell.says(`get --raw=/api/v1/nodes?watch=1&timeoutSeconds=1 ${as}`, /"type":"ADDED"/);
    const refused = (verb: string, kind: string, namespace: string) =>
      new RegExp(
        `User "system:serviceaccount:side:robot" cannot ${verb} resource "${kind}" .*in the namespace "${namespace}"`,
      );
    await shell.refuses(`get pods -n default ${as}`, refused("list", "pods", "default"));
    await shell.refuses(`create configmap no -n side ${as}`, refused("create", "configmaps", "side"));
  }, "roles.rbac.authorization.k8s.io");
  await step(
    "create job, cronjob",
    async () => {
      await made("job once --image=busybox:1.36 -- echo done");
      await shell.says("wait --for=condition=Complete job/once --timeout=60s", /condition met/);
      await shell.says("get job once", /once +Complete +1\/1/);
      await shell.says("logs job/once", /^done$/m);
      await made("cronjob yearly --image=busybox:1.36 --schedule=@yearly -- true");
      await made("job now --from=cronjob/yearly");
      await shell.says("get cronjob yearly", /yearly +@yearly +<none> +False/);
      await shell.says("delete job once now", /"now" deleted/);
      await shell.says("delete cronjob yearly", /deleted/);
    },
    "jobs.batch",
    "cronjobs.batch",
  );
  await step("create priorityclass", async () => {
    await made("priorityclass high --value=1000", "priorityclass");
    await shell.says("delete priorityclass high", /deleted/);
  }, "priorityclasses.scheduling.k8s.io");
  await step("create poddisruptionbudget", async () => {
    await made("poddisruptionbudget careful --selector=app=x --min-available=1", "poddisruptionbudget");
    await shell.says("delete pdb careful", /deleted/);
  }, "poddisruptionbudgets.policy");
  await step("create quota: it holds", async () => {
    await made("quota small --hard=pods=2,configmaps=3 -n side", "resourcequota");
    await shell.scene.cluster.eventually("get quota small -n side", (text) => /configmaps: 1\/3/.test(text));
    await shell.says("create configmap a -n side", /created/);
    await shell.says("create configmap b -n side", /created/);
    await shell.refuses(
      "create configmap c -n side",
      /exceeded quota: small, requested: configmaps=1, used: configmaps=3, limited: configmaps=3/,
    );
  }, "resourcequotas");
  await step("delete namespace takes what is in it along", async () => {
    await shell.says("delete namespace side", /namespace "side" deleted/);
    await shell.refuses("get namespace side", /NotFound/);
  });
}

async function objects(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  await step("apply, diff, apply again", async () => {
    const text = (level: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  level: ${level}\n`;
    await shell.says("apply -f -", /configmap\/applied created/, { stdin: text("info") });
    await shell.says("apply -f -", /configmap\/applied unchanged/, { stdin: text("info") });
    const { code, stdout } = await cluster.kubectl("diff -f -", { stdin: text("debug") });
    assert.equal(code, 1, "there are differences");
    assert.match(stdout, /^- {2}level: info\n\+ {2}level: debug$/m);
    await shell.says("apply -f -", /configmap\/applied configured/, { stdin: text("debug") });
    await shell.says("apply -f - --dry-run=server", /configmap\/applied configured \(server dry run\)/, {
      stdin: text("x"),
    });
    await shell.says("apply -f - --server-side --force-conflicts", /serverside-applied/, { stdin: text("warn") });
    await shell.says("get configmap applied -o jsonpath={.data.level}", /^warn$/);
    await shell.says("apply view-last-applied configmap applied", /level: /);
  });
  await step("apply --prune removes what is no more in the set", async () => {
    const one = (name: string) =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { set: "p" } } }) + "\n";
    await shell.says("apply -f -", /keep created[^]*drop created/, { stdin: one("keep") + one("drop") });
    const pruned = "apply -f - --prune -l set=p --prune-allowlist=core/v1/ConfigMap";
    await shell.says(pruned, /configmap\/drop pruned/, { stdin: one("keep") });
  });
  await step("patch in three ways, label, annotate", async () => {
    const value = async (path: string) =>
      (await cluster.ask(["get", "configmap", "applied", "-o", `jsonpath=${path}`])).trim();
    await shell.says(["patch", "configmap", "applied", "-p", '{"data":{"a":"strategic"}}'], /patched/);
    await shell.says(["patch", "configmap", "applied", "--type=merge", "-p", '{"data":{"b":"merge"}}'], /patched/);
    const op = '[{"op":"add","path":"/data/c","value":"json"},{"op":"remove","path":"/data/a"}]';
    await shell.says(["patch", "configmap", "applied", "--type=json", "-p", op], /patched/);
    assert.equal(await value("{.data.a}{.data.b}{.data.c}"), "mergejson");
    await shell.says("label configmap applied tier=front", /labeled/);
    await shell.refuses("label configmap applied tier=back", /already has a value \(front\)|'tier' already has/);
    await shell.says("label configmap applied tier=back --overwrite", /labeled/);
    await shell.says("annotate configmap applied note=remember", /annotated/);
    assert.equal(await value("{.metadata.labels.tier}{.metadata.annotations.note}"), "backremember");
    await shell.says("label configmap applied tier-", /unlabeled/);
  });
  await step("edit", async () => {
    const editor = "/run/editor";
    await shell.scene.host.exec([
      "sh",
      "-c",
      `printf '#!/bin/sh\\nsed -i s/remember/forget/ "$1"\\n' >${editor}; chmod +x ${editor}`,
    ]);
    await shell.says("edit configmap applied", /configmap\/applied edited/, { env: { KUBE_EDITOR: editor } });
    await shell.says("get configmap applied -o jsonpath={.metadata.annotations.note}", /^forget$/);
  });
  await step("replace, replace --force", async () => {
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  only: this\n`;
    await shell.says("replace -f -", /configmap\/applied replaced/, { stdin: text });
    assert.deepEqual((await cluster.json("get configmap applied")).data, { only: "this" });
    const { uid } = (await cluster.json("get configmap applied")).metadata;
    await shell.says("replace --force -f -", /configmap\/applied replaced/, { stdin: text });
    assert.notEqual((await cluster.json("get configmap applied")).metadata.uid, uid);
  });
  await step("get in every form, with selectors and sorted", async () => {
    await shell.says("get cm applied -o yaml", /^apiVersion: v1\ndata:\n {2}only: this\nkind: ConfigMap/);
    await shell.says("get cm applied -o name", /^configmap\/applied$/m);
    await shell.says("get cm applied -o go-template={{.metadata.name}}", /^applied$/);
    await shell.says("get cm -o custom-columns=NAME:.metadata.name --sort-by=.metadata.name", /^NAME\napplied\nfiles/);
    await shell.says("get cm --show-labels", /NAME +DATA +AGE +LABELS/);
    await shell.says("get cm applied -L tier", /NAME +DATA +AGE +TIER/);
    await shell.says("get cm -A --field-selector metadata.name=applied --no-headers", /^default +applied +1 /);
    await shell.says("get nodes -o wide", /h1 +Ready +\S+ +\S+ +v1\.36\S* +10\.99\.\S+ .* (podman|docker):\/\//);
  });
}

async function workloads(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  const image = async () => (await cluster.json("get deployment web")).spec.template.spec.containers[0].image;
  await step("create deployment, expose, scale", async () => {
    await shell.says(
      "create deployment web --image=qinchaowhut/allen:v1 --replicas=1 --port=8080",
      /deployment.apps\/web created/,
    );
    await shell.says("expose deployment web --port=80 --target-port=8080", /service\/web exposed/);
    await shell.says("rollout status deployment web --timeout=60s", /successfully rolled out/);
    await shell.says("scale deployment web --replicas=2 --current-replicas=1", /scaled/);
    await shell.refuses(
      "scale deployment web --replicas=3 --current-replicas=1",
      /[Ee]xpected replicas to be 1, was 2/,
    );
    await cluster.eventually("get deployment web --no-headers", (text) => / 2\/2 +2 +2 /.test(text));
  });
  await step("autoscale", async () => {
    await shell.says("autoscale deployment web --min=2 --max=4 --cpu-percent=80", /autoscaled/);
    await shell.says("get hpa web", /web +Deployment\/web .*80% +2 +4/);
    await shell.says("delete hpa web", /deleted/);
  }, "horizontalpodautoscalers.autoscaling");
  await step("set image, env, resources", async () => {
    await shell.says("set image deployment/web allen=qinchaowhut/allen:v2", /image updated/);
    await shell.says("set env deployment/web LEVEL=debug", /env updated/);
    await shell.says("set env deployment/web --list", /^LEVEL=debug$/m);
    await shell.says("set resources deployment/web --requests=cpu=5m,memory=8Mi", /resource requirements updated/);
    await shell.says("rollout status deployment/web --timeout=60s", /successfully rolled out/);
    assert.equal(await image(), "qinchaowhut/allen:v2");
  });
  await step("rollout history, undo, pause, resume, restart", async () => {
    await shell.says("annotate deployment web kubernetes.io/change-cause=quieter", /annotated/);
    await shell.says("rollout history deployment web", /REVISION +CHANGE-CAUSE\n1 +[^]*\n4 +quieter/);
    await shell.says("rollout history deployment web --revision=1", /Image:\tqinchaowhut\/allen:v1/);
    await shell.says("rollout undo deployment web --to-revision=1", /rolled back/);
    await shell.says("rollout status deployment web --timeout=60s", /successfully rolled out/);
    assert.equal(await image(), "qinchaowhut/allen:v1");
    await shell.says("rollout pause deployment web", /paused/);
    await shell.refuses("rollout restart deployment web", /can't restart paused deployment/);
    await shell.says("rollout resume deployment web", /resumed/);
    const before = (await cluster.ask("get pods -l app=web -o name")).trim().split("\n");
    await shell.says("rollout restart deployment web", /restarted/);
    await shell.says("rollout status deployment web --timeout=60s", /successfully rolled out/);
    await cluster.eventually("get pods -l app=web -o name", (text) => before.every((name) => !text.includes(name)));
  });
  await step("describe deployment, pod, node, service", async () => {
    const told = await shell.says(
      "describe deployment web",
      /Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable/,
    );
    assert.match(told, /StrategyType: +RollingUpdate[^]*ScalingReplicaSet +.*Scaled up replica set web-/);
    const pod = await shell.says(
      "describe pod -l app=web",
      /Node: +h1\/10\.99\.[^]*QoS Class: +Burstable|QoS Class: +BestEffort/,
    );
    assert.match(pod, /Events:[^]*Scheduled[^]*Pulled[^]*Created[^]*Started/);
    await shell.says(
      "describe node h1",
      /Capacity:[^]*cpu: +\d[^]*Non-terminated Pods:[^]*default +web-[^]*Allocated resources:/,
    );
    await shell.says("describe service web", /Type: +ClusterIP[^]*Endpoints: +10\.244\.\S+:8080,10\.244\.\S+:8080/);
  });
  await step("get -w tells what changes", async () => {
    await using watch = cluster.follow("get deployment web -w --no-headers");
    await watch.until(/^web +2\/2 /);
    await cluster.ask("scale deployment web --replicas=1");
    await watch.until(/^web +1\/1 +1 +1 /);
  });
  await step("wait for a condition, a value and an end", async () => {
    await shell.says("wait deployment/web --for=condition=Available --timeout=30s", /condition met/);
    await shell.says("wait deployment/web --for=jsonpath={.status.readyReplicas}=1 --timeout=30s", /condition met/);
    await shell.refuses(
      "wait deployment/web --for=condition=Sleepy --timeout=1s",
      /timed out waiting for the condition/,
    );
    await cluster.ask("create configmap brief");
    await using waiting = cluster.follow("wait configmap/brief --for=delete --timeout=30s");
    await cluster.ask("delete configmap brief");
    assert.equal(await waiting.ended, 0, waiting.lines.join("\n"));
  });
}

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

async function streams(shell: Shell): Promise<void> {
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

async function nodes(shell: Shell): Promise<void> {
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

scenario("the stock kubectl works", async (scene) => {
  const shell = new Shell(scene, await served(scene));
  await about(shell);
  await creates(shell);
  await objects(shell);
  await workloads(shell);
  await streams(shell);
  await nodes(shell);
}, { images: ["v1", "v2", "busybox:1.36"], programs: ["script"] });
