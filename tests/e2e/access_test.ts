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
    if (failed > 0) throw new Error(`${failed} parts failed; the cluster's last lines:\n${cluster.log(80)}`);
  },
});

async function read(cluster: Cluster, pod: string, file: string): Promise<string> {
  return await cluster.ask(["exec", pod, "--", "cat", `${dir}/${file}`]);
}

/** Asks the API by its name in the cluster, trusting only what the pod trusts. */
async function curl(host: Host, { ca, token, path }: Record<"ca" | "token" | "path", string>): Promise<string> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, ca);
    const to = "kubernetes.default.svc:443:10.96.0.1:443";
    const words = ["curl", "-sS", "--cacert", file, "--connect-to", to, "-H", `Authorization: Bearer ${token}`];
    const [program, ...args] = host.command([...words, `https://kubernetes.default.svc${path}`]);
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
