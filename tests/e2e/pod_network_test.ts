/**
 * Pods of three hosts in one network: a server with Docker whose firewall drops what it does not know, a node with Podman beside it, and one
 * beyond a router that lets through no pods' addresses.
 */
import assert from "assert";
import { Cluster, kubectlInstalled } from "../harness/cluster.ts";
import { findBusybox } from "../harness/image.ts";
import { loadImages } from "../harness/images.ts";
import { engineInstalled } from "../harness/lab/engine.ts";
import { type Host, until } from "../harness/lab/host.ts";
import { createLab, type Lab } from "../harness/lab/lab.ts";
import { joinOf, Worker } from "../harness/worker.ts";

const why = Deno.uid() !== 0
  ? "not root"
  : !engineInstalled("podman") || !engineInstalled("docker")
  ? "needs podman and docker"
  : !kubectlInstalled()
  ? "no kubectl"
  : findBusybox() === undefined
  ? "no static busybox"
  : undefined;

const nodes = ["h1", "h2", "h3"] as const;
type NodeName = typeof nodes[number];

/** Answers the address of who asks, and a megabyte at /big. */
const server = `mkdir -p /tmp/www/cgi-bin
printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n$REMOTE_ADDR"\\n' > /tmp/www/cgi-bin/who
chmod 755 /tmp/www/cgi-bin/who
dd if=/dev/zero of=/tmp/www/big bs=1024 count=1024 2>/dev/null
exec httpd -f -p 8080 -h /tmp/www`;

function manifests(): string {
  const objects = nodes.flatMap((name, i) => [
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `p-${name}`, labels: { app: `p-${name}` } },
      spec: {
        nodeName: name,
        terminationGracePeriodSeconds: 1,
        containers: [{
          name: "main",
          image: "busybox:1.36",
          imagePullPolicy: "IfNotPresent",
          command: ["sh", "-c", server],
          readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        }],
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `s-${name}` },
      spec: {
        type: "NodePort",
        selector: { app: `p-${name}` },
        ports: [{ port: 80, targetPort: 8080, nodePort: 30081 + i }],
      },
    },
  ]);
  return objects.map((object) => JSON.stringify(object)).join("\n");
}

/** Not with wget's own limit: busybox's has a bug there. */
const get = (address: string) => `wget -q -O - http://${address}`;
const who = (address: string) => `timeout 5 ${get(`${address}/cgi-bin/who`)}`;
/** busybox's server says it so. */
const plain = (text: string) => text.trim().replace(/^\[?(?:::ffff:)?([\d.]+)\]?$/, "$1");

class World {
  readonly ips = new Map<NodeName, string>();
  constructor(readonly lab: Lab, readonly cluster: Cluster, readonly workers: readonly Worker[]) {}

  host = (name: NodeName): Host => this.lab.hosts[nodes.indexOf(name)]!;
  ip = (name: NodeName): string => this.ips.get(name)!;

  async up(): Promise<void> {
    await this.cluster.ask("apply -f -", { stdin: manifests() });
    await this.cluster.ask(["wait", "--for=condition=Ready", "--timeout=60s", ...nodes.map((name) => `pod/p-${name}`)]);
    for (const name of nodes) this.ips.set(name, (await this.cluster.json(`get pod p-${name}`)).status.podIP);
  }

  async inPod(name: NodeName, script: string): Promise<string> {
    return plain(await this.cluster.ask(["exec", `p-${name}`, "--", "sh", "-c", script]));
  }

  /** By the kernel alone: also while nobody answers at the API. */
  async between(from: NodeName, to: NodeName): Promise<string> {
    const find = `for link in /proc/[0-9]*/ns/net; do p=\${link%/ns/net}; p=\${p#/proc/}
      nsenter -t $p -n ip -4 addr show dev eth0 2>/dev/null | grep -q 'inet ${
      this.ip(from)
    }/' && { echo $p; exit; }; done`;
    const { stdout: pid } = await this.host(from).exec(["sh", "-c", find]);
    const command = [
      "nsenter",
      "-t",
      pid.trim(),
      "-n",
      findBusybox()!,
      ...get(`${this.ip(to)}:8080/cgi-bin/who`).split(" "),
    ];
    return plain((await this.host(from).exec(["timeout", "5", ...command])).stdout);
  }

