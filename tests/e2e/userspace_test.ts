/** The README's tour where the proxy forwards all by itself: `--proxy-mode userspace`, and nothing of it is left after stop and reset. */
import assert from "assert";
import { until } from "../harness/lab/host.ts";
import { Requests } from "../harness/requests.ts";
import { scenario, type Scene } from "./scenario.ts";

const hello = new URL("../../examples/hello.yaml", import.meta.url).pathname;
const mainProgram = new URL("../../main.ts", import.meta.url).pathname;

const labels = { app: "web" };
/** Ends when it has answered all. */
const web = [{
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        containers: [{
          name: "main",
          image: "localhost/web:1",
          imagePullPolicy: "IfNotPresent",
          ports: [{ containerPort: 8080 }],
          readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        }],
      },
    },
  },
}, {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { type: "NodePort", selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
}];

const curl = (url: string) => ["curl", "-sS", "--max-time", "20", "--retry", "5", "--retry-connrefused", url];

async function tour({ cluster, host, lab }: Scene): Promise<void> {
  await cluster.ask(`apply -f ${hello}`);
  await cluster.ask("rollout status deployment hello --timeout=60s");
  const { spec } = await cluster.json("get service hello");
  const { nodePort } = spec.ports[0];
  const ways: [string, () => Promise<{ stdout: string; stderr: string }>][] = [
    ["the host, by loopback", () => host.exec(curl(`http://127.0.0.1:${nodePort}`))],
    ["the host, by the cluster IP", () => host.exec(curl(`http://${spec.clusterIP}`))],
    ["outside, by the node port", () => lab.client(curl(`http://${host.ip}:${nodePort}`))],
    ["a pod, by the name", () => cluster.kubectl("exec deploy/hello -- timeout 20 wget -qO- http://hello")],
    [
      "a pod, by the whole name",
      () => cluster.kubectl("exec deploy/hello -- timeout 20 wget -qO- http://hello.default.svc.cluster.local"),
    ],
    [
      "a pod, by the node port",
      () => cluster.kubectl(`exec deploy/hello -- timeout 20 wget -qO- http://${host.ip}:${nodePort}`),
    ],
  ];
  for (const [way, ask] of ways) {
    const { stdout, stderr } = await ask();
    assert.match(stdout, /^hello from hello-/, `${way}: ${stderr}`);
  }
  const pods = new Set<string>();
  await until(10_000, async () => {
    for (const [, pod] of (await host.exec(curl(`http://${spec.clusterIP}/?[1-9]`))).stdout.matchAll(/from (\S+)/g)) {
      pods.add(pod!);
    }
    return pods.size === 3;
  }, "never were there answers of three pods");
  await cluster.ask("set env deployment hello GREETING=bonjour");
  await cluster.ask("rollout status deployment hello --timeout=60s");
  assert.match((await host.exec(curl(`http://127.0.0.1:${nodePort}`))).stdout, /^bonjour from /);
  await cluster.ask(`delete -f ${hello} --timeout=60s`);
  // curl's 7: no connection.
  const refused = async () => (await host.exec(["curl", "-sS", `http://127.0.0.1:${nodePort}`])).code === 7;
  await until(10_000, refused, "the port of a Service that is gone is open");
}

async function rollout({ cluster, host, lab }: Scene): Promise<void> {
  await cluster.ask("apply -f -", { stdin: web.map((object) => JSON.stringify(object)).join("\n") });
  await cluster.ask("rollout status deployment web --timeout=60s");
  const { spec } = await cluster.json("get service web");
  const common = { perSecond: 50, slow: 2, slowSeconds: 3 };
  await using outside = await Requests.start((words) => lab.clientCommand(words), {
    ...common,
    targets: [`${host.ip}:${spec.ports[0].nodePort}`],
  });
  await using inside = await Requests.start((words) => host.command(words), {
    ...common,
    targets: [`${spec.clusterIP}:80`],
  });
  await cluster.ask("set env deployment web ROUND=2");
  await cluster.ask("rollout status deployment web --timeout=110s");
  for (const requests of [outside, inside]) {
    const { failed, failures } = await requests.stop();
    assert.equal(failed, 0, JSON.stringify(failures));
  }
  await cluster.ask("delete deployment,service web --timeout=60s");
}

async function removal({ cluster, host }: Scene): Promise<void> {
  const { stdout: tables } = await host.exec(["nft", "list", "tables"]);
  assert.doesNotMatch(tables, /^table ip sauropod$/m, "the proxy has made rules");
  const ours = async () => (await host.exec(["ip", "-4", "route", "show", "table", "all", "proto", "84"])).stdout;
  assert.match(await ours(), /local 10\.96\.0\.1 /);
  await cluster.stop();
  assert.equal(await ours(), "");
  const { code, stderr } = await host.exec([
    ...[Deno.execPath(), "run", "--allow-all", "--frozen", "--quiet", mainProgram, "reset"],
    ...["--engine", host.engineSocket, "--node-ip", host.ip],
  ]);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch((await host.exec(["ip", "-4", "addr", "show", "dev", "lo"])).stdout, /10\.96/);
}

scenario("the tour in userspace mode", async (scene) => {
  const { step } = scene;
  await step("Services by address, port and name, from everywhere", () => tour(scene));
  await step("a rolling update loses no request", () => rollout(scene));
  await step("stop and reset leave nothing of it", () => removal(scene));
}, { images: ["busybox:1.36", "web"], engines: ["podman"], programs: ["perl"], flags: ["--proxy-mode", "userspace"] });
