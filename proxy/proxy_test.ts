import assert from "assert";
import { systemClock } from "../lib/seams/clock.ts";
import { systemProcesses } from "../lib/seams/process.ts";
import type { Child } from "../lib/seams/process.ts";
import { at, service, slice } from "./testing/objects.ts";
import { type Lab, openLab, whyNoLab } from "./testing/lab.ts";
import { clientIp, nodeIp, pods } from "./testing/world.ts";

const why = await whyNoLab();
const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** Waits until `probe` is satisfied: the proxy follows the API by itself, in its own time. */
async function until<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
  const end = systemClock.now() + 10_000;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (systemClock.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => systemClock.after(20, () => resolve(undefined)));
  }
}

interface Cluster extends AsyncDisposable {
  lab: Lab;
  dir: string;
  log: string[];
  tell(order: unknown): Promise<void>;
  start(more?: string[]): Child;
  /** Another program, that ends with the rest. */
  spawn(command: string[], name: string): void;
  stop(child: Child, signal: Deno.Signal): Promise<number>;
}

async function openCluster(): Promise<Cluster> {
  const lab = await openLab();
  const dir = await Deno.makeTempDir({ prefix: "proxy-test-" });
  const children = new Set<Child>();
  const log: string[] = [];
  const api = new URL("./testing/fake_api.ts", import.meta.url).pathname;
  const spawn = (command: string[], name: string) => {
    const child = systemProcesses.spawn(command, { onLine: (line) => log.push(`${name}: ${line}`) });
    children.add(child);
    return child;
  };
  spawn([...lab.enter("node"), Deno.execPath(), "run", "-qA", api, `${dir}/api`, "6443"], "api");
  await Deno.mkdir(`${dir}/data`);
  await Deno.writeTextFile(`${dir}/resolv.conf`, "nameserver 192.0.2.253\nsearch corp.example\n");
  await Deno.writeTextFile(
    `${dir}/data/kubeconfig`,
    JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: "http://127.0.0.1:6443", "certificate-authority-data": "" } }],
      users: [{ name: "u", user: { token: "t" } }],
    }),
  );
  const conn = await until(
    "the fake API",
    () => Deno.connect({ transport: "unix", path: `${dir}/api` }).catch(() => undefined),
  );
  return {
    lab,
    dir,
    log,
    async tell(order) {
      await conn.write(new TextEncoder().encode(JSON.stringify(order) + "\n"));
    },
    // The permissions that the supervisor gives.
    start: (more = []) =>
      spawn([
        ...lab.enter("node"),
        Deno.execPath(),
        "run",
        "--no-prompt",
        "--quiet",
        "--allow-env",
        "--allow-net",
        "--allow-sys",
        `--allow-read=${root},${dir}`,
        `--allow-write=${dir}/data`,
        "--allow-run=nft,conntrack,ip,sysctl",
        `${root}/proxy/main.ts`,
        `--kubeconfig=${dir}/data/kubeconfig`,
        `--data-dir=${dir}/data`,
        "--node-name=n1",
        `--resolv-conf=${dir}/resolv.conf`,
        ...more,
      ], "proxy"),
    spawn,
    async stop(child, signal) {
      child.kill(signal);
      return await child.ended;
    },
    async [Symbol.asyncDispose]() {
      conn.close();
      for (const child of children) child.kill("SIGKILL");
      await Promise.all([...children].map((child) => child.ended));
      await lab[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

const web = service("web", {
  type: "NodePort",
  clusterIP: "10.96.1.1",
  ports: [{ name: "http", port: 80, nodePort: 30080 }],
});
const peers = service("peers", { clusterIP: "None", ports: [{ name: "http", port: 80 }] });
const target = [{ name: "http", port: 8080, protocol: "TCP" as const }];
const nodeObject = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n1" },
  status: { addresses: [{ type: "InternalIP", address: nodeIp }] },
};
const podObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "b", namespace: "default" },
  spec: { nodeName: "n1" },
  status: { phase: "Running", podIPs: [{ ip: pods.b }] },
};
const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } };

const tally = (answers: readonly string[]) =>
  Object.fromEntries([...Map.groupBy(answers, (answer) => answer.split(" ")[0]!)].map(([k, v]) => [k, v.length]));

/** What a resolver in a pod gets; python has one that needs no package. */
const digScript = `
import socket, struct, sys
name, kind = sys.argv[1], int(sys.argv[2])
q = struct.pack(">6H", 1, 256, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\\0" + struct.pack(">2H", kind, 1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.connect(("10.96.0.10", 53)); s.send(q); a = s.recv(4096)
print(a[3] & 15, ".".join(map(str, a[-4:])))
`;
/** Who knows `lab.example`: answers each question with 192.0.2.53. */
const labServer = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 5353))
while True:
  q, a = s.recvfrom(512)
  end = q.index(b"\\0", 12) + 5
  s.sendto(q[:2] + bytes([129, 128, 0, 1, 0, 1, 0, 0, 0, 0]) + q[12:end] + bytes([192, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 53]), a)
