/**
 * The pods' network of three nodes on a real kernel: two on one network, one beyond a router that knows nothing of pods. All of them drop
 * what came another way than its answer would take (rp_filter=1).
 */
import assert from "assert";
import { networkNames, vxlanMac } from "./names.ts";
import { NetworkError, type NetworkPeer, type PodNetwork } from "./network.ts";
import {
  datagramServer,
  inPod,
  Lab,
  type Machine,
  missing,
  ready,
  sendWhole,
  whoFrom,
} from "../../tests/harness/machines.ts";

interface TestNode {
  readonly machine: Machine;
  readonly podCidr: string;
  readonly podIp: string;
  readonly pid: number;
  network: PodNetwork;
}

class World {
  readonly nodes = new Map<string, TestNode>();
  constructor(readonly lab: Lab) {}

  node = (name: "a" | "b" | "f") => this.nodes.get(name)!;

  async up(): Promise<void> {
    let number = 0;
    for (const machine of [this.lab.a, this.lab.b, this.lab.far]) {
      const [podCidr, podIp] = [`10.244.${++number}.0/24`, `10.244.${number}.2`];
      const pid = await ready(machine.pod());
      const node = { machine, podCidr, podIp, pid, network: this.lab.network(machine) };
      this.nodes.set(machine.name, node);
      await node.network.setup({ podCidr });
      assert.deepEqual(await node.network.attach({ uid: `pod-${machine.name}`, pid }), { ip: podIp });
      await machine.serve(pid, `${this.lab.directory}/www`);
      machine.run("nsenter", "-t", String(pid), "-n", ...datagramServer);
      machine.run("sh", "-c", `exec busybox httpd -f -p ${machine.ip}:8000 -h ${this.lab.directory}/www`);
    }
    await this.meet();
  }

  /** As the nodes' objects tell it. */
  peers(): NetworkPeer[] {
    return [...this.nodes.values()].map(({ machine, podCidr, network }) => ({
      name: machine.name,
      podCidr,
      nodeIp: machine.ip,
      ...network.place(),
    }));
  }

  async meet(peers = this.peers()): Promise<void> {
    for (const { machine, network } of this.nodes.values()) {
      await network.setPeers(peers.filter(({ name }) => name !== machine.name));
    }
  }

  /** Every pod reaches every other one, which sees its address; nothing of it comes to the router. */
  async whole(): Promise<void> {
    for (const from of this.nodes.values()) {
      for (const to of this.nodes.values()) {
        if (from === to) continue;
        const what = `${from.machine.name} to ${to.machine.name}`;
        assert.equal(await whoFrom(inPod(from.pid), to.podIp), from.podIp, what);
      }
    }
    assert.equal(await this.lab.leaked(), 0);
  }
}

const live = ({ machine, pid }: TestNode) => [{ uid: `pod-${machine.name}`, pid }];
const names = networkNames("test");

Deno.test({
  name: `createPodNetwork() joins the pods of several hosts on a real kernel${
    missing === undefined ? "" : ` (skipped: ${missing})`
  }`,
  ignore: missing !== undefined,
  async fn(t) {
    const lab = new Lab("h");
    try {
      await lab.up();
      const world = new World(lab);
      await world.up();
      await checkWays(t, world);
      await checkFirewalls(t, world);
      await checkChanges(t, world);
      await checkModes(t, world);
    } finally {
      await lab.down();
    }
  },
});

