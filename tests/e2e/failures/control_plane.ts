/** The control plane is cut off from all: pods and Services live on without it, and nobody is evicted for its fault. */
import assert from "assert";
import { sleep, systemClock } from "../../../lib/seams/clock.ts";
import { Requests } from "../../harness/requests.ts";
import { graceSeconds, healedMs, noticedMs, tolerationSeconds, type World } from "./world.ts";

export async function controlPlaneCutOff(world: World): Promise<void> {
  const { lab } = world.scene;
  const [first, second, last] = world.hosts;
  const [web, workers] = [await world.pods(), await world.pods("workers")];
  const load = { perSecond: 60, slow: 2, slowSeconds: 10 };
  const { ip, nodePort } = world.workers;
  await using inside = await Requests.start((words) => second.command(words), { ...load, targets: [`${ip}:80`] });
  await using outside = await Requests.start((words) => lab.clientCommand(words), {
    ...load,
    targets: [second, last].map(({ ip }) => `${ip}:${nodePort}`),
  });
  world.start("cut off");
  await lab.partition(first);
  await world.after(
    "both other nodes are Unknown",
    noticedMs,
    async () => await world.nodeIs(second, "Unknown") && await world.nodeIs(last, "Unknown"),
  );
  // Long enough for an eviction that should not be.
  await sleep(systemClock, (tolerationSeconds + graceSeconds / 2) * 1000);
  const deleting = [...await world.pods(), ...await world.pods("workers")].filter((pod) => pod.deleting);
  assert.deepEqual(deleting, [], "pods are evicted from hosts that are well");
  world.start("back");
  await lab.heal(first);
  await world.after(
    "both nodes are Ready",
    healedMs,
    async () => await world.nodeIs(second, "True") && await world.nodeIs(last, "True"),
  );
  await world.after(
    "all pods are ready",
    healedMs,
    async () => await world.served() && await world.served("workers", 2),
  );
  await world.after("everyone reaches everything", healedMs, () => world.reaches(...world.hosts));
  assert.deepEqual(await world.pods(), web, "pods were replaced or restarted");
  assert.deepEqual(await world.pods("workers"), workers, "pods were replaced or restarted");
  for (const [who, requests] of [["a host", inside], ["outside", outside]] as const) {
    const { ok, failed, failures } = await requests.stop();
    world.note(
      `all the time: requests to the other hosts' pods from ${who} that failed`,
      `${failed} of ${ok + failed}`,
    );
    assert.equal(failed, 0, `${who}: ${JSON.stringify(failures.slice(0, 10))}`);
  }
}
