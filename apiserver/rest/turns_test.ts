/** Ten thousand objects are sent in many small pieces of work: in between everybody else gets a turn. */
import assert from "assert";
import { createFixture, type Fixture } from "../../tests/harness/rest.ts";
import { nextTurn } from "../../lib/seams/turn.ts";

const objects = 10_000;
const pods = "/api/v1/namespaces/default/pods";
const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

/** A Pod of about 1 KB, as it is stored. */
function podText(i: number): string {
  const env = Array.from({ length: 8 }, (_, n) => ({ name: `SETTING_${n}`, value: `value of setting number ${n}` }));
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `web-${i}`, namespace: "default", uid: `u-${i}`, labels: { app: i % 2 ? "odd" : "even" } },
    spec: { nodeName: `node-${i % 100}`, containers: [{ name: "web", image: "example.com/web:1", env }] },
    status: { phase: "Running" },
  });
}

async function filled(): Promise<Fixture> {
  const f = await createFixture();
  for (let i = 0; i < objects; i++) {
    const text = podText(i);
    const at = text.indexOf('"uid"');
    const value = { head: `${text.slice(0, at)}"resourceVersion":"`, tail: `",${text.slice(at)}` };
    const key = `default/web-${i}`;
    await f.store.write({ resource: "pods", key, type: "put", expected: 0, value, history: "main" });
  }
  await f.cache.fresh();
  return f;
}

/** How often others had a turn while an answer was made and read, and how many of its objects came. */
async function turnsDuring(f: Fixture, path: string, accept?: string): Promise<{ turns: number; bytes: number }> {
  let turns = 0;
  let over = false;
  const others = (async () => {
    while (!over) {
      await nextTurn();
      turns++;
    }
  })();
  const answer = await f.raw("GET", path, undefined, { headers: accept === undefined ? {} : { accept } });
  assert.equal(answer.status, 200, path);
  const reader = answer.body!.getReader();
  let bytes = 0;
  let text = "";
  for (let last = ""; !last.includes('"BOOKMARK"');) {
    const { value, done } = await reader.read();
    if (done) break;
    bytes += value.length;
    last = text.slice(-20) + new TextDecoder().decode(value.subarray(-2000));
    text = last;
  }
  over = true;
  await others;
  await reader.cancel();
  return { turns, bytes };
}

Deno.test("lists, tables, selections and watches of 10,000 objects let others have their turns", async () => {
  const f = await filled();
  try {
    const initial = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const rows: [what: string, path: string, accept: string | undefined, turnsMin: number][] = [
      ["a list", pods, undefined, 10],
      ["a list of those with a label", `${pods}?labelSelector=app%3Dodd`, undefined, 10],
      ["a list of a node's", `${pods}?fieldSelector=spec.nodeName%3Dnode-7`, undefined, 10],
      ["a table", pods, table, 30],
      ["a list for people", `${pods}?pretty=true`, undefined, 100],
      ["metadata only", pods, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", 10],
      ["protobuf", pods, "application/vnd.kubernetes.protobuf", 10],
      ["YAML", `${pods}?limit=2000`, "application/yaml", 30],
      ["a watch with what there is", `${pods}?${initial}`, undefined, 10],
      ["a watch of tables", `${pods}?${initial}`, table, 80],
    ];
    for (const [what, path, accept, turnsMin] of rows) {
      const { turns, bytes } = await turnsDuring(f, path, accept);
      assert.ok(turns >= turnsMin, `${what}: ${turns} turns for others in ${bytes} bytes`);
    }
  } finally {
    await f.close();
  }
});
