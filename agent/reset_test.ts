import assert from "assert";
import { FakeClock } from "../lib/seams/clock.ts";
import { FakeMounts } from "../tests/harness/fake_mounts.ts";
import { FakeEngine } from "./engine/fake.ts";
import { labelNames, sandboxName } from "./pods/names.ts";
import { removeContainers, removePodFiles } from "./reset.ts";

Deno.test("removeContainers() removes this cluster's containers, sandboxes last, and nobody else's", async () => {
  const engine = new FakeEngine({ clock: new FakeClock() });
  engine.addImage("app:1");
  const make = (name: string, container: string, cluster: string) =>
    engine.create({
      name,
      image: "app:1",
      networkMode: "none",
      labels: { [labelNames.cluster]: cluster, [labelNames.container]: container },
    });
  await make("sandbox", sandboxName, "c1");
  await make("app", "app", "c1");
  await make("other", "app", "c2");
  assert.equal(await removeContainers({ engine, config: { clusterId: "c1", "data-dir": "/nowhere" } }), 2);
  assert.deepEqual(engine.journal.filter((line) => line.startsWith("remove")), ["remove app", "remove sandbox"]);
  assert.deepEqual((await engine.list({})).map(({ name }) => name), ["other"]);
});

Deno.test("removePodFiles() unmounts and removes the pods' files, and leaves the rest", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const mounts = new FakeMounts();
    await Deno.mkdir(`${directory}/pods/u/volumes`, { recursive: true });
    await Deno.mkdir(`${directory}/memory`);
    await mounts.tmpfs(`${directory}/memory`);
    await Deno.writeTextFile(`${directory}/kubeconfig`, "");
    await removePodFiles({ mounts, config: { clusterId: "c1", "data-dir": directory } });
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["kubeconfig"]);
    assert.equal((await mounts.list()).length, 1);
    await removePodFiles({ mounts, config: { clusterId: "c1", "data-dir": directory } });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
