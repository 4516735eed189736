import assert from "assert";
import { noLeases } from "./ipam.ts";
import { networkNames, podLink, vxlanMac } from "./names.ts";
import type { NetworkPeer } from "./network.ts";
import { type NodeView, type NodeWish, planNode } from "./node_plan.ts";
import { linkMtu, ownSubnet, podMtu, type Way, wayTo } from "./paths.ts";
import { networkRuleset, type RulesetInput } from "./ruleset.ts";

const names = networkNames("cluster-1");
const near: NetworkPeer = { name: "near", podCidr: "10.244.2.0/24", nodeIp: "192.168.0.2" };
const far: NetworkPeer = { name: "far", podCidr: "10.244.3.0/24", nodeIp: "172.16.0.3" };
const ways = [{ peer: near, way: "direct" }, { peer: far, way: "vxlan" }] as const;
const wish: NodeWish = {
  names,
  podCidr: "10.244.1.0/24",
  mtu: 1450,
  linkMtu: 1500,
  tunnel: { port: 4789, mtu: 1450, local: "192.168.0.1" },
  peers: ways,
};
const lan = { name: "lan0", mtu: 1500, up: true, mac: "", ethernet: true };
const empty: NodeView = {
  links: [lan],
  addresses: [{ link: "lan0", ip: "192.168.0.1", prefix: 24 }],
  routes: [],
  neighbours: [],
  forwarding: [],
};
const protocol = "83";

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
  assert.deepEqual(plan.own, ["route replace unreachable 10.244.1.0/24 proto 83"]);
  assert.deepEqual(plan.peers, [
    `link add ${names.vxlan} mtu 1450 address 5a:50:0a:f4:01:00 type vxlan id ${names.vni} local 192.168.0.1 dstport 4789 nolearning`,
    `addr replace 10.244.1.0/32 dev ${names.vxlan}`,
    `link set ${names.vxlan} up`,
    `neigh replace 10.244.3.0 lladdr 5a:50:0a:f4:03:00 dev ${names.vxlan} nud permanent`,
    "route replace 10.244.2.0/24 via 192.168.0.2 proto 83",
    `route replace 10.244.3.0/24 via 10.244.3.0 dev ${names.vxlan} onlink proto 83`,
  ]);
  assert.deepEqual(plan.bridge, [`fdb replace 5a:50:0a:f4:03:00 dev ${names.vxlan} dst 172.16.0.3 self permanent`]);
});

/** What a host shows after planNode(wish, empty). */
const device = {
  name: names.vxlan,
  mtu: 1450,
  up: true,
  mac: "5a:50:0a:f4:01:00",
  ethernet: true,
  kind: "vxlan",
  vxlan: { id: names.vni, local: "192.168.0.1", port: 4789 },
};
const done: NodeView = {
  links: [lan, device],
  addresses: [...empty.addresses, { link: names.vxlan, ip: "10.244.1.0", prefix: 32 }],
  routes: [
    { destination: "10.244.1.0/24", type: "unreachable", protocol },
    { destination: "10.244.1.7/32", link: podLink(names, "uid"), protocol },
    { destination: "10.244.2.0/24", link: "lan0", via: "192.168.0.2", protocol },
    { destination: "10.244.3.0/24", link: names.vxlan, via: "10.244.3.0", protocol },
  ],
  neighbours: [{ ip: "10.244.3.0", mac: "5a:50:0a:f4:03:00" }],
  forwarding: [{ mac: "5a:50:0a:f4:03:00", to: "172.16.0.3" }],
};
const nothing = { own: [], peers: [], bridge: [], why: [], problems: [] };

Deno.test("planNode() has nothing to do when all is there", () => {
  assert.deepEqual(planNode(wish, done), nothing);
});

Deno.test("planNode() leaves the ways of an earlier run alone until it knows the other nodes", () => {
  assert.deepEqual(planNode({ ...wish, peers: undefined }, done), nothing);
  assert.deepEqual(planNode({ ...wish, peers: undefined }, empty).peers, []);
});

