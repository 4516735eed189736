/** Ways to a Service that not every Service has, and what else a Service promises. */
import assert from "assert";
import type { Child } from "../../../lib/seams/process.ts";
import { systemProcesses } from "../../../lib/seams/process.ts";
import type { Host } from "../../harness/lab/host.ts";
import { until } from "../../harness/lab/host.ts";
import type { ManyScene } from "../many_scenario.ts";
import { eventually, externalIp, port } from "./objects.ts";
import { addressesOf, askAll, isClientSeen, outside, type Place, places, type Pod, podsOf } from "./ways.ts";

const webServer = new URL("../../harness/programs/web.pl", import.meta.url).pathname;

async function oneAnswer(place: Place, url: string): Promise<string[]> {
  const [answers] = await askAll(place, [url], 6);
  return [...new Set(answers!.map(({ pod }) => pod))].sort();
}

const askUdp = new URL("../../harness/programs/ask_udp.ts", import.meta.url).pathname;

const names = (pods: readonly Pod[]) => pods.map(({ name }) => name).sort();

/** A Service that answers only once its rules are everywhere is asked until it does. */
async function answersWith(place: Place, url: string, wanted: readonly string[]): Promise<void> {
  let last: string[] = [];
  await until(15_000, async () => {
    last = await oneAnswer(place, url);
    return last.join() === wanted.join();
  }, "").catch(() => assert.fail(`${place.name} → ${url}: ${last.join() || "nobody"}; wanted: ${wanted.join()}`));
}

async function byName(scene: ManyScene): Promise<void> {
  const { cluster, step, hosts } = scene;
  await step("a headless Service's name is its pods' addresses, on every host", async () => {
    const wanted = (await podsOf(scene, "web")).map(({ ip }) => ip).sort();
    for (const host of hosts) {
      const text = await cluster.ask([
        "exec",
        `ask-${host.name}`,
        "--",
        "nslookup",
        "-type=a",
        "web-headless.default.svc.cluster.local",
      ]);
      const found = [...text.matchAll(/^Address:\s+(10\.244[\d.]+)$/gm)].map(([, ip]) => ip!).sort();
      assert.deepEqual(found, wanted, text);
    }
  });
  await step("a headless Service's pods see who asks", async () => {
    for (const place of (await places(scene)).filter(({ podIp }) => podIp !== undefined)) {
      const [answers] = await askAll(place, [`http://web-headless:${port}/`]);
      assert.ok(answers!.length > 0 && answers!.every(({ source }) => source === place.podIp), JSON.stringify(answers));
    }
  });
}

async function affinity(scene: ManyScene): Promise<void> {
  await scene.step("sessionAffinity ClientIP: each client has its pod, by address, name and node port", async () => {
    const { spec } = await scene.cluster.json("get service sticky");
    for (const place of await places(scene)) {
      const urls = [
        ...(place.host === undefined ? [] : [`http://${spec.clusterIP}/`]),
        ...(place.podIp === undefined ? [] : ["http://sticky/"]),
        `http://${(place.host ?? scene.hosts[0]!).ip}:${spec.ports[0].nodePort}/`,
      ];
      const answers = (await askAll(place, urls)).flat();
      assert.equal(answers.length, 6 * urls.length, place.name);
      assert.equal(new Set(answers.map(({ pod }) => pod)).size, 1, `${place.name}: ${JSON.stringify(answers)}`);
    }
  });
}

async function external(scene: ManyScene): Promise<void> {
  const { step, lab, hosts } = scene;
  await step("externalIPs are answered by every host to which they are routed, and inside", async () => {
    const wanted = names(await podsOf(scene, "web"));
    const url = `http://${externalIp}:8081/`;
    const client = outside(scene);
    for (const host of hosts) {
      const { code, stderr } = await lab.client(["ip", "route", "replace", `${externalIp}/32`, "via", host.ip]);
      assert.equal(code, 0, stderr);
      await answersWith(client, url, wanted);
    }
    for (const place of (await places(scene)).filter(({ host }) => host !== undefined)) {
      await answersWith(place, url, wanted);
    }
  });
}

