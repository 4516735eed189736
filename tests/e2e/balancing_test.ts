/** What goes to a Service goes to its pods by turns, whoever asks and however it is addressed. */
import assert from "assert";
import { deployment, idlePod, service } from "../harness/manifests.ts";
import { until } from "../harness/lab/host.ts";
import { scenario, type Scene } from "./scenario.ts";

const requests = 300;
const askUdp = new URL("../harness/programs/ask_udp.ts", import.meta.url).pathname;

/** How often each pod answered. */
function tally(answers: string, name: RegExp): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, pod] of answers.matchAll(name)) counts[pod!] = (counts[pod!] ?? 0) + 1;
  return counts;
}

const byWeb = /running in pod (\S+)/g;
const byEcho = /^(\S+) \d+$/gm;

function assertEven(answers: string, name: RegExp, who: string): void {
  const counts = tally(answers, name);
  assert.deepEqual(Object.values(counts), [100, 100, 100], `${who}: ${JSON.stringify(counts)}\n${answers.slice(-500)}`);
}

interface Place {
  /** Address of the Service. */
  ip: string;
  nodePort: (protocol: string) => number;
}

async function place({ cluster }: Scene, name: string): Promise<Place> {
  const { spec } = await cluster.json(`get service ${name}`);
  const port = (protocol: string) =>
    spec.ports.find((one: { protocol: string }) => one.protocol === protocol).nodePort as number;
  return { ip: spec.clusterIP, nodePort: port };
}

async function inPod({ cluster }: Scene, pod: string, script: string): Promise<string> {
  return await cluster.ask(["exec", pod, "--", "sh", "-c", script]);
}

const wgets = (url: string, count = requests) =>
  `i=0; while [ $i -lt ${count} ]; do wget -q -O - ${url} || exit 1; i=$((i+1)); done`;

async function ready(scene: Scene): Promise<void> {
  const { cluster, host } = scene;
  await cluster.ask("apply -f -", {
    stdin: [
      deployment("web", { image: "qinchaowhut/allen:v1", replicas: 3, port: 8080 }),
      service("web", { ports: ["80:8080"], type: "NodePort" }),
      deployment("echo", { image: "localhost/echo:1", replicas: 3, port: 9000 }),
      service("echo", { ports: ["9000:9000/UDP", "9000:9000/TCP"], type: "NodePort" }),
      service("nobody", { ports: ["80:8080"], type: "NodePort" }),
      idlePod("client"),
    ].join(""),
  });
  for (const name of ["web", "echo"]) await cluster.ask(`rollout status deployment ${name} --timeout=60s`);
  await cluster.ask("wait --for=condition=Ready pod/client --timeout=30s");
  const web = await place(scene, "web");
  const three = async () =>
    Object.keys(tally((await host.exec(["curl", "-s", `http://${web.ip}/?[1-3]`])).stdout, byWeb)).length === 3;
  await until(10_000, three, "the Service has never had three pods");
}

async function web(scene: Scene): Promise<void> {
  const { step, lab, host } = scene;
  const { ip, nodePort } = await place(scene, "web");
  const glob = `/?[1-${requests}]`;
  await step("a pod that asks the Service's address", async () => {
    assertEven(await inPod(scene, "client", wgets(`http://${ip}`)), byWeb, "pod, by address");
  });
  await step("a pod that asks the Service's name", async () => {
    assertEven(await inPod(scene, "client", wgets("http://web")), byWeb, "pod, by name");
  });
  await step("the host that asks the Service's address", async () => {
    const { stdout, stderr } = await host.exec(["curl", "-sS", `http://${ip}${glob}`]);
    assertEven(stdout + stderr, byWeb, "host, by address");
  });
  for (const address of [host.ip, "127.0.0.1"]) {
    await step(`the host that asks the node port at ${address === host.ip ? "its address" : address}`, async () => {
      const { stdout, stderr } = await host.exec(["curl", "-sS", `http://${address}:${nodePort("TCP")}${glob}`]);
      assertEven(stdout + stderr, byWeb, `host, by node port at ${address}`);
    });
  }
  await step("a machine outside of the cluster that asks the node port", async () => {
    const { stdout, stderr } = await lab.client(["curl", "-sS", `http://${host.ip}:${nodePort("TCP")}${glob}`]);
    assertEven(stdout + stderr, byWeb, "outside, by node port");
  });
  await step("a pod of the Service reaches itself and the others alike", async () => {
    const [pod] = (await scene.cluster.ask("get pods -l app=web -o name")).split("\n");
    const counts = tally(await inPod(scene, pod!, wgets(`http://${ip}`, 30)), byWeb);
    assert.deepEqual(Object.values(counts), [10, 10, 10], JSON.stringify(counts));
    assert.equal(counts[pod!.replace("pod/", "")], 10);
  });
}

