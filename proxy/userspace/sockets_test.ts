import assert from "assert";
import type { ServiceEntry } from "../model.ts";
import { at, draining, entryOf, service, slice } from "../testing/objects.ts";
import { clientIp, net, node, nodeIp, pods, services } from "../testing/world.ts";
import { addressesToTake, apiServerAddresses } from "./addresses.ts";
import { Claims } from "./claims.ts";
import { backendsFor, isServed, type Place, socketsOf } from "./sockets.ts";

const place: Place = {
  clusterCidr: net.clusterCidr,
  dnsAddress: net.dnsAddress,
  nodePortAddresses: [nodeIp, "127.0.0.1"],
  own: new Set([nodeIp, "127.0.0.1"]),
  listens: (address) => address !== "198.51.100.1",
};
const world = new Map(services().map((entry) => [entry.key, entry]));
const keys = (entry: ServiceEntry) => socketsOf(entry, place).map(({ key }) => key);

Deno.test("socketsOf() has every way in, and none at addresses that can't be had", () => {
  assert.deepEqual(keys(world.get("default/web")!), [
    "tcp/10.96.1.1/80",
    "tcp/203.0.113.5/80",
    `tcp/${nodeIp}/30080`,
    "tcp/127.0.0.1/30080",
  ]);
  assert.deepEqual(keys(world.get("default/guarded")!), ["tcp/10.96.1.7/80", "tcp/203.0.113.7/80"]);
  const elsewhere = service("x", { clusterIP: "10.96.2.1", externalIPs: ["198.51.100.1"], ports: [{ port: 80 }] });
  assert.deepEqual(keys(entryOf(node, elsewhere)), ["tcp/10.96.2.1/80"]);
  const dns = service("dns", {
    clusterIP: net.dnsAddress,
    ports: [{ name: "dns", port: 53, protocol: "UDP" }, { name: "metrics", port: 9153 }],
  });
  assert.deepEqual(keys(entryOf(node, dns)), [`tcp/${net.dnsAddress}/9153`], "port 53 is the DNS server's");
});

Deno.test("isServed() says where to listen: not where a connection is to be refused", () => {
  const served = (key: string) =>
    socketsOf(world.get(key)!, place).filter(isServed).map(({ way }) => way).filter((way, i, all) =>
      all.indexOf(way) === i
    );
  const table: Record<string, string[]> = {
    "default/web": ["cluster", "external", "node"],
    "default/far": ["cluster", "node"],
    "default/inner": [],
    "default/empty": [],
    "default/no-names": [],
    "default/guarded": ["cluster", "balanced"],
  };
  for (const [key, ways] of Object.entries(table)) assert.deepEqual(served(key), ways, key);
  const udp = service("u", {
    clusterIP: "10.96.2.2",
    internalTrafficPolicy: "Local",
    ports: [{ port: 80, protocol: "UDP" }],
  });
  const far = slice("u", [{ port: 80, protocol: "UDP" }], [at(pods.c, "n2")]);
  const [only] = socketsOf(entryOf(node, udp, far), place);
  assert.ok(isServed(only!), "a datagram for endpoints of another node gets no answer");
  assert.deepEqual(backendsFor(only!, pods.a, place), []);
});

Deno.test("backendsFor() follows policies, source ranges and who asks", () => {
  const table: [string, string, string, string][] = [
    ["default/here", "node", clientIp, "a"],
    ["default/here", "node", pods.b, "ac"],
    ["default/here", "node", nodeIp, "ac"],
    ["default/here", "node", "127.0.0.1", "ac"],
    ["default/here", "cluster", clientIp, "ac"],
    ["default/far", "node", clientIp, ""],
    ["default/inner-here", "cluster", pods.a, "b"],
    ["default/inner-here", "cluster", clientIp, "b"],
    ["default/guarded", "balanced", clientIp, "ab"],
    ["default/guarded", "balanced", "192.0.2.4", ""],
    ["default/guarded", "cluster", "192.0.2.4", "ab"],
    ["default/closed", "balanced", clientIp, ""],
  ];
  const names = new Map(Object.entries(pods).map(([name, ip]) => [ip as string, name]));
  for (const [key, way, client, wanted] of table) {
    const socket = socketsOf(world.get(key)!, place).find((one) => one.way === way)!;
    const found = backendsFor(socket, client, place).map(({ ip }) => names.get(ip)).join("");
    assert.equal(found, wanted, `${key} by ${way} from ${client}`);
  }
});

