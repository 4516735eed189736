/** How hosts come and go: who is let in, who is not, and what finds its way back. */
import assert from "assert";
import { sleep, systemClock } from "../../../lib/seams/clock.ts";
import { Cluster } from "../../harness/cluster.ts";
import type { Host } from "../../harness/lab/host.ts";
import type { ManyScene } from "../many_scenario.ts";
import { asker, eventually } from "./objects.ts";
import { askAll, outside, podsOf } from "./ways.ts";

/** Started on a host that has a node already, with a data directory of its own: it must not get as far as to start anything. */
async function refused({ many }: ManyScene, host: Host, join: string, flags: readonly string[] = []): Promise<string> {
  const dir = "/var/lib/sauropod/refused";
  const { code, stdout, stderr } = await many.task(many.of(host), [
    ...["start", "--join", join, "--data-dir", dir, "--engine", host.engineSocket, "--node-ip", host.ip],
    ...flags,
  ]);
  await host.exec(["rm", "-rf", dir]);
  assert.notEqual(code, 0, `it was let in:\n${stdout}`);
  return stderr;
}

async function refusals(scene: ManyScene): Promise<void> {
  const { step, many, hosts } = scene;
  const [, middle, last] = hosts as readonly [Host, Host, Host];
  const stranger = ["--node-name", "stranger"];
  await step("a server with another authority than the join string's is not trusted", async () => {
    const join = (await many.joinString()).replace(/[0-9a-f]{64}$/, "0".repeat(64));
    assert.match(await refused(scene, last, join, stranger), /not the one that made the join string/);
  });
  await step("a revoked token lets nobody in", async () => {
    const join = await many.joinString();
    const id = /\/\/(\w{6})\./.exec(join)![1]!;
    const revoked = await many.task(many.first, ["token", "revoke", id]);
    assert.equal(revoked.code, 0, revoked.stderr);
    assert.match(await refused(scene, last, join, stranger), new RegExp(`token ${id}.*revoked`));
  });
  await step("an expired token lets nobody in", async () => {
    const join = await many.joinString(["--ttl", "1s"]);
    await sleep(systemClock, 1_100);
    assert.match(await refused(scene, last, join, stranger), /expired/);
  });
  await step("a name that another machine has is not given away; the refusal names the other", async () => {
    const message = await refused(scene, last, await many.joinString(), ["--node-name", middle.name]);
    assert.match(message, new RegExp(`node ${middle.name} is another machine \\(${middle.ip}\\)`));
  });
  await step("nobody was made a node by what was refused", async () => {
    const names = (await many.first.ask("get nodes -o name")).trim().split("\n").sort();
    assert.deepEqual(names, hosts.map(({ name }) => `node/${name}`));
  });
}

/** Every pod of the Deployment is Ready, and all answer from outside at each node's port. */
async function serves(scene: ManyScene, addresses: readonly string[]): Promise<void> {
  const { cluster } = scene;
  await cluster.ask("rollout status deployment web --timeout=90s");
  const { spec } = await cluster.json("get service web");
  const from = outside(scene);
  for (const ip of addresses) {
    await eventually(`all pods answer at ${ip}`, async () => {
      const wanted = (await podsOf(scene, "web")).map(({ name }) => name).sort().join();
      const [answers] = await askAll(from, [`http://${ip}:${spec.ports[0].nodePort}/`]);
      return [...new Set(answers!.map(({ pod }) => pod))].sort().join() === wanted;
    });
  }
}

async function leave(scene: ManyScene): Promise<void> {
  const { step, many, hosts, cluster } = scene;
  const [, , last] = hosts as readonly [Host, Host, Host];
  const member = many.of(last);
  const addresses = hosts.map(({ ip }) => ip);
  await step("a drained and deleted node comes back when it is started again", async () => {
    await cluster.ask(`drain ${last.name} --ignore-daemonsets --force --delete-emptydir-data --timeout=60s`);
    assert.equal((await podsOf(scene, "web")).filter(({ node }) => node === last.name).length, 0);
    await cluster.ask(`delete node ${last.name}`);
    await member.stop();
    await member.start();
    await many.nodeIs(last, "True");
    assert.doesNotMatch(await cluster.ask(`get node ${last.name}`), /SchedulingDisabled/);
    await cluster.ask("rollout restart deployment web");
    await serves(scene, addresses);
  });
  await step("a host that was reset joins again under its name", async () => {
    await member.stop();
    const reset = await many.task(member, ["reset", "--engine", last.engineSocket, "--node-ip", last.ip]);
    assert.equal(reset.code, 0, reset.stderr);
    // The directory itself is where the lab's disk is mounted.
    const left = await last.exec(["sh", "-c", `ls -A ${member.dataDir} 2>/dev/null`]);
    assert.equal(left.stdout, "", "something is left of its data");
    await many.join(member, await many.joinString());
    await many.nodeIs(last, "True");
    await serves(scene, addresses);
  });
}

async function move(scene: ManyScene): Promise<void> {
  const { step, many, lab, hosts, cluster } = scene;
  const [first, middle, last] = hosts as readonly [Host, Host, Host];
  await step("a host that has another address is reached there, and its pods stay", async () => {
    const ip = `${lab.lan.prefix}.77`;
    await cluster.ask("apply -f -", { stdin: asker(last) });
    await cluster.ask(`wait --for=condition=Ready pod/ask-${last.name} --timeout=30s`);
    const before = (await podsOf(scene, "web")).map(({ name }) => name).sort();
    await many.of(last).stop();
    for (const words of [`del ${last.ip}/24 dev lan0`, `add ${ip}/24 dev lan0`]) {
      assert.equal((await last.exec(["ip", "addr", ...words.split(" ")])).code, 0, words);
    }
    await last.exec(["ip", "route", "replace", "default", "via", `${lab.lan.prefix}.1`]);
    const moved = new Cluster(last, { flags: ["--node-ip", ip], readyLine: "is Ready (" });
    await moved.start();
    try {
      await cluster.eventually(
        `get node ${last.name} -o jsonpath={.status.addresses[?(@.type=="InternalIP")].address}`,
        (text) => text === ip,
      );
      await serves(scene, [first.ip, middle.ip, ip]);
      assert.deepEqual((await podsOf(scene, "web")).map(({ name }) => name).sort(), before);
      assert.equal((await cluster.ask(["exec", `ask-${last.name}`, "--", "echo", "hello"])).trim(), "hello");
    } finally {
      await moved.stop();
    }
  });
}

export async function joins(scene: ManyScene): Promise<void> {
  await refusals(scene);
  await leave(scene);
  await move(scene);
}
