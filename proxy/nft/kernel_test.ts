import assert from "assert";
import { systemClock } from "../../lib/seams/clock.ts";
import { addDnsAddress, addServiceRoute, hostAddresses, setKernel, settingsToChange } from "../host.ts";
import { removeMade } from "../made.ts";
import { NftPlane } from "./plane.ts";
import { output } from "../../lib/seams/process.ts";
import type { ServiceEntry } from "../model.ts";
import { cases, clientIp, net, node, nodeIp, only, pods, services } from "../testing/world.ts";
import { type Lab, openLab, whyNoLab } from "../testing/lab.ts";
import { Ruleset } from "./ruleset.ts";
import { parseListing } from "./listing.ts";
import { compare } from "./verify.ts";
import { changeText, loadText } from "./text.ts";

const why = await whyNoLab();
const ignore = why !== undefined;
const title = (name: string) => `the kernel: ${name}${ignore ? ` (${why})` : ""}`;

const addresses = { client: clientIp, node: nodeIp, loopback: "127.0.0.1", ...pods };

const nft = (lab: Lab, stdin: string) => output(lab.processes, ["nft", "-f", "-"], { stdin });

function worldRules(): Ruleset {
  const ruleset = new Ruleset(net, node.addresses);
  ruleset.apply(services().map((entry) => [entry.key, entry]));
  return ruleset;
}

const tally = (answers: readonly string[]) =>
  Object.fromEntries([...Map.groupBy(answers, (answer) => answer.split(" ")[0]!)].map(([k, v]) => [k, v.length]));

Deno.test({
  name: title("every case of the world"),
  ignore,
  async fn(t) {
    await using lab = await openLab();
    for (const one of cases) {
      await t.step(one.name, async () => {
        // A fresh load starts every turn at the first endpoint, and forgets clients.
        await nft(lab, loadText(worldRules().table()));
        const count = one.sticks ?? Object.values(one.answers ?? { a: 1 }).reduce((sum, n) => sum + n, 0);
        const answers = await lab.ask(one.by === "loopback" ? "node" : one.by, {
          ...one,
          count,
          timeoutMs: one.fails === undefined ? 2_000 : 300,
        });
        if (one.fails !== undefined) return assert.deepEqual(answers, [one.fails]);
        if (one.sticks === undefined) assert.deepEqual(tally(answers), one.answers);
        else assert.deepEqual(Object.values(tally(answers)), [one.sticks]);
        if (one.by === "node" || one.sticks !== undefined || one.answers?.node !== undefined) return;
        const masked = answers.filter((a) => a.split(" ")[1] !== addresses[one.by]).map((a) => a[0]);
        assert.equal([...new Set(masked)].sort().join(""), one.masked ?? "");
      });
    }
  },
});

Deno.test({
  name: title("one turn for all ways in, exact over 300 connections"),
  ignore,
  async fn() {
    await using lab = await openLab({ peers: ["node", "a", "b", "c", "client"] });
    await nft(lab, loadText(worldRules().table()));
    const answers = [
      ...await lab.ask("node", { to: "10.96.1.1", port: 80, count: 100 }),
      ...await lab.ask("b", { to: "10.96.1.1", port: 80, count: 100 }),
      ...await lab.ask("client", { to: nodeIp, port: 30080, count: 100 }),
    ];
    assert.deepEqual(tally(answers), { a: 100, b: 100, c: 100 });
  },
});

Deno.test({
  name: title("changes: endpoints go and come, Services end, and an open connection lives through all of it"),
  ignore,
  async fn() {
    await using lab = await openLab();
    const ruleset = worldRules();
    await nft(lab, loadText(ruleset.table()));
    const byKey = new Map(services().map((entry) => [entry.key, entry]));
    const web = byKey.get("default/web")!;
    const change = async (...changes: [string, ServiceEntry | undefined][]) => {
      await nft(lab, changeText(net.table, ruleset.apply(changes)));
    };
    const ask = async (count: number, port = 80, to = "10.96.1.1") =>
      tally(await lab.ask("b", { to, port, count, timeoutMs: 300 }));

    const held = await lab.hold("client", { to: nodeIp, port: 30080 });
    const first = await held.next();
    await change([web.key, only(web, pods.a, pods.c)]);
    assert.deepEqual(await ask(4), { a: 2, c: 2 });
    await change([web.key, only(web)]);
    assert.deepEqual(await ask(1), { refuse: 1 });
    await change([web.key, web]);
    assert.deepEqual(await ask(6), { a: 2, b: 2, c: 2 });
    const sticky = byKey.get("default/sticky")!;
    const [stuck] = Object.keys(await ask(3, 80, "10.96.1.6"));
    await change([sticky.key, only(sticky, ...Object.values(pods).filter((ip) => ip !== pods[stuck as "a"]))]);
    const [next, ...more] = Object.keys(await ask(4, 80, "10.96.1.6"));
    assert.equal(more.length, 0);
    assert.notEqual(next, stuck);
    await change(...services().map((entry): [string, undefined] => [entry.key, undefined]));
    assert.deepEqual(await ask(1), { drop: 1 });
    assert.equal(await held.next(), first);
    // A restarted proxy replaces the whole table.
    await nft(lab, loadText(worldRules().table()));
    assert.equal(await held.next(), first);
    assert.deepEqual(await ask(3), { a: 1, b: 1, c: 1 });
    const listed = await lab.run("node", `nft list table ip ${net.table}`);
    assert.ok(listed.includes("chain svc/default/web/tcp/80"));
  },
});

