/** Hosts that lose their power. */
import assert from "assert";
import { isGivenUp, isTakenBack } from "./links.ts";
import { healedMs, type World } from "./world.ts";

async function cutPower(world: World): Promise<void> {
  const [, , last] = world.hosts;
  await world.scene.many.crash(last);
  world.off.add(last.name);
}

async function restorePower(world: World): Promise<void> {
  const [, , last] = world.hosts;
  await last.boot();
  world.off.delete(last.name);
  await world.scene.many.of(last).start();
}

export async function poweredOff(world: World): Promise<void> {
  world.start("power off");
  await cutPower(world);
  const had = await isGivenUp(world);
  world.start("power on");
  await restorePower(world);
  await isTakenBack(world, had);
}

/** Back before anyone gives it up: its pods start again where they were. */
export async function rebooted(world: World): Promise<void> {
  const [, , last] = world.hosts;
  const before = await world.pods();
  await cutPower(world);
  world.start("power on");
  await restorePower(world);
  await world.after("its node is Ready", healedMs, () => world.nodeIs(last, "True"));
  await world.after("its pods run again", healedMs, async () =>
    await world.served() &&
    (await world.pods()).every(({ node, restarts }) => node !== last.name || restarts > 0));
  await world.after("everyone reaches everything", healedMs, () => world.reaches(...world.hosts));
  const names = (pods: readonly { uid: string }[]) => pods.map(({ uid }) => uid).sort();
  assert.deepEqual(names(await world.pods()), names(before), "pods were replaced");
}
