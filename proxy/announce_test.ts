import assert from "assert";
import { programmedOf } from "../lib/draining.ts";
import { proxyLeaseRenewMs } from "../lib/limits.ts";
import { FakeClock } from "../lib/seams/clock.ts";
import type { EndpointSlice } from "../lib/types/discovery_v1.ts";
import { Lease } from "../lib/types/kinds.ts";
import { createFakeClient } from "../tests/harness/fake_client.ts";
import { Announcer, takesOut } from "./announce.ts";

const slice = (...endpoints: [address: string, terminating?: boolean][]): EndpointSlice => ({
  endpoints: endpoints.map(([address, terminating]) => ({ addresses: [address], conditions: { terminating } })),
} as unknown as EndpointSlice);

Deno.test("takesOut() sees endpoints that go and that begin to terminate, and nothing else", () => {
  const cases: [string, EndpointSlice | undefined, EndpointSlice | undefined, boolean][] = [
    ["a new slice", undefined, slice(["10.0.0.1"]), false],
    ["one more", slice(["10.0.0.1"]), slice(["10.0.0.1"], ["10.0.0.2"]), false],
    ["one begins to terminate", slice(["10.0.0.1"]), slice(["10.0.0.1", true]), true],
    ["one that terminated is gone", slice(["10.0.0.1", true]), slice(), false],
    ["one is gone at once", slice(["10.0.0.1"], ["10.0.0.2"]), slice(["10.0.0.2"]), true],
    ["all are gone", slice(["10.0.0.1"]), undefined, true],
  ];
  for (const [name, old, now, is] of cases) assert.equal(takesOut(old, now), is, name);
});

async function announcing() {
  const clock = new FakeClock();
  const client = createFakeClient({ clock });
  const announcer = new Announcer({ client, clock, node: "n1" });
  const stop = new AbortController();
  const running = announcer.run(stop.signal);
  return {
    clock,
    announcer,
    /** What the Lease says, once the requests under way are done. */
    async told() {
      for (let i = 0; i < 20; i++) await clock.advance(0);
      const { items } = await client.list(Lease, {});
      return items.map((lease) => programmedOf(lease)!);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

Deno.test("Announcer says nothing before the first load, then with every renewal", async () => {
  await using s = await announcing();
  await s.clock.advance(proxyLeaseRenewMs);
  assert.deepEqual(await s.told(), []);
  s.announcer.programmed(7);
  await s.clock.advance(proxyLeaseRenewMs);
  assert.deepEqual((await s.told()).map(({ revision }) => revision), [7]);
  const [first] = await s.told();
  await s.clock.advance(proxyLeaseRenewMs);
  const [second] = await s.told();
  assert.equal(second!.expiresAt - first!.expiresAt, proxyLeaseRenewMs);
});

Deno.test("Announcer says at once what pods wait for, when it is in force", async () => {
  await using s = await announcing();
  s.announcer.programmed(7);
  await s.clock.advance(proxyLeaseRenewMs);
  s.announcer.await(9);
  s.announcer.programmed(8);
  assert.deepEqual((await s.told()).map(({ revision }) => revision), [8]);
  s.announcer.programmed(9);
  assert.deepEqual((await s.told()).map(({ revision }) => revision), [9]);
  s.announcer.programmed(10);
  assert.deepEqual((await s.told()).map(({ revision }) => revision), [9], "nobody waits for it");
});
