/** DELETE of an object and of a collection. */
import assert from "assert";
import { types, type Walker } from "./walker.ts";

export async function removes(w: Walker): Promise<void> {
  const { resource } = w;
  const made = await w.make();
  const { name, uid, resourceVersion } = made.metadata;
  const path = w.path(name);
  const now = { gracePeriodSeconds: 0 };
  await w.unchanged(async () => {
    await w.does(200, "DELETE", `${path}?dryRun=All`);
    await w.does(200, "DELETE", path, { ...now, dryRun: ["All"] });
    const other = { ...now, preconditions: { uid: "x" } };
    await w.refuses([409, "Conflict", /the UID in the precondition \(x\) does not match the UID in record/], ...[
      "DELETE",
      path,
      other,
    ]);
    const stale = { ...now, preconditions: { resourceVersion: "1" } };
    await w.refuses(
      [409, "Conflict", /the ResourceVersion in the precondition \(1\) does not match/],
      "DELETE",
      path,
      stale,
    );
    const policy = { ...now, propagationPolicy: "Walk" };
    await w.refuses([422, "Invalid", /propagationPolicy: Unsupported value: "Walk"/], "DELETE", path, policy);
  });
  const preconditions = { uid, resourceVersion };
  const kind = { kind: "DeleteOptions", apiVersion: "v1" };
  const { body } = await w.does(200, "DELETE", path, { ...kind, ...now, preconditions });
  const { code } = await w.send("GET", path);
  if (code === 404 && !resource.returnsDeleted) {
    const group = resource.group === "" ? {} : { group: resource.group };
    const details = { name, ...group, kind: resource.plural, uid };
    assert.deepEqual(body, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
  } else {
    assert.equal(body.kind, w.kind);
    assert.equal(body.metadata.uid, uid);
    if (code !== 404) assert.ok(body.metadata.deletionTimestamp);
  }
  await w.release(name);
  await w.refuses([404, "NotFound", `${w.qualified} "${name}" not found`], "DELETE", path);
  await finalizes(w);
  await propagates(w);
  await removesMany(w);
}

/** What has finalizers is only marked, and goes with the last of them. */
async function finalizes(w: Walker): Promise<void> {
  const object = w.object(w.name());
  object.metadata.finalizers = ["example.com/walk"];
  const { body: { metadata: { name } } } = await w.does(201, "POST", w.path(), object);
  const path = w.path(name);
  const type = types.merge;
  const { body } = await w.does(200, "DELETE", path, { gracePeriodSeconds: 0 });
  assert.equal(body.kind, w.kind);
  assert.ok(body.metadata.deletionTimestamp);
  assert.equal(body.metadata.deletionGracePeriodSeconds, 0);
  await w.unchanged(async () => {
    await w.does(200, "DELETE", path, { gracePeriodSeconds: 0 });
    const more = { metadata: { finalizers: [...body.metadata.finalizers, "example.com/more"] } };
    const message =
      /metadata\.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new/;
    await w.refuses([422, "Invalid", message], "PATCH", path, more, { type });
    const there = await w.refuses([409, "AlreadyExists", /^object is being deleted: .* already exists$/], ...[
      "POST",
      w.path(),
      w.object(name),
    ]);
    assert.equal(there.body.details.name, name);
  });
  await w.release(name);
}

async function propagates(w: Walker): Promise<void> {
  if (w.resource.dependents === "unsupported") return;
  for (const [policy, finalizer] of [["Foreground", "foregroundDeletion"], ["Orphan", "orphan"]]) {
    const { metadata: { name } } = await w.make();
    const { body } = await w.does(200, "DELETE", w.path(name), { propagationPolicy: policy, gracePeriodSeconds: 0 });
    assert.ok(body.metadata.finalizers?.includes(finalizer), `${policy}: ${body.metadata.finalizers}`);
    await w.release(name);
  }
}

async function removesMany(w: Walker): Promise<void> {
  const path = `${w.path()}?labelSelector=walk=many`;
  if (!w.has("deletecollection")) {
    await w.refuses([405, "MethodNotAllowed", /does not allow this method/], "DELETE", path);
    return;
  }
  const names = [w.name(), w.name()];
  for (const name of names) await w.make({ walk: "many" }, name);
  const spared = await w.make({ walk: "spared" });
  await w.unchanged(() => w.does(200, "DELETE", `${path}&dryRun=All`));
  const { body } = await w.does(200, "DELETE", path, { gracePeriodSeconds: 0 });
  assert.equal(body.kind, `${w.kind}List`);
  assert.deepEqual(body.items.map((item: typeof spared) => item.metadata.name).sort(), names.sort());
  for (const name of names) await w.release(name);
  assert.deepEqual((await w.does(200, "GET", path)).body.items, []);
  await w.remove(spared.metadata.name);
}
