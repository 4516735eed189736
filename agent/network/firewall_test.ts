import assert from "assert";
import { type FirewallView, planFirewall, planFirewallRemoval } from "./firewall.ts";
import { noChanges, planSettings } from "./host_changes.ts";

const nodes = { all: ["192.168.0.2", "172.16.0.3"], tunnelled: ["172.16.0.3"] };
const wish = { clusterCidr: "10.244.0.0/16", comment: "sauropod-1", tunnelPort: 4789, nodes };
const accept = "-m comment --comment sauropod-1 -j ACCEPT";
const forward = (chain: string) => [`${chain} -s 10.244.0.0/16 ${accept}`, `${chain} -d 10.244.0.0/16 ${accept}`];
const input = [
  `INPUT -s 10.244.0.0/16 ${accept}`,
  `INPUT -s 172.16.0.3/32 -p udp -m udp --dport 4789 ${accept}`,
];
const view = (...rules: string[]): FirewallView => ({
  iptables: [{ program: "iptables-nft", rules: rules.join("\n") }],
  tables: [],
});
const shown = (rules: readonly string[]) => rules.map((rule) => `-A ${rule}`);
const done = (verb: "-I" | "-D", rules: readonly string[]) => rules.map((rule) => `iptables-nft -w ${verb} ${rule}`);
const docker = ["-N DOCKER-USER", "-A FORWARD -j DOCKER-USER"];

Deno.test("planFirewall() makes exceptions where something drops, once, and takes back those that nothing needs", () => {
  const cases: [string, FirewallView, readonly string[]][] = [
    ["no firewall", { iptables: [], tables: [] }, []],
    ["all pass", view("-P INPUT ACCEPT", "-P FORWARD ACCEPT"), []],
    ["policy drop", view("-P FORWARD DROP"), done("-I", forward("FORWARD"))],
    [
      "a last reject",
      view("-P FORWARD ACCEPT", "-A FORWARD -j REJECT --reject-with icmp-host-prohibited"),
      done("-I", forward("FORWARD")),
    ],
    ["Docker", view("-P FORWARD DROP", ...docker), done("-I", forward("DOCKER-USER"))],
    [
      "a chain of Docker's that nothing leads to",
      view("-P FORWARD DROP", docker[0]!),
      done("-I", forward("FORWARD")),
    ],
    ["done", view("-P FORWARD DROP", ...shown(forward("FORWARD"))), []],
    [
      "done, as older versions print it",
      view("-P FORWARD DROP", ...shown(forward("FORWARD")).map((line) => line.replace("sauropod-1", '"sauropod-1"'))),
      [],
    ],
    ["no longer needed", view("-P FORWARD ACCEPT", ...shown(forward("FORWARD"))), done("-D", forward("FORWARD"))],
    ["another cluster's", view("-A FORWARD -s 10.244.0.0/16 -m comment --comment sauropod-12 -j ACCEPT"), []],
    ["input drops", view("-P INPUT DROP", "-P FORWARD ACCEPT"), done("-I", input)],
    [
      "a node that is gone",
      view("-P INPUT DROP", ...shown(input), ...shown([input[1]!.replace("172.16.0.3", "172.16.0.4")])),
      done("-D", [input[1]!.replace("172.16.0.3", "172.16.0.4")]),
    ],
    ["Docker's next start", view("-P FORWARD ACCEPT", ...docker), done("-I", forward("DOCKER-USER"))],
  ];
  for (const [what, seen, commands] of cases) {
    assert.deepEqual(planFirewall(wish, seen).commands.map((command) => command.join(" ")), commands, what);
  }
});

Deno.test("planFirewall() keeps what is there for tunnels until it knows the other nodes", () => {
  const seen = view("-P INPUT DROP", ...shown(input));
  assert.deepEqual(planFirewall({ ...wish, nodes: undefined }, seen).commands, []);
});

