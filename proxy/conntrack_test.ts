import assert from "assert";
import { parseFlows, planFlows } from "./conntrack.ts";
import { node, nodeIp, services } from "./testing/world.ts";

const line = (to: string, port: number, by: string, from: number) =>
  `udp      17 27 src=10.244.1.3 dst=${to} sport=40000 dport=${port} [UNREPLIED] src=${by} dst=10.244.1.3 sport=${from} dport=40000 mark=0 use=1`;

Deno.test("parseFlows() reads what conntrack lists", () => {
  assert.deepEqual(parseFlows([line("10.96.1.8", 80, "10.244.1.2", 8080), "", "garbage"].join("\n")), [
    { to: "10.96.1.8", port: 80, answeredBy: "10.244.1.2", answeredFrom: 8080 },
  ]);
});

Deno.test("planFlows() finds flows of Services that no endpoint answers, and leaves others", () => {
  const cases: [flow: string, stale: boolean][] = [
    [line("10.96.1.8", 80, "10.244.1.2", 8080), false],
    [line("10.96.1.8", 80, "10.244.7.7", 8080), true],
    [line("10.96.1.8", 80, "10.244.1.2", 9090), true],
    // Nobody rewrote it: the Service had no endpoint then.
    [line("10.96.1.8", 80, "10.96.1.8", 80), true],
    [line("10.96.1.12", 80, "10.244.1.2", 8080), true],
    [line(nodeIp, 30053, "10.244.7.7", 8080), true],
    [line(nodeIp, 30053, "10.244.2.2", 8080), false],
    // Another node's port of the same number.
    [line("192.0.2.2", 30053, "192.0.2.2", 30053), false],
    [line("8.8.8.8", 53, "8.8.8.8", 53), false],
    // A TCP Service of the same address and port is not meant.
    [line("10.96.1.1", 80, "10.244.7.7", 8080), false],
  ];
  for (const [text, stale] of cases) {
    const plan = planFlows(parseFlows(text), services(), new Set(node.addresses));
    assert.equal(plan.length, stale ? 1 : 0, text);
  }
  const twice = `${cases[1]![0]}\n${cases[1]![0]}`;
  assert.equal(planFlows(parseFlows(twice), services(), new Set()).length, 1);
});
