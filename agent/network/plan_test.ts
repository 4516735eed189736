import assert from "assert";
import { planFirewall, planFirewallRemoval } from "./firewall.ts";
import { noLeases } from "./ipam.ts";
import { networkNames, podLink, vxlanMac } from "./names.ts";
import { type NodeView, type NodeWish, planNode, podMtu } from "./node_plan.ts";
import { networkRuleset } from "./ruleset.ts";

const names = networkNames("cluster-1");
const wish: NodeWish = {
  names,
  podCidr: "10.244.1.0/24",
  clusterCidr: "10.244.0.0/16",
  nodeIp: "192.168.0.1",
  mtu: 1450,
  overlay: { mode: "auto", port: 4789 },
  peers: [
    { name: "self", podCidr: "10.244.1.0/24", nodeIp: "192.168.0.1" },
    { name: "near", podCidr: "10.244.2.0/24", nodeIp: "192.168.0.2" },
    { name: "far", podCidr: "10.244.3.0/24", nodeIp: "172.16.0.3" },
  ],
};
const lan = { name: "lan0", mtu: 1500, up: true, mac: "" };
const empty: NodeView = {
  links: [lan],
  addresses: [{ link: "lan0", ip: "192.168.0.1", prefix: 24 }],
  routes: [],
  neighbours: [],
  forwarding: [],
};

Deno.test("networkNames() fit the kernel and differ between clusters", () => {
  const other = networkNames("cluster-2");
  for (const name of [names.vxlan, podLink(names, "9a8ba8e0-2c1c-4a5b-9d6b-7bb4ab9a2f4e")]) {
    assert.ok(name.length <= 15, name);
  }
  assert.notDeepEqual(names, other);
  assert.ok(names.vni > 0 && names.vni < 2 ** 24);
  assert.equal(vxlanMac(0x0af40100), "5a:50:0a:f4:01:00");
});

Deno.test("planNode() routes near nodes directly and far ones through VXLAN", () => {
  const plan = planNode(wish, empty);
  assert.deepEqual(plan.ip, [
    `link add ${names.vxlan} mtu 1450 address 5a:50:0a:f4:01:00 type vxlan id ${names.vni} local 192.168.0.1 dstport 4789 nolearning`,
    `addr replace 10.244.1.0/32 dev ${names.vxlan}`,
    `link set ${names.vxlan} up`,
    `neigh replace 10.244.3.0 lladdr 5a:50:0a:f4:03:00 dev ${names.vxlan} nud permanent`,
    "route replace unreachable 10.244.1.0/24 proto 83",
    "route replace 10.244.2.0/24 via 192.168.0.2 proto 83",
    `route replace 10.244.3.0/24 via 10.244.3.0 dev ${names.vxlan} onlink proto 83`,
  ]);
  assert.deepEqual(plan.bridge, [`fdb replace 5a:50:0a:f4:03:00 dev ${names.vxlan} dst 172.16.0.3 self permanent`]);
});

/** What a host shows after planNode(wish, empty). */
const done: NodeView = {
  links: [lan, {
    name: names.vxlan,
    mtu: 1450,
    up: true,
    mac: "5a:50:0a:f4:01:00",
    kind: "vxlan",
    vxlan: { id: names.vni, local: "192.168.0.1", port: 4789 },
  }],
  addresses: empty.addresses,
  routes: [
    { destination: "10.244.1.0/24", type: "unreachable" },
    { destination: "10.244.1.7/32", link: podLink(names, "uid") },
    { destination: "10.244.2.0/24", link: "lan0", via: "192.168.0.2" },
    { destination: "10.244.3.0/24", link: names.vxlan, via: "10.244.3.0" },
  ],
  neighbours: [{ ip: "10.244.3.0", mac: "5a:50:0a:f4:03:00" }],
  forwarding: [{ mac: "5a:50:0a:f4:03:00", to: "172.16.0.3" }],
};

Deno.test("planNode() has nothing to do when all is there", () => {
  assert.deepEqual(planNode(wish, done), { ip: [], bridge: [], why: [] });
});

Deno.test("planNode() removes what belongs to nodes that are gone, and the device with its last peer", () => {
  const plan = planNode({ ...wish, peers: wish.peers.slice(0, 2) }, done);
  assert.deepEqual(plan.ip, ["route del 10.244.3.0/24 proto 83", `link del ${names.vxlan}`]);
  const others = { ...done, routes: [...done.routes, { destination: "10.99.0.0/24", via: "192.168.0.9" }] };
  assert.deepEqual(planNode(wish, others).ip, [], "a route outside of the cluster's range is not ours");
});

Deno.test("planNode() makes the VXLAN device anew when the node's address has changed", () => {
  const plan = planNode({ ...wish, nodeIp: "192.168.0.77" }, {
    ...done,
    addresses: [{ link: "lan0", ip: "192.168.0.77", prefix: 24 }],
  });
  assert.match(plan.ip[0]!, /^link del/);
  assert.match(plan.ip[1]!, /local 192.168.0.77/);
  assert.ok(plan.ip.some((line) => line.startsWith("neigh replace")) && plan.bridge.length === 1);
  assert.ok(plan.ip.some((line) => line.includes("onlink")));
});

