import assert from "assert";
import { createSecured, someone } from "../../tests/harness/secured.ts";

const root = someone("root", "system:masters");
const pods = "/api/v1/namespaces/default/pods";
const zone = "topology.kubernetes.io/zone";
const region = "topology.kubernetes.io/region";

Deno.test("a pod that gets a node gets its zone and region, and keeps what it said itself", async () => {
  const s = await createSecured();
  const send = async (path: string, body: object) => {
    const answer = await s.as(root, "POST", path, body);
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  const labels = { [zone]: "z1", [region]: "r1", "kubernetes.io/hostname": "n" };
  await send("/api/v1/nodes", { metadata: { name: "n", labels } });
  await send("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  await s.fixture.cache.fresh();
  const labelsOf = async (name: string) => (await s.as(root, "GET", `${pods}/${name}`)).body.metadata.labels;
  const make = (name: string, own: object | undefined, spec: object = {}) =>
    send(pods, { metadata: { name, labels: own }, spec: { containers: [{ name: "c", image: "web" }], ...spec } });
  await make("placed", undefined, { nodeName: "n" });
  assert.deepEqual(await labelsOf("placed"), { [zone]: "z1", [region]: "r1" });
  await make("unknown", undefined, { nodeName: "elsewhere" });
  assert.equal(await labelsOf("unknown"), undefined);
  await make("bound", { app: "web", [region]: "mine" });
  assert.deepEqual(await labelsOf("bound"), { app: "web", [region]: "mine" });
  await send(`${pods}/bound/binding`, { metadata: { name: "bound" }, target: { kind: "Node", name: "n" } });
  assert.deepEqual(await labelsOf("bound"), { app: "web", [region]: "mine", [zone]: "z1" });
  await s.close();
});
