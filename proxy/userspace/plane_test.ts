import assert from "assert";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { type Child, systemProcesses } from "../../lib/seams/process.ts";
import { type Lab, openLab, whyNoLab } from "../testing/lab.ts";
import type { NodeOrder } from "../testing/userspace_node.ts";
import { cases, nodeIp, pods, services } from "../testing/world.ts";

const why = await whyNoLab();
const ignore = why !== undefined;
const title = (name: string) => `the userspace plane: ${name}${ignore ? ` (${why})` : ""}`;

/** Where a process can't do what the kernel's rules do. */
const differs: Record<string, string> = {
  // Where nobody listens the kernel refuses, and a process can't keep it from that.
  "internal policy Local drops without an endpoint here": "refuse",
  // It answers before anybody knows who asks.
  "policy Local drops a client where no endpoint is": "",
  "a client outside of the source ranges does not": "",
};

interface Node extends AsyncDisposable {
  tell(order: NodeOrder): Promise<string[]>;
  end(signal: Deno.Signal): Promise<number>;
}

async function startNode(lab: Lab, prefix: readonly string[] = []): Promise<Node> {
  const dir = await Deno.makeTempDir({ prefix: "proxy-userspace-" });
  const program = new URL("../testing/userspace_node.ts", import.meta.url).pathname;
  const command = [...lab.enter("node"), ...prefix, Deno.execPath(), "run", "-qA", program, `${dir}/socket`];
  const child: Child = systemProcesses.spawn(command);
  let conn: Deno.UnixConn | undefined;
  for (let tries = 0; conn === undefined; tries++) {
    conn = await Deno.connect({ transport: "unix", path: `${dir}/socket` }).catch(() => undefined);
    if (tries > 400) throw new Error("the node's program does not start");
    if (conn === undefined) await sleep(systemClock, 25);
  }
  const reader = conn.readable.pipeThrough(new TextDecoderStream()).getReader();
  return {
    async tell(order) {
      await conn.write(new TextEncoder().encode(JSON.stringify(order) + "\n"));
      let text = "";
      while (!text.endsWith("\n")) {
        const { value, done } = await reader.read();
        if (done) throw new Error("the node's program is gone");
        text += value;
      }
      return JSON.parse(text);
    },
    async end(signal) {
      child.kill(signal);
      return await child.ended;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.ended;
      await reader.cancel().catch(() => {});
      await Deno.remove(dir, { recursive: true });
    },
  };
}

const tally = (answers: readonly string[]) =>
  Object.fromEntries([...Map.groupBy(answers, (answer) => answer.split(" ")[0]!)].map(([k, v]) => [k, v.length]));
const owned = (lab: Lab) => lab.run("node", "ip -4 route show table local proto 84");

Deno.test({
  name: title("every case of the kernel's, but for what a process can't do"),
  ignore,
  async fn(t) {
    await using lab = await openLab();
    await using node = await startNode(lab);
    assert.deepEqual(await node.tell({ load: true }), []);
    assert.deepEqual(await node.tell({ check: true }), []);
    for (const one of cases) {
      await t.step(one.name, async () => {
        const count = one.sticks ?? Object.values(one.answers ?? { a: 1 }).reduce((sum, n) => sum + n, 0);
        const answers = await lab.ask(one.by === "loopback" ? "node" : one.by, {
          ...one,
          count,
          timeoutMs: one.fails === undefined ? 2_000 : 300,
        });
        if (one.fails !== undefined) return assert.deepEqual(answers, [differs[one.name] ?? one.fails]);
        if (one.sticks !== undefined) return assert.deepEqual(Object.values(tally(answers)), [one.sticks]);
        assert.deepEqual(tally(answers), one.answers);
        // Endpoints see this host and nobody else.
        for (const answer of answers) assert.doesNotMatch(answer, new RegExp(`(${Object.values(pods).join("|")})$`));
      });
    }
    assert.deepEqual(Object.keys(differs).filter((name) => !cases.some((one) => one.name === name)), []);
  },
});