async function checkWays(t: Deno.TestContext, world: World): Promise<void> {
  const { lab } = world;
  const [a, b, f] = [world.node("a"), world.node("b"), world.node("f")];

  await t.step("pods see each other's own addresses, directly on one network and in VXLAN beyond routers", async () => {
    assert.match(await lab.a.must("ip", "route", "get", b.podIp), /via 192\.168\.77\.2 dev lan0/);
    assert.match(await lab.a.must("ip", "route", "get", f.podIp), /dev sx-/);
    assert.match(await lab.far.must("ip", "route", "get", a.podIp), /dev sx-/);
    await world.whole();
  });

  await t.step("hosts reach pods of other nodes", async () => {
    assert.equal(await whoFrom(lab.a.on([]), b.podIp), lab.a.ip);
    assert.equal(await whoFrom(lab.a.on([]), f.podIp), "10.244.1.0");
    assert.equal(await whoFrom(lab.far.on([]), a.podIp), "10.244.3.0");
  });

  await t.step(
    "pods keep their address towards nodes on their network, and have the node's towards others",
    async () => {
      assert.equal(await whoFrom(inPod(a.pid), `${lab.b.ip}:8000`), a.podIp);
      assert.equal(await whoFrom(inPod(a.pid), `${lab.a.ip}:8000`), a.podIp);
      assert.equal(await whoFrom(inPod(a.pid), `${lab.far.ip}:8000`), lab.a.ip);
      assert.equal(await whoFrom(inPod(f.pid), `${lab.a.ip}:8000`), lab.far.ip);
      assert.equal(await lab.leaked(), 0);
    },
  );

  await t.step(
    "the largest packet of a pod's arrives whole, and a larger one is refused where it is sent",
    async () => {
      for (const to of [b, f]) {
        // 20 bytes of IP, 8 of UDP.
        assert.equal(await sendWhole(inPod(a.pid), to.podIp, 1450 - 28), "1422");
        assert.equal(await sendWhole(inPod(a.pid), to.podIp, 1451 - 28), "Message too long");
      }
    },
  );

  await t.step("a Service's address leads to pods of other nodes, which see who asks", async () => {
    // What the proxy does, on each node.
    for (const machine of [lab.a, lab.b, lab.far]) {
      await machine.must(
        "nft",
        "add table ip service; add chain ip service pre { type nat hook prerouting priority -110; }",
      );
      await machine.must("nft", `add rule ip service pre ip daddr 10.96.0.10 tcp dport 80 dnat to ${f.podIp}:80`);
    }
    assert.equal(await whoFrom(inPod(a.pid), "10.96.0.10"), a.podIp);
    await lab.far.must("nft", `insert rule ip service pre ip daddr 10.96.0.10 tcp dport 80 dnat to ${a.podIp}:80`);
    assert.equal(await whoFrom(inPod(f.pid), "10.96.0.10"), f.podIp);
    // A node port whose endpoint is on a third node: the way back is the way there.
    await lab.b.must("nft", `add rule ip service pre fib daddr type local tcp dport 30080 dnat to ${f.podIp}:80`);
    assert.equal(await whoFrom(inPod(a.pid), `${lab.b.ip}:30080`), "10.244.2.0");
  });

  await t.step("who is no node can't put packets into the pods' network", async () => {
    const { client, far } = lab;
    const device = `add vx0 type vxlan id ${names.vni} local ${client.ip} dstport 4789 nolearning`;
    await client.must("ip", "link", ...device.split(" "));
    await client.must("ip", "addr", "add", "10.244.1.99/32", "dev", "vx0");
    await client.must("ip", "link", "set", "vx0", "up");
    const mac = vxlanMac(0x0af40300);
    await client.must(..."ip neigh replace 10.244.3.0 lladdr".split(" "), mac, ..."dev vx0 nud permanent".split(" "));
    await client.must("bridge", "fdb", "replace", mac, "dev", "vx0", "dst", far.ip, "self", "permanent");
    await client.must(..."ip route add 10.244.3.0/24 via 10.244.3.0 dev vx0 onlink".split(" "));
    const received = async () => {
      const snmp = await far.must("cat", `/proc/${f.pid}/net/snmp`);
      return Number(/^Udp: (\d+)/m.exec(snmp)![1]);
    };
    const before = await received();
    await sendWhole(client.on([]), f.podIp, 10);
    assert.equal(await received(), before);
    // Without the guard they do come in: it is the guard that is tested.
    await far.must("nft", "flush", "chain", "ip", names.table, "tunnel-guard");
    await sendWhole(client.on([]), f.podIp, 10);
    assert.ok(await received() > before);
    await client.must("ip", "link", "del", "vx0");
    assert.ok((await f.network.verify()).some((what) => what.includes("nft table")));
  });
}

