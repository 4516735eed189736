import assert from "assert";
import type { Node } from "../../lib/types/core_v1.ts";
import { peersOf, placeAnnotation, placeOf, placeText } from "./peers.ts";

const ranges = { clusterCidr: "10.244.0.0/16", serviceCidr: "10.96.0.0/16" };
const node = (name: string, podCIDR?: string, addresses: string | string[] = [], place?: string) =>
  ({
    metadata: { name, ...(place === undefined ? {} : { annotations: { [placeAnnotation]: place } }) },
    spec: { podCIDR },
    status: { addresses: [addresses].flat().map((address) => ({ type: "InternalIP", address })) },
  }) as unknown as Node;

Deno.test("peersOf() leaves out this node and those that have no addresses yet", () => {
  const nodes = [
    node("n1", "10.244.1.0/24", "1.1.1.1"),
    node("n3", "10.244.3.0/24", "3.3.3.3", placeText({ mode: "vxlan", subnet: "3.3.3.0/24", mtu: 1450 })),
    node("n2", "10.244.2.0/24", ["fd00::2", "2.2.2.2"]),
    node("n4", "10.244.4.0/24"),
    node("n5", undefined, "5.5.5.5"),
  ];
  assert.deepEqual(peersOf(nodes, "n1", ranges), {
    peers: [
      { name: "n2", podCidr: "10.244.2.0/24", nodeIp: "2.2.2.2" },
      { name: "n3", podCidr: "10.244.3.0/24", nodeIp: "3.3.3.3", mode: "vxlan", subnet: "3.3.3.0/24", mtu: 1450 },
    ],
    refused: [],
  });
});

Deno.test("peersOf() refuses what would lead others' traffic elsewhere, and says why; the rest is reached", () => {
  const cases: [string, Node, RegExp][] = [
    ["IPv6", node("x", "10.244.9.0/24", "fd00::9"), /address fd00::9 is not IPv4; IPv6 is not supported/],
    ["IPv6 range", node("x", "fd00:9::/64", "9.9.9.9"), /pod range fd00:9::\/64 is not IPv4/],
    ["all of the Internet", node("x", "0.0.0.0/0", "9.9.9.9"), /not in --cluster-cidr 10\.244\.0\.0\/16/],
    ["Services", node("x", "10.96.0.0/24", "9.9.9.9"), /not in --cluster-cidr/],
    ["this node's range", node("x", "10.244.1.128/25", "9.9.9.9"), /overlaps with 10\.244\.1\.0\/24 of node n1/],
    ["another's range", node("x", "10.244.2.0/23", "9.9.9.9"), /overlaps with 10\.244\.2\.0\/24 of node n2/],
    ["a pod", node("x", "10.244.9.0/24", "10.244.2.7"), /in 10\.244\.0\.0\/16, where no node can be/],
    ["a Service", node("x", "10.244.9.0/24", "10.96.0.1"), /in 10\.96\.0\.0\/16/],
    ["loopback", node("x", "10.244.9.0/24", "127.0.0.1"), /in 127\.0\.0\.0\/8/],
    ["multicast", node("x", "10.244.9.0/24", "224.0.0.5"), /in 224\.0\.0\.0\/3/],
    ["nonsense", node("x", "10.244.9.0/24", "here; reboot"), /not IPv4/],
  ];
  for (const [what, bad, why] of cases) {
    const nodes = [bad, node("n1", "10.244.1.0/24", "1.1.1.1"), node("n2", "10.244.2.0/24", "2.2.2.2")];
    const { peers, refused } = peersOf(nodes, "n1", ranges);
    assert.deepEqual(peers.map(({ name }) => name), ["n2"], what);
    assert.equal(refused.length, 1, what);
    assert.match(refused[0]!, new RegExp(`^pods of node x can't be reached: .*${why.source}`), what);
  }
});

Deno.test("placeOf() takes what placeText() wrote, and of anything else what is sound", () => {
  const place = { mode: "direct", subnet: "10.0.0.0/24", mtu: 1500 } as const;
  assert.deepEqual(placeOf(placeText(place)), place);
  assert.deepEqual(placeOf(placeText({ mode: "auto", mtu: 1450 })), { mode: "auto", mtu: 1450 });
  for (const text of [undefined, "", "{", "null", "7", '{"mode":"x","subnet":"::/0","mtu":1}', '{"mtu":"1450"}']) {
    assert.deepEqual(placeOf(text), {}, text);
  }
});