Deno.test("planNode() removes what belongs to nodes that are gone, and the device with its last peer", () => {
  const plan = planNode({ ...wish, peers: ways.slice(0, 1) }, done);
  assert.deepEqual(plan.peers, [`link del ${names.vxlan}`], "the route goes with the device");
  const alone = planNode({ ...wish, peers: [] }, done);
  assert.deepEqual(alone.peers, [`link del ${names.vxlan}`, "route del 10.244.2.0/24 proto 83"]);
  const another = {
    peer: { ...far, name: "other", podCidr: "10.244.4.0/24", nodeIp: "172.16.0.4" },
    way: "vxlan",
  } as const;
  const swapped = planNode({ ...wish, peers: [ways[0], another] }, done);
  assert.ok(swapped.peers.includes(`neigh del 10.244.3.0 dev ${names.vxlan}`), swapped.peers.join("\n"));
  assert.ok(swapped.peers.includes("route del 10.244.3.0/24 proto 83"), swapped.peers.join("\n"));
  assert.ok(swapped.bridge.includes(`fdb del 5a:50:0a:f4:03:00 dev ${names.vxlan} self`), swapped.bridge.join("\n"));
});

Deno.test("planNode() neither removes nor replaces routes that others made, and says that they are in the way", () => {
  const foreign = { destination: "10.244.2.0/24", via: "192.168.0.99", link: "lan0", protocol: "static" };
  const elsewhere = { destination: "10.244.77.0/24", via: "192.168.0.99", link: "lan0", protocol: "static" };
  const routes = [...done.routes.filter(({ via }) => via !== "192.168.0.2"), foreign, elsewhere];
  const plan = planNode(wish, { ...done, routes });
  assert.deepEqual([plan.own, plan.peers, plan.why], [[], [], []]);
  assert.equal(plan.problems.length, 1);
  assert.match(plan.problems[0]!, /route to 10\.244\.2\.0\/24 via 192\.168\.0\.99 .*proto static/);
});

Deno.test("planNode() makes the VXLAN device anew when the node's address has changed", () => {
  const tunnel = { ...wish.tunnel, local: "192.168.0.77" };
  const plan = planNode({ ...wish, tunnel }, done);
  assert.match(plan.peers[0]!, /^link del/);
  assert.match(plan.peers[1]!, /local 192.168.0.77/);
  assert.ok(plan.peers.some((line) => line.startsWith("neigh replace")) && plan.bridge.length === 1);
  assert.ok(plan.peers.some((line) => line.includes("onlink")));
  const translated = planNode({ ...wish, tunnel: { ...tunnel, local: undefined } }, empty);
  assert.doesNotMatch(translated.peers[0]!, /local/, "an address that this host does not have is no source");
});

Deno.test("planNode() puts right what was changed on the VXLAN device that is there", () => {
  const cases: [string, Partial<typeof device>, string][] = [
    ["down", { up: false }, `link set ${names.vxlan} up`],
    ["another size", { mtu: 9000 }, `link set ${names.vxlan} mtu 1450`],
  ];
  for (const [what, change, line] of cases) {
    assert.deepEqual(planNode(wish, { ...done, links: [lan, { ...device, ...change }] }).peers, [line], what);
  }
  const addresses = empty.addresses;
  assert.deepEqual(planNode(wish, { ...done, addresses }).peers, [`addr replace 10.244.1.0/32 dev ${names.vxlan}`]);
});

Deno.test("planNode() moves a peer to its new address", () => {
  const moved = { peer: { ...far, nodeIp: "172.16.0.99" }, way: "vxlan" } as const;
  assert.deepEqual(planNode({ ...wish, peers: [ways[0], moved] }, done).bridge, [
    `fdb replace 5a:50:0a:f4:03:00 dev ${names.vxlan} dst 172.16.0.99 self permanent`,
  ]);
  const direct = { peer: { ...near, nodeIp: "192.168.0.9" }, way: "direct" } as const;
  assert.deepEqual(planNode({ ...wish, peers: [direct, ways[1]] }, done).peers, [
    "route replace 10.244.2.0/24 via 192.168.0.9 proto 83",
  ]);
});

