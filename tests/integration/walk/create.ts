/** POST to a collection, in every form of body and answer. */
import assert from "assert";
import { stringify } from "yaml";
import { contentOf, managersOf, types, type Walker, withoutZeros } from "./walker.ts";

export async function creates(w: Walker): Promise<void> {
  if (!w.has("create")) return;
  const { resource, kind, qualified } = w;
  const name = w.name();
  const { body: made, headers } = await w.does(201, "POST", w.path(), w.object(name));
  assert.equal(headers.get("content-type"), types.json);
  assert.equal(made.apiVersion, w.apiVersion);
  assert.equal(made.kind, kind);
  const { metadata } = made;
  assert.equal(metadata.name, name);
  assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
  assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(metadata.resourceVersion, String(await w.revision()));
  if (resource.generation) assert.equal(metadata.generation, 1);
  assert.equal(metadata.selfLink, undefined);
  assert.deepEqual(managersOf(made), ["walker Update"]);
  if (resource.status) assert.equal(typeof made.status, "object");

  const again = await w.unchanged(() =>
    w.refuses([409, "AlreadyExists", `${qualified} "${name}" already exists`], "POST", w.path(), w.object(name))
  );
  const { group, plural } = resource;
  assert.deepEqual(again.body.details, group === "" ? { name, kind: plural } : { name, group, kind: plural });
  await bodies(w, made);
  await dryRuns(w);
  await names(w);
  await w.remove(name);
}

/** Whatever a body is written in, the same object comes of it. */
async function bodies(w: Walker, made: Record<string, unknown>): Promise<void> {
  const forms: [type: string, encode: (object: object) => string | Uint8Array][] = [
    [types.yaml, (object) => stringify(object, { version: "1.1" })],
    [types.protobuf, (object) => w.encode(object)],
  ];
  for (const [type, encode] of forms) {
    const object = w.object(w.name());
    const { body } = await w.does(201, "POST", `${w.path()}?dryRun=All`, encode(object), { type });
    assert.deepEqual(withoutPicks(body), withoutPicks(made), type);
  }
  const accept = types.protobuf;
  const answer = await w.does(201, "POST", `${w.path()}?dryRun=All`, w.object(w.name()), { accept });
  assert.equal(answer.headers.get("content-type"), types.protobuf);
  assert.deepEqual(withoutPicks(w.decode(answer.bytes)), withoutPicks(made), "answered in protobuf");
  const table = await w.does(201, "POST", `${w.path()}?dryRun=All`, w.object(w.name()), { accept: types.table });
  assert.equal(table.body.kind, "Table");
  assert.equal(table.body.rows.length, 1);
}

/** Without what the server picks anew for each object, and without zeros, which protobuf has no need to say. */
function withoutPicks(object: Record<string, unknown>): unknown {
  const text = JSON.stringify(withoutZeros(contentOf(object)));
  return JSON.parse(
    text.replaceAll(/"[0-9a-f]{8}-[0-9a-f-]{27}"/g, '"uid"').replaceAll(/-[a-z0-9]{5}"/g, '-xxxxx"')
      .replaceAll(/10\.96\.\d+\.\d+/g, "10.96.x.x").replaceAll(/"[a-z]+-[a-z]+-v[0-9a-z]+-\d+"/g, '"name"'),
  );
}

async function dryRuns(w: Walker): Promise<void> {
  const name = w.name();
  const { body } = await w.unchanged(() => w.does(201, "POST", `${w.path()}?dryRun=All`, w.object(name)));
  assert.equal(body.metadata.resourceVersion, undefined);
  assert.ok(body.metadata.uid);
  await w.does(404, "GET", w.path(name));
  const message =
    /^CreateOptions\.meta\.k8s\.io "" is invalid: dryRun: Unsupported value: \["?x"?\]: supported values: "All"$/;
  await w.refuses([422, "Invalid", message], "POST", `${w.path()}?dryRun=x`, w.object(name));
}

async function names(w: Walker): Promise<void> {
  const { resource, kind, qualified } = w;
  const generated = w.object("");
  delete generated.metadata.name;
  const nameless = await w.refuses([422, "Invalid", /name or generateName is required/], "POST", w.path(), generated);
  assert.equal(nameless.body.details.causes[0].field, "metadata.name");
  if (w.sample.name === undefined) {
    generated.metadata.generateName = "made-";
    const { body } = await w.does(201, "POST", w.path(), generated);
    assert.match(body.metadata.name, /^made-[a-z0-9]{5}$/);
    assert.equal(body.metadata.generateName, "made-");
    await w.remove(body.metadata.name);
  }
  const wrong = await w.refuses(
    [422, "Invalid", /metadata\.name: Invalid value: "a\/b"/],
    "POST",
    w.path(),
    w.object("a/b"),
  );
  assert.equal(wrong.body.details.kind, kind);
  assert.ok(
    wrong.body.message.startsWith(`${resource.group === "" ? kind : `${kind}.${resource.group}`} "a/b" is invalid: `),
  );
  const revised = w.object(w.name());
  revised.metadata.resourceVersion = "1";
  const set = "resourceVersion should not be set on objects to be created";
  await w.refuses([400, "BadRequest", set], "POST", w.path(), revised);
  if (resource.namespaced) {
    const elsewhere = w.object(w.name());
    elsewhere.metadata.namespace = "default";
    const message = "the namespace of the provided object does not match the namespace sent on the request";
    await w.refuses([400, "BadRequest", message], "POST", w.path(), elsewhere);
    const nowhere = w.path().replace("/walk/", "/nowhere/");
    const lost = w.object(w.name());
    delete lost.metadata.namespace;
    const missing = await w.refuses([404, "NotFound", 'namespaces "nowhere" not found'], "POST", nowhere, lost);
    assert.deepEqual(missing.body.details, { name: "nowhere", kind: "namespaces" });
  }
  await w.refuses([404, "NotFound", `${qualified} "none" not found`], "GET", w.path("none"));
}

/** Fields that are unknown, or said twice. */
export async function validatesFields(w: Walker): Promise<void> {
  if (!w.has("create")) return;
  const text = (name: string) => {
    const object = { ...w.object(name), walked: 1 };
    object.metadata = { name, ...object.metadata, steps: 1 };
    return JSON.stringify(object).replace('"walked":1', '"walked":1,"kind":' + JSON.stringify(w.kind));
  };
  const problems = ['duplicate field "kind"', 'unknown field "metadata.steps"', 'unknown field "walked"'];
  const at = (validation: string) => `${w.path()}?dryRun=All&fieldValidation=${validation}`;
  const strict = await w.refuses([400, "BadRequest", /strict decoding error: /], "POST", at("Strict"), text(w.name()));
  for (const problem of problems) assert.ok(strict.body.message.includes(problem), strict.body.message);
  const warned = await w.does(201, "POST", at("Warn"), text(w.name()));
  for (const problem of problems) {
    assert.ok(
      warned.headers.get("warning")?.includes(problem.replaceAll('"', '\\"')),
      `${warned.headers.get("warning")}`,
    );
  }
  assert.equal(warned.body.walked, undefined);
  const ignored = await w.does(201, "POST", at("Ignore"), text(w.name()));
  assert.doesNotMatch(ignored.headers.get("warning") ?? "", /unknown|duplicate/);
  const message = /fieldValidation: Unsupported value: "No": supported values: "", "Ignore", "Strict", "Warn"$/;
  await w.refuses([422, "Invalid", message], "POST", at("No"), text(w.name()));
}
