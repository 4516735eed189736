/** PUT and PATCH of an object. */
import assert from "assert";
import { stringify } from "yaml";
import { type Answer, contentOf, managersOf, types, type Walker, withoutZeros } from "./walker.ts";

/** What may be written again as it was read. */
const again = (object: Answer["body"]): Answer["body"] => structuredClone(object);

export async function updates(w: Walker): Promise<void> {
  const { resource, qualified } = w;
  const made = await w.make();
  const { name } = made.metadata;
  const path = w.path(name);
  const same = await w.unchanged(() => w.does(200, "PUT", path, again(made)));
  assert.deepEqual(same.body, made, "a PUT of what is there changes nothing");
  await w.unchanged(() => w.does(200, "PUT", path, w.encode(made), { type: types.protobuf }));
  await w.unchanged(() => w.does(200, "PUT", path, stringify(made, { version: "1.1" }), { type: types.yaml }));

  const labelled = again(made);
  labelled.metadata.labels = { walk: "update" };
  const dry = await w.unchanged(() => w.does(200, "PUT", `${path}?dryRun=All`, labelled));
  assert.equal(dry.body.metadata.labels.walk, "update");
  const after = (await w.does(200, "PUT", path, labelled)).body;
  assert.equal(Number(after.metadata.resourceVersion), await w.revision());
  assert.ok(Number(after.metadata.resourceVersion) > Number(made.metadata.resourceVersion));
  assert.equal(after.metadata.generation, made.metadata.generation, "metadata moves no generation");
  assert.deepEqual(contentOf(after), contentOf(made));

  await w.unchanged(async () => {
    const stale = new RegExp(
      `^Operation cannot be fulfilled on ${qualified.replaceAll(".", "\\.")} "${name}": the object has been`,
    );
    const { body } = await w.refuses([409, "Conflict", stale], "PUT", path, { ...labelled, metadata: made.metadata });
    assert.equal(body.details.name, name);
    assert.equal(body.details.kind, resource.plural);
    const other = again(after);
    other.metadata.uid = "00000000-0000-0000-0000-000000000000";
    await w.refuses([409, "Conflict", /Precondition failed: UID in precondition: 0{8}/], "PUT", path, other);
    const misnamed = again(after);
    misnamed.metadata.name = "other";
    const message = `the name of the object (other) does not match the name on the URL (${name})`;
    await w.refuses([400, "BadRequest", message], "PUT", path, misnamed);
    await w.refuses([400, "BadRequest", /cannot be handled as a/], "PUT", path, { ...after, kind: "Walk" });
  });
  await unconditional(w, after);
  await absent(w);
  await w.remove(name);
}

async function unconditional(w: Walker, object: Answer["body"]): Promise<void> {
  const path = `${w.path(object.metadata.name)}?dryRun=All`;
  const free = again(object);
  delete free.metadata.resourceVersion;
  if (w.resource.unconditionalUpdate) return void await w.does(200, "PUT", path, free);
  await w.refuses([422, "Invalid", /metadata\.resourceVersion: Invalid value: .*must be specified for an update/], ...[
    "PUT",
    path,
    free,
  ]);
}

async function absent(w: Walker): Promise<void> {
  const name = w.name();
  const body = w.object(name);
  if (!w.resource.createOnUpdate) {
    await w.refuses([404, "NotFound", `${w.qualified} "${name}" not found`], "PUT", w.path(name), body);
    return;
  }
  await w.unchanged(() => w.does(201, "PUT", `${w.path(name)}?dryRun=All`, body));
  await w.does(201, "PUT", w.path(name), body);
  await w.remove(name);
}

