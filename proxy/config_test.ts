import assert from "assert";
import { FlagError } from "../lib/flags.ts";
import { parseConfig } from "./config.ts";

const parse = (args: string[], env: Record<string, string> = {}) => parseConfig({ args, env, readFile: () => "" });
const least = ["--kubeconfig=/k", "--node-name=n1"];

Deno.test("parseConfig() has defaults for all but the node's name and the API", () => {
  const config = parse(least);
  assert.deepEqual(
    [config.access, config.mode, config.table, config.health, config.dnsAddress, config.domain],
    [
      { kind: "kubeconfig", path: "/k" },
      "nftables",
      "sauropod",
      { address: "127.0.0.1", port: 10_256 },
      "10.96.0.10",
      "cluster.local",
    ],
  );
  assert.equal(parse([...least, "--cluster-dns=none"]).dnsAddress, undefined);
  assert.deepEqual(parse([...least, "--dns-upstream=1.1.1.1,9.9.9.9:5353"]).upstream, [
    { address: "1.1.1.1", port: 53 },
    { address: "9.9.9.9", port: 5353 },
  ]);
  assert.equal(parse(["--kubeconfig=/k"], { SAUROPOD_NODE_NAME: "n2" }).nodeName, "n2");
});

Deno.test("parseConfig() refuses what is wrong with its name", () => {
  const cases: [args: string[], name: string][] = [
    [["--kubeconfig=/k"], "--node-name"],
    [["--node-name=n1"], "--kubeconfig"],
    [[...least, "--server=https://x"], "--server"],
    [["--node-name=n1", "--server=http://x"], "--server"],
    [["--node-name=n1", "--server=https://x:6443"], "--ca"],
    [["--node-name=n1", "--server=https://x:6443", "--ca=/c", "--cert=/c"], "--token-file"],
    [[...least, "--nft-table=a b"], "--nft-table"],
    [[...least, "--health-bind=10256"], "--health-bind"],
    [[...least, "--dns-upstream=dns.example"], "--dns-upstream"],
    [[...least, "--cluster-domain=-x"], "--cluster-domain"],
    [[...least, "--service-cidr=10.244.0.0/24"], "--service-cidr"],
    [[...least, "--proxy-mode=ipvs"], "--proxy-mode"],
    [[...least, "more"], "more"],
  ];
  for (const [args, name] of cases) {
    assert.throws(
      () => parse(args),
      (error) => error instanceof FlagError && error.message.startsWith(name),
      args.join(" "),
    );
  }
});
