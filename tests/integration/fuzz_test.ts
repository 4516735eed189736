/**
 * Whatever is sent as a body to any kind: it is no internal error, what is refused changes nothing, and neither does a dry run. The seed is
 * fixed; SEED and RUNS in the environment look further.
 */
import assert from "assert";
import fc from "fast-check";
import { stringify } from "yaml";
import { resources } from "../../apiserver/registry/mod.ts";
import { subresourcesOf } from "../../apiserver/rest/discovery.ts";
import { arbitraryObject } from "../../lib/schema/arbitrary.ts";
import { definition } from "../../lib/schema/schema.ts";
import { createSecured, type Secured, someone } from "../harness/secured.ts";
import { type Json, namespace, types, Walker } from "./walk/walker.ts";

const numRuns = Number(Deno.env.get("RUNS") ?? 800);
const seed = Number(Deno.env.get("SEED") ?? 1);

/** With one object of every kind. */
async function begin(): Promise<{ api: Secured; walkers: { walker: Walker; name: string }[] }> {
  const api = await createSecured();
  const admin = someone("admin", "system:masters");
  await api.as(admin, "POST", "/api/v1/namespaces", { metadata: { name: namespace } });
  await api.as(admin, "POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "default" } });
  const walkers: { walker: Walker; name: string }[] = [];
  for (const resource of resources) {
    const walker = new Walker(api, resource, admin);
    walkers.push({ walker, name: (await walker.make()).metadata.name });
  }
  return { api, walkers };
}

/** What takes the place of a value. */
const strange = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    "",
    0,
    -1,
    1e21,
    true,
    [],
    {},
    [null],
    [[]],
    [{}],
    { "": {} },
    "__proto__",
    "a\0b",
    "\ud800",
  ),
  fc.constantFrom<unknown>(
    "1Gi",
    "100%",
    "10.0.0.1",
    "::1",
    "a/b",
    "kubernetes.io/x",
    "2024-01-02T03:04:05Z",
    65536,
    2 ** 31,
  ),
  fc.constantFrom<unknown>({ __proto__: null, constructor: 1 }, { $patch: "delete" }, { $patch: "replace", a: 1 }),
  fc.string({ maxLength: 300 }),
  fc.jsonValue({ maxDepth: 3 }),
);

type Path = readonly (string | number)[];

/** Every place in a value. */
function* places(value: unknown, at: Path = []): Generator<Path> {
  yield at;
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    yield* places(member, [...at, Array.isArray(value) ? Number(key) : key]);
  }
}

interface Change {
  place: number;
  what: "set" | "remove" | "repeat" | "add";
  value: unknown;
  key: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  place: fc.nat(1000),
  what: fc.constantFrom("set" as const, "set" as const, "remove" as const, "repeat" as const, "add" as const),
  value: strange,
  key: fc.oneof(
    fc.constantFrom("$patch", "$retainKeys", "$setElementOrder/containers", "x", "name"),
    fc.string({ maxLength: 9 }),
  ),
});

function changed(object: unknown, { place, what, value, key }: Change): unknown {
  const all = [...places(object)];
  const path = all[place % all.length]!;
  if (path.length === 0) return what === "set" && place % 7 === 0 ? value : object;
  const copy = structuredClone(object) as Json;
  const parent = path.slice(0, -1).reduce<unknown>((at, step) => (at as Json)[step], copy) as Json & unknown[];
  const last = path.at(-1)! as string & number;
  if (what === "set") parent[last] = value;
  else if (what === "remove") Array.isArray(parent) ? parent.splice(last, 1) : delete (parent as Json)[last];
  else if (what === "repeat" && Array.isArray(parent)) parent.push(structuredClone(parent[last]));
  else if (Array.isArray(parent)) parent.push(value);
  else (parent as Json)[key] = value;
  return copy;
}

const pointers = (object: unknown) =>
  [...places(object)].map((path) =>
    path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")
  );

interface Recipe {
  /** Its place in the registry. */
  kind: number;
  changes: Change[];
  wild: unknown;
  method: "POST" | "PUT" | "PATCH";
  part: number;
  type: number;
  noise: Uint8Array;
  cut: number;
}

const recipes: fc.Arbitrary<Recipe> = fc.nat(resources.length - 1).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    changes: fc.array(change, { minLength: 1, maxLength: 4 }),
    wild: fc.option(arbitraryObject(definition(resources[kind]!.definition), 5), { freq: 3 }),
    method: fc.constantFrom("POST" as const, "PUT" as const, "PATCH" as const),
    part: fc.nat(20),
    type: fc.nat(20),
    noise: fc.uint8Array({ maxLength: 60 }),
    cut: fc.nat(1000),
  })
);

