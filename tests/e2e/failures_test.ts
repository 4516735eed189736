/**
 * What hosts and the network between them can do to a cluster, and how long each takes to be noticed and to be over; nothing needs a hand.
 *
 * Nodes may be silent for 20 s here (50 s by default), and pods tolerate a silent node for 5 s (300 s by default): the times are those
 * of this test. FAILURES=all runs the slow ones, too; UPDATE=1 with it writes docs/failures.md.
 */
import { manyScenario, type ManyScene } from "./many_scenario.ts";
import { World } from "./failures/world.ts";
import { cutOff, flapping, lossy, oneWay, slowLink } from "./failures/links.ts";
import { poweredOff, rebooted } from "./failures/power.ts";
import { controlPlaneCutOff } from "./failures/control_plane.ts";
import { writeFailures } from "./failures/page.ts";

const all = Deno.env.get("FAILURES") === "all";

interface Failure {
  name: string;
  run(world: World): Promise<void>;
  /** Not in CI's runs. */
  slow?: true;
}

const failures: readonly Failure[] = [
  { name: "a host is cut off, and comes back", run: cutOff },
  { name: "a host is rebooted at once", run: rebooted },
  { name: "a host loses power for long", run: poweredOff, slow: true },
  { name: "a host's link flaps", run: flapping },
  { name: "the control plane is cut off from all other hosts", run: controlPlaneCutOff },
  { name: "a host is heard by nobody, but hears", run: (world) => oneWay(world, "mute"), slow: true },
  {
    name: "a host hears nothing of the control plane, but is heard",
    run: (world) => oneWay(world, "deaf"),
    slow: true,
  },
  { name: "30 % of a host's packets are lost", run: lossy, slow: true },
  { name: "a host's link is slow", run: slowLink },
];

manyScenario("hosts fail", async (scene: ManyScene) => {
  const world = await World.prepare(scene);
  for (const { name, run, slow } of failures) {
    if (slow && !all) continue;
    await scene.step(name, async () => {
      world.begin(name);
      await world.whole();
      try {
        await run(world);
      } finally {
        await world.mend();
      }
    });
  }
  if (all && Deno.env.get("UPDATE") !== undefined) await writeFailures(world.rows);
}, {
  lab: "h3c",
  prefix: "10.99.66",
  images: ["web", "busybox:1.36"],
  programs: ["perl", "curl"],
  flags: ["--node-monitor-grace", "20s"],
});