`;
const stubDomains = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "kube-dns", namespace: "kube-system" },
  data: { stubDomains: `{"lab.example": ["${clientIp}:5353"]}` },
};
const dig = async (lab: Lab, from: "b" | "node" | "client", name: string) =>
  (await lab.run(from, `python3 -c '${digScript}' ${name} 1 2>&1 || true`)).trim().split("\n").at(-1)!;
const hasPython = () => systemProcesses.run(["python3", "-V"]).then(() => true, () => false);

Deno.test({
  name: `the proxy: follows the API, survives its own death, and is removed${why === undefined ? "" : ` (${why})`}`,
  ignore: why !== undefined,
  async fn(t) {
    await using c = await openCluster();
    const { lab } = c;
    const endpoints = slice("web", target, [at(pods.a, "n1"), at(pods.c, "n2")]);
    await c.tell([nodeObject, namespace, podObject, web, endpoints, stubDomains, peers, slice("peers", target, [])]);
    if (await hasPython()) c.spawn([...lab.enter("client"), "python3", "-c", labServer], "lab.example");
    let proxy = c.start();
    const health = (path: string) =>
      lab.run("node", `curl -s -m 2 -o /dev/null -w '%{http_code}' http://127.0.0.1:10256${path} || true`);

    await t.step("becomes ready", async () => {
      await until("ready", async () => await health("/readyz") === "200").catch((error) => {
        throw new Error(`${error.message}\n${c.log.join("\n")}`);
      });
      assert.equal(await health("/healthz"), "200");
      assert.match(await lab.run("node", "curl -s http://127.0.0.1:10256/metrics"), /sauropod_proxy_services 1\n/);
    });
    await t.step("serves the Service", async () => {
      assert.deepEqual(tally(await lab.ask("b", { to: "10.96.1.1", port: 80, count: 4 })), { a: 2, c: 2 });
      assert.deepEqual(tally(await lab.ask("client", { to: nodeIp, port: 30080, count: 4 })), { a: 2, c: 2 });
    });
    await t.step("follows a change of endpoints", async () => {
      await c.tell([slice("web", target, [at(pods.a, "n1"), at(pods.b, "n1"), at(pods.c, "n2")])]);
      await until(
        "b takes part",
        async () => "b" in tally(await lab.ask("client", { to: nodeIp, port: 30080, count: 3 })),
      );
      assert.deepEqual(tally(await lab.ask("client", { to: nodeIp, port: 30080, count: 300 })), {
        a: 100,
        b: 100,
        c: 100,
      });
    });
    await t.step("answers names", async () => {
      if (!await hasPython()) return;
      assert.equal(await dig(lab, "b", "web.default.svc.cluster.local"), "0 10.96.1.1");
      assert.equal(await dig(lab, "node", "WEB.default.svc.cluster.local"), "0 10.96.1.1");
      assert.match(await dig(lab, "b", "none.default.svc.cluster.local"), /^3 /);
      assert.equal(
        await dig(lab, "b", "web.default.default.svc.cluster.local"),
        "0 10.96.1.1",
        "the pod's search path",
      );
      assert.match(await dig(lab, "node", "web.default.default.svc.cluster.local"), /^3 /);
      const flows = await lab.run("node", "conntrack -L -p udp 2>/dev/null");
      assert.doesNotMatch(flows, /dst=10\.96\.0\.10/, "DNS is not tracked");
    });
    await t.step("asks the servers of a domain about its names", async () => {
      if (!await hasPython()) return;
      const known = async () => await dig(lab, "b", "www.lab.example") === "0 192.0.2.53";
      await until("the domain's server is asked", known);
    });
    await t.step(
      "a name's addresses follow its endpoints within a second, and the name is there without any",
      async () => {
        if (!await hasPython()) return;
        const name = "peers.default.svc.cluster.local";
        assert.match(await dig(lab, "b", name), /^0 /);
        for (const pod of [pods.a, pods.c]) {
          await c.tell([slice("peers", target, [at(pod, "n1")])]);
          const told = systemClock.now();
          let asked = told;
          await until(`${name} is ${pod}`, async () => {
            const now = systemClock.now();
            if (await dig(lab, "b", name) === `0 ${pod}`) return true;
            asked = now;
            return false;
          });
          assert.ok(asked - told < 1_000, `it was not there ${asked - told} ms after its endpoint`);
        }
        await c.tell([slice("peers", target, [])]);
        await until(`${name} has none`, async () => !(await dig(lab, "b", name)).includes(pods.c));
        assert.match(await dig(lab, "b", name), /^0 /);
      },
    );
    await t.step("when it is killed, connections and rules live on, and its successor takes over", async () => {
      const held = await lab.hold("client", { to: nodeIp, port: 30080 });
      const first = await held.next();
      await c.stop(proxy, "SIGKILL");
      assert.deepEqual(tally(await lab.ask("b", { to: "10.96.1.1", port: 80, count: 3 })), { a: 1, b: 1, c: 1 });
      await c.tell([slice("web", target, [at(pods.c, "n2")])]);
      proxy = c.start();
      await until("only c", async () => {
        const answers = await lab.ask("client", { to: nodeIp, port: 30080, count: 5 });
        assert.ok(!answers.includes("refuse") && !answers.includes("drop"), answers.join());
        return tally(answers).c === 5;
      });
      assert.equal(await held.next(), first);
    });
    await t.step("stops cleanly, and leaves the rules", async () => {
      await until("ready", async () => await health("/readyz") === "200");
      assert.equal(await c.stop(proxy, "SIGTERM"), 0);
      assert.deepEqual(tally(await lab.ask("b", { to: "10.96.1.1", port: 80, count: 3 })), { c: 3 });
    });
    await t.step("reset removes everything", async () => {
      await lab.run("node", `${Deno.execPath()} run -qA ${root}/proxy/reset.ts --data-dir=${c.dir}/data`);
      assert.equal((await lab.run("node", "nft list ruleset; ip -4 addr show lo | grep 10.96 || true")).trim(), "");
    });
  },
});

