/** Who may do what, with the stock kubectl and from within a pod: the pod's own token, its certificate, its rights. */
import assert from "assert";
import { Cluster } from "../harness/cluster.ts";
import { loadImages } from "../harness/images.ts";
import type { Host } from "../harness/lab/host.ts";
import { createLab } from "../harness/lab/lab.ts";
import { obstacle } from "./scenario.ts";

const why = obstacle("podman", ["curl"]);
const dir = "/var/run/secrets/kubernetes.io/serviceaccount";
const pod = (name: string, more: object = {}) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{
        name: "main",
        image: "busybox:1.36",
        imagePullPolicy: "IfNotPresent",
        command: ["sleep", "3600"],
      }],
      ...more,
    },
  });

Deno.test({
  name: `access, with the stock kubectl and from a pod${why === undefined ? "" : ` (skipped: ${why})`}`,
  ignore: why !== undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    const name = `${Deno.env.get("LAB") ?? ""}access`;
    await using lab = await createLab({ name, hosts: ["podman"], prefix: "10.99.95" });
    const [host] = lab.hosts;
    await loadImages(host!, ["busybox:1.36"]);
    await using cluster = new Cluster(host!, {});
    await cluster.start();
    let failed = 0;
    const step = async (name: string, run: () => Promise<void>) => void ((await t.step(name, run)) || failed++);
    await step("a pod has a token, and knows whom to trust", () => inPod(cluster, host!));
    await step("the token ends with its pod", () => endsWithPod(cluster, host!));
    await step("auth can-i, whoami, reconcile, --as, create token", () => asking(cluster));
    await step("a Secret gets a token of its account", () => legacy(cluster));
    await step("a scraper asks the agent itself", () => scraping(cluster, host!));
    await step("limits, quotas and Pod Security", () => limits(cluster));
    await step("the cluster's own controllers may do all that they try", () => controllers(cluster));
    if (failed > 0) throw new Error(`${failed} parts failed; the cluster's last lines:\n${cluster.log(80)}`);
  },
});

async function read(cluster: Cluster, pod: string, file: string): Promise<string> {
  return await cluster.ask(["exec", pod, "--", "cat", `${dir}/${file}`]);
}

/** Asks the API by its name in the cluster, trusting only what the pod trusts. */
async function curl(host: Host, { ca, token, path }: Record<"ca" | "token" | "path", string>): Promise<string> {
  const to = "kubernetes.default.svc:443:10.96.0.1:443";
  const words = ["--connect-to", to, "-H", `Authorization: Bearer ${token}`];
  return await curlTrusting(host, ca, [...words, `https://kubernetes.default.svc${path}`]);
}

async function curlTrusting(host: Host, ca: string, words: readonly string[]): Promise<string> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, ca);
    const [program, ...args] = host.command(["curl", "-sS", "--max-time", "30", "--cacert", file, ...words]);
    const { stdout, stderr } = await new Deno.Command(program!, { args }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(file);
  }
}

async function inPod(cluster: Cluster, host: Host): Promise<void> {
  await cluster.ask("apply -f -", { stdin: pod("p") });
  await cluster.ask("wait --for=condition=Ready pod/p --timeout=120s");
  const [ca, token] = [await read(cluster, "p", "ca.crt"), await read(cluster, "p", "token")];
  assert.equal(await read(cluster, "p", "namespace"), "default");
  assert.match(await curl(host, { ca, token, path: "/api" }), /"APIVersions"/);
  assert.match(
    await curl(host, { ca, token, path: "/api/v1/pods" }),
    /system:serviceaccount:default:default.*cannot list/,
  );
  await cluster.ask("create clusterrolebinding p --clusterrole=view --serviceaccount=default:default");
  await cluster.eventually("auth can-i list pods --as=system:serviceaccount:default:default", (out) => out === "yes\n");
  assert.match(await curl(host, { ca, token, path: "/api/v1/namespaces/default/pods" }), /"PodList"/);
  assert.match(await curl(host, { ca, token, path: "/api/v1/namespaces/default/secrets" }), /cannot list/);
  // From within: by the Service's name, through the node's proxy. busybox's own TLS is too old to say more than that.
  await cluster.ask("exec p -- nc -w 5 kubernetes.default.svc 443 -e true");
}