Deno.test({
  name: title("changes: endpoints go and come, and an open connection lives through all of it"),
  ignore,
  async fn() {
    await using lab = await openLab();
    await using node = await startNode(lab);
    await node.tell({ load: true });
    const ask = async (count: number) =>
      tally(await lab.ask("b", { to: "10.96.1.1", port: 80, count, timeoutMs: 300 }));
    const ways = [
      ...await lab.ask("node", { to: "10.96.1.1", port: 80, count: 100 }),
      ...await lab.ask("b", { to: "10.96.1.1", port: 80, count: 100 }),
      ...await lab.ask("client", { to: nodeIp, port: 30080, count: 100 }),
    ];
    assert.deepEqual(tally(ways), { a: 100, b: 100, c: 100 }, "one turn for all ways in");
    const held = await lab.hold("client", { to: nodeIp, port: 30080 });
    const first = await held.next();
    await node.tell({ change: { "default/web": [pods.a, pods.c] } });
    assert.deepEqual(await ask(4), { a: 2, c: 2 });
    await node.tell({ change: { "default/web": [] } });
    assert.deepEqual(await ask(1), { refuse: 1 });
    await node.tell({ change: { "default/web": null } });
    assert.doesNotMatch(await owned(lab), /10\.96\.1\.1 /);
    assert.equal(await held.next(), first, "a Service that is gone takes no connection with it");
    await node.tell({ change: { "default/web": Object.values(pods) } });
    assert.deepEqual(await ask(3), { a: 1, b: 1, c: 1 });
    const flow = async () =>
      (await lab.ask("b", { protocol: "udp", to: "10.96.1.8", port: 80, oneSocket: true, timeoutMs: 300 }))[0]!;
    const one = await flow();
    assert.equal(await flow(), one, "one flow, one endpoint");
    const rest = Object.entries(pods).filter(([name]) => name !== one[0]).map(([, ip]) => ip);
    await node.tell({ change: { "default/names": rest } });
    const other = await flow();
    assert.ok(other !== "drop" && other[0] !== one[0], other);
  },
});

Deno.test({
  name: title("addresses that others removed come back, a successor takes them over, and nothing is left at the end"),
  ignore,
  async fn() {
    await using lab = await openLab({ peers: ["a", "b", "c", "client"] });
    const before = await lab.run("node", "ip -4 route show table all; ip -4 addr; nft list ruleset");
    await using first = await startNode(lab);
    await first.tell({ load: true });
    const all = await owned(lab);
    assert.equal(all.trim().split("\n").length, new Set(services().map(({ key }) => key)).size + 3);
    await lab.run("node", "ip -4 route flush table local proto 84");
    assert.match((await first.tell({ check: true }))[0]!, /addresses of Services are gone, such as /);
    await first.tell({ load: true });
    assert.equal(await owned(lab), all);
    assert.deepEqual(await first.tell({ check: true }), []);
    await lab.run("node", "ip addr add 192.0.2.2/24 dev to-client");
    assert.deepEqual(await first.tell({ check: true }), ["this host's addresses are others"]);
    await first.tell({ load: true });
    assert.match((await lab.ask("client", { to: "192.0.2.2", port: 30080 }))[0]!, /^[abc] /);
    await lab.run("node", "ip addr del 192.0.2.2/24 dev to-client");
    assert.equal(await first.end("SIGKILL"), 137);
    assert.equal(await owned(lab), all, "refused at once until a successor is there");
    assert.deepEqual(await lab.ask("b", { to: "10.96.1.1", port: 80 }), ["refuse"]);
    await using second = await startNode(lab);
    await second.tell({ load: true });
    assert.match((await lab.ask("b", { to: "10.96.1.1", port: 80 }))[0]!, /^[abc] /);
    await second.tell({ close: true });
    assert.equal(await lab.run("node", "ip -4 route show table all; ip -4 addr; nft list ruleset"), before);
  },
});

Deno.test({
  name: title("without the right to take addresses it has node ports"),
  ignore,
  async fn() {
    await using lab = await openLab({ peers: ["a", "b", "c", "client"] });
    await using node = await startNode(lab, ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]);
    assert.deepEqual(await node.tell({ load: true }), []);
    assert.equal((await owned(lab)).trim(), "");
    assert.deepEqual(tally(await lab.ask("client", { to: nodeIp, port: 30080, count: 3 })), { a: 1, b: 1, c: 1 });
    assert.deepEqual(await node.tell({ check: true }), []);
    await node.tell({ close: true });
    assert.deepEqual(await lab.ask("client", { to: nodeIp, port: 30080 }), ["refuse"]);
  },
});
