/** The pod network on a real kernel: two nodes and a client, each a network namespace, on a switch of their own. */
import assert from "assert";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { systemProcesses } from "../../lib/seams/process.ts";
import { findBusybox } from "../../tests/harness/image.ts";
import { NetworkError } from "./network.ts";
import { inPod, Lab, missing, ready, whoFrom } from "../../tests/harness/machines.ts";

Deno.test({
  name: `createPodNetwork() gives pods a network on a real kernel${
    missing === undefined ? "" : ` (skipped: ${missing})`
  }`,
  ignore: missing !== undefined,
  async fn(t) {
    const lab = new Lab("k");
    try {
      await lab.up();
      await checkPods(t, lab);
    } finally {
      await lab.down();
    }
  },
});

async function checkPods(t: Deno.TestContext, lab: Lab): Promise<void> {
  const { a, b, client } = lab;
  const www = `${lab.directory}/www`;
  const [netA, netB] = [lab.network(a), lab.network(b)];
  const peers = [
    { name: "a", podCidr: "10.244.1.0/24", nodeIp: a.ip },
    { name: "b", podCidr: "10.244.2.0/24", nodeIp: b.ip },
  ];
  await netA.setup({ podCidr: "10.244.1.0/24" });
  await netB.setup({ podCidr: "10.244.2.0/24" });
  for (const network of [netA, netB]) await network.setPeers(peers);
  const [p1, p2, p3] = [await ready(a.pod()), await ready(a.pod()), await ready(b.pod())];
  const hostPorts = [
    { protocol: "TCP", hostPort: 8080, containerPort: 80 },
    { protocol: "TCP", hostPort: 8081, containerPort: 80, hostIP: a.ip },
  ] as const;

  await t.step("attach() gives each pod an address, the same one when it is asked again", async () => {
    assert.deepEqual(await netA.attach({ uid: "p1", pid: p1, hostPorts }), { ip: "10.244.1.2" });
    assert.deepEqual(await netA.attach({ uid: "p2", pid: p2 }), { ip: "10.244.1.3" });
    assert.deepEqual(await netA.attach({ uid: "p1", pid: p1, hostPorts }), { ip: "10.244.1.2" });
    assert.deepEqual(await netB.attach({ uid: "p3", pid: p3 }), { ip: "10.244.2.2" });
    assert.equal(netA.addressOf("p2"), "10.244.1.3");
    await a.serve(p1, www);
    await b.serve(p3, www);
  });

  await t.step("pods see each other's own addresses, on one node and between nodes", async () => {
    assert.equal(await whoFrom(inPod(p2), "10.244.1.2"), "10.244.1.3");
    assert.equal(await whoFrom(inPod(p2), "10.244.2.2"), "10.244.1.3");
    assert.equal(await whoFrom(inPod(p3), "10.244.1.2"), "10.244.2.2");
    assert.equal(await whoFrom(inPod(p1), "10.244.1.2"), "10.244.1.2");
    assert.equal(await whoFrom(a.on([]), "10.244.1.2"), "10.244.1.1");
    assert.equal(await whoFrom(a.on([]), "10.244.2.2"), a.ip);
  });

  await t.step("what leaves the cluster has the node's address", async () => {
    const server = systemProcesses.spawn(client.on([findBusybox()!, "httpd", "-f", "-p", "80", "-h", www]));
    client.children.push(server);
    await sleep(systemClock, 200);
    assert.equal(await whoFrom(inPod(p2), client.ip), a.ip);
  });

  await t.step("host ports lead to the pod: from outside, from pods, from itself and from loopback", async () => {
    assert.equal(await whoFrom(client.on([]), `${a.ip}:8080`), client.ip);
    assert.equal(await whoFrom(client.on([]), `${a.ip}:8081`), client.ip);
    assert.equal(await whoFrom(inPod(p2), `${a.ip}:8080`), "10.244.1.3");
    assert.equal(await whoFrom(inPod(p3), `${a.ip}:8080`), "10.244.2.2");
    assert.equal(await whoFrom(inPod(p1), `${a.ip}:8080`), "10.244.1.1");
    assert.equal(await whoFrom(a.on([]), `${a.ip}:8080`), a.ip);
    assert.equal(await whoFrom(a.on([]), "127.0.0.1:8080"), "10.244.1.1");
    assert.match(await whoFrom(a.on([]), "127.0.0.1:8081"), /failed/);
  });

  await t.step("an address that no pod has is unreachable at once", async () => {
    assert.match(await whoFrom(inPod(p2), "10.244.1.99"), /No route to host|Host is unreachable/);
  });

  await t.step("engines' masquerade and a FORWARD chain that drops do not matter", async () => {
    await a.must("iptables", "-w", "-P", "FORWARD", "DROP");
    await a.must("iptables", "-w", "-t", "nat", "-A", "POSTROUTING", "-s", "10.244.0.0/16", "-j", "MASQUERADE");
    const report = await netA.reconcile([{ uid: "p1", pid: p1, hostPorts }, { uid: "p2", pid: p2 }]);
    assert.deepEqual([report.lost, report.removed, report.repaired.length], [[], [], 2]);
    assert.equal(await whoFrom(inPod(p2), "10.244.2.2"), "10.244.1.3");
    assert.equal(await whoFrom(inPod(p3), "10.244.1.2"), "10.244.2.2");
  });

  await t.step("reconcile() of a sound node changes nothing", async () => {
    const report = await netA.reconcile([{ uid: "p1", pid: p1, hostPorts }, { uid: "p2", pid: p2 }]);
    assert.deepEqual(report, { lost: [], removed: [], repaired: [] });
  });

  await t.step("reconcile() repairs what was flushed, names lost pods and removes leftovers", async () => {
    await a.must("nft", "flush", "ruleset");
    await a.must("ip", "route", "del", "10.244.2.0/24");
    await a.must("ip", "route", "del", "10.244.1.2/32");
    const report = await netA.reconcile([{ uid: "p1", pid: p1, hostPorts }]);
    assert.deepEqual([report.lost, report.removed], [["p1"], ["p2"]]);
    assert.ok(report.repaired.length >= 2, report.repaired.join());
    assert.deepEqual(await netA.attach({ uid: "p1", pid: p1, hostPorts }), { ip: "10.244.1.2" });
    assert.equal(await whoFrom(client.on([]), `${a.ip}:8080`), client.ip);
    assert.equal(await whoFrom(inPod(p3), "10.244.1.2"), "10.244.2.2");
    assert.equal(netA.addressOf("p2"), undefined);
  });

  await t.step("a restarted agent knows its pods from disk", async () => {
    const again = lab.network(a);
    await again.setup({ podCidr: "10.244.1.0/24" });
    await again.setPeers(peers);
    assert.equal(again.addressOf("p1"), "10.244.1.2");
    assert.equal(await whoFrom(client.on([]), `${a.ip}:8080`), client.ip);
    await assert.rejects(
      again.setup({ podCidr: "10.244.7.0/24" }),
      (e) => e instanceof NetworkError && e.code === "bad_config",
    );
  });

  await t.step(
    "attach() of a process that has ended, or of the host itself, is refused and leaves nothing",
    async () => {
      const gone = await ready(a.pod());
      a.children.at(-1)!.kill("SIGKILL");
      await a.children.at(-1)!.ended;
      await assert.rejects(
        netA.attach({ uid: "gone", pid: gone }),
        (e) => e instanceof NetworkError && e.code === "pod_gone",
      );
      const links = await a.must("ip", "-o", "link");
      // A process of the machine's: sleep is in the namespace that the commands run in.
      const child = systemProcesses.spawn(a.on(["sleep", "1000"]));
      a.children.push(child);
      await sleep(systemClock, 100);
      await assert.rejects(netA.attach({ uid: "host", pid: child.pid }), (e) => e instanceof NetworkError);
      assert.equal(await a.must("ip", "-o", "link"), links);
      for (const uid of ["gone", "host"]) await netA.detach(uid);
    },
  );

  await t.step("with mode `vxlan` the same traffic goes through VXLAN", async () => {
    const mode = "vxlan";
    const [vxA, vxB] = [lab.network(a, { mode }), lab.network(b, { mode })];
    await vxA.setup({ podCidr: "10.244.1.0/24" });
    await vxB.setup({ podCidr: "10.244.2.0/24" });
    for (const network of [vxA, vxB]) await network.setPeers(peers);
    assert.match(await a.must("ip", "route", "get", "10.244.2.2"), /dev sx-/);
    assert.equal(await whoFrom(inPod(p3), "10.244.1.2"), "10.244.2.2");
    assert.equal(await whoFrom(inPod(p1), "10.244.2.2"), "10.244.1.2");
    assert.equal(await whoFrom(a.on([]), "10.244.2.2"), "10.244.1.0");
    assert.deepEqual((await vxA.reconcile([{ uid: "p1", pid: p1, hostPorts }])).repaired, []);
    await vxA.setPeers([peers[0]!]);
    assert.doesNotMatch(await a.must("ip", "-o", "link"), /sx-/);
  });

  await t.step("what is left of pods is removed also where no agent runs", async () => {
    await netB.attach({ uid: "p4", pid: await ready(b.pod()) });
    const { removed, repaired } = await lab.network(b).reconcile([{ uid: "p3", pid: p3 }]);
    assert.deepEqual([removed, repaired], [["p4"], []]);
    assert.deepEqual((await lab.network(b).reconcile([])).removed, ["p3"]);
    assert.doesNotMatch(await b.must("ip", "-o", "link"), /: sp/);
    assert.deepEqual((await lab.network(lab.client).reconcile([])).removed, []);
  });

  await t.step("detach() and teardown() leave the host as it was", async () => {
    await netA.detach("p1");
    await netA.detach("p1");
    assert.match(await whoFrom(client.on([]), `${a.ip}:8080`), /failed/);
    await netA.teardown();
    await netB.teardown();
    for (const machine of [a, b]) {
      assert.doesNotMatch(await machine.must("ip", "-o", "link"), /: (sp|sx-)/);
      assert.doesNotMatch(await machine.must("nft", "list", "ruleset"), /sauropod/);
      assert.equal(await machine.must("ip", "route", "show", "proto", "83"), "");
    }
    await netA.teardown();
  });
}
