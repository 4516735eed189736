/** Every manifest of examples/ does what it says. */
import assert from "assert";
import { until } from "../harness/lab/host.ts";
import { scenario, type Scene } from "./scenario.ts";

const examples = new URL("../../examples/", import.meta.url);

async function hello({ cluster, host, lab }: Scene): Promise<void> {
  await cluster.ask("rollout status deployment hello --timeout=60s");
  const { spec } = await cluster.json("get service hello");
  const curl = (url: string) => ["curl", "-sS", "--retry", "5", "--retry-connrefused", url];
  const address = `http://${spec.clusterIP}/?[1-30]`;
  const pods = new Set<string>();
  await until(10_000, async () => {
    for (const [, pod] of (await host.exec(curl(address))).stdout.matchAll(/^hello from (hello-\S+)$/gm)) {
      pods.add(pod!);
    }
    return pods.size === 3;
  }, "never were there answers of three pods");
  const { stdout, stderr } = await lab.client(curl(`http://${host.ip}:${spec.ports[0].nodePort}`));
  assert.match(stdout, /^hello from hello-/, stderr);
}

async function config({ cluster }: Scene): Promise<void> {
  await cluster.ask("wait --for=condition=Ready pod/reader --timeout=60s");
  await cluster.eventually("logs reader", (text) => text === "level info\nall is well\n", 10_000);
  assert.equal(await cluster.ask(["exec", "reader", "--", "sh", "-c", "echo $PASSWORD"]), "correct-horse\n");
  assert.match(await cluster.ask("exec reader -- df -h /scratch"), /tmpfs +8\.0M/);
  const { metadata, status } = await cluster.json("get pod reader");
  await cluster.ask(["patch", "configmap", "settings", "-p", '{"data":{"motd":"all is better\\n"}}']);
  await cluster.eventually("exec reader -- cat /etc/motd.d/motd", (text) => text === "all is better\n", 90_000);
  const later = await cluster.json("get pod reader");
  assert.equal(later.metadata.uid, metadata.uid);
  assert.equal(later.status.containerStatuses[0].containerID, status.containerStatuses[0].containerID);
}

async function headless({ cluster }: Scene): Promise<void> {
  await cluster.ask("wait --for=condition=Ready pod -l app=peers --timeout=60s");
  const pods: { metadata: { name: string }; status: { podIP: string } }[] =
    (await cluster.json("get pods -l app=peers")).items;
  assert.equal(pods.length, 2);
  const lookup = `exec ${pods[0]!.metadata.name} -- nslookup peers.default.svc.cluster.local.`;
  await cluster.eventually(lookup, (text) => pods.every(({ status }) => text.includes(`Address: ${status.podIP}`)));
}

/** What an example is to do, by its file. */
const checks: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  "config.yaml": config,
  "headless.yaml": headless,
  "hello.yaml": hello,
};

scenario("the examples do what they say", async (scene) => {
  const { cluster, step } = scene;
  const files = [...Deno.readDirSync(examples)].map(({ name }) => name).sort();
  await step("each has a test", async () => assert.deepEqual(files, Object.keys(checks)));
  for (const file of files) {
    await step(file, async () => {
      const path = new URL(file, examples).pathname;
      await cluster.ask(`apply -f ${path}`);
      try {
        await checks[file]!(scene);
        assert.doesNotMatch(await cluster.ask(`apply -f ${path}`), /created/);
      } finally {
        await cluster.ask(`delete -f ${path} --timeout=60s`);
      }
      await cluster.eventually("get pods --no-headers", (text) => text === "", 30_000);
    });
  }
}, { images: ["busybox:1.36"] });