Deno.test({
  name: `the proxy in userspace mode serves the same, and is removed${why === undefined ? "" : ` (${why})`}`,
  ignore: why !== undefined,
  async fn() {
    await using c = await openCluster();
    const { lab } = c;
    const names = service("names", {
      type: "NodePort",
      clusterIP: "10.96.1.2",
      ports: [{ port: 53, protocol: "UDP", nodePort: 30053 }],
    });
    const all = [at(pods.a, "n1"), at(pods.b, "n1"), at(pods.c, "n2")];
    const udp = [{ port: 8080, protocol: "UDP" as const }];
    const state = () => lab.run("node", "nft list ruleset; ip -4 route show table all; ip -4 addr show lo");
    const before = await state();
    await c.tell([nodeObject, namespace, podObject, web, slice("web", target, all), names, slice("names", udp, all)]);
    // What a run in the other mode left must not lead connections away.
    const first = c.start();
    const ask = (order: Parameters<Lab["ask"]>[1]) => lab.ask("client", order);
    const tcp = { to: nodeIp, port: 30080, count: 6 };
    await until("the kernel leads", async () => (await ask({ ...tcp, count: 1 }))[0] !== "refuse");
    assert.equal(await c.stop(first, "SIGTERM"), 0);
    const proxy = c.start(["--proxy-mode=userspace"]);
    const ready = "curl -s -m 2 -o /dev/null -w '%{http_code}' http://127.0.0.1:10256/readyz || true";
    await until("ready", async () => await lab.run("node", ready) === "200");
    assert.equal(await lab.run("node", "nft list ruleset"), "");
    const even = { a: 2, b: 2, c: 2 };
    assert.deepEqual(tally(await ask(tcp)), even);
    assert.deepEqual(tally(await ask({ protocol: "udp", to: nodeIp, port: 30053, count: 6 })), even);
    assert.deepEqual(tally(await lab.ask("b", { to: "10.96.1.1", port: 80, count: 6 })), even);
    assert.deepEqual(tally(await lab.ask("node", { to: "10.96.1.1", port: 80, count: 6 })), even);
    if (await hasPython()) assert.equal(await dig(lab, "b", "web.default.svc.cluster.local"), "0 10.96.1.1");
    const metrics = await lab.run("node", "curl -s http://127.0.0.1:10256/metrics");
    assert.match(metrics, /^sauropod_proxy_connections\{proto="tcp"\} 0$/m);
    await c.tell([slice("web", target, [])]);
    await until("no endpoints are refused", async () => (await ask({ ...tcp, count: 1 }))[0] === "refuse");
    await c.tell([slice("web", target, all)]);
    await until("endpoints are back", async () => (await ask({ ...tcp, count: 1 }))[0] !== "refuse");
    assert.equal(await c.stop(proxy, "SIGTERM"), 0);
    const routes = () => lab.run("node", "ip -4 route show table all");
    assert.doesNotMatch(await routes(), /proto 84/);
    // And back, after one that could not clean up.
    const killed = c.start(["--proxy-mode=userspace"]);
    await until("it has the address", async () => /local 10\.96\.1\.1 .*proto 84/.test(await routes()));
    await c.stop(killed, "SIGKILL");
    const last = c.start();
    await until(
      "the kernel leads",
      async () => /^[abc] /.test((await lab.ask("b", { to: "10.96.1.1", port: 80 }))[0]!),
    );
    assert.doesNotMatch(await routes(), /proto 84/);
    assert.deepEqual(tally(await lab.ask("node", { to: "10.96.1.1", port: 80, count: 6 })), even);
    assert.equal(await c.stop(last, "SIGTERM"), 0);
    await lab.run("node", `${Deno.execPath()} run -qA ${root}/proxy/reset.ts --data-dir=${c.dir}/data`);
    assert.equal(await state(), before);
  },
});
