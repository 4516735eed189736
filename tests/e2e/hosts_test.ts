/**
 * Three hosts, one cluster: who reaches which Service in which way, whose address the server sees, and how hosts come and go.
 * PROXY_MODE=userspace in the environment asks the same of the proxies that forward by themselves.
 */
import assert from "assert";
import type { Host } from "../harness/lab/host.ts";
import { until } from "../harness/lab/host.ts";
import { manyScenario, type ManyScene } from "./many_scenario.ts";
import { joins } from "./hosts/joins.ts";
import { endpointsWith, objects, ready } from "./hosts/objects.ts";
import { proxyMode, ways } from "./hosts/ways.ts";
import { specials } from "./hosts/specials.ts";

async function spread({ cluster, hosts }: ManyScene): Promise<void> {
  const { items } = await cluster.json("get pods -l app=web");
  const nodes = items.map(({ spec }: { spec: { nodeName: string } }) => spec.nodeName).sort();
  assert.deepEqual(nodes, hosts.map((host: Host) => host.name));
}

manyScenario("three hosts are one cluster", async (scene) => {
  const { cluster, step } = scene;
  await cluster.ask("apply -f -", { stdin: objects(scene) });
  await ready(scene);
  await step("three pods of a Deployment are on three hosts", () => spread(scene));
  await step("every proxy knows every endpoint", async () => {
    for (const member of scene.many.members) {
      await until(10_000, () => endpointsWith(scene, member.host, "web", 3), `${member.host.name} does not reach all`);
    }
  });
  await ways(scene);
  await specials(scene);
  await joins(scene);
}, {
  lab: "h3a",
  prefix: "10.99.60",
  images: ["web", "busybox:1.36"],
  programs: ["perl", "curl"],
  flags: ["--proxy-mode", proxyMode],
});