async function endsWithPod(cluster: Cluster, host: Host): Promise<void> {
  const [ca, token] = [await read(cluster, "p", "ca.crt"), await read(cluster, "p", "token")];
  await cluster.ask("delete pod p --now");
  assert.match(await curl(host, { ca, token, path: "/api" }), /invalidated: its pod/);
}

async function asking(cluster: Cluster): Promise<void> {
  assert.match(await cluster.ask("auth whoami"), /system:masters/);
  assert.match(await cluster.ask("auth can-i --list --as=bob"), /selfsubjectreviews.authentication.k8s.io/);
  const { stdout, code } = await cluster.kubectl("auth can-i create pods --as=bob");
  assert.deepEqual([stdout.trim(), code], ["no", 1]);
  const role = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "r", namespace: "default" },
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["create"] }],
  };
  assert.match(await cluster.ask("auth reconcile -f -", { stdin: JSON.stringify(role) }), /r reconciled/);
  await cluster.ask("create rolebinding bob --role=r --user=bob");
  await cluster.eventually("auth can-i create pods --as=bob", (out) => out === "yes\n");
  const refused = await cluster.kubectl(
    "create clusterrolebinding bob --clusterrole=cluster-admin --user=bob --as=bob",
  );
  assert.match(refused.stderr, /forbidden/);
  assert.match(await cluster.ask("create token default --duration=10m"), /^ey[^.]+\.[^.]+\.[^.]+$/m);
}

async function legacy(cluster: Cluster): Promise<void> {
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "t", annotations: { "kubernetes.io/service-account.name": "default" } },
    type: "kubernetes.io/service-account-token",
  };
  await cluster.ask("apply -f -", { stdin: JSON.stringify(secret) });
  await cluster.eventually("get secret t -o jsonpath={.data.token}", (out) => out.length > 100);
}

