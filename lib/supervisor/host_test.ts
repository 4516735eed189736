import assert from "assert";
import type { Processes } from "../seams/process.ts";
import { hostStops, nodeNameOf, pickAddress } from "./host.ts";

Deno.test("nodeNameOf() makes a valid node name of any host name", () => {
  const cases = [["Web_01.Example.COM", "web-01.example.com"], ["-x-", "x"], ["---", "localhost"], [
    "a".repeat(80),
    "a".repeat(63),
  ]];
  for (const [hostname, name] of cases) assert.equal(nodeNameOf(hostname!), name);
});

Deno.test("pickAddress() prefers the interface of the default route and never takes loopback", () => {
  const interfaces = [
    { name: "lo", family: "IPv4", address: "127.0.0.1" },
    { name: "docker0", family: "IPv4", address: "172.17.0.1" },
    { name: "eth0", family: "IPv6", address: "2001:db8::1" },
    { name: "eth0", family: "IPv4", address: "192.0.2.3" },
  ];
  assert.equal(pickAddress(interfaces, "eth0"), "192.0.2.3");
  assert.equal(pickAddress(interfaces, undefined), "172.17.0.1");
  assert.equal(pickAddress(interfaces.slice(0, 1), "lo"), undefined);
});

Deno.test("hostStops() believes systemd, and nobody where there is none", async () => {
  const saying = (stdout: string): Processes => ({
    run: () => Promise.resolve({ code: 0, stdout, stderr: "" }),
    spawn: () => assert.fail("nothing is started here"),
  });
  assert.equal(await hostStops(saying("stopping\n")), true);
  assert.equal(await hostStops(saying("running\n")), false);
  const without = { ...saying(""), run: () => Promise.reject(new Deno.errors.NotFound("systemctl")) };
  assert.equal(await hostStops(without), false);
});
