import assert from "assert";
import { createFixture } from "../../tests/harness/rest.ts";
import { createClient } from "../client/client.ts";
import { parseRequestInfo } from "../../apiserver/rest/request_info.ts";
import { testUser } from "../../tests/harness/rest.ts";
import { errorResponse } from "../../apiserver/rest/status_answer.ts";
import type { Lease } from "../types/coordination_v1.ts";
import { mayAcquire, runElected } from "./leader.ts";

Deno.test("mayAcquire() leaves a Lease to its holder until that has been silent for its length, by our own clock", () => {
  const lease = (holderIdentity: string) => ({ spec: { holderIdentity, leaseDurationSeconds: 15 } }) as Lease;
  const table: [lease: Lease | undefined, secondsSeen: number, may: boolean][] = [
    [undefined, 0, true],
    [lease(""), 0, true],
    [lease("me"), 0, true],
    [lease("other"), 0, false],
    [lease("other"), 15, false],
    [lease("other"), 15.1, true],
  ];
  for (const [held, seconds, may] of table) assert.equal(mayAcquire(held, "me", 1000, 1000 + seconds * 1000), may);
});

/** Candidates for one Lease, on a clock that is moved. */
async function world() {
  const fixture = await createFixture();
  const { clock } = fixture;
  await fixture.send("POST", "/api/v1/namespaces", { metadata: { name: "kube-system" } });
  const leading = new Set<string>();
  const running: Promise<void>[] = [];
  const candidate = (identity: string) => {
    const ending = new AbortController();
    const way = { broken: false, hanging: false };
    const client = createClient(async (request) => {
      if (way.broken) throw new Error("cut off");
      if (way.hanging) await new Promise(() => {});
      const requestInfo = parseRequestInfo(request.method, new URL(request.url));
      return await fixture.rest.handle(request, { user: testUser, requestInfo }).catch((error) => errorResponse(error));
    });
    const lead = async (signal: AbortSignal) => {
      assert.equal(leading.size, 0, `${identity} leads beside ${[...leading]}`);
      leading.add(identity);
      if (!signal.aborted) {
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      }
      leading.delete(identity);
    };
    const ended = runElected({ client, clock, name: "loop", identity }, lead, ending.signal);
    running.push(ended);
    return { way, stop: () => ending.abort(), ended };
  };
  const pass = async (seconds: number) => {
    for (let passed = 0; passed < seconds * 4; passed++) {
      await clock.advance(250);
      // Requests take turns of the event loop.
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  return { fixture, leading, candidate, pass, leaders: () => [...leading] };
}

Deno.test("runElected() has one leader at a time, and another within a lease of its end", async () => {
  const { fixture, candidate, pass, leaders } = await world();
  const a = candidate("a");
  await pass(1);
  const b = candidate("b");
  await pass(30);
  assert.deepEqual(leaders(), ["a"]);

  a.way.broken = true;
  await pass(9);
  assert.deepEqual(leaders(), ["a"]);
  await pass(2);
  assert.deepEqual(leaders(), [], "who can't renew ends its own term first");
  await pass(7);
  assert.deepEqual(leaders(), ["b"]);

  a.way.broken = false;
  await pass(10);
  assert.deepEqual(leaders(), ["b"]);
  b.way.hanging = true;
  await pass(11);
  assert.deepEqual(leaders(), [], "also while its request hangs");
  await pass(8);
  assert.deepEqual(leaders(), ["a"]);
  a.stop();
  await fixture.close();
});

Deno.test("runElected() gives the Lease back when it stops, so that another leads at once, and only after its work has ended", async () => {
  const { fixture, candidate, pass, leaders } = await world();
  const a = candidate("a");
  await pass(1);
  const b = candidate("b");
  await pass(5);
  a.stop();
  await pass(3);
  await a.ended;
  assert.deepEqual(leaders(), ["b"]);
  b.stop();
  await pass(1);
  await b.ended;
  const { body } = await fixture.send("GET", `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/loop`);
  assert.deepEqual([body.spec.holderIdentity, body.spec.leaseDurationSeconds, body.spec.leaseTransitions], ["", 1, 1]);
  await fixture.close();
});