async function checkFirewalls(t: Deno.TestContext, world: World): Promise<void> {
  const { lab } = world;
  const [a, b, f] = [world.node("a"), world.node("b"), world.node("f")];
  /** What a host lets in that drops the rest: answers, and the test's own server. */
  const closed = [
    "-P FORWARD DROP",
    "-P INPUT DROP",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
  ];

  await t.step(
    "firewalls that drop, of both kinds, get exceptions for pods and tunnels, and nothing else",
    async () => {
      for (const [machine, program] of [[lab.b, "iptables-nft"], [lab.far, "iptables-legacy"]] as const) {
        for (const rule of closed) await machine.must(program, "-w", ...rule.split(" "));
      }
      assert.match(await whoFrom(inPod(a.pid), b.podIp, { seconds: 0.3 }), /failed/);
      for (const { network } of [b, f]) await network.verify();
      await world.whole();
      assert.equal(await whoFrom(inPod(b.pid), `${lab.b.ip}:8000`), b.podIp, "a pod reaches its own host");
      assert.match(await whoFrom(lab.client.on([]), `${lab.b.ip}:8000`, { seconds: 0.3 }), /failed/);
      for (const { network } of [b, f]) assert.deepEqual(await network.verify(), []);
    },
  );

  await t.step("exceptions are taken back when nothing drops any longer", async () => {
    const rules = async () => await lab.b.must("iptables-nft", "-S") + await lab.far.must("iptables-legacy", "-S");
    assert.match(await rules(), /sauropod/);
    for (const [machine, program] of [[lab.b, "iptables-nft"], [lab.far, "iptables-legacy"]] as const) {
      for (const chain of ["FORWARD", "INPUT"]) await machine.must(program, "-w", "-P", chain, "ACCEPT");
    }
    for (const { network } of [b, f]) await network.verify();
    assert.doesNotMatch(await rules(), /sauropod/);
    for (const rule of closed) assert.ok(rule.startsWith("-P") || (await rules()).includes(rule), "others' rules stay");
  });
}

async function checkChanges(t: Deno.TestContext, world: World): Promise<void> {
  const { lab } = world;
  const [a, b, f] = [world.node("a"), world.node("b"), world.node("f")];
  const verified = (node: TestNode) => node.network.verify();

  await t.step("verify() puts back what somebody deleted, and is silent otherwise", async () => {
    const cases: [string, TestNode, string][] = [
      ["route", a, "ip route del 10.244.2.0/24"],
      ["route into a tunnel", a, "ip route del 10.244.3.0/24"],
      ["device", a, `ip link del ${names.vxlan}`],
      ["device down", f, `ip link set ${names.vxlan} down`],
      ["device's address", f, `ip addr flush dev ${names.vxlan}`],
      ["device's size", f, `ip link set ${names.vxlan} mtu 1300`],
      ["forwarding entry", f, `bridge fdb del ${vxlanMac(0x0af40100)} dev ${names.vxlan} self`],
      ["neighbour", f, `ip neigh del 10.244.1.0 dev ${names.vxlan}`],
      ["table", b, "nft flush ruleset"],
      ["setting", b, "sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward'"],
      ["setting of a link", b, "sh -c 'echo 0 > /proc/sys/net/ipv4/conf/lan0/forwarding'"],
      ["the node's own range", a, "ip route del unreachable 10.244.1.0/24"],
    ];
    for (const [what, node, command] of cases) {
      await node.machine.must("sh", "-c", command);
      assert.ok((await verified(node)).length > 0, what);
      assert.deepEqual(await verified(node), [], what);
    }
    await world.whole();
  });

  await t.step("a restarted agent keeps the ways to other nodes before it knows them", async () => {
    const before = await lab.a.must("ip", "route");
    a.network = lab.network(lab.a);
    await a.network.setup({ podCidr: a.podCidr });
    await a.network.reconcile(live(a));
    assert.equal(await lab.a.must("ip", "route"), before);
    await world.whole();
    await world.meet();
    assert.deepEqual(await verified(a), []);
  });

  await t.step("a node with another address is reached at once, and reaches others", async () => {
    const old = lab.far.ip;
    await lab.far.must("ip", "addr", "del", `${old}/24`, "dev", "lan0");
    await lab.far.address("192.168.78.33");
    await lab.far.must("ip", "route", "replace", "default", "via", "192.168.78.254");
    await world.meet();
    assert.doesNotMatch(await lab.a.must("bridge", "fdb", "show", "dev", names.vxlan), new RegExp(`${old}\\b`));
    await world.whole();
  });

  await t.step("a peer that can't be reached does not hold up the others, and is named", async () => {
    // No machine can have a network's last address.
    const bad = { name: "bad", podCidr: "10.244.77.0/24", nodeIp: "192.168.77.255" };
    await lab.a.must("ip", "route", "del", "10.244.2.0/24");
    await assert.rejects(
      a.network.setPeers([bad, ...world.peers()]),
      (e) => e instanceof NetworkError && /10\.244\.77\.0\/24 via 192\.168\.77\.255.*: Nexthop/.test(e.message),
    );
    await world.whole();
    await world.meet();
  });

  await t.step("what led to a node that is gone goes, the tunnel's device with the last of them", async () => {
    const rest = world.peers().filter(({ name }) => name !== "f");
    await a.network.setPeers(rest);
    assert.doesNotMatch(await lab.a.must("ip", "route"), /10\.244\.3\.0|sx-/);
    assert.doesNotMatch(await lab.a.must("ip", "-o", "link"), /sx-/);
    assert.equal(await whoFrom(inPod(a.pid), b.podIp), a.podIp);
    await world.meet();
    await world.whole();
  });
}