const accepts = [types.json, types.table, types.protobuf, types.partial, types.yaml];

interface Shot {
  method: string;
  path: string;
  type: string;
  body: string | Uint8Array;
  /** What is made of an odd object must not fail either: a table's cells, protobuf. */
  accept: string;
}

const patchTypes = [types.jsonPatch, types.merge, types.strategic, types.apply];

function shotOf(w: Walker, name: string, recipe: Recipe): Shot {
  const { changes, wild, method, cut } = recipe;
  const { resource } = w;
  const plain = w.object(method === "POST" ? w.name() : name);
  const status = w.sample.status === undefined ? {} : { status: w.sample.status };
  const whole = wild === null
    ? { ...plain, ...w.sample.change, ...status }
    : { ...plain, ...wild as Json, metadata: plain.metadata };
  const object = changes.reduce<unknown>(changed, whole);
  const writable = subresourcesOf(resource).filter(({ verbs }) =>
    verbs.includes(method === "PUT" ? "update" : method === "PATCH" ? "patch" : "create")
  );
  const parts = [
    undefined,
    undefined,
    undefined,
    ...writable.filter(({ name }) => resource.subresources[name]?.do !== "connect"),
  ];
  const part = parts[recipe.part % parts.length];
  const path = method === "POST" && part === undefined ? w.path() : w.path(name, part?.name);
  const accept = `${accepts[cut % accepts.length]},${types.json}`;
  if (method === "PATCH") {
    const type = patchTypes[recipe.type % patchTypes.length]!;
    return { method, path: `${path}?fieldManager=fuzz`, type, accept, body: patchText(object, whole, type, recipe) };
  }
  const type = [types.json, types.json, types.yaml, types.protobuf][recipe.type % 4]!;
  if (type === types.json) return { method, path, type, accept, body: cutText(JSON.stringify(object) ?? "", cut) };
  if (type === types.yaml) return { method, path, type, accept, body: cutText(stringify(object), cut) };
  return { method, path, type, accept, body: bent(w.encode(whole), recipe) };
}

const cutText = (text: string, cut: number) => cut % 13 === 0 ? text.slice(0, cut % (text.length + 1)) : text;

function patchText(object: unknown, whole: Json, type: string, { changes, cut }: Recipe): string {
  if (type !== types.jsonPatch) return cutText(JSON.stringify(object) ?? "", cut);
  const all = pointers(whole);
  const operations = changes.map(({ place, what, value, key }) => {
    const path = all[place % all.length]!;
    const from = all[(place * 7 + 3) % all.length]!;
    const op =
      { set: "replace", remove: "remove", repeat: place % 2 ? "copy" : "move", add: place % 3 ? "add" : "test" }[what];
    return { op, path: what === "add" ? `${path}/${key}` : path, from, value };
  });
  return cutText(JSON.stringify(operations), cut);
}

/** Bytes some of which are others, and the end of which may be missing. */
function bent(bytes: Uint8Array, { noise, cut }: Recipe): Uint8Array {
  const copy = cut % 5 === 0 ? bytes.slice(0, cut % (bytes.length + 1)) : bytes.slice();
  noise.forEach((byte, i) => {
    if (i % 2 === 0 && copy.length > 0) copy[(byte * 31 + i * 7) % copy.length] = noise[i + 1] ?? 0xff;
  });
  return copy;
}

async function fire(api: Secured, w: Walker, shot: Shot): Promise<void> {
  const { method, path, type, body, accept } = shot;
  const before = await api.fixture.store.revision();
  const dry = `${path}${path.includes("?") ? "&" : "?"}dryRun=All`;
  const answer = await w.send(method, dry, body, { type, accept });
  const shown = typeof body === "string" ? body : [...body].join();
  const about = `${method} ${path} ${type} ${shown} as ${accept}`;
  assert.ok(answer.code < 500, `${about}: ${new TextDecoder().decode(answer.bytes)}`);
  if (answer.code >= 400) assert.equal((await w.send(method, dry, body, { type })).body.kind, "Status", about);
  assert.equal(await api.fixture.store.revision(), before, `a dry run wrote: ${about}`);
  if (answer.code < 400) return;
  const real = await w.send(method, path, body, { type });
  assert.equal(real.code, answer.code, `only refused when dry: ${about}: ${JSON.stringify(answer.body)}`);
  assert.equal(await api.fixture.store.revision(), before, `what is refused wrote: ${about}`);
}