Deno.test("planNode() changes the way to a peer from direct to tunnelled and back", () => {
  const tunnelled = planNode({ ...wish, peers: [{ peer: near, way: "vxlan" }, ways[1]] }, done);
  assert.deepEqual(tunnelled.peers, [
    `neigh replace 10.244.2.0 lladdr 5a:50:0a:f4:02:00 dev ${names.vxlan} nud permanent`,
    `route replace 10.244.2.0/24 via 10.244.2.0 dev ${names.vxlan} onlink proto 83`,
  ]);
  const direct = planNode(
    { ...wish, peers: [ways[0], { peer: { ...far, nodeIp: "192.168.0.3" }, way: "direct" }] },
    done,
  );
  assert.deepEqual(direct.peers, [
    `link del ${names.vxlan}`,
    "route replace 10.244.3.0/24 via 192.168.0.3 proto 83",
  ]);
});

Deno.test("planNode() gives a way that carries less than pods may send a size of its own", () => {
  const line = (change: Partial<NodeWish>) => planNode({ ...wish, ...change }, empty).peers.slice(-2);
  const small = [{ peer: { ...near, mtu: 1400 }, way: "direct" }, {
    peer: { ...far, mtu: 9000 },
    way: "vxlan",
  }] as const;
  assert.deepEqual(line({ peers: small }), [
    "route replace 10.244.2.0/24 via 192.168.0.2 proto 83 mtu 1400",
    `route replace 10.244.3.0/24 via 10.244.3.0 dev ${names.vxlan} onlink proto 83`,
  ]);
  assert.deepEqual(line({ mtu: 1500 }), [
    "route replace 10.244.2.0/24 via 192.168.0.2 proto 83",
    `route replace 10.244.3.0/24 via 10.244.3.0 dev ${names.vxlan} onlink proto 83 mtu 1450`,
  ]);
});

Deno.test("planNode() has no way to who is beyond routers when tunnels are switched off, and says so", () => {
  const plan = planNode({ ...wish, peers: [ways[0], { peer: far, way: "none" }] }, empty);
  assert.deepEqual(plan.peers, ["route replace 10.244.2.0/24 via 192.168.0.2 proto 83"]);
  assert.match(plan.problems.join(), /node far \(172\.16\.0\.3\) .*--pod-network direct.*10\.244\.3\.0\/24/);
});

Deno.test("wayTo() is the same for both nodes of a pair", () => {
  type Side = Pick<NetworkPeer, "nodeIp" | "subnet" | "mode">;
  const cases: [string, Side, Side, Way][] = [
    [
      "one network",
      { nodeIp: "10.0.0.1", subnet: "10.0.0.0/24" },
      { nodeIp: "10.0.0.2", subnet: "10.0.0.0/24" },
      "direct",
    ],
    [
      "two networks",
      { nodeIp: "10.0.0.1", subnet: "10.0.0.0/24" },
      { nodeIp: "10.0.1.2", subnet: "10.0.1.0/24" },
      "vxlan",
    ],
    // One of the two believes that the other is near.
    [
      "masks differ",
      { nodeIp: "10.0.0.1", subnet: "10.0.0.0/16" },
      { nodeIp: "10.0.1.2", subnet: "10.0.1.0/24" },
      "vxlan",
    ],
    ["an address of its own", { nodeIp: "10.0.0.1" }, { nodeIp: "10.0.0.2" }, "vxlan"],
    ["one wants tunnels", { nodeIp: "10.0.0.1", subnet: "10.0.0.0/24", mode: "vxlan" }, {
      nodeIp: "10.0.0.2",
      subnet: "10.0.0.0/24",
    }, "vxlan"],
    ["one wants none, near", { nodeIp: "10.0.0.1", subnet: "10.0.0.0/24", mode: "direct" }, {
      nodeIp: "10.0.0.2",
      subnet: "10.0.0.0/24",
    }, "direct"],
    ["one wants none, far", { nodeIp: "10.0.0.1", subnet: "10.0.0.0/24", mode: "direct" }, {
      nodeIp: "10.0.1.2",
      subnet: "10.0.1.0/24",
    }, "none"],
    ["they want opposites", { nodeIp: "10.0.0.1", subnet: "10.0.0.0/24", mode: "direct" }, {
      nodeIp: "10.0.0.2",
      subnet: "10.0.0.0/24",
      mode: "vxlan",
    }, "vxlan"],
  ];
  for (const [what, a, b, way] of cases) {
    for (const [own, peer] of [[a, b], [b, a]] as const) {
      assert.equal(wayTo(peer, { mode: "auto", subnet: undefined, ...own }), way, what);
    }
  }
  // A node of an earlier version says nothing of its place.
  assert.equal(wayTo({ nodeIp: "10.0.0.2" }, { mode: "auto", nodeIp: "10.0.0.1", subnet: "10.0.0.0/24" }), "direct");
});