/** What a Prometheus or a metrics-server in a pod does. */
async function scraping(cluster: Cluster, host: Host): Promise<void> {
  await cluster.ask("create serviceaccount scraper");
  await cluster.ask("create clusterrole scraper --verb=get --resource=nodes/metrics,nodes/stats");
  await cluster.ask("create clusterrolebinding scraper --clusterrole=scraper --serviceaccount=default:scraper");
  const scraper = JSON.parse(pod("scraper", { serviceAccountName: "scraper" }));
  scraper.spec.containers[0].readinessProbe = { exec: { command: ["true"] }, periodSeconds: 1 };
  await cluster.ask("apply -f -", { stdin: JSON.stringify(scraper) });
  // The agent remembers a refusal for 30 s: it is asked when the rights are there.
  const can = "auth can-i get nodes --subresource=metrics --as=system:serviceaccount:default:scraper";
  await cluster.eventually(can, (out) => out === "yes\n");
  await cluster.ask("wait --for=condition=Ready pod/scraper --timeout=120s");
  const [ca, token] = [await read(cluster, "scraper", "ca.crt"), await read(cluster, "scraper", "token")];
  const ask = (path: string, ...words: string[]) =>
    curlTrusting(host, ca, ["-w", " %{http_code}", ...words, `https://${host.ip}:10250${path}`]);
  const bearer = ["-H", `Authorization: Bearer ${token}`];
  const resource = await ask("/metrics/resource", ...bearer);
  assert.match(resource, /^node_cpu_usage_seconds_total/m);
  assert.match(resource, /^container_memory_working_set_bytes\{container="main",.*pod="scraper"\}/m);
  const cadvisor = await ask("/metrics/cadvisor", ...bearer);
  assert.match(cadvisor, /^container_cpu_usage_seconds_total\{container="main",.*pod="scraper",cpu="total"\}/m);
  assert.match(cadvisor, /^container_memory_rss\{container="main",.*image="[^"]*busybox:1.36".*pod="scraper"\}/m);
  assert.match(
    cadvisor,
    /^container_network_receive_bytes_total\{container="",.*interface="eth0",.*pod="scraper"\} \d/m,
  );
  assert.match(await ask("/metrics", ...bearer), /^kubelet_running_pods [1-9]/m);
  assert.match(await ask("/metrics/probes", ...bearer), /^prober_probe_total\{.*pod="scraper",.*"successful"\} [1-9]/m);
  assert.match(await ask("/stats/summary", ...bearer), /"podRef".* 200$/s);
  const refused = "Forbidden (user=system:serviceaccount:default:scraper";
  const logs = await ask("/containerLogs/default/scraper/main", ...bearer);
  assert.equal(logs, `${refused}, verb=get, resource=nodes, subresource(s)=[proxy])\n 403`);
  const upgrade = ["-H", "Connection: Upgrade", "-H", "Upgrade: SPDY/3.1"];
  const exec = await ask("/exec/default/scraper/main?command=id&output=1", ...bearer, ...upgrade);
  assert.equal(exec, `${refused}, verb=create, resource=nodes, subresource(s)=[proxy])\n 403`);
  assert.equal(await ask("/metrics/resource"), "Unauthorized 401");
  assert.equal(await ask("/metrics/resource", "-H", "Authorization: Bearer nonsense"), "Unauthorized 401");
  assert.equal(await ask("/healthz"), "ok 200");
  await cluster.ask(`exec scraper -- nc -w 5 ${host.ip} 10250 -e true`);
  await cluster.ask("delete pod scraper --now");
}

async function limits(cluster: Cluster): Promise<void> {
  await cluster.ask("create namespace small");
  const pair = "pod-security.kubernetes.io/enforce=restricted";
  await cluster.ask(["label", "namespace", "small", pair]);
  const refused = await cluster.kubectl("apply -n small -f -", { stdin: pod("p") });
  assert.match(refused.stderr, /violates PodSecurity "restricted:latest"/);
  await cluster.ask(["label", "namespace", "small", "pod-security.kubernetes.io/enforce-"]);
  await cluster.ask("create quota q -n small --hard=pods=1,count/configmaps=5");
  await cluster.ask("apply -n small -f -", { stdin: pod("p") });
  const second = await cluster.kubectl("apply -n small -f -", { stdin: pod("q") });
  assert.match(second.stderr, /exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1/);
  await cluster.eventually("get quota q -n small", (out) => /count\/configmaps: 1\/5, pods: 1\/1/.test(out));
  await cluster.ask("delete namespace small");
}

async function controllers(cluster: Cluster): Promise<void> {
  const template = (restartPolicy = "Always") => ({
    metadata: { labels: { app: "x" } },
    spec: {
      restartPolicy,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "c", image: "busybox:1.36", command: ["sleep", restartPolicy === "Always" ? "3600" : "1"] }],
    },
  });
  const make = async (apiVersion: string, kind: string, spec: object) => {
    const stdin = JSON.stringify({ apiVersion, kind, metadata: { name: "x" }, spec });
    await cluster.ask("apply -f -", { stdin });
  };
  const selector = { matchLabels: { app: "x" } };
  await make("apps/v1", "Deployment", { selector, template: template() });
  await make("apps/v1", "DaemonSet", { selector, template: template() });
  await make("apps/v1", "StatefulSet", { selector, template: template(), serviceName: "x" });
  await make("batch/v1", "Job", { template: template("Never"), ttlSecondsAfterFinished: 1 });
  await make("batch/v1", "CronJob", { schedule: "* * * * *", jobTemplate: { spec: { template: template("Never") } } });
  await make("v1", "Service", { selector: { app: "x" }, type: "LoadBalancer", ports: [{ port: 80 }] });
  await cluster.ask("rollout status deployment/x statefulset/x daemonset/x --timeout=120s");
  await cluster.ask("wait --for=delete job/x --timeout=60s");
  await cluster.ask("delete deployment,statefulset,daemonset,cronjob,service x");
  await cluster.eventually("get pods -o name", (out) => out.trim() === "");
  const said = cluster.log(10_000).split("\n").filter((line) => /cannot \w+ resource|forbidden/i.test(line));
  assert.deepEqual(said, []);
}
