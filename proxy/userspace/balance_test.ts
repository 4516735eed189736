import assert from "assert";
import type { Backend, PortEntry } from "../model.ts";
import { only, services } from "../testing/world.ts";
import { Balancer, nameOf } from "./balance.ts";

const entries = new Map(services().map((entry) => [entry.key, entry]));
const portOf = (key: string, ...ips: string[]): PortEntry => {
  const entry = entries.get(key)!;
  return (ips.length === 0 ? entry : only(entry, ...ips)).ports[0]!;
};
const ask = (balancer: Balancer, port: PortEntry, client: string, now: number, skip?: ReadonlySet<string>) =>
  balancer.next(port.cluster, { client, now, affinitySeconds: port.affinitySeconds, skip });

Deno.test("Balancer gives endpoints in turn, whoever asks", () => {
  const balancer = new Balancer();
  const web = portOf("default/web");
  const counts = new Map<string, number>();
  for (let i = 0; i < 300; i++) {
    const { ip } = ask(balancer, web, `10.0.0.${i % 7}`, 0)!;
    counts.set(ip, (counts.get(ip) ?? 0) + 1);
  }
  assert.deepEqual([...counts.values()], [100, 100, 100]);
});

Deno.test("Balancer keeps a client's endpoint for its time, and not when it is gone or silent", () => {
  const balancer = new Balancer();
  const sticky = portOf("default/sticky");
  const first = ask(balancer, sticky, "client", 0)!;
  assert.equal(ask(balancer, sticky, "client", 599_000), first);
  assert.equal(ask(balancer, sticky, "client", 1_198_000), first, "every use begins the time anew");
  assert.notEqual(ask(balancer, sticky, "other", 1_198_000), first);
  const without = sticky.cluster.filter((backend: Backend) => backend !== first);
  const second = ask(balancer, portOf("default/sticky", ...without.map((b) => b.ip)), "client", 1_199_000)!;
  assert.notEqual(second.ip, first.ip);
  assert.notEqual(ask(balancer, sticky, "client", 1_199_000, new Set([nameOf(second)])), second);
  const late = new Balancer();
  const before = ask(late, sticky, "client", 0)!;
  assert.notEqual(ask(late, sticky, "client", 600_001), before);
});

Deno.test("Balancer has no endpoint where there is none", () => {
  assert.equal(new Balancer().next([], { client: "client", now: 0, affinitySeconds: undefined }), undefined);
});
