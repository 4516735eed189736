import assert from "assert";
import { nextTurn } from "../../lib/seams/turn.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import type { Pod, PodStatus } from "../../lib/types/core_v1.ts";
import { Pod as PodKind } from "../../lib/types/kinds.ts";
import { createFakeClient } from "../../tests/harness/fake_client.ts";
import { createStatusWriter } from "./status_writer.ts";

async function scene() {
  const clock = new FakeClock();
  const client = createFakeClient({ clock });
  const pod = await client.create(PodKind, {
    metadata: { name: "p", namespace: "default" },
    spec: { containers: [{ name: "app", image: "app:1" }] },
  } as never) as Pod;
  const phase = async () => (await client.get(PodKind, pod.metadata)).status.phase;
  return { clock, client, pod, phase };
}

const inPhase = (phase: PodStatus["phase"]): PodStatus => ({ phase });

Deno.test("createStatusWriter() writes the newest status, also one that is set in any turn of the end of a write", async () => {
  for (let turns = 0; turns < 12; turns++) {
    const { clock, client, pod, phase } = await scene();
    const writer = createStatusWriter({
      client,
      clock,
      signal: new AbortController().signal,
      onWritten: async (written) => {
        if (written.status.phase !== "Running") return;
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        writer.set(written, inPhase("Succeeded"));
      },
    });
    writer.set(pod, inPhase("Running"));
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    assert.equal(await phase(), "Succeeded", `${turns} turns after`);
  }
});
