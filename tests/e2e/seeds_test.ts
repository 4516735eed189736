/** A quick start of Kubernetes as people find it on the web, typed word for word: every manifest, every command. */
import assert from "assert";
import { scenario, type Scene } from "./scenario.ts";

const dnsutils = `apiVersion: v1
kind: Pod
metadata:
  name: dnsutil-pod
spec:
  containers:
  - image: tutum/dnsutils
    name: dnsutil
    command: ["sleep", "infinity"]
`;
const replicaSet = (name: string, replicas: number, app: string, container: string) =>
  `apiVersion: apps/v1
kind: ReplicaSet
metadata:
 name: ${name}
spec:
 replicas: ${replicas}
 selector:
   matchLabels:
    app: ${app}
 template:
   metadata:
     labels:
       app: ${app}
   spec:
     containers:
${container}`;
const dnsutilContainer = `     - name: dnsutil
       image: tutum/dnsutils
       command: ["sleep", "infinity"]
`;
const nodejsContainer = `     - name: nodejs
       image: qinchaowhut/allen:v1
`;
const service = (name: string, spec = "") =>
  `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
${spec}  ports:
  - port: 80
    targetPort: 8080
  selector:
    app: testing
`;
const deployment = (more = "", image = "v1", podMore = "") =>
  `apiVersion: apps/v1
kind: Deployment
metadata:
  name: testqc 
spec:
  replicas: 3
${more}  template:
    metadata:
      name: allen
      labels:
        app: testing
    spec:
      containers:
      - image: qinchaowhut/allen:${image}
        name: nodejs
        imagePullPolicy: IfNotPresent
${podMore}  selector:
    matchLabels:
      app: testing
`;

/** Commands and what they printed, for docs/transcripts. */
class Transcript {
  readonly parts: string[] = [];
  note(command: string, output: string, file?: string): void {
    const shown = file === undefined ? "" : `${file.trimEnd()}\n`;
    this.parts.push("```console\n" + shown + `$ ${command}\n${output.trimEnd()}\n` + "```\n");
  }
}

class Reader {
  readonly transcript = new Transcript();
  constructor(readonly scene: Scene) {}

  async kubectl(args: string, stdin?: string): Promise<string> {
    const output = await this.scene.cluster.ask(args, { stdin });
    this.transcript.note(`kubectl ${args}`, output, stdin === undefined ? undefined : `$ cat <<EOF\n${stdin}EOF`);
    return output;
  }

  async client(command: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.scene.lab.client(command);
    assert.equal(code, 0, `${command.join(" ")}: ${stderr}`);
    this.transcript.note(command.join(" "), stdout);
    return stdout;
  }

  readonly running = (count: number) => (text: string) =>
    text.trim().split("\n").filter((line) => / 1\/1 +Running /.test(line)).length === count;
}

async function pods(reader: Reader): Promise<void> {
  const { cluster, step } = reader.scene;
  await step("a pod is created, labelled and found by its label", async () => {
    assert.match(await reader.kubectl("create -f -", dnsutils), /pod\/dnsutil-pod created/);
    await cluster.ask("wait --for=condition=Ready pod/dnsutil-pod --timeout=30s");
    assert.match(await reader.kubectl("get po"), /dnsutil-pod +1\/1 +Running +0/);
    assert.match(await reader.kubectl("label po dnsutil-pod app=dnsutil"), /pod\/dnsutil-pod labeled/);
    assert.match(await reader.kubectl("get po -l app=dnsutil"), /dnsutil-pod/);
  });
  await step("a replica set adopts the pod that matches, and replaces one that is deleted", async () => {
    await reader.kubectl("create -f -", replicaSet("dnsutil-rs", 2, "dnsutil", dnsutilContainer));
    await cluster.eventually("get po -l app=dnsutil --no-headers", reader.running(2));
    assert.match(await reader.kubectl("get rs dnsutil-rs"), /dnsutil-rs +2 +2 +2/);
    const made = (await cluster.json("get po -l app=dnsutil")).items.map((pod: { metadata: { name: string } }) =>
      pod.metadata.name
    );
    assert.ok(made.includes("dnsutil-pod"));
    await reader.kubectl("delete po dnsutil-pod --now");
    await cluster.eventually("get po -l app=dnsutil --no-headers", reader.running(2));
    assert.doesNotMatch(await reader.kubectl("get po -l app=dnsutil"), /dnsutil-pod/);
  });
}