  async on(name: NodeName, command: string): Promise<string> {
    const { code, stdout, stderr } = await this.host(name).exec(["sh", "-c", command]);
    if (code !== 0) throw new Error(`${name}: ${command}: ${stderr}`);
    return plain(stdout);
  }

  pairs(): [NodeName, NodeName][] {
    return nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to): [NodeName, NodeName] => [from, to]));
  }

  log(): string {
    return [this.cluster.log(40), ...this.workers.map((worker) => worker.log(30))].join("\n---\n");
  }
}

/** Docker sets the policy when it is what switches forwarding on. */
async function dropForwarded(host: Host): Promise<void> {
  await host.stopEngine("TERM");
  await host.exec(["sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward"]);
  await host.startEngine();
  const { stdout } = await host.exec(["iptables", "-S", "FORWARD"]);
  assert.match(stdout, /^-P FORWARD DROP$/m);
}

Deno.test({
  name: `pods of several hosts are one network${why === undefined ? "" : ` (skipped: ${why})`}`,
  ignore: why !== undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using lab = await createLab({
      name: "net",
      hosts: ["docker", "podman"],
      far: ["podman"],
      prefix: "10.99.40",
    });
    await dropForwarded(lab.hosts[0]!);
    await Promise.all(lab.hosts.map((host) => loadImages(host, ["busybox:1.36"])));
    await using cluster = new Cluster(lab.hosts[0]!);
    await cluster.start();
    const join = await joinOf(cluster);
    const workers = lab.hosts.slice(1).map((host) => new Worker(host, join));
    await using _2 = workers[0]!;
    await using _3 = workers[1]!;
    await Promise.all(workers.map((worker) => worker.start()));
    const world = new World(lab, cluster, workers);
    try {
      await world.up();
      await checkReach(t, world);
      await checkFaults(t, world);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n--- the hosts' last lines:\n${world.log()}`, { cause: error });
    }
  },
});

async function checkReach(t: Deno.TestContext, world: World): Promise<void> {
  await t.step("pods of all hosts see each other's own addresses", async () => {
    for (const [from, to] of world.pairs()) {
      assert.equal(await world.inPod(from, who(`${world.ip(to)}:8080`)), world.ip(from), `${from} to ${to}`);
    }
    assert.match(await world.on("h1", `ip route get ${world.ip("h2")}`), /via 10\.99\.40\.12 dev lan0/);
    assert.match(await world.on("h2", `ip route get ${world.ip("h3")}`), /dev sx-/);
  });

  await t.step("Services lead to pods of other hosts, by name and by address, and keep who asks", async () => {
    for (const [from, to] of world.pairs()) {
      assert.equal(await world.inPod(from, who(`s-${to}`)), world.ip(from), `${from} to Service of ${to}`);
    }
    const vip = (await world.cluster.json("get service s-h3")).spec.clusterIP;
    assert.equal(await world.inPod("h1", who(vip)), world.ip("h1"));
  });

  await t.step("hosts reach pods and Services of other hosts", async () => {
    const vip = (await world.cluster.json("get service s-h3")).spec.clusterIP;
    for (const name of nodes) {
      for (const to of nodes) assert.match(await world.on(name, who(`${world.ip(to)}:8080`)), /^10\./);
      assert.match(await world.on(name, who(vip)), /^10\./);
    }
  });

  await t.step("a node port of any host leads to pods of any other", async () => {
    for (const host of world.lab.hosts) {
      for (const [i, to] of nodes.entries()) {
        const { stdout } = await world.lab.client([
          "sh",
          "-c",
          `timeout 5 busybox ${get(`${host.ip}:${30081 + i}/cgi-bin/who`)}`,
        ]);
        assert.match(plain(stdout), /^10\./, `${host.name} to ${to}`);
      }
    }
    // A pod, a third host's node port, a pod elsewhere: the way back is the way there.
    assert.match(await world.inPod("h1", who(`${world.host("h2").ip}:30083`)), /^10\.244\./);
  });

  await t.step("whole packets arrive between all hosts", async () => {
    for (const [from, to] of world.pairs()) {
      const bytes = await world.inPod(from, `timeout 5 ${get(`${world.ip(to)}:8080/big`)} | wc -c`);
      assert.equal(bytes, "1048576", `${from} to ${to}`);
    }
    // The lab's LAN carries 1600 bytes.
    assert.match(await world.inPod("h1", "cat /sys/class/net/eth0/mtu"), /^1550$/);
  });
}

