import assert from "assert";
import fc from "fast-check";
import { allocate, gatewayOf, type Leases, noLeases, parseLeases, release, setHostPorts } from "./ipam.ts";

function take(leases: Leases, uid: string, now = 0): [Leases, string] {
  const got = allocate(leases, uid, now)!;
  return [got.leases, got.ip];
}

Deno.test("allocate() gives addresses in turn, and a pod always the same", () => {
  let leases = noLeases("10.244.3.0/24");
  const ips: string[] = [];
  for (const uid of ["a", "b", "c", "a"]) {
    const [next, ip] = take(leases, uid);
    leases = next;
    ips.push(ip);
  }
  assert.deepEqual(ips, ["10.244.3.2", "10.244.3.3", "10.244.3.4", "10.244.3.2"]);
  assert.equal(gatewayOf("10.244.3.0/24"), "10.244.3.1");
});

Deno.test("allocate() delays reuse, and reuses what was given back first when nothing else is left", () => {
  // Five usable addresses: .2 to .6.
  let leases = noLeases("10.0.0.0/29");
  for (const uid of ["a", "b", "c", "d", "e"]) [leases] = take(leases, uid);
  assert.equal(allocate(leases, "f", 0), undefined);
  leases = release(leases, "b", 1_000);
  leases = release(leases, "a", 2_000);
  let ip: string;
  [leases, ip] = take(leases, "f", 3_000);
  assert.equal(ip, "10.0.0.3");
  [leases, ip] = take(leases, "g", 3_000);
  assert.equal(ip, "10.0.0.2");
  leases = release(leases, "c", 4_000);
  leases = release(leases, "d", 10_000);
  assert.equal(take(leases, "h", 69_000)[1], "10.0.0.4", "a minute has passed for this one only");
});

Deno.test("release() of a pod without an address, and setHostPorts() of one, change nothing", () => {
  const leases = noLeases("10.0.0.0/24");
  assert.equal(release(leases, "x", 0), leases);
  assert.equal(setHostPorts(leases, "x", []), leases);
});

Deno.test("parseLeases() reads what was written and refuses what is damaged", () => {
  const [leases] = take(noLeases("10.0.0.0/24"), "a");
  assert.deepEqual(parseLeases(JSON.stringify(leases)), leases);
  const damaged = [
    "",
    "{",
    "null",
    "{}",
    JSON.stringify({ ...leases, podCidr: "x" }),
    JSON.stringify({ ...leases, podCidr: "10.1.0.0/24" }),
  ];
  for (const text of damaged) assert.equal(parseLeases(text), undefined, text);
});

Deno.test("allocate() and release() never give one address to two pods, whatever their order", () => {
  const step = fc.record({
    uid: fc.integer({ min: 0, max: 9 }),
    give: fc.boolean(),
    after: fc.integer({ min: 0, max: 40_000 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    let leases = noLeases("10.0.0.0/28");
    let now = 0;
    for (const { uid, give, after } of steps) {
      now += after;
      leases = give ? allocate(leases, String(uid), now)!.leases : release(leases, String(uid), now);
      const ips = Object.values(leases.pods).map((lease) => lease.ip);
      assert.equal(new Set(ips).size, ips.length);
      assert.ok(ips.every((ip) => !/\.(0|1|15)$/.test(ip)));
      assert.ok(ips.every((ip) => leases.released[ip] === undefined));
    }
  }));
});