async function checkModes(t: Deno.TestContext, world: World): Promise<void> {
  const { lab } = world;
  const [a, b, f] = [world.node("a"), world.node("b"), world.node("f")];
  const restart = async (node: TestNode, mode: "auto" | "direct" | "vxlan") => {
    node.network = lab.network(node.machine, { mode });
    await node.network.setup({ podCidr: node.podCidr });
    await node.network.reconcile(live(node));
  };

  await t.step("a pair in which one node wants tunnels has them both ways", async () => {
    await restart(b, "vxlan");
    await world.meet();
    assert.match(await lab.a.must("ip", "route", "get", b.podIp), /dev sx-/);
    assert.match(await lab.b.must("ip", "route", "get", a.podIp), /dev sx-/);
    await world.whole();
  });

  await t.step(
    "without tunnels pods have the link's whole size, running ones too, and none beyond routers",
    async () => {
      for (const node of [a, b]) await restart(node, "direct");
      await world.meet();
      assert.equal(await sendWhole(inPod(a.pid), b.podIp, 1500 - 28), "1472");
      for (const { machine } of [a, b, f]) assert.doesNotMatch(await machine.must("ip", "-o", "link"), /sx-/);
      assert.equal(await lab.a.must("ip", "route", "show", "10.244.3.0/24"), "");
    },
  );

  await t.step("who sends more than the way carries is told by its own node", async () => {
    // A pod with the link's whole size, and a node that asks for tunnels.
    await restart(f, "vxlan");
    await world.meet();
    assert.equal(await sendWhole(inPod(a.pid), f.podIp, 1500 - 28), "Message too long");
    assert.equal(await sendWhole(inPod(a.pid), f.podIp, 1450 - 28), "1422");
  });

  await t.step("teardown() sets back what was changed, and leaves what others made", async () => {
    await lab.a.must("ip", "route", "add", "10.244.200.0/24", "via", lab.b.ip);
    for (const { network } of [a, b, f]) await network.teardown();
    for (const { machine } of [a, b, f]) {
      assert.doesNotMatch(await machine.must("ip", "-o", "link"), /: (sp|sx-)/);
      assert.doesNotMatch(await machine.must("nft", "list", "ruleset"), /sauropod/);
      assert.equal(await machine.must("ip", "route", "show", "proto", "83"), "");
      const settings = ["ip_forward", "conf/lan0/forwarding"].map((name) => `/proc/sys/net/ipv4/${name}`);
      assert.equal(await machine.must("cat", ...settings), "0\n0\n");
    }
    assert.match(await lab.a.must("ip", "route"), /10\.244\.200\.0/);
  });
}