const segment = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom("api", "apis", "v1", "apps", "batch", "namespaces", "default", namespace, "watch"),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...new Set(resources.flatMap(({ plural, group, version }) => [plural, group || "api", version])),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...new Set(resources.flatMap((resource) => subresourcesOf(resource).map(({ name }) => name))),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "openapi",
      "v3",
      "version",
      "healthz",
      "livez",
      "metrics",
      "pods-core-v1-0",
      "services-core-v1-0:http",
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "",
      ".",
      "..",
      "%2e%2e",
      "%2F",
      "%00",
      "%ff",
      "%zz",
      "a:b:c",
      "__proto__",
      "constructor",
      "ü",
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 9 }).map(encodeURIComponentSafely) },
);

function encodeURIComponentSafely(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

const query = fc.array(
  fc.tuple(
    fc.constantFrom(
      "watch",
      "container",
      "limit",
      "dryRun",
      "follow",
      "tailLines",
      "timeout",
      "fieldSelector",
      "command",
      "ports",
      "path",
    ),
    fc.oneof(
      fc.constantFrom("", "1", "true", "-1", "metadata.name=a", "All", "1s", "../.."),
      fc.string({ maxLength: 9 }),
    ),
  ),
  { maxLength: 3 },
).map((pairs) => pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`);

/** Most begin as a path of a kind does, so that what follows is looked at. */
const start = fc.constantFrom(
  "/",
  "/api/v1/",
  "/apis/apps/v1/",
  `/api/v1/namespaces/${namespace}/`,
  `/api/v1/namespaces/${namespace}/pods/pods-core-v1-0/`,
);
const paths = fc.tuple(start, fc.array(segment, { minLength: 1, maxLength: 5 }), query)
  .map(([start, segments, query]) => `${start}${segments.join("/")}${query}`);

Deno.test("no path whatever is an internal error, whatever the method", async () => {
  const { api, walkers } = await begin();
  const { walker } = walkers[0]!;
  const methods = fc.constantFrom("GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
  await fc.assert(
    fc.asyncProperty(methods, paths, async (method, path) => {
      const body = method === "GET" || method === "HEAD" ? undefined : "{}";
      const stop = new AbortController();
      const type = method === "PATCH" ? types.merge : types.json;
      const response = await walker.open(method, path, body, { type, signal: stop.signal });
      const about = `${method} ${path}`;
      // There is no agent that an answer could come from.
      const reached = response.status === 503 || response.status === 501;
      if (response.status >= 500) assert.ok(reached, `${about}: ${await response.text()}`);
      stop.abort();
      if (!response.bodyUsed) await response.body?.cancel();
    }),
    { numRuns, seed },
  );
  await api.close();
});

Deno.test("no body whatever is an internal error of any kind, or written when it is refused", async () => {
  const { api, walkers } = await begin();
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const { walker, name } = walkers[recipe.kind]!;
      await fire(api, walker, shotOf(walker, name, recipe));
    }),
    { numRuns, seed },
  );
  await api.close();
});

/** Every object that is there can be shown in every form, and is what it is when it is written as it was read. */
async function isStable(w: Walker): Promise<void> {
  for (const accept of [types.json, types.yaml, types.protobuf, `${types.table},${types.json}`, types.partialList]) {
    await w.does(200, "GET", w.path(), undefined, { accept });
  }
  const { body } = await w.does(200, "GET", w.path());
  for (const item of body.items) {
    const path = w.path(encodeURIComponent(item.metadata.name));
    const about = `${path}: ${JSON.stringify(item)}`;
    for (const [type, again] of [[types.json, item], [types.protobuf, w.encode(item)]] as const) {
      const before = await w.revision();
      const { code, body } = await w.send("PUT", path, again, { type });
      // Kubernetes, too, creates Nodes with a status that it refuses in an update.
      if (code === 422 && w.kind === "Node") continue;
      assert.ok(code === 200, `${about}: ${JSON.stringify(body)}`);
      assert.equal(await w.revision(), before, `written as read it changed: ${about} ${JSON.stringify(body)}`);
    }
  }
}

Deno.test("what any writes have made can be shown in every form, and is left as it is by a PUT of what was read", async () => {
  const { api, walkers } = await begin();
  for (const recipe of fc.sample(recipes, { numRuns, seed })) {
    const { walker, name } = walkers[recipe.kind]!;
    const { method, path, type, body } = shotOf(walker, name, recipe);
    await walker.send(method, path, body, { type });
  }
  for (const { walker } of walkers) await isStable(walker);
  await api.close();
});