async function checkFaults(t: Deno.TestContext, world: World): Promise<void> {
  const { cluster, workers, lab } = world;
  const cidr = new Map<NodeName, string>();
  for (const name of nodes) cidr.set(name, (await cluster.json(`get node ${name}`)).spec.podCIDR);

  await t.step("a node whose address changes tells it, and is reached by it", async () => {
    const address = async () =>
      (await cluster.json("get node h3")).status.addresses
        .find(({ type }: { type: string }) => type === "InternalIP").address;
    assert.equal(await address(), "10.99.41.13");
    await world.on("h3", "ip addr del 10.99.41.13/24 dev lan0; ip addr add 10.99.41.33/24 dev lan0");
    await world.on("h3", "ip route replace default via 10.99.41.1");
    await until(30_000, async () => await address() === "10.99.41.33", "the node's address stayed");
    const reached = async () => (await Promise.all(world.pairs().map(([a, b]) => world.between(a, b)))).every(Boolean);
    await until(20_000, reached, "pods don't reach each other");
    assert.equal(await world.inPod("h3", who("s-h1")), world.ip("h3"));
    assert.equal(await world.inPod("h1", "cat /etc/hostname"), "p-h1");
  });

  await t.step("without a server pods go on reaching each other, and what is deleted is put back", async () => {
    await cluster.stop();
    for (const [from, to] of world.pairs()) {
      assert.equal(await world.between(from, to), world.ip(from), `${from} to ${to}`);
    }
    await world.on("h2", `ip route del ${cidr.get("h3")}`);
    await until(60_000, async () => await world.between("h2", "h3") === world.ip("h2"), "the route did not come back");
  });

  await t.step("an agent that starts again without a server keeps the way to the others", async () => {
    const [pid] = (await world.on("h2", "pgrep -f /agent/main.ts")).split("\n");
    await world.on("h2", `kill -KILL ${pid}`);
    const again = async () => (await world.host("h2").exec(["pgrep", "-f", "/agent/main.ts"])).stdout.trim();
    await until(20_000, async () => !["", pid].includes(await again()), "no agent");
    assert.equal(await world.between("h2", "h3"), world.ip("h2"));
    await world.on("h2", `ip route del ${cidr.get("h1")}`);
    await until(60_000, async () => await world.between("h2", "h1") === world.ip("h2"), "the route did not come back");
    await cluster.start();
  });

  await t.step("routes to a node that was deleted go", async () => {
    await workers[1]!.stop();
    await cluster.ask("delete node h3");
    const routes = async () => await world.on("h1", "ip route") + await world.on("h2", "ip route");
    await until(20_000, async () => !(await routes()).includes(cidr.get("h3")!), "a route to h3 is left");
  });

  await t.step("reset leaves nothing of the pods' network", async () => {
    for (const worker of workers) {
      await worker.stop();
      await worker.reset();
    }
    for (const { name } of lab.hosts.slice(1)) {
      const left = await world.on(
        name as NodeName,
        "ip -o link; ip route show proto 83; nft list ruleset | grep '^table' || true",
      );
      assert.doesNotMatch(left, /: (sp|sx-)|10\.244\.|sauropod/, left);
    }
  });
}
