import assert from "assert";
import fc from "fast-check";
import type { KubeObject } from "../../lib/kind.ts";
import { watchEvents } from "../../lib/client/watch.ts";
import { createFixture, type Fixture, sampleResources } from "../../tests/harness/rest.ts";

const configMaps = "/api/v1/namespaces/d/configmaps";
const merge = { "content-type": "application/merge-patch+json" };

type Step = { do: "create" | "delete"; name: string } | { do: "label"; name: string; team: string };

const name = fc.constantFrom("a", "b", "c", "d");
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom("create" as const, "delete" as const), name }),
    fc.record({ do: fc.constant("label" as const), name, team: fc.constantFrom("x", "y") }),
  ),
  { maxLength: 25 },
);

async function take(f: Fixture, step: Step): Promise<void> {
  const path = `${configMaps}/${step.name}`;
  if (step.do === "create") await f.send("POST", configMaps, { metadata: { name: step.name, labels: { team: "x" } } });
  else if (step.do === "label") await f.send("PATCH", path, { metadata: { labels: { team: step.team } } }, merge);
  else await f.send("DELETE", path);
}

const versions = (items: Iterable<KubeObject>) =>
  [...items].map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort().join(" ");

/** A client that lists, and then follows from the list's revision. Fails when an event does not fit what it has. */
async function follow(f: Fixture, selector: string): Promise<{ state: Map<string, KubeObject>; end: Promise<void> }> {
  const query = selector === "" ? "" : `labelSelector=${encodeURIComponent(selector)}&`;
  const { items, metadata } = (await f.send("GET", `${configMaps}?${query}`)).body;
  const state = new Map<string, KubeObject>(items.map((o: KubeObject) => [o.metadata.name, o]));
  const path = `${configMaps}?${query}watch=true&timeoutSeconds=60&resourceVersion=${metadata.resourceVersion}`;
  const response = await f.raw("GET", path);
  let last = Number(metadata.resourceVersion);
  const end = (async () => {
    for await (const { type, object } of watchEvents<KubeObject>(response, new AbortController().signal)) {
      const revision = Number(object.metadata.resourceVersion);
      assert.ok(revision > last, "in order, none twice");
      last = revision;
      assert.equal(state.has(object.metadata.name), type !== "ADDED", `${type} ${object.metadata.name}`);
      if (type === "DELETED") state.delete(object.metadata.name);
      else state.set(object.metadata.name, object);
    }
  })();
  return { state, end };
}

Deno.test("who lists and then watches from there has what there is, with any selector, after any writes", async () => {
  const selectors = fc.array(fc.constantFrom("", "team=x", "team!=x", "team in (y)"), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(steps, steps, selectors, async (before, after, selectors) => {
      const f = await createFixture();
      for (const step of before) await take(f, step);
      const followers = await Promise.all(selectors.map((selector) => follow(f, selector)));
      for (const step of after) await take(f, step);
      await f.cache.fresh();
      await f.clock.advance(60_000);
      for (const [i, { state, end }] of followers.entries()) {
        await end;
        const { items } =
          (await f.send("GET", `${configMaps}?labelSelector=${encodeURIComponent(selectors[i]!)}`)).body;
        assert.equal(versions(state.values()), versions(items), selectors[i]);
      }
      await f.close();
    }),
    { numRuns: 60 },
  );
});

Deno.test("a state too big for one turn is sent whole, and what is written meanwhile comes after it", async () => {
  const f = await createFixture();
  const x = "x".repeat(100_000);
  for (let i = 0; i < 30; i++) await f.send("POST", configMaps, { metadata: { name: `m${i}` }, data: { x } });
  const watching = await f.raw("GET", `${configMaps}?watch=1&timeoutSeconds=60`);
  const replaying = await f.raw("GET", `${configMaps}?watch=1&timeoutSeconds=60&resourceVersion=1`);
  for (let i = 0; i < 10; i++) await f.send("DELETE", `${configMaps}/m${i}`);
  const count = async (response: Response, want: number) => {
    const seen: string[] = [];
    for await (const { type, object } of watchEvents<KubeObject>(response, new AbortController().signal)) {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === want) break;
    }
    return seen;
  };
  const [state, replay] = await Promise.all([count(watching, 40), count(replaying, 39)]);
  assert.deepEqual([state.length, new Set(state).size, state.at(-1)], [40, 40, "DELETED m9"]);
  assert.deepEqual([replay.length, new Set(replay).size, replay[0]], [39, 39, "ADDED m1"]);
  await f.close();
});

Deno.test("kinds come and go while the server runs", async () => {
  const f = await createFixture();
  const [configMapsOnly] = sampleResources.filter((r) => r.kind === "ConfigMap");
  f.rest.use([configMapsOnly!]);
  assert.equal((await f.send("GET", "/api/v1/namespaces/d/pods")).status, 404);
  assert.equal((await f.send("GET", "/apis/apps/v1")).status, 404);
  assert.equal((await f.send("GET", configMaps)).status, 200);
  f.rest.use(sampleResources);
  assert.equal((await f.send("GET", "/apis/apps/v1")).status, 200);
  await f.close();
});