Deno.test("ownSubnet() is where neighbours can be", () => {
  const on = (change: Partial<typeof lan>, prefix = 24) =>
    ownSubnet("192.168.0.1", { links: [{ ...lan, ...change }], addresses: [{ ...empty.addresses[0]!, prefix }] });
  assert.equal(on({}), "192.168.0.0/24");
  assert.equal(on({}, 32), undefined, "a cloud's /32");
  assert.equal(on({ ethernet: false }), undefined, "WireGuard");
  assert.equal(ownSubnet("1.2.3.4", empty), undefined, "not on this host");
});

Deno.test("podMtu() leaves room for VXLAN on the node's own link, unless there are no tunnels", () => {
  const link = (mtu: number) => linkMtu("192.168.0.1", { ...empty, links: [{ ...lan, mtu }] });
  assert.equal(podMtu("auto", link(1500)), 1450);
  assert.equal(podMtu("vxlan", link(1500)), 1450);
  assert.equal(podMtu("direct", link(1500)), 1500);
  assert.equal(podMtu("auto", link(9001)), 8950);
  assert.equal(podMtu("auto", linkMtu("1.2.3.4", empty)), 1450);
});

const rules: RulesetInput = {
  names,
  clusterCidr: "10.244.0.0/16",
  leases: noLeases("10.244.1.0/24"),
  inside: ["10.244.0.0/16", "10.96.0.0/16", "192.168.0.2"],
  tunnelPort: 4789,
  tunnelPeers: ["172.16.0.3"],
};

Deno.test("networkRuleset() keeps pods' addresses inside, and only there", () => {
  const text = networkRuleset(rules);
  const lines = text.slice(text.indexOf("chain postrouting")).split("\n").map((line) => line.trim());
  assert.deepEqual(lines.slice(4, 8), [
    "ct status dnat ip saddr 10.244.0.0/16 ip saddr != 10.244.1.0/24 ip daddr != 10.244.1.0/24 masquerade",
    `oifname "${names.vxlan}" ip saddr != 10.244.0.0/16 masquerade`,
    "ip saddr 10.244.0.0/16 ip daddr @inside snat to ip saddr",
    "ip saddr 10.244.1.0/24 ip daddr != @inside ip daddr != 224.0.0.0/4 masquerade fully-random",
  ]);
  assert.match(text, /elements = \{ 10\.244\.0\.0\/16, 10\.96\.0\.0\/16, 192\.168\.0\.2 \}/);
});

Deno.test("networkRuleset() takes packets of tunnels from nodes alone", () => {
  assert.match(
    networkRuleset(rules),
    new RegExp(`udp dport 4789 @th,96,24 ${names.vni} ip saddr != \\{ 172.16.0.3 \\} drop`),
  );
  assert.doesNotMatch(networkRuleset({ ...rules, tunnelPeers: [] }), /tunnel-guard/);
});

Deno.test("networkRuleset() gives a host port to the first pod that wants it", () => {
  const port = (hostIP?: string) => ({ protocol: "TCP", hostPort: 80, containerPort: 8080, hostIP }) as const;
  const pods = {
    b: { ip: "10.244.1.3", hostPorts: [port(), { protocol: "UDP", hostPort: 80, containerPort: 53 } as const] },
    a: { ip: "10.244.1.2", hostPorts: [port("0.0.0.0"), port("192.168.0.1")] },
  };
  const text = networkRuleset({ ...rules, leases: { ...rules.leases, pods } });
  assert.match(text, /elements = \{ tcp \. 80 : 10\.244\.1\.2 \. 8080, udp \. 80 : 10\.244\.1\.3 \. 53 \}/);
  assert.match(text, /elements = \{ 192\.168\.0\.1 \. tcp \. 80 : 10\.244\.1\.2 \. 8080 \}/);
  assert.match(text, /elements = \{ 10\.244\.1\.2 \. 10\.244\.1\.2, 10\.244\.1\.3 \. 10\.244\.1\.3 \}/);
  assert.doesNotMatch(networkRuleset({ ...rules, inside: [] }), /elements/);
});
