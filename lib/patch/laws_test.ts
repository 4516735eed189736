/** What holds of every patch: a difference that is applied to the one makes the other; twice is once; nothing given is changed. */
import assert from "assert";
import fc from "fast-check";
import { arbitraryObject } from "../schema/arbitrary.ts";
import { type Definition, definition, type Field } from "../schema/schema.ts";
import { isReason } from "../status.ts";
import { clone, deepEqual, isObject, type Json } from "./equal.ts";
import { applyJsonPatch } from "./json_patch.ts";
import { applyMergePatch } from "./merge_patch.ts";
import { applyStrategicMergePatch } from "./strategic.ts";

const word = fc.constantFrom("a", "b", "c", "__proto__", "constructor", "a/b", "~", "");
const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(fc.integer({ min: 0, max: 3 }), fc.boolean(), word),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(word, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const document = fc.dictionary(word, anything, { maxKeys: 5, noNullPrototype: true });

/** `from` and `to` are left as they were by what is checked. */
function untouched(values: unknown[], run: () => void): void {
  const before = values.map(clone);
  run();
  assert.ok(deepEqual(values, before), "a patch changed what it was given");
}

const entries = (object: Json) => Object.entries(object);

function put(object: Json, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

/** RFC 7386's patch from the one to the other. */
function mergeDiff(from: Json, to: Json): Json {
  const patch: Json = {};
  for (const [key] of entries(from)) if (!Object.hasOwn(to, key)) put(patch, key, null);
  for (const [key, value] of entries(to)) {
    const old = Object.hasOwn(from, key) ? from[key] : undefined;
    if (deepEqual(old, value)) continue;
    put(patch, key, isObject(old) && isObject(value) ? mergeDiff(old, value) : value);
  }
  return patch;
}

Deno.test("applyMergePatch() of a difference makes the one from the other, twice as once", () => {
  fc.assert(fc.property(document, document, (from, to) => {
    const patch = mergeDiff(from, to);
    untouched([from, patch], () => {
      const made = applyMergePatch(from, patch);
      assert.ok(deepEqual(made, to), JSON.stringify({ from, to, patch, made }));
      assert.ok(deepEqual(applyMergePatch(made, patch), made));
    });
  }));
});

const pointer = (path: readonly string[]) =>
  path.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/** RFC 6902's patch from the one to the other, each change with a test of what was there before. */
function jsonDiff(from: unknown, to: unknown, path: readonly string[] = []): Json[] {
  if (deepEqual(from, to)) return [];
  const at = pointer(path);
  if (isObject(from) && isObject(to)) {
    return [
      ...entries(from).filter(([key]) => !Object.hasOwn(to, key)).map(([key]) => ({
        op: "remove",
        path: pointer([...path, key]),
      })),
      ...entries(to).flatMap(([key, value]) =>
        Object.hasOwn(from, key)
          ? jsonDiff(from[key], value, [...path, key])
          : [{ op: "add", path: pointer([...path, key]), value }]
      ),
    ];
  }
  if (Array.isArray(from) && Array.isArray(to)) {
    const shared = Math.min(from.length, to.length);
    return [
      ...from.slice(shared).map(() => ({ op: "remove", path: `${at}/${shared}` })),
      ...from.slice(0, shared).flatMap((item, i) => jsonDiff(item, to[i], [...path, String(i)])),
      ...to.slice(shared).map((value) => ({ op: "add", path: `${at}/-`, value })),
    ];
  }
  return [{ op: "test", path: at, value: from }, { op: "replace", path: at, value: to }];
}

/** Kubernetes' library knows no keys that are empty, and none of a prototype may be written. */
const speakable = (value: unknown): boolean =>
  typeof value !== "object" || value === null ||
  entries(value as Json).every(([key, member]) => key !== "" && key !== "__proto__" && speakable(member));

Deno.test("applyJsonPatch() of a difference makes the one from the other, or changes nothing at all", () => {
  fc.assert(fc.property(document, document, (from, to) => {
    fc.pre(speakable(from) && speakable(to));
    const patch = jsonDiff(from, to);
    untouched([from, patch], () => {
      assert.ok(deepEqual(applyJsonPatch(from, patch), to), JSON.stringify({ from, to, patch }));
      const failing = [...patch, { op: "test", path: "", value: { never: true } }];
      assert.throws(() => applyJsonPatch(from, failing), (error) => isReason(error, "Invalid"));
    });
  }));
});

type Shape = Definition | Field | undefined;

function fieldOf(shape: Shape, key: string): Field | undefined {
  if (shape === undefined) return undefined;
  if ("fields" in shape) return shape.fields.get(key);
  return shape.type === "map" ? shape.values : undefined;
}

const shapeOf = (field: Field | undefined): Shape =>
  field?.type === "array" ? shapeOf(field.items) : field?.struct ?? field;

const merges = (field: Field | undefined) => field?.patchStrategy.includes("merge") === true;

/** Makes each element of a list that is merged tell itself apart, as every stored object's do. */
function distinct(value: unknown, shape: Shape, field?: Field): unknown {
  if (Array.isArray(value)) {
    const key = field?.patchMergeKey;
    const items = value.map((item) => distinct(item, shape));
    if (!merges(field)) return items;
    const seen = new Set<unknown>();
    return items.map((item, i) =>
      key === undefined || !isObject(item) ? item : { ...item, [key]: item[key] ?? `k${i}` }
    )
      .filter((item) => {
        const own = key === undefined ? item : (item as Json)[key];
        return seen.has(own) ? false : seen.add(own);
      });
  }
  if (!isObject(value)) return value;
  const made: Json = {};
  for (const [key, member] of entries(value)) {
    // Free JSON may hold nulls, which a patch cannot say.
    if (member === null) continue;
    const own = fieldOf(shape, key);
    put(made, key, distinct(member, shapeOf(own), own));
  }
  return made;
}

/** The patch that kubectl would make (CreateTwoWayMergePatch). */
function strategicDiff(from: Json, to: Json, shape: Shape): Json {
  const patch: Json = {};
  for (const [key] of entries(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  for (const [key, value] of entries(to)) {
    const old = Object.hasOwn(from, key) ? from[key] : undefined;
    if (deepEqual(old, value)) continue;
    const field = fieldOf(shape, key);
    const replaces = field?.patchStrategy.includes("replace") === true;
    if (isObject(old) && isObject(value) && !replaces) patch[key] = strategicDiff(old, value, shapeOf(field));
    else if (Array.isArray(old) && Array.isArray(value) && merges(field)) {
      listDiff(patch, key, { old, value, field: field! });
    } else patch[key] = value;
  }
  return patch;
}

function listDiff(
  patch: Json,
  key: string,
  { old, value, field }: { old: unknown[]; value: unknown[]; field: Field },
): void {
  const mergeKey = field.patchMergeKey;
  if (mergeKey === undefined) {
    patch[`$setElementOrder/${key}`] = value;
    patch[`$deleteFromPrimitiveList/${key}`] = old.filter((item) => !value.includes(item));
    const added = value.filter((item) => !old.includes(item));
    if (added.length > 0) patch[key] = added;
    return;
  }
  const by = (list: unknown[]) => new Map((list as Json[]).map((item) => [item[mergeKey], item]));
  const [before, after] = [by(old), by(value)];
  patch[`$setElementOrder/${key}`] = [...after.keys()].map((own) => ({ [mergeKey]: own }));
  const changes: Json[] = [];
  for (const [own, item] of after) {
    const known = before.get(own);
    if (known === undefined) changes.push(item);
    else if (!deepEqual(known, item)) changes.push({ ...strategicDiff(known, item, shapeOf(field)), [mergeKey]: own });
  }
  for (const own of before.keys()) if (!after.has(own)) changes.push({ $patch: "delete", [mergeKey]: own });
  if (changes.length > 0) patch[key] = changes;
}

for (const id of ["io.k8s.api.core.v1.Pod", "io.k8s.api.apps.v1.Deployment", "io.k8s.api.core.v1.Service"]) {
  Deno.test(`applyStrategicMergePatch() of kubectl's difference makes the one ${id} from the other, in its order`, () => {
    const schema = definition(id);
    const objects = arbitraryObject(schema, 6).map((object) => distinct(object, schema) as Json);
    fc.assert(
      fc.property(objects, objects, (from, to) => {
        const patch = strategicDiff(from, to, schema);
        untouched([from, patch], () => {
          const made = applyStrategicMergePatch(from, patch, schema);
          assert.ok(deepEqual(made, to), JSON.stringify({ from, to, patch, made }));
        });
      }),
      { numRuns: 60 },
    );
  });
}
