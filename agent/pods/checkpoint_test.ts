import assert from "assert";
import type { ConfigMap, Pod, Service } from "../../lib/types/core_v1.ts";
import { createCheckpoint } from "./checkpoint.ts";

const pod = (uid: string, managedFields?: object[]) =>
  ({ metadata: { uid, name: uid, managedFields }, spec: {} }) as unknown as Pod;
const map = { metadata: { namespace: "ns", name: "c" }, data: { a: "1" } } as unknown as ConfigMap;

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("createCheckpoint() gives back what was saved, and not what was removed", () =>
  inDirectory(async (directory) => {
    const first = createCheckpoint(directory);
    assert.deepEqual(await first.load(), { pods: [], services: undefined, node: undefined });
    first.save(pod("a", [{}]));
    first.save(pod("b"));
    first.remove("b");
    first.configMaps.save("ns/c", map);
    first.saveServices([{ metadata: { name: "s" } } as Service]);
    first.saveNode({ podCidr: "10.244.0.0/24", peers: [] });
    await first.flush();
    const second = createCheckpoint(directory);
    const { pods, services, node } = await second.load();
    assert.deepEqual(pods, [{ metadata: { uid: "a", name: "a" }, spec: {} }]);
    assert.deepEqual(node, { podCidr: "10.244.0.0/24", peers: [] });
    assert.equal(services![0]!.metadata.name, "s");
    assert.deepEqual(second.configMaps.load("ns/c"), map);
    second.configMaps.save("ns/c", undefined);
    await second.flush();
    const third = createCheckpoint(directory);
    await third.load();
    assert.equal(third.configMaps.load("ns/c"), undefined);
  }));

Deno.test("createCheckpoint() leaves out a damaged file", () =>
  inDirectory(async (directory) => {
    const first = createCheckpoint(directory);
    await first.load();
    first.save(pod("a"));
    await first.flush();
    await Deno.writeTextFile(`${directory}/pods/b.json`, '{"metadata":');
    assert.deepEqual((await createCheckpoint(directory).load()).pods.map(({ metadata }) => metadata.uid), ["a"]);
  }));