async function services(reader: Reader): Promise<void> {
  const { cluster, step, host } = reader.scene;
  await step("a Service is found by its name from a pod", async () => {
    await reader.kubectl("create -f -", service("test-svc"));
    await reader.kubectl("create -f -", replicaSet("test-fqdn", 3, "testing", nodejsContainer));
    await cluster.eventually("get po -l app=testing --no-headers", reader.running(3));
    const ip = (await cluster.json("get svc test-svc")).spec.clusterIP;
    const pod = (await cluster.ask("get po -l app=dnsutil -o name")).split("\n")[0]!;
    assert.match(
      await reader.kubectl(`exec ${pod} -- nslookup test-svc.default.svc.cluster.local`),
      new RegExp(`Address: +${ip}`),
    );
    assert.match(await reader.kubectl(`exec ${pod} -- nslookup test-svc`), new RegExp(`Address: +${ip}`));
    assert.match(
      await reader.kubectl(`exec ${pod} -- wget -q -O - http://test-svc`),
      /^This is v1 running in pod test-fqdn-/,
    );
  });
  await step("a headless Service's name answers with the pods' addresses", async () => {
    await reader.kubectl("create -f -", service("test-svc-headless", "  clusterIP: None\n"));
    const pod = (await cluster.ask("get po -l app=dnsutil -o name")).split("\n")[0]!;
    const wanted = (await cluster.json("get po -l app=testing")).items.map((p: { status: { podIP: string } }) =>
      p.status.podIP
    ).sort();
    await cluster.eventually(`exec ${pod} -- nslookup test-svc-headless`, (text) => {
      return wanted.every((ip: string) => text.includes(ip));
    });
    await reader.kubectl(`exec ${pod} -- nslookup test-svc-headless`);
  });
  await step("a NodePort Service answers from outside the cluster", async () => {
    await reader.kubectl("create -f -", service("test-svc-nodeport", "  type: NodePort\n"));
    const port = (await cluster.json("get svc test-svc-nodeport")).spec.ports[0].nodePort;
    assert.ok(port >= 30000 && port <= 32767);
    await cluster.eventually("get endpoints test-svc-nodeport --no-headers", (text) => /:8080/.test(text));
    assert.match(
      await reader.client(["curl", "-s", "--retry", "3", "--retry-connrefused", `http://${host.ip}:${port}`]),
      /^This is v1 running/,
    );
  });
  await cluster.ask("delete rs test-fqdn dnsutil-rs");
}