Deno.test("planFirewall() asks both kinds of iptables", () => {
  const rules = "-P FORWARD DROP";
  const both = { iptables: [{ program: "iptables-nft", rules }, { program: "iptables-legacy", rules }], tables: [] };
  const programs = planFirewall(wish, both).commands.map(([program]) => program);
  assert.deepEqual(programs, ["iptables-nft", "iptables-nft", "iptables-legacy", "iptables-legacy"]);
});

Deno.test("planFirewall() has firewalld trust pods and nodes, and takes back only what it had put there", () => {
  const own = ["10.244.0.0/16", ...nodes.all];
  const cases: [string, typeof nodes | undefined, { trusted: string[]; added: string[] }, string[]][] = [
    ["nothing yet", nodes, { trusted: ["192.168.1.0/24"], added: [] }, own.map((source) => `--add-source=${source}`)],
    ["done", nodes, { trusted: own, added: own }, []],
    ["the administrator's", nodes, { trusted: [...own, "10.1.1.1"], added: own }, []],
    ["a node that is gone", nodes, { trusted: [...own, "10.1.1.1"], added: [...own, "10.1.1.1"] }, [
      "--remove-source=10.1.1.1",
    ]],
    ["started anew", nodes, { trusted: [], added: own }, own.map((source) => `--add-source=${source}`)],
    ["nodes not known yet", undefined, { trusted: own, added: own }, []],
  ];
  for (const [what, known, firewalld, words] of cases) {
    const { commands } = planFirewall({ ...wish, nodes: known }, { iptables: [], tables: [], firewalld });
    assert.deepEqual(
      commands,
      words.length === 0 ? [] : [["firewall-cmd", "--quiet", "--zone=trusted", ...words]],
      what,
    );
  }
});

Deno.test("planFirewall() names hand-written tables that drop, and what they lack", () => {
  const text = (rules: string) =>
    `table inet filter {\n\tchain in {\n\t\ttype filter hook input priority filter; policy drop;\n${rules}\t}\n\n` +
    "\tchain out {\n\t\ttype filter hook output priority filter; policy drop;\n\t}\n\n" +
    `\tchain fwd {\n\t\ttype filter hook forward priority 0; policy drop;\n${rules}\t}\n}\n`;
  const problems = (rules: string) =>
    planFirewall(wish, { iptables: [], tables: [{ family: "inet", name: "filter", text: text(rules) }] }).problems;
  const found = problems("");
  assert.equal(found.length, 2, found.join("\n"));
  assert.match(found[0]!, /chain in of the nft table inet filter .*add to it "ip saddr 10\.244\.0\.0\/16 accept"$/);
  assert.match(found[1]!, /chain fwd .*"ip saddr .* accept" and "ip daddr 10\.244\.0\.0\/16 accept"$/);
  assert.deepEqual(problems("\t\tip saddr 10.244.0.0/16 accept\n"), []);
});

Deno.test("planFirewallRemoval() takes away what is marked as ours, wherever it is", () => {
  const rules = [...forward("DOCKER-USER"), ...forward("FORWARD"), ...input];
  const removal = planFirewallRemoval("sauropod-1", view("-P FORWARD DROP", ...docker, ...shown(rules)));
  assert.deepEqual(removal.map((command) => command.join(" ")), done("-D", rules));
  assert.deepEqual(planFirewallRemoval("sauropod-2", view(...shown(rules))), []);
});

Deno.test("planSettings() changes what is not as it must be, and keeps the first note of what was", () => {
  const wanted = { a: "1", b: "1", gone: "1" };
  const first = planSettings(wanted, new Map([["a", "0"], ["b", "1"]]), noChanges);
  assert.deepEqual(first.set, [["a", "1"]]);
  assert.deepEqual(first.changes.settings, { a: "0" });
  const again = planSettings(wanted, new Map([["a", "2"], ["b", "0"]]), first.changes);
  assert.deepEqual(again.changes.settings, { a: "0", b: "0" });
  assert.equal(planSettings(wanted, new Map([["a", "1"], ["b", "1"]]), first.changes).changes, first.changes);
});