Deno.test({
  name: title("changes lead to the same table as a load from nothing"),
  ignore,
  async fn() {
    await using lab = await openLab({ peers: [] });
    const ruleset = new Ruleset(net, node.addresses);
    await nft(lab, loadText(ruleset.table()));
    const all = services();
    const step = async (changes: [string, ServiceEntry | undefined][]) => {
      await nft(lab, changeText(net.table, ruleset.apply(changes)));
      const found = compare(ruleset.table(), parseListing(await lab.run("node", `nft list table ip ${net.table}`)));
      assert.deepEqual(found, []);
    };
    await step(all.map((entry) => [entry.key, entry]));
    await step(all.map((entry) => [entry.key, only(entry, pods.a)]));
    await step(all.filter((_, i) => i % 2 === 0).map((entry) => [entry.key, undefined]));
    await step(all.map((entry) => [entry.key, only(entry, pods.b, pods.c)]));
    await step(all.map((entry) => [entry.key, entry]));
    await step(all.map((entry) => [entry.key, undefined]));
  },
});

function plane(lab: Lab): NftPlane {
  return new NftPlane({ net, processes: lab.processes, clock: systemClock, nodeAddresses: () => node.addresses });
}

const worldMap = (): Map<string, ServiceEntry> => new Map(services().map((entry) => [entry.key, entry]));

Deno.test({
  name: title("UDP flows leave an endpoint that goes, and find one where there was none"),
  ignore,
  async fn() {
    await using lab = await openLab({ peers: ["a", "b", "c"] });
    const nft = plane(lab);
    const all = worldMap();
    const names = all.get("default/names")!;
    await nft.load(all);
    const flow = async () =>
      (await lab.ask("b", { protocol: "udp", to: "10.96.1.8", port: 80, oneSocket: true, timeoutMs: 300 }))[0]!;
    const first = await flow();
    assert.equal(await flow(), first, "one flow, one endpoint");
    const rest = Object.entries(pods).filter(([name]) => name !== first[0]).map(([, ip]) => ip);
    await nft.change(new Map([[names.key, only(names, ...rest)]]));
    const second = await flow();
    assert.ok(second !== "drop" && second[0] !== first[0], second);
    await nft.change(new Map([[names.key, only(names)]]));
    assert.match(await flow(), /refuse|drop/);
    await nft.change(new Map([[names.key, only(names, pods.c)]]));
    assert.equal((await flow())[0], "c");
  },
});

Deno.test({
  name: title("a restart keeps clients at their endpoints, and a check finds what others did"),
  ignore,
  async fn() {
    await using lab = await openLab({ peers: ["a", "b", "c", "client"] });
    const nft = plane(lab);
    await nft.load(worldMap());
    assert.deepEqual(await nft.check(), []);
    const ask = async () => (await lab.ask("client", { to: nodeIp, port: 30086 }))[0]![0];
    const first = await ask();
    const restarted = plane(lab);
    await restarted.load(worldMap());
    assert.deepEqual(await restarted.check(), []);
    for (let i = 0; i < 4; i++) assert.equal(await ask(), first);
    const table = net.table;
    const damages = [
      `nft delete element ip ${table} endpoints '{ 0:4000 }'`,
      `nft add element ip ${table} vips '{ 10.96.5.5 . tcp . 1 : drop }'`,
      `nft flush chain ip ${table} post`,
      `nft add chain ip ${table} foreign`,
      `nft add rule ip ${table} pick drop`,
      `nft flush ruleset`,
    ];
    for (const damage of damages) {
      await lab.run("node", damage);
      assert.notEqual((await restarted.check())!.length, 0, damage);
      assert.equal(await restarted.isThere(), damage !== "nft flush ruleset", damage);
      await restarted.load(worldMap());
      assert.deepEqual(await restarted.check(), [], damage);
    }
  },
});

Deno.test({
  name: title("what is made on the host makes Services reachable without a default route, and is removed again"),
  ignore,
  async fn() {
    await using lab = await openLab({ peers: ["node", "a", "b", "c"] });
    const host = { ...net, dnsInterface: "lo" };
    await lab.run(
      "node",
      "ip route del default",
      "sysctl -qw net.ipv4.conf.all.route_localnet=0 net.ipv4.ip_forward=0",
    );
    const state = () =>
      lab.run(
        "node",
        "ip -4 addr show lo; ip -4 route; nft list tables; sysctl net.ipv4.ip_forward net.ipv4.conf.all.route_localnet",
      );
    const before = await state();
    const settings = await settingsToChange(lab.processes, host);
    for (let i = 0; i < 2; i++) {
      await setKernel(lab.processes, settings);
      await addDnsAddress(lab.processes, host);
      await addServiceRoute(lab.processes, host, nodeIp);
    }
    const nft = plane(lab);
    await nft.load(worldMap());
    const ask = (order: { to: string; port: number }) => lab.ask("node", { ...order, count: 3 });
    assert.deepEqual(tally(await ask({ to: "10.96.1.1", port: 80 })), { a: 1, b: 1, c: 1 });
    assert.deepEqual(tally(await ask({ to: "10.96.1.14", port: 443 })), { node: 3 });
    assert.deepEqual(tally(await ask({ to: "127.0.0.1", port: 30080 })), { a: 1, b: 1, c: 1 });
    assert.deepEqual(tally(await lab.ask("b", { to: "10.96.1.1", port: 80, count: 3 })), { a: 1, b: 1, c: 1 });
    assert.ok((await hostAddresses(lab.processes)).has(net.dnsAddress!));
    for (let i = 0; i < 2; i++) await removeMade({ table: net.table, host, settings }, lab.processes, systemClock);
    assert.equal(await state(), before);
  },
});