/** The four kinds of patches: each sets a label, and sets it once. */
export async function patches(w: Walker): Promise<void> {
  const made = await w.make();
  const { name } = made.metadata;
  const path = w.path(name);
  const label = (value: string) => ({ metadata: { labels: { walk: value } } });
  const applied = { apiVersion: w.apiVersion, kind: w.kind, ...label("apply") };
  const table: [type: string, patch: unknown, value: string][] = [
    [types.jsonPatch, [{ op: "add", path: "/metadata/labels", value: { walk: "json" } }], "json"],
    [types.merge, label("merge"), "merge"],
    [types.strategic, label("strategic"), "strategic"],
    [types.apply, applied, "apply"],
  ];
  for (const [type, patch, value] of table) {
    const query = type === types.apply ? "?fieldManager=walk&force=true" : "";
    const also = query === "" ? "?" : `${query}&`;
    const dry = await w.unchanged(() => w.does(200, "PATCH", `${path}${also}dryRun=All`, patch, { type }));
    assert.equal(dry.body.metadata.labels.walk, value);
    const { body } = await w.does(200, "PATCH", path + query, patch, { type });
    assert.equal(body.metadata.labels.walk, value);
    assert.equal(body.metadata.resourceVersion, String(await w.revision()));
    assert.equal(body.metadata.generation, made.metadata.generation);
    await w.unchanged(() => w.does(200, "PATCH", path + query, patch, { type }));
    const accept = types.protobuf;
    const { bytes } = await w.does(200, "PATCH", path + query, patch, { type, accept });
    assert.deepEqual(withoutZeros(w.decode(bytes)), withoutZeros(body));
  }
  await w.unchanged(() => refusesPatches(w, name));
  await moves(w, name);
  await w.remove(name);
}

async function refusesPatches(w: Walker, name: string): Promise<void> {
  const path = w.path(name);
  const patch = (type: string) => ["PATCH", path, "{}", { type }] as const;
  await w.refuses([415, "UnsupportedMediaType", /^the body of the request was in an unknown format - accepted/], ...[
    ...patch("application/json"),
  ]);
  const cases: [code: number, reason: string, message: RegExp, type: string, body: string][] = [
    [400, "BadRequest", /^error decoding patch: /, types.jsonPatch, "{}"],
    [400, "BadRequest", /^error decoding patch: /, types.merge, "{"],
    [422, "Invalid", /due to an error in our request/, types.jsonPatch, '[{"op":"test","path":"/kind","value":"x"}]'],
    [422, "Invalid", /due to an error in our request/, types.jsonPatch, '[{"op":"remove","path":"/none"}]'],
    [409, "Conflict", /the object has been modified/, types.merge, '{"metadata":{"resourceVersion":"1"}}'],
    [409, "Conflict", /Precondition failed: UID in precondition/, types.merge, '{"metadata":{"uid":"x"}}'],
    [400, "BadRequest", /does not match the name on the URL/, types.merge, '{"metadata":{"name":"x"}}'],
  ];
  for (const [code, reason, message, type, body] of cases) {
    await w.refuses([code, reason, message], "PATCH", path, body, { type });
  }
  const unknown = { walked: 1 };
  const strict = `${path}?fieldValidation=Strict`;
  for (const type of [types.merge, types.strategic]) {
    await w.refuses([422, "Invalid", /unknown field "walked"/], "PATCH", strict, unknown, { type });
    const { headers } = await w.does(200, "PATCH", path, unknown, { type });
    assert.match(headers.get("warning") ?? "", /unknown field \\"walked\\"/);
    const ignored = await w.does(200, "PATCH", `${path}?fieldValidation=Ignore`, unknown, { type });
    assert.doesNotMatch(ignored.headers.get("warning") ?? "", /walked/);
  }
  const twice = '{"metadata":{"labels":{"a":"1","a":"2"}}}';
  for (const type of [types.merge, types.strategic]) {
    const message = /strict decoding error: duplicate field "metadata\.labels\.a"$/;
    await w.refuses([422, "Invalid", message], "PATCH", strict, twice, { type });
    const { headers } = await w.does(200, "PATCH", `${path}?dryRun=All`, twice, { type });
    assert.match(headers.get("warning") ?? "", /duplicate field \\"metadata\.labels\.a\\"/);
  }
  await w.refuses([404, "NotFound", `${w.qualified} "none" not found`], "PATCH", w.path("none"), {}, {
    type: types.merge,
  });
}

/** A change of the content moves the generation; the same again does not. */
async function moves(w: Walker, name: string): Promise<void> {
  const { change } = w.sample;
  if (change === undefined || Object.keys(change).length === 0) return;
  const before = await w.get(name);
  const { body } = await w.does(200, "PATCH", w.path(name), change, { type: types.merge });
  assert.notDeepEqual(contentOf(body), contentOf(before), "the sample's change changes something");
  if (w.resource.generation) assert.equal(body.metadata.generation, before.metadata.generation + 1);
  await w.unchanged(() => w.does(200, "PATCH", w.path(name), change, { type: types.merge }));
  assert.ok(managersOf(body).includes("walker Update"), "who changed it is recorded");
}