async function balanced(scene: ManyScene): Promise<void> {
  const { step, hosts, cluster } = scene;
  const ingress = async (name: string): Promise<string[]> =>
    ((await cluster.json(`get service ${name}`)).status.loadBalancer.ingress ?? [])
      .map(({ ip }: { ip: string }) => ip).sort();
  await step("a LoadBalancer has the nodes' addresses, and answers at each", async () => {
    await eventually("three addresses", async () => (await ingress("balanced")).length === 3);
    assert.deepEqual(await ingress("balanced"), hosts.map(({ ip }) => ip).sort());
    assert.match(await cluster.ask("get service balanced"), new RegExp(hosts.map(({ ip }) => ip).join(",")));
    const wanted = names(await podsOf(scene, "web"));
    for (const place of await places(scene)) {
      for (const { ip } of hosts) await answersWith(place, `http://${ip}:8082/`, wanted);
    }
  });
  await step("one with policy Local has the addresses of the nodes with endpoints; the client's is kept", async () => {
    const [, middle] = hosts;
    await eventually("the one address", async () => (await ingress("balanced-local")).join() === middle!.ip);
    const [answers] = await askAll(outside(scene), [`http://${middle!.ip}:8083/`]);
    const wanted = isClientSeen ? [scene.lab.clientIp()] : await addressesOf(middle!);
    for (const { source } of answers!) assert.ok(wanted.includes(source), `it saw ${source}`);
    assert.equal(answers!.length, 6);
  });
  await step("healthCheckNodePort says which nodes have endpoints", async () => {
    const { spec } = await cluster.json("get service balanced-local");
    const status = async (host: Host) => {
      const url = `http://${host.ip}:${spec.healthCheckNodePort}/healthz`;
      const { stdout } = await scene.lab.client(["curl", "-s", "--max-time", "2", "-w", " %{http_code}", url]);
      return stdout;
    };
    const codes = await Promise.all(hosts.map(async (host) => (await status(host)).slice(-3)));
    assert.deepEqual(codes, ["503", "200", "503"]);
    assert.match(await status(hosts[1]!), /"localEndpoints": ?1/);
  });
  await step("loadBalancerSourceRanges keep out who is not in them, and let in who is", async () => {
    const client = outside(scene);
    const url = `http://${hosts[0]!.ip}:8084/`;
    await eventually("three addresses", async () => (await ingress("guarded")).length === 3);
    assert.deepEqual(await oneAnswer(client, url), []);
    const spec = { loadBalancerSourceRanges: ["192.0.2.0/24", `${scene.lab.clientIp()}/32`] };
    await cluster.ask(["patch", "service", "guarded", "-p", JSON.stringify({ spec })]);
    await answersWith(client, url, names(await podsOf(scene, "web")));
  });
  await step("of two LoadBalancers that want one port the older has it", async () => {
    const manifest = (name: string, number: number) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: number, targetPort: port }] },
    });
    await cluster.ask("apply -f -", { stdin: JSON.stringify(manifest("rival", 8082)) });
    await cluster.eventually(
      "get events --field-selector involvedObject.name=rival",
      (text) => /8082.*balanced/.test(text),
    );
    assert.deepEqual(await ingress("rival"), []);
    await cluster.ask("delete service balanced");
    await eventually("the addresses of the other", async () => (await ingress("rival")).length === 3);
  });
}

async function udp(scene: ManyScene): Promise<void> {
  const { step, lab, hosts, cluster } = scene;
  await step("datagrams to every node's port and to the cluster IP reach every pod", async () => {
    const { spec } = await cluster.json("get service web");
    const wanted = names(await podsOf(scene, "web"));
    const { nodePort } = spec.ports.find(({ protocol }: { protocol: string }) => protocol === "UDP");
    const words = (
      ip: string,
      port: number,
    ) => [Deno.execPath(), "run", "--allow-all", "--quiet", "--no-check", askUdp, ip, `${port}`, "6"];
    const answered = (text: string) => [...new Set(text.trim().split("\n").map((line) => line.split(" ")[0]!))].sort();
    for (const host of hosts) {
      const outside = await lab.client(words(host.ip, nodePort));
      assert.deepEqual(answered(outside.stdout), wanted, `outside → ${host.name}: ${outside.stderr}`);
      const inside = await host.exec(words(spec.clusterIP, 80));
      assert.deepEqual(answered(inside.stdout), wanted, `${host.name} → cluster IP: ${inside.stderr}`);
    }
  });
}

async function manual(scene: ManyScene): Promise<void> {
  const { step, lab } = scene;
  await step("a Service without a selector leads to the address in its EndpointSlice", async () => {
    // The endpoint is the machine outside of the cluster.
    const [program, ...args] = lab.clientCommand(["perl", webServer, `${port}`]);
    const listening = Promise.withResolvers<string>();
    const server: Child = systemProcesses.spawn([program!, ...args], { onLine: (line) => listening.resolve(line) });
    try {
      const [name] = (await listening.promise).split(" ");
      const { spec } = await scene.cluster.json("get service manual");
      for (const place of (await places(scene)).filter(({ host }) => host !== undefined)) {
        const node = await addressesOf(place.host!);
        const [answers] = await askAll(place, [`http://${place.podIp === undefined ? spec.clusterIP : "manual"}/`]);
        assert.equal(answers!.length, 6, `${place.name}: ${JSON.stringify(answers)}`);
        for (const { pod, source } of answers!) {
          assert.equal(pod, name);
          // It has no route to the pods: it sees the node.
          assert.ok(node.includes(source), `${place.name}: it saw ${source}`);
        }
      }
    } finally {
      server.kill("SIGKILL");
      await server.ended;
    }
  });
}

/** As `systemctl reload nftables` does it. */
async function flushed(scene: ManyScene): Promise<void> {
  const { step, hosts, cluster } = scene;
  await step("a host whose rules somebody has flushed serves again within seconds", async () => {
    const host = hosts[1]!;
    const { spec } = await cluster.json("get service web");
    const wanted = names(await podsOf(scene, "web"));
    const inside = (await places(scene)).filter((place) => place.host === host);
    assert.equal((await host.exec(["nft", "flush", "ruleset"])).code, 0);
    const begun = performance.now();
    for (const place of [...inside, outside(scene)]) {
      const url = place.host === undefined
        ? `http://${host.ip}:${spec.ports[0].nodePort}/`
        : `http://${spec.clusterIP}/`;
      await answersWith(place, url, wanted);
    }
    assert.ok(performance.now() - begun < 25_000, "that is the patience of a check, not of a glance");
  });
}

export async function specials(scene: ManyScene): Promise<void> {
  await byName(scene);
  await affinity(scene);
  await external(scene);
  await balanced(scene);
  await manual(scene);
  await udp(scene);
  await flushed(scene);
}
