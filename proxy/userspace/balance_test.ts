import assert from "assert";
import type { PortEntry } from "../model.ts";
import { only, services } from "../testing/world.ts";
import { Balancer } from "./balance.ts";

const entries = new Map(services().map((entry) => [entry.key, entry]));
const portOf = (key: string, ...ips: string[]): PortEntry => {
  const entry = entries.get(key)!;
  return (ips.length === 0 ? entry : only(entry, ...ips)).ports[0]!;
};

Deno.test("Balancer gives endpoints in turn, whoever asks", () => {
  const balancer = new Balancer();
  const web = portOf("default/web");
  const counts = new Map<string, number>();
  for (let i = 0; i < 300; i++) {
    const { ip } = balancer.next(web, `10.0.0.${i % 7}`, 0)!;
    counts.set(ip, (counts.get(ip) ?? 0) + 1);
  }
  assert.deepEqual([...counts.values()], [100, 100, 100]);
});

Deno.test("Balancer keeps a client's endpoint for its time, and not when it is gone or silent", () => {
  const balancer = new Balancer();
  const sticky = portOf("default/sticky");
  const first = balancer.next(sticky, "client", 0)!;
  assert.equal(balancer.next(sticky, "client", 599_000), first);
  assert.equal(balancer.next(sticky, "client", 1_198_000), first, "every use begins the time anew");
  assert.notEqual(balancer.next(sticky, "other", 1_198_000), first);
  const without = sticky.cluster.filter((backend) => backend !== first);
  const second = balancer.next(portOf("default/sticky", ...without.map((b) => b.ip)), "client", 1_199_000)!;
  assert.notEqual(second.ip, first.ip);
  assert.notEqual(balancer.next(sticky, "client", 1_199_000, new Set([second])), second);
  const late = new Balancer();
  const before = late.next(sticky, "client", 0)!;
  assert.notEqual(late.next(sticky, "client", 600_001), before);
});

Deno.test("Balancer keeps to this node's endpoints with external policy Local, and has none where there is none", () => {
  const balancer = new Balancer();
  const here = portOf("default/here");
  assert.deepEqual([1, 2, 3].map(() => balancer.next(here, "client", 0)!.local), [true, true, true]);
  assert.equal(balancer.next(portOf("default/far"), "client", 0), undefined);
});
