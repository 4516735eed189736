/** Failures of the network between hosts. */
import assert from "assert";
import { sleep, systemClock } from "../../../lib/seams/clock.ts";
import { healedMs, noticedMs, type Pod, type World } from "./world.ts";

/** What follows from a host that is not heard of any longer, whatever the reason. Answers the pods that it had. */
export async function isGivenUp(world: World): Promise<Pod[]> {
  const [first, second, last] = world.hosts;
  const had = (await world.pods()).filter(({ node }) => node === last.name);
  assert.ok(had.length > 0, "it has no pod");
  await world.after("its node is Unknown", noticedMs, () => world.nodeIs(last, "Unknown"));
  await world.after("no kernel of the others sends to its pods", noticedMs, () => world.reaches(first, second));
  await world.after("its pods are replaced and ready elsewhere", noticedMs, () => world.served());
  const left = (await world.pods()).filter(({ node }) => node === last.name);
  assert.deepEqual(
    left.map(({ name, deleting }) => [name, deleting]),
    had.map(({ name }) => [name, true]),
    "its pods stay Terminating until it says that they have ended",
  );
  return had;
}

/** It is back: what was replaced goes, and it sends to the pods of today. */
export async function isTakenBack(world: World, had: readonly Pod[]): Promise<void> {
  const [, , last] = world.hosts;
  await world.after("its node is Ready", healedMs, () => world.nodeIs(last, "True"));
  await world.after("its own kernel sends only to the pods of today", healedMs, () => world.reaches(last));
  await world.after("what was replaced is gone from it and from the API", healedMs, async () => {
    const running = await world.containersOn(last);
    const known = (await world.pods()).map(({ name }) => name);
    return had.every(({ name }) => !running.includes(name) && !known.includes(name));
  });
  assert.ok(await world.served());
}

export async function cutOff(world: World): Promise<void> {
  const { lab } = world.scene;
  const [, , last] = world.hosts;
  const before = await world.containersOn(last);
  world.start("cut off");
  await lab.partition(last);
  const had = await isGivenUp(world);
  assert.deepEqual((await world.containersOn(last)).sort(), before.sort(), "its pods live on");
  assert.ok(await world.answered(last, world.web, 9) >= 3, "it still reaches its own pod");
  world.start("back");
  await lab.heal(last);
  await isTakenBack(world, had);
}

export async function flapping(world: World): Promise<void> {
  const { lab } = world.scene;
  const [, , last] = world.hosts;
  const before = await world.pods();
  for (let i = 0; i < 6; i++) {
    await lab.partition(last);
    await sleep(systemClock, 2_500);
    await lab.heal(last);
    await sleep(systemClock, 2_500);
    assert.ok(await world.nodeIs(last, "True"), "its node is not Ready");
  }
  world.start("steady again");
  await world.after("everyone reaches everything", healedMs, () => world.reaches(...world.hosts));
  assert.deepEqual(await world.pods(), before, "pods were replaced or restarted");
}

/** `mute`: nothing that it sends arrives anywhere. `deaf`: nothing that the control plane's host sends arrives at it. */
export async function oneWay(world: World, how: "mute" | "deaf"): Promise<void> {
  const { lab } = world.scene;
  const [first, , last] = world.hosts;
  world.start("one-way");
  if (how === "mute") await lab.lose(last, { percent: 100 });
  else await lab.lose(first, { percent: 100, to: last.ip });
  const had = await isGivenUp(world);
  world.start("back");
  await lab.lose(how === "mute" ? last : first, undefined);
  await isTakenBack(world, had);
}

export async function lossy(world: World): Promise<void> {
  const { lab, many } = world.scene;
  const [, , last] = world.hosts;
  const before = await world.pods();
  await lab.lose(last, { percent: 30 });
  let answered = 0;
  const rounds = 5;
  for (let i = 0; i < rounds; i++) {
    answered += await world.answered(last);
    assert.ok(await world.nodeIs(last, "True"), "its node is not Ready");
    await sleep(systemClock, 6_000);
  }
  world.note("lossy: connections from it that were made within one second", `${answered} of ${rounds * 6}`);
  assert.ok(answered > 0);
  // What is written to the API arrives, if late.
  world.start("lossy");
  await many.first.ask(`label node ${last.name} lossy=yes --overwrite`);
  const pod = `probe-${last.name}`;
  await many.first.ask("apply -f -", { stdin: idle(pod, last.name) });
  await world.after("a new pod on it is ready", healedMs, async () => {
    const { stdout } = await many.first.kubectl(`get pod ${pod} -o jsonpath={.status.containerStatuses[0].ready}`);
    return stdout === "true";
  });
  await many.first.ask(`delete pod ${pod} --timeout=60s`);
  world.start("back");
  await lab.lose(last, undefined);
  await world.after("everyone reaches everything", healedMs, () => world.reaches(...world.hosts));
  assert.deepEqual(await world.pods(), before, "pods were replaced or restarted");
}

export async function slowLink(world: World): Promise<void> {
  const { lab, many } = world.scene;
  const [, , last] = world.hosts;
  const before = await world.pods();
  await lab.slow(last, "512kbit");
  const pod = `probe-${last.name}`;
  world.start("slow");
  await many.first.ask("apply -f -", { stdin: idle(pod, last.name) });
  await world.after("a new pod on it is ready", healedMs, async () => {
    const { stdout } = await many.first.kubectl(`get pod ${pod} -o jsonpath={.status.containerStatuses[0].ready}`);
    return stdout === "true";
  });
  // 200 kB at 512 kbit/s: some three seconds.
  world.start("slow");
  const text = await many.first.ask(["exec", "-i", pod, "--", "wc", "-c"], { stdin: "x".repeat(200_000) });
  assert.equal(text.trim(), "200000");
  await world.after("200 kB have gone through kubectl exec", healedMs, () => Promise.resolve(true));
  assert.ok(await world.reaches(...world.hosts), "not everyone reaches everything");
  assert.ok(await world.nodeIs(last, "True"), "its node is not Ready");
  await many.first.ask(`delete pod ${pod} --timeout=60s`);
  assert.deepEqual(await world.pods(), before, "pods were replaced or restarted");
}

function idle(name: string, node: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 0,
      containers: [{
        name: "main",
        image: "busybox:1.36",
        imagePullPolicy: "IfNotPresent",
        command: ["sleep", "infinity"],
      }],
    },
  });
}