async function rollouts(reader: Reader): Promise<void> {
  const { cluster, step, host } = reader.scene;
  const image = async () => (await cluster.json("get deployment testqc")).spec.template.spec.containers[0].image;
  const answer = async () => {
    const port = (await cluster.json("get svc allen-loadbalancer")).spec.ports[0].nodePort;
    return await reader.client(["curl", "-s", "--retry", "3", "--retry-connrefused", `http://${host.ip}:${port}`]);
  };
  await step("a Deployment runs behind a LoadBalancer Service", async () => {
    await reader.kubectl("create -f - --record", deployment());
    await reader.kubectl("create -f -", service("allen-loadbalancer", "  type: LoadBalancer\n"));
    assert.match(await reader.kubectl("rollout status deployment testqc --timeout=60s"), /successfully rolled out/);
    assert.match(await reader.kubectl("get deployment testqc"), /testqc +3\/3 +3 +3/);
    assert.match(await reader.kubectl("get svc allen-loadbalancer"), /LoadBalancer/);
    assert.match(await answer(), /^This is v1/);
  });
  await step("set image rolls to v2 and keeps the old replica set", async () => {
    assert.match(await reader.kubectl("set image deployment testqc nodejs=qinchaowhut/allen:v2"), /image updated/);
    assert.match(await reader.kubectl("rollout status deployment testqc --timeout=60s"), /successfully rolled out/);
    assert.match(await answer(), /^This is v2/);
    const sets = (await reader.kubectl("get rs")).trim().split("\n").slice(1);
    assert.equal(sets.length, 2);
    assert.equal(sets.filter((line) => / +0 +0 +0 +/.test(line)).length, 1);
  });
  await step("rollout undo, history and undo --to-revision go back and forth", async () => {
    await reader.kubectl("rollout undo deployment testqc");
    await reader.kubectl("rollout status deployment testqc --timeout=60s");
    assert.equal(await image(), "qinchaowhut/allen:v1");
    assert.match(await reader.kubectl("rollout history deployment testqc"), /REVISION +CHANGE-CAUSE\n2 [^]*\n3 /);
    await reader.kubectl("set image deployment testqc nodejs=qinchaowhut/allen:v2");
    await reader.kubectl("rollout status deployment testqc --timeout=60s");
    const history = await reader.kubectl("rollout history deployment testqc");
    assert.match(history, /\n3 [^]*\n4 /);
    await reader.kubectl("rollout undo deployment testqc --to-revision=3");
    await reader.kubectl("rollout status deployment testqc --timeout=60s");
    assert.equal(await image(), "qinchaowhut/allen:v1");
    assert.match(await answer(), /^This is v1/);
  });
  await step("undo --to-revision=1 on a fresh history goes back to the first version", async () => {
    await cluster.ask("delete deployment testqc --wait");
    await reader.kubectl("create -f - --record", deployment());
    await cluster.ask("rollout status deployment testqc --timeout=60s");
    await reader.kubectl("set image deployment testqc nodejs=qinchaowhut/allen:v2");
    await cluster.ask("rollout status deployment testqc --timeout=60s");
    assert.match(await reader.kubectl("rollout undo deployment testqc --to-revision=1"), /rolled back/);
    await reader.kubectl("rollout status deployment testqc --timeout=60s");
    assert.equal(await image(), "qinchaowhut/allen:v1");
  });
  await step("a paused rollout does not go on until it is resumed", async () => {
    await reader.kubectl("rollout pause deployment testqc");
    await reader.kubectl("set image deployment testqc nodejs=qinchaowhut/allen:v2");
    const observed = (
      { metadata, status }: { metadata: { generation: number }; status: { observedGeneration: number } },
    ) => status.observedGeneration === metadata.generation;
    await cluster.eventually("get deployment testqc -o json", (text) => observed(JSON.parse(text)));
    assert.equal((await cluster.json("get deployment testqc")).status.updatedReplicas ?? 0, 0);
    assert.match(await answer(), /^This is v1/);
    await reader.kubectl("rollout resume deployment testqc");
    await reader.kubectl("rollout status deployment testqc --timeout=60s");
    assert.match(await answer(), /^This is v2/);
  });
  await step("minReadySeconds keeps a broken version from replacing the good one", async () => {
    const probe =
      "        readinessProbe:\n          periodSeconds: 1\n          httpGet:\n            path: /\n            port: 8080\n";
    const careful = (version: string) =>
      deployment(
        "  minReadySeconds: 5\n  strategy:\n    rollingUpdate:\n      maxSurge: 1\n      maxUnavailable: 0\n",
        version,
        probe,
      );
    await reader.kubectl("apply -f -", careful("v2"));
    await cluster.ask("rollout status deployment testqc --timeout=90s");
    await reader.kubectl("apply -f -", careful("bad"));
    await cluster.eventually("get po -l app=testing --no-headers", (text) => / 0\/1 +Running /.test(text));
    const { code } = await cluster.kubectl("rollout status deployment testqc --timeout=3s");
    assert.notEqual(code, 0);
    const { status } = await cluster.json("get deployment testqc");
    assert.deepEqual([status.availableReplicas, status.updatedReplicas], [3, 1]);
    assert.match(await answer(), /^This is v2/);
    await reader.kubectl("rollout undo deployment testqc");
    await reader.kubectl("rollout status deployment testqc --timeout=60s");
  });
}

scenario("the quick start works word for word", async (scene) => {
  const reader = new Reader(scene);
  await pods(reader);
  await services(reader);
  await rollouts(reader);
  if (Deno.env.get("UPDATE") === undefined) return;
  const path = new URL(`../../docs/transcripts/seeds-${scene.engine}.md`, import.meta.url);
  const intro =
    `# The quick start on ${scene.engine}\n\nEvery command of a Kubernetes quick start with the stock kubectl, and what it printed.\n` +
    "Written by `UPDATE=1 deno task e2e`.\n\n";
  await Deno.mkdir(new URL("./", path), { recursive: true });
  await Deno.writeTextFile(path, intro + reader.transcript.parts.join("\n"));
}, { images: ["v1", "v2", "bad", "dnsutils"], programs: ["nslookup", "dig"] });
