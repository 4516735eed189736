import assert from "assert";
import { cases, clientIp, net, node, nodeIp, pods, services } from "../testing/world.ts";
import { Ruleset } from "./ruleset.ts";
import { Tracer } from "./trace.ts";

const sources = { client: clientIp, node: nodeIp, loopback: "127.0.0.1", ...pods };
const podOf = new Map(Object.entries({ ...pods, node: nodeIp }).map(([name, ip]) => [ip as string, name]));

function tracer(): Tracer {
  const ruleset = new Ruleset(net, node.addresses);
  ruleset.apply(services().map((entry) => [entry.key, entry]));
  return new Tracer(ruleset.table(), [nodeIp, net.dnsAddress!]);
}

for (const one of cases) {
  Deno.test(`the rules: ${one.name}`, () => {
    const walk = tracer();
    const wanted = one.fails === undefined
      ? one.sticks ?? Object.values(one.answers!).reduce((sum, n) => sum + n, 0)
      : 1;
    const answers: Record<string, number> = {};
    const masked = new Set<string>();
    for (let i = 0; i < wanted; i++) {
      const outcome = walk.trace({
        from: sources[one.by],
        to: one.to,
        port: one.port,
        protocol: one.protocol,
        ...(one.by === "node" || one.by === "loopback" ? { local: true as const } : {}),
      });
      assert.equal(outcome.verdict, one.fails ?? "accept", outcome.path.join(" > "));
      if (one.fails !== undefined) return;
      // What stays on this host takes its mark nowhere.
      if (outcome.to !== nodeIp) assert.equal(outcome.marked, false, "the mark must not leave with the packet");
      assert.equal(outcome.port, 8080);
      const pod = podOf.get(outcome.to)!;
      answers[pod] = (answers[pod] ?? 0) + 1;
      if (outcome.masqueraded) masked.add(pod);
    }
    if (one.sticks === undefined) assert.deepEqual(answers, one.answers);
    else assert.deepEqual(Object.values(answers), [one.sticks]);
    // The node's own connections have its address either way.
    if (one.sticks === undefined && one.by !== "node" && one.answers?.node === undefined) {
      assert.equal([...masked].sort().join(""), one.masked ?? "");
    }
  });
}

Deno.test("the rules: DNS to this node's server takes no connection tracking", () => {
  const outcome = tracer().trace({ from: pods.a, to: "10.96.0.10", port: 53, protocol: "udp" });
  assert.deepEqual({ verdict: outcome.verdict, to: outcome.to, tracked: outcome.tracked }, {
    verdict: "accept",
    to: "10.96.0.10",
    tracked: false,
  });
});

Deno.test("the rules: all ways into a Service port share one turn", () => {
  const walk = tracer();
  const ways = [
    { from: pods.b, to: "10.96.1.1", port: 80 },
    { from: clientIp, to: nodeIp, port: 30080 },
    { from: clientIp, to: "203.0.113.5", port: 80 },
    { from: nodeIp, to: "10.96.1.1", port: 80, local: true as const },
  ];
  const counts = new Map<string, number>();
  for (let i = 0; i < 300; i++) {
    const { to } = walk.trace(ways[i % ways.length]!);
    counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  assert.deepEqual([...counts.values()], [100, 100, 100]);
});

Deno.test("the rules: a client of an endpoint that is gone gets another one", () => {
  const ruleset = new Ruleset(net, node.addresses);
  const sticky = services().find((entry) => entry.key === "default/sticky")!;
  ruleset.apply([[sticky.key, sticky]]);
  const walk = new Tracer(ruleset.table(), [nodeIp]);
  const ask = () => walk.trace({ from: pods.b, to: "10.96.1.6", port: 80 }).to;
  const first = ask();
  assert.equal(ask(), first);
  const without = sticky.ports.map((port) => ({ ...port, cluster: port.cluster.filter((b) => b.ip !== first) }));
  ruleset.apply([[sticky.key, { ...sticky, ports: without }]]);
  walk.reload(ruleset.table());
  const second = ask();
  assert.notEqual(second, first);
  assert.deepEqual([ask(), ask()], [second, second]);
});
