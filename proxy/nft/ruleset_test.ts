import assert from "assert";
import fc from "fast-check";
import type { ServiceEntry } from "../model.ts";
import { net, node, only, pods, services } from "../testing/world.ts";
import { isEmpty } from "./diff.ts";
import { assignSlots } from "./pool.ts";
import { Ruleset, type Table } from "./ruleset.ts";
import { changeText, loadText } from "./text.ts";

/** Compares with a file beside the tests; UPDATE=1 rewrites it. */
function golden(name: string, text: string): void {
  const path = new URL(`./golden/${name}.nft`, import.meta.url);
  if (Deno.env.get("UPDATE") === "1") return Deno.writeTextFileSync(path, text);
  assert.equal(text, Deno.readTextFileSync(path));
}

const byKey = new Map(services().map((entry) => [entry.key, entry]));
const one = (key: string) => byKey.get(key)!;

Deno.test("loadText() of the whole world", () => {
  const ruleset = new Ruleset(net, node.addresses);
  ruleset.apply(byKey);
  golden("world", loadText(ruleset.table()));
});

Deno.test("loadText() of no Services, no DNS and no node ports on loopback", () => {
  golden("empty", loadText(new Ruleset({ ...net, dnsAddress: undefined, loopbackNodePorts: false }).table()));
});

Deno.test("changeText() of changes, one after the other", () => {
  const ruleset = new Ruleset(net, node.addresses);
  ruleset.apply(byKey);
  const steps: [string, [string, ServiceEntry | undefined][]][] = [
    ["an endpoint goes", [["default/web", only(one("default/web"), pods.a, pods.c)]]],
    ["it comes back", [["default/web", one("default/web")]]],
    ["all endpoints go", [["default/web", only(one("default/web"))]]],
    ["they come back", [["default/web", one("default/web")]]],
    ["an endpoint with clients goes", [["default/sticky", only(one("default/sticky"), pods.a, pods.b)]]],
    ["a Service ends", [["default/here", undefined]]],
    ["nothing changes", [["default/web", one("default/web")]]],
  ];
  golden(
    "changes",
    steps.map(([name, changes]) => `# ${name}\n${changeText(net.table, ruleset.apply(changes))}\n`).join(""),
  );
});

/** What a table does, apart from which numbers stand for endpoints. */
function meaning(table: Table): unknown {
  const numbers = new Map<string, string>();
  for (const set of ["endpoints", "sticky"]) {
    for (const [key, value] of table.elements.get(set)!) numbers.set(key, value);
  }
  const classId = (n: number) => `${Math.floor(n / 65536).toString(16)}:${(n % 65536).toString(16)}`;
  const chains = [...table.chains].map(([name, chain]) => [
    name,
    chain.rules.map((rule) => ({
      ...rule,
      then: rule.then.map((statement) =>
        statement.do === "turn"
          ? Array.from({ length: statement.modulus }, (_, i) => numbers.get(classId(statement.offset + i))).sort()
          : statement
      ),
      // Which client is looked for first does not matter.
    })).map((rule) => JSON.stringify(rule)).sort(),
  ]);
  const elements = [...table.elements].map(([set, values]) => [
    set,
    set === "endpoints" || set === "sticky" ? [...values.values()].sort() : [...values].sort(),
  ]);
  return { chains: chains.sort(), elements, memory: [...table.memory.keys()].sort() };
}

Deno.test("Ruleset: any history leads to what a load from nothing has", () => {
  const all = [...byKey.values()];
  const change = fc.tuple(fc.nat(all.length - 1), fc.subarray(Object.values(pods)), fc.boolean());
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), (history) => {
      const ruleset = new Ruleset(net, node.addresses);
      const now = new Map<string, ServiceEntry>();
      for (const step of history) {
        const changes = new Map<string, ServiceEntry | undefined>();
        for (const [i, ips, there] of step) changes.set(all[i]!.key, there ? only(all[i]!, ...ips) : undefined);
        for (const [key, entry] of changes) entry === undefined ? now.delete(key) : now.set(key, entry);
        ruleset.apply(changes);
        assert.ok(isEmpty(ruleset.apply(changes)), "the same again is no change");
      }
      const fresh = new Ruleset(net, node.addresses);
      fresh.fill(now.values());
      assert.deepEqual(meaning(ruleset.table()), meaning(fresh.table()));
    }),
    { numRuns: 60 },
  );
});

Deno.test("Ruleset: an address that two Services claim belongs to the first by name, then to the next", () => {
  const ruleset = new Ruleset(net, node.addresses);
  const rival: ServiceEntry = {
    ...one("default/web"),
    key: "a/rival",
    ports: one("default/web").ports.map((port) => ({
      ...port,
      id: "a/rival/tcp/80",
      clusterIps: ["10.96.9.9"],
      nodePort: undefined,
    })),
  };
  const owner = () => ruleset.table().elements.get("vips")!.get("203.0.113.5 . tcp . 80");
  ruleset.apply([["default/web", one("default/web")]]);
  assert.equal(owner(), "goto ext/default/web/tcp/80");
  ruleset.apply([[rival.key, rival]]);
  assert.equal(owner(), "goto ext/a/rival/tcp/80");
  ruleset.apply([[rival.key, undefined]]);
  assert.equal(owner(), "goto ext/default/web/tcp/80");
});

Deno.test("assignSlots() moves as few as possible", () => {
  const backends = (text: string) => [...text].map((name) => ({ ip: name, port: 1, local: false }));
  const cases: [before: string, now: string, slots: string][] = [
    ["", "abc", "abc"],
    ["abc", "ac", "ac"],
    ["abcd", "bcd", "dbc"],
    ["abc", "xabc", "abcx"],
    ["abc", "ayc", "ayc"],
    ["abc", "", ""],
  ];
  for (const [before, now, slots] of cases) {
    assert.equal(assignSlots(backends(before), backends(now)).map((b) => b.ip).join(""), slots, `${before} → ${now}`);
  }
});
