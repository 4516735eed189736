/** firewalld, the real one, on two of three nodes: it refuses what nobody allowed, between hosts and to pods alike. */
import assert from "assert";
import { Firewalld, firewalldMissing } from "../harness/firewalld.ts";
import { inPod, Lab, type Machine, missing, ready, whoFrom } from "../harness/machines.ts";
import type { PodNetwork } from "../../agent/network/network.ts";

const why = missing ?? firewalldMissing();

Deno.test({
  name: `createPodNetwork() gets along with firewalld${why === undefined ? "" : ` (skipped: ${why})`}`,
  ignore: why !== undefined,
  async fn(t) {
    const lab = new Lab("d");
    try {
      await lab.up();
      await check(t, lab);
    } finally {
      await lab.down();
    }
  },
});

async function check(t: Deno.TestContext, lab: Lab): Promise<void> {
  const firewalls = new Map<Machine, Firewalld>();
  for (const machine of [lab.b, lab.far]) {
    const firewalld = new Firewalld(machine.on([]), `${lab.directory}/firewalld-${machine.name}`);
    firewalls.set(machine, firewalld);
    await firewalld.start();
    machine.environment = firewalld.environment;
  }
  try {
    await checkPods(t, lab, firewalls);
  } finally {
    for (const firewalld of firewalls.values()) await firewalld.stop();
  }
}

async function checkPods(t: Deno.TestContext, lab: Lab, firewalls: Map<Machine, Firewalld>): Promise<void> {
  const nodes: { machine: Machine; network: PodNetwork; pid: number; podCidr: string; ip: string }[] = [];
  for (const [i, machine] of [lab.a, lab.b, lab.far].entries()) {
    const [podCidr, pid] = [`10.244.${i + 1}.0/24`, await ready(machine.pod())];
    const network = lab.network(machine);
    await network.setup({ podCidr });
    const { ip } = await network.attach({ uid: "p", pid });
    await machine.serve(pid, `${lab.directory}/www`);
    nodes.push({ machine, network, pid, podCidr, ip });
  }
  const [a, b, far] = nodes as [typeof nodes[number], typeof nodes[number], typeof nodes[number]];
  const peers = nodes.map(({ machine, network, podCidr }) => ({
    name: machine.name,
    nodeIp: machine.ip,
    podCidr,
    ...network.place(),
  }));
  const trusted = async (machine: Machine) =>
    (await firewalls.get(machine)!.ask("--zone=trusted", "--list-sources")).split(" ");

  await t.step("pods reach each other, hosts reach pods, and nobody else does", async () => {
    await firewalls.get(b.machine)!.ask("--zone=trusted", "--add-source=10.1.1.0/24");
    for (const { network } of nodes) await network.setPeers(peers);
    for (const from of nodes) {
      for (const to of nodes) {
        if (from !== to) {
          assert.equal(await whoFrom(inPod(from.pid), to.ip), from.ip, `${from.machine.name} to ${to.machine.name}`);
        }
      }
    }
    assert.equal(await whoFrom(a.machine.on([]), b.ip), a.machine.ip);
    await lab.client.must("ip", "route", "add", "10.244.2.0/24", "via", b.machine.ip);
    assert.match(await whoFrom(lab.client.on([]), b.ip, { seconds: 1 }), /failed/);
  });

  await t.step("what firewalld forgets when it loads anew is put there again", async () => {
    const before = (await trusted(far.machine)).sort();
    await firewalls.get(far.machine)!.ask("--reload");
    assert.match(await whoFrom(inPod(a.pid), far.ip, { seconds: 0.5 }), /failed/);
    assert.ok((await far.network.verify()).length > 0);
    assert.deepEqual((await trusted(far.machine)).sort(), before);
    assert.equal(await whoFrom(inPod(a.pid), far.ip), a.ip);
    assert.deepEqual(await far.network.verify(), []);
  });

  await t.step(
    "a node that is gone is no longer trusted; teardown() leaves what the administrator trusts",
    async () => {
      await b.network.setPeers(peers.slice(0, 2));
      assert.deepEqual((await trusted(b.machine)).sort(), ["10.1.1.0/24", "10.244.0.0/16", a.machine.ip]);
      for (const { network } of nodes) await network.teardown();
      assert.deepEqual(await trusted(b.machine), ["10.1.1.0/24"]);
      assert.deepEqual(await trusted(far.machine), [""]);
    },
  );
}