async function secondRange(scene: Scene): Promise<void> {
  const { step, host, cluster } = scene;
  await step("an address of a second ServiceCIDR, asked by a pod and by the host", async () => {
    const range = "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: more}\n" +
      "spec: {cidrs: [10.97.0.0/24]}\n";
    await cluster.ask("apply -f -", { stdin: range });
    await cluster.ask("wait --for=condition=Ready servicecidr/more --timeout=30s");
    await cluster.ask("create service clusterip more --clusterip=10.97.0.9 --tcp=80:8080");
    await cluster.ask("set selector service more app=web");
    const three = async () =>
      Object.keys(tally((await host.exec(["curl", "-s", "http://10.97.0.9/?[1-3]"])).stdout, byWeb)).length === 3;
    await until(10_000, three, "the second range's Service has never had three pods");
    assertEven(await inPod(scene, "client", wgets("http://10.97.0.9")), byWeb, "pod, second range");
    await cluster.eventually("get ipaddress 10.97.0.9", (text) => text.includes("services/default/more"));
  });
}

async function udp(scene: Scene): Promise<void> {
  const { step, lab, host } = scene;
  const { ip, nodePort } = await place(scene, "echo");
  const ask = (
    address: string,
    port: number,
  ) => [Deno.execPath(), "run", "--allow-all", "--quiet", "--no-check", askUdp, address, `${port}`, `${requests}`];
  await step("datagrams from the host to the Service's address", async () => {
    const { stdout, stderr } = await host.exec(ask(ip, 9000));
    assertEven(stdout + stderr, byEcho, "host, UDP");
  });
  await step("datagrams from outside to the node port", async () => {
    const { stdout, stderr } = await lab.client(ask(host.ip, nodePort("UDP")));
    assertEven(stdout + stderr, byEcho, "outside, UDP");
  });
}

async function nobody(scene: Scene): Promise<void> {
  const { step, lab, host, cluster } = scene;
  const { ip, nodePort } = await place(scene, "nobody");
  const refusedMsMax = 500;
  await step("a Service without pods refuses at once: a pod", async () => {
    const begun = performance.now();
    const { code, stderr } = await cluster.kubectl(`exec client -- wget -q -O - http://${ip}`);
    assert.notEqual(code, 0);
    assert.match(stderr, /Connection refused/);
    assert.ok(performance.now() - begun < 5_000, "kubectl and all");
  });
  const refused = async (run: Promise<{ code: number; stdout: string; stderr: string }>) => {
    const { code, stdout, stderr } = await run;
    assert.equal(code, 7, `curl's code for a refused connection; ${stderr}`);
    assert.ok(Number(stdout) * 1000 < refusedMsMax, `after ${stdout} s`);
  };
  const curl = (url: string) => ["curl", "-sS", "--max-time", "10", "-o", "/dev/null", "-w", "%{time_total}", url];
  await step("a Service without pods refuses at once: the host", () => refused(host.exec(curl(`http://${ip}`))));
  await step(
    "a Service without pods refuses at once: outside, by node port",
    () => refused(lab.client(curl(`http://${host.ip}:${nodePort("TCP")}`))),
  );
  await step("a Service whose last pod goes refuses at once, and answers when one is back", async () => {
    const web = await place(scene, "web");
    await cluster.ask("scale deployment web --replicas=0");
    await cluster.ask("wait --for=delete pod -l app=web --timeout=30s");
    await cluster.eventually("get endpoints web -o jsonpath={.subsets}", (text) => text === "");
    await until(5_000, async () => (await host.exec(curl(`http://${web.ip}`))).code === 7, "it still answers");
    await refused(host.exec(curl(`http://${web.ip}`)));
    await cluster.ask("scale deployment web --replicas=1");
    await until(20_000, async () => (await host.exec(curl(`http://${web.ip}`))).code === 0, "it never answers again");
    const [pod] = (await cluster.ask("get pods -l app=web --no-headers -o custom-columns=n:.metadata.name")).split(
      "\n",
    );
    assert.deepEqual(
      tally(await inPod(scene, pod!, wgets("http://web", 3)), byWeb),
      { [pod!]: 3 },
      "it reaches itself",
    );
  });
}

scenario("a Service balances", async (scene) => {
  await ready(scene);
  await web(scene);
  await secondRange(scene);
  await udp(scene);
  await nobody(scene);
}, { images: ["v1", "echo", "busybox:1.36"], programs: ["perl"] });