Deno.test("backendsFor() falls back to endpoints that still serve while they end", () => {
  const both = service("t", { clusterIP: "10.96.2.3", ports: [{ port: 80 }] });
  const target = [{ port: 8080, protocol: "TCP" as const }];
  const ends = slice("t", target, [at(pods.a, "n1", draining), at(pods.b, "n1", draining)]);
  const [socket] = socketsOf(entryOf(node, both, ends), place);
  assert.equal(backendsFor(socket!, pods.c, place).length, 2);
});

Deno.test("addressesToTake() leaves alone what is or may be somebody else's", () => {
  const host = { addresses: new Set([nodeIp, "127.0.0.1"]), ranges: ["192.0.2.1/24", "127.0.0.1/8"] };
  const reserved = new Set(["198.51.100.9"]);
  const take = (externalIPs: string[]) =>
    addressesToTake(
      entryOf(
        node,
        service("x", { clusterIP: "10.96.2.1", externalIPs, ports: [{ port: 80 }, { name: "b", port: 81 }] }),
      ),
      { host, clusterCidr: net.clusterCidr, reserved },
    );
  const table: [string, boolean][] = [
    ["203.0.113.5", true],
    [nodeIp, false],
    ["192.0.2.77", false],
    ["198.51.100.9", false],
    ["10.244.7.7", false],
  ];
  for (const [address, taken] of table) {
    assert.deepEqual(take([address]), taken ? ["10.96.2.1", address] : ["10.96.2.1"], address);
  }
  const kubernetes = entryOf(
    node,
    service("kubernetes", { clusterIP: "10.96.0.1", ports: [{ port: 443 }] }),
    slice("kubernetes", [{ port: 6443, protocol: "TCP" }], [at("198.51.100.20")]),
  );
  assert.deepEqual(apiServerAddresses(new Map([[kubernetes.key, kubernetes]])), ["198.51.100.20"]);
});

Deno.test("Claims give a socket to who asked first, and to the next when it is free", () => {
  const claims = new Claims();
  const sockets = (name: string) => {
    const spec = { clusterIP: "10.96.2.1", externalIPs: ["203.0.113.5"], ports: [{ port: 80 }] };
    return socketsOf(entryOf(node, service(name, spec)), place).filter(({ way }) => way === "external");
  };
  const key = "tcp/203.0.113.5/80";
  assert.deepEqual([...claims.wantSockets("default/one", sockets("one"))], [key]);
  claims.wantSockets("default/two", sockets("two"));
  assert.equal(claims.holder(key)!.to.id, "default/one/tcp/80");
  assert.deepEqual(claims.waiting(key), ["default/two"]);
  assert.deepEqual([...claims.wantSockets("default/one", [])], [key]);
  assert.equal(claims.holder(key)!.to.id, "default/two/tcp/80");
  claims.wantSockets("default/two", []);
  assert.equal(claims.holder(key), undefined);

  assert.deepEqual(claims.wantAddresses("default/one", ["203.0.113.5", "10.96.2.1"]), []);
  assert.deepEqual(claims.wantAddresses("default/two", ["203.0.113.5"]), []);
  assert.deepEqual(claims.wantAddresses("default/one", ["10.96.2.1"]), []);
  assert.deepEqual(claims.wantAddresses("default/two", []), ["203.0.113.5"]);
  assert.deepEqual([claims.wants("203.0.113.5"), claims.wants("10.96.2.1")], [false, true]);
});
