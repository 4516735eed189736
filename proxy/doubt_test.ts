import assert from "assert";
import { regainedTrustMs } from "../lib/limits.ts";
import { FakeClock } from "../lib/seams/clock.ts";
import { Doubt, withLastEndpoints } from "./doubt.ts";
import type { ServiceEntry } from "./model.ts";
import { services } from "./testing/world.ts";

const [entry] = services().filter(({ ports }) => ports.length > 0 && ports.every(({ anyBackend }) => anyBackend));
const emptied = (of: ServiceEntry): ServiceEntry => ({
  ...of,
  ports: of.ports.map((port) => ({ ...port, cluster: [], local: [], anyBackend: false })),
});

Deno.test("withLastEndpoints() keeps what a Service had when it has nothing left, and nothing else", () => {
  const before = entry!;
  assert.deepEqual(withLastEndpoints(emptied(before), before), before);
  const fewer: ServiceEntry = {
    ...before,
    ports: before.ports.map((port) => ({ ...port, cluster: port.cluster.slice(0, 1) })),
  };
  assert.deepEqual(withLastEndpoints(fewer, before), fewer, "some are left");
  assert.deepEqual(withLastEndpoints(emptied(before), undefined), emptied(before), "it is new");
  assert.deepEqual(withLastEndpoints(emptied(before), emptied(before)), emptied(before), "it had none");
  const moved: ServiceEntry = {
    ...emptied(before),
    ports: emptied(before).ports.map((port) => ({ ...port, id: `${port.id}0`, nodePort: 31_000 })),
  };
  assert.deepEqual(withLastEndpoints(moved, before), moved, "another port");
});

Deno.test("Doubt lasts while the API is lost, and for a while after", async () => {
  const clock = new FakeClock();
  const ended: string[][] = [];
  const doubt = new Doubt({ clock, ended: (keys) => ended.push([...keys]) });
  const gone = emptied(entry!);
  const keeps = () => doubt.judge(gone, entry) !== gone;
  assert.equal(keeps(), false);
  doubt.lost();
  await clock.advance(regainedTrustMs * 2);
  assert.equal(keeps(), true);
  doubt.found();
  await clock.advance(regainedTrustMs - 1);
  doubt.lost(); // flapping: the time begins anew
  await clock.advance(regainedTrustMs);
  assert.deepEqual([keeps(), ended], [true, []]);
  doubt.found();
  await clock.advance(regainedTrustMs);
  assert.deepEqual([keeps(), ended], [false, [[gone.key]]]);
});
