import assert from "assert";
import { nodeAddressCheckMs } from "../../lib/limits.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { foundAddress, nextAddress } from "./address.ts";

const notIn = ["10.244.0.0/16", "10.96.0.0/16"];

Deno.test("nextAddress() keeps what the host has, and takes the default route's link when that is gone", () => {
  const lan = { link: "lan0", ip: "192.168.0.9" };
  const other = { link: "lan1", ip: "172.16.0.1" };
  const pods = { link: "lan0", ip: "10.244.1.1" };
  const cases: [string, { link: string; ip: string }[], string | undefined, string][] = [
    ["still there", [other, lan], "lan1", "192.168.0.9"],
    ["gone, no other", [pods], "lan0", "192.168.0.9"],
    ["gone, and the network with it", [other], undefined, "192.168.0.9"],
    ["another one on its link", [other, pods, { link: "lan0", ip: "192.168.0.77" }], "lan0", "192.168.0.77"],
    ["another link", [other], "lan1", "172.16.0.1"],
    ["an address that nobody gave", [{ link: "lan0", ip: "169.254.7.7" }], "lan0", "192.168.0.9"],
  ];
  for (const [what, addresses, link, next] of cases) {
    assert.equal(nextAddress("192.168.0.9", addresses, { link, notIn }), next, what);
  }
});

Deno.test("foundAddress() tells of a change once", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  let ip = "192.168.0.9";
  const address = foundAddress({
    found: ip,
    notIn,
    clock,
    addresses: () => [{ link: "lan0", ip }],
    defaultLink: () => Promise.resolve("lan0"),
  });
  const told: string[] = [];
  address.onChange(() => told.push(address.current()));
  const running = address.run(stop.signal);
  await clock.advance(nodeAddressCheckMs);
  ip = "192.168.0.77";
  for (let i = 0; i < 3; i++) await clock.advance(nodeAddressCheckMs);
  assert.deepEqual(told, ["192.168.0.77"]);
  stop.abort();
  await clock.advance(1);
  await running;
});
