import assert from "assert";
import fc from "fast-check";
import { createFixture } from "../../tests/harness/rest.ts";

const configMaps = "/api/v1/namespaces/d/configmaps";

const contentTypes = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "text/plain",
];

const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ maxLength: 200 }).map((text) => new TextEncoder().encode(text)),
  fc.json({ maxDepth: 4 }).map((text) => new TextEncoder().encode(text)),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Uint8Array.of(0x6b, 0x38, 0x73, 0, ...bytes)),
);

Deno.test("no bytes whatever as a body are an internal error, or change what is stored", async () => {
  const f = await createFixture();
  await f.send("POST", configMaps, { metadata: { name: "a" }, data: { x: "1" } });
  const before = (await f.send("GET", `${configMaps}/a`)).text;
  const requests = fc.record({
    method: fc.constantFrom("POST", "PUT", "PATCH"),
    type: fc.constantFrom(...contentTypes),
    body: bodies,
  });
  await fc.assert(
    fc.asyncProperty(requests, async ({ method, type, body }) => {
      const path = method === "POST" ? configMaps : `${configMaps}/a?fieldManager=m`;
      const answer = await f.send(method, `${path}${path.includes("?") ? "&" : "?"}dryRun=All`, body, {
        "content-type": type,
      });
      assert.notEqual(answer.status, 500, answer.text);
      if (answer.status >= 400) assert.equal(answer.body.kind, "Status");
    }),
    { numRuns: 600 },
  );
  assert.equal(await f.store.revision(), 1);
  assert.equal((await f.send("GET", `${configMaps}/a`)).text, before);
  await f.close();
});

Deno.test("no query and no header whatever is an internal error", async () => {
  const f = await createFixture();
  await f.send("POST", configMaps, { metadata: { name: "a" } });
  const names = [
    "limit",
    "continue",
    "resourceVersion",
    "resourceVersionMatch",
    "labelSelector",
    "fieldSelector",
    "pretty",
    "timeoutSeconds",
    "sendInitialEvents",
    "includeObject",
    "dryRun",
  ];
  const pairs = fc.array(fc.tuple(fc.constantFrom(...names), fc.string({ maxLength: 20 })), { maxLength: 4 });
  const accepts = fc.string({ maxLength: 40 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, ""));
  await fc.assert(
    fc.asyncProperty(pairs, accepts, async (query, accept) => {
      const answer = await f.send("GET", `${configMaps}?${new URLSearchParams(query)}`, undefined, { accept });
      assert.notEqual(answer.status, 500, answer.text);
    }),
    { numRuns: 600 },
  );
  await f.close();
});

Deno.test("texts are taken apart where they were put together, whatever is in them", async () => {
  const { splitObject, textAt } = await import("./text.ts");
  const meta = fc.dictionary(fc.string(), fc.string());
  const shape = fc.record({ apiVersion: fc.string(), kind: fc.string(), annotations: meta, data: fc.jsonValue() });
  fc.assert(fc.property(shape, fc.nat(), fc.nat(), ({ apiVersion, kind, annotations, data }, first, second) => {
    const metadata = { name: "a", uid: "u", creationTimestamp: "", resourceVersion: "", annotations };
    const object = { apiVersion, kind, metadata, data };
    const { head, tail } = splitObject(object);
    const text = head + first + tail;
    const wanted = { ...object, metadata: { ...metadata, resourceVersion: String(first) } };
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(wanted)));
    const moved = textAt({ text, revision: first, object: JSON.parse(text) }, second);
    assert.equal(moved, head + second + tail);
  }));
});