Deno.test("planNode() moves a peer to its new address", () => {
  const peers = [{ name: "far", podCidr: "10.244.3.0/24", nodeIp: "172.16.0.99" }];
  assert.deepEqual(planNode({ ...wish, peers }, done).bridge, [
    `fdb replace 5a:50:0a:f4:03:00 dev ${names.vxlan} dst 172.16.0.99 self permanent`,
  ]);
});

Deno.test("podMtu() leaves room for VXLAN on the node's own link", () => {
  assert.equal(podMtu("192.168.0.1", empty), 1450);
  assert.equal(podMtu("192.168.0.1", { ...empty, links: [{ ...lan, mtu: 9001 }] }), 8950);
  assert.equal(podMtu("1.2.3.4", empty), 1450);
});

Deno.test("planFirewall() makes an exception where something drops, once, and takes it away again", () => {
  const options = { clusterCidr: "10.244.0.0/16", comment: "sauropod-1" };
  const rule = (
    chain: string,
    verb: string,
    direction: string,
  ) => [
    "iptables",
    "-w",
    verb,
    chain,
    direction,
    "10.244.0.0/16",
    "-m",
    "comment",
    "--comment",
    "sauropod-1",
    "-j",
    "ACCEPT",
  ];
  const shown = (chain: string) =>
    ["-s", "-d"].map((d) => `-A ${chain} ${d} 10.244.0.0/16 -m comment --comment sauropod-1 -j ACCEPT`).join("\n");
  const cases: [string, { rules?: string; trustedSources?: string }, (readonly string[])[]][] = [
    ["no iptables", {}, []],
    ["all pass", { rules: "-P INPUT DROP\n-P FORWARD ACCEPT" }, []],
    ["policy drop", { rules: "-P FORWARD DROP" }, [rule("FORWARD", "-I", "-s"), rule("FORWARD", "-I", "-d")]],
    ["a last reject", { rules: "-P FORWARD ACCEPT\n-A FORWARD -j REJECT --reject-with icmp-host-prohibited" }, [
      rule("FORWARD", "-I", "-s"),
      rule("FORWARD", "-I", "-d"),
    ]],
    ["Docker", { rules: "-P FORWARD DROP\n-N DOCKER-USER" }, [
      rule("DOCKER-USER", "-I", "-s"),
      rule("DOCKER-USER", "-I", "-d"),
    ]],
    ["done", { rules: `-P FORWARD DROP\n${shown("FORWARD")}` }, []],
    ["firewalld", { trustedSources: "192.168.1.0/24" }, [[
      "firewall-cmd",
      "--quiet",
      "--zone=trusted",
      "--add-source=10.244.0.0/16",
    ]]],
    ["firewalld done", { trustedSources: "10.244.0.0/16 192.168.1.0/24" }, []],
  ];
  for (const [what, view, commands] of cases) assert.deepEqual(planFirewall(options, view), commands, what);
  const removal = planFirewallRemoval(options, {
    rules: `-P FORWARD DROP\n-N DOCKER-USER\n${shown("DOCKER-USER")}`,
    trustedSources: "10.244.0.0/16",
  });
  assert.deepEqual(removal.map((command) => command.slice(0, 5).join(" ")), [
    "iptables -w -D DOCKER-USER -s",
    "iptables -w -D DOCKER-USER -d",
    "firewall-cmd --quiet --zone=trusted --remove-source=10.244.0.0/16",
  ]);
  assert.deepEqual(planFirewallRemoval(options, { rules: "-P FORWARD DROP", trustedSources: "" }), []);
});

Deno.test("networkRuleset() gives a host port to the first pod that wants it", () => {
  const port = (hostIP?: string) => ({ protocol: "TCP", hostPort: 80, containerPort: 8080, hostIP }) as const;
  const pods = {
    b: { ip: "10.244.1.3", hostPorts: [port(), { protocol: "UDP", hostPort: 80, containerPort: 53 } as const] },
    a: { ip: "10.244.1.2", hostPorts: [port("0.0.0.0"), port("192.168.0.1")] },
  };
  const text = networkRuleset({ names, clusterCidr: "10.244.0.0/16", leases: { ...noLeases("10.244.1.0/24"), pods } });
  assert.match(text, /elements = \{ tcp \. 80 : 10\.244\.1\.2 \. 8080, udp \. 80 : 10\.244\.1\.3 \. 53 \}/);
  assert.match(text, /elements = \{ 192\.168\.0\.1 \. tcp \. 80 : 10\.244\.1\.2 \. 8080 \}/);
  assert.match(text, /elements = \{ 10\.244\.1\.2 \. 10\.244\.1\.2, 10\.244\.1\.3 \. 10\.244\.1\.3 \}/);
  assert.doesNotMatch(
    networkRuleset({ names, clusterCidr: "10.244.0.0/16", leases: noLeases("10.244.1.0/24") }),
    /elements/,
  );
});
