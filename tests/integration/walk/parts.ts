/** `/status`, `/scale` and the other subresources. */
import assert from "assert";
import { subresourcesOf } from "../../../apiserver/rest/discovery.ts";
import { contentOf, managersOf, types, type Walker } from "./walker.ts";

const verbOf: Readonly<Record<string, string>> = {
  GET: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

export async function parts(w: Walker): Promise<void> {
  const { body: { metadata: { name } } } = { body: await w.make() };
  if (w.resource.status) await statuses(w, name);
  if (w.resource.scale !== undefined) await scales(w, name);
  const there = new Map(subresourcesOf(w.resource).map(({ name, verbs }) => [name, verbs]));
  for (const part of ["status", "scale", "walk"]) {
    if (there.has(part)) continue;
    const message = "the server could not find the requested resource";
    await w.refuses([404, "NotFound", message], "GET", w.path(name, part));
  }
  for (const [part, verbs] of there) {
    const connects = w.resource.subresources[part]?.do === "connect";
    for (const [method, verb] of Object.entries(verbOf)) {
      if (verbs.includes(verb)) continue;
      const message = "the server does not allow this method on the requested resource";
      const { headers } = await w.refuses([405, "MethodNotAllowed", message], method, w.path(name, part));
      const allowed = Object.keys(verbOf).filter((other) => verbs.includes(verbOf[other]!)).sort();
      assert.equal(headers.get("allow"), allowed.join(", "));
    }
    if (verbs.includes("get") && !connects) await w.does(200, "GET", w.path(name, part));
    const { code } = await w.send("GET", w.path("none", part));
    assert.equal(code, verbs.includes("get") ? 404 : 405, `${part} of what is not there`);
  }
  await w.remove(name);
}

/** A write of the status writes nothing else, and a write of anything else no status. */
async function statuses(w: Walker, name: string): Promise<void> {
  const path = w.path(name, "status");
  const before = await w.get(name);
  assert.deepEqual((await w.does(200, "GET", path)).body, before);
  const { status, change } = w.sample;
  const both = { ...change, status, metadata: { labels: { walk: "status" } } };
  const type = types.merge;
  const dry = await w.unchanged(() => w.does(200, "PATCH", `${path}?dryRun=All`, both, { type }));
  const { body } = await w.does(200, "PATCH", path, both, { type });
  assert.deepEqual(body.status, dry.body.status);
  assert.notDeepEqual(body.status, before.status, "the sample's status changes something");
  const { status: _, ...content } = contentOf(body);
  const { status: __, ...old } = contentOf(before);
  assert.deepEqual(content, old, "only the status");
  assert.equal(body.metadata.generation, before.metadata.generation);
  assert.ok(managersOf(body).includes("walker Update status"), managersOf(body).join());
  await w.unchanged(() => w.does(200, "PATCH", path, both, { type }));
  await w.unchanged(() => w.does(200, "PUT", path, body));
  await w.unchanged(() => w.does(200, "PUT", path, w.encode(body), { type: types.protobuf }));
  await w.unchanged(() => w.does(200, "PUT", w.path(name), { ...body, status: { conditions: [] } }));
  await w.refuses([404, "NotFound", `${w.qualified} "none" not found`], "PATCH", w.path("none", "status"), {}, {
    type,
  });
  await w.refuses([409, "Conflict", /has been modified/], "PUT", path, { ...body, metadata: before.metadata });
  await w.unchanged(async () => {
    const config = { apiVersion: w.apiVersion, kind: w.kind, metadata: { name }, status };
    const options = { type: types.apply };
    await w.does(200, "PATCH", `${path}?fieldManager=s&dryRun=All&force=true`, config, options);
    await w.refuses([404, "NotFound", / not found$/], ...[
      "PATCH",
      `${w.path(w.name(), "status")}?fieldManager=s`,
      { ...config, metadata: {} },
      options,
    ]);
  });
}

/** Replicas of any kind, in one form. */
async function scales(w: Walker, name: string): Promise<void> {
  const path = w.path(name, "scale");
  const before = await w.get(name);
  const { body: scale } = await w.does(200, "GET", path);
  assert.deepEqual([scale.kind, scale.apiVersion], ["Scale", "autoscaling/v1"]);
  const { uid, resourceVersion, creationTimestamp, namespace } = before.metadata;
  assert.deepEqual(scale.metadata, { name, namespace, uid, resourceVersion, creationTimestamp });
  assert.equal(scale.status.selector, "app=walk");

  const wanted = { ...scale, spec: { replicas: 3 } };
  await w.unchanged(() => w.does(200, "PUT", `${path}?dryRun=All`, wanted));
  const { body: put } = await w.does(200, "PUT", path, wanted);
  assert.deepEqual(put.spec, { replicas: 3 });
  const after = await w.get(name);
  assert.equal(after.spec.replicas, 3);
  assert.equal(after.metadata.generation, before.metadata.generation + 1);
  assert.ok(managersOf(after).includes("walker Update scale"), managersOf(after).join());
  await w.refuses([409, "Conflict", /the object has been modified/], "PUT", path, wanted);

  for (const [type, replicas] of [[types.merge, 4], [types.strategic, 5], [types.apply, 6]] as const) {
    const patch = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name }, spec: { replicas } };
    const query = type === types.apply ? "?fieldManager=scaler&force=true" : "";
    const { body } = await w.does(200, "PATCH", path + query, patch, { type });
    assert.equal(body.spec.replicas, replicas);
    assert.equal(body.kind, "Scale");
  }
  const applied = await w.get(name);
  assert.ok(managersOf(applied).includes("scaler Apply scale"), managersOf(applied).join());
  const refused = await w.send("PATCH", `${path}?fieldManager=other`, {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    spec: { replicas: 7 },
  }, { type: types.apply });
  assert.equal(refused.code, 409);
  assert.equal(
    refused.body.message,
    'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale": .spec.replicas',
  );
  const negative = { ...scale, metadata: { name }, spec: { replicas: -1 } };
  await w.refuses([422, "Invalid", /spec\.replicas: Invalid value: -1: must be greater than or equal to 0$/], ...[
    "PUT",
    path,
    negative,
  ]);
}
