/** Server-side apply: creates, owns, conflicts, takes over, takes away. */
import assert from "assert";
import { stringify } from "yaml";
import { managersOf, types, type Walker } from "./walker.ts";

export async function applies(w: Walker): Promise<void> {
  const name = w.name();
  const path = w.path(name);
  const type = types.apply;
  const object = (labels: Record<string, string>) => w.object(name, labels);
  const apply = (manager: string, labels: Record<string, string>, query = "") =>
    w.send("PATCH", `${path}?fieldManager=${manager}${query}`, stringify(object(labels), { version: "1.1" }), { type });

  await w.unchanged(async () => {
    assert.equal((await apply("a", { walk: "a" }, "&dryRun=All")).code, 201);
    const message = 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch';
    await w.refuses([422, "Invalid", message], "PATCH", path, object({}), { type });
  });
  const made = await apply("a", { walk: "a" });
  assert.equal(made.code, 201, JSON.stringify(made.body));
  assert.deepEqual(managersOf(made.body).filter((entry) => entry.startsWith("a ")), ["a Apply"]);
  await w.unchanged(async () => {
    assert.equal((await apply("a", { walk: "a" })).code, 200);
    const refused = await apply("b", { walk: "b" });
    assert.equal(refused.code, 409);
    assert.equal(refused.body.reason, "Conflict");
    const message = 'Apply failed with 1 conflict: conflict with "a": .metadata.labels.walk';
    assert.equal(refused.body.message, message);
    const cause = { reason: "FieldManagerConflict", message: 'conflict with "a"', field: ".metadata.labels.walk" };
    assert.deepEqual(refused.body.details, { causes: [cause] });
    const unknown = { ...object({}), walked: 1 };
    await w.refuses([400, "BadRequest", /\.walked: field not declared in schema/], ...[
      "PATCH",
      `${path}?fieldManager=a`,
      unknown,
      { type },
    ]);
  });
  const alien = { ...object({}), kind: "Walk" };
  await w.refuses([400, "BadRequest", /: no corresponding type for .*, Kind=Walk$/], ...[
    "PATCH",
    `${path}?fieldManager=a`,
    alien,
    { type },
  ]);
  const shared = await apply("b", { walk: "a", more: "b" });
  assert.equal(shared.code, 200);
  assert.equal((await apply("a", {})).body.metadata.labels.walk, "a", "b owns it, too");
  const forced = await apply("c", { walk: "c" }, "&force=true");
  assert.deepEqual(forced.body.metadata.labels.walk, "c");
  const { body } = await apply("c", {});
  assert.equal(body.metadata.labels.walk, undefined, "nobody wants it any more");
  assert.equal(body.metadata.labels.more, "b");
  await w.remove(name);
}
