/**
 * What holds of server-side apply after any sequence of applies and updates by anybody: what is applied is there, what nobody gave up stays,
 * what nobody owns any more goes, and who owns what is true.
 */
import assert from "assert";
import fc from "fast-check";
import { clone, deepEqual, isObject, type Json } from "../patch/equal.ts";
import { definition as definitionOf } from "../schema/schema.ts";
import { isReason, type StatusError } from "../status.ts";
import { applyPatch, type ManagedFieldsEntry, trackUpdate } from "./mod.ts";
import { difference, type FieldSet, fromFieldsV1, leaves, type Path, pathString } from "./fieldset.ts";
import { appliedSet } from "./types.ts";

const definition = definitionOf("io.k8s.api.apps.v1.Deployment");
const kind = { definition, apiVersion: "apps/v1", kind: "Deployment" };

/** The same in every run; SEED and RUNS in the environment look further. */
const seed = Number(Deno.env.get("SEED") ?? 1);
const small = fc.constantFrom("1", "2", "3");
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const container = (name: string) =>
  fc.record({
    name: fc.constant(name),
    image: some(small),
    // A list of maps by name, a list that is one piece, a struct, and a map of quantities.
    env: some(
      fc.subarray(["A", "B"], { minLength: 1 }).chain((names) =>
        fc.tuple(...names.map((name) => fc.record({ name: fc.constant(name), value: small })))
      ),
    ),
    command: some(fc.array(small, { minLength: 1, maxLength: 2 })),
    securityContext: some(fc.record({ privileged: fc.boolean() })),
  });
const content = fc.record({
  metadata: fc.record({
    labels: some(fc.dictionary(fc.constantFrom("a", "b", "c"), small, { minKeys: 1, maxKeys: 3 })),
    // A set.
    finalizers: some(fc.subarray(["x/a", "x/b", "x/c"], { minLength: 1 })),
  }),
  spec: fc.record({
    replicas: some(fc.integer({ min: 1, max: 3 })),
    template: some(fc.record({
      spec: fc.record({
        containers: fc.shuffledSubarray(["a", "b", "c"], { minLength: 1 }).chain((names) =>
          fc.tuple(...names.map(container))
        ),
        nodeSelector: some(fc.dictionary(fc.constantFrom("d", "e"), small, { minKeys: 1, maxKeys: 2 })),
      }),
    })),
  }),
});

interface Step {
  manager: string;
  /** An apply, one by force, or an ordinary write. */
  how: "apply" | "force" | "update";
  content: Json;
}

const step: fc.Arbitrary<Step> = fc.record({
  manager: fc.constantFrom("ann", "bob", "eve"),
  how: fc.constantFrom("apply" as const, "force" as const, "update" as const),
  content: content.map((given) => JSON.parse(JSON.stringify(given)) as Json),
});

const whole = ({ metadata, spec }: Json): Json => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", ...metadata as Json },
  spec,
});

/** What is at a path; undefined for nothing. */
function valueAt(object: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, element) => {
    const text = element.slice(2);
    if (element.startsWith("f:")) return isObject(at) ? at[text] : undefined;
    if (!Array.isArray(at)) return undefined;
    if (element.startsWith("v:")) return at.find((item) => JSON.stringify(item) === text);
    const keys = Object.entries(JSON.parse(text));
    return at.find((item) => isObject(item) && keys.every(([key, value]) => item[key] === value));
  }, object);
}

const managedOf = (object: Json): ManagedFieldsEntry[] =>
  ((object.metadata as Json | undefined)?.managedFields ?? []) as ManagedFieldsEntry[];

const withManagers = (object: Json, managedFields: ManagedFieldsEntry[]): Json =>
  clone({ ...object, metadata: { ...object.metadata as Json, managedFields } });

function plain(object: Json): Json {
  const { managedFields: _, ...metadata } = object.metadata as Json;
  return { ...object, metadata };
}

const owned = (entry: ManagedFieldsEntry): Path[] => leaves(fromFieldsV1(entry.fieldsV1));
const isBy = ({ manager, how }: Step) => (entry: ManagedFieldsEntry) =>
  entry.manager === manager && (entry.operation === "Update") === (how === "update");

/** Every path that is in a set itself. */
function* members(set: FieldSet, at: Path = []): Generator<Path> {
  for (const [element, { self, below }] of set) {
    if (self) yield [...at, element];
    if (below !== undefined) yield* members(below, [...at, element]);
  }
}

/** What becomes of the object; the error where it is refused. */
function done(live: Json | undefined, { manager, how, content }: Step, now: number): Json | StatusError {
  if (how === "update") {
    const after = withManagers(whole(content), live === undefined ? [] : managedOf(live));
    return withManagers(after, trackUpdate({ ...kind, manager, before: live, after, now }));
  }
  try {
    const applied = applyPatch({ ...kind, live, config: whole(content), manager, force: how === "force", now });
    return withManagers(applied.object, applied.managedFields);
  } catch (error) {
    assert.ok(isReason(error, "Conflict"), String(error));
    return error;
  }
}

/** Whoever is said to own something owns something that is there. */
function checkOwners(object: Json): void {
  for (const entry of managedOf(object)) {
    for (const path of owned(entry)) {
      assert.notEqual(
        valueAt(object, path),
        undefined,
        `${entry.manager} owns ${pathString(path)}, which is not there`,
      );
    }
  }
}

/** What is refused names what others own and have otherwise. */
function checkConflict(live: Json, step: Step, error: StatusError): void {
  assert.equal(step.how, "apply", "nothing else conflicts");
  const config = whole(step.content);
  const others = managedOf(live).filter((entry) => !isBy(step)(entry)).flatMap(owned).map(pathString);
  const causes = error.status.details?.causes ?? [];
  assert.ok(causes.length > 0);
  // What nobody is recorded for is `before-first-apply`'s.
  if (managedOf(live).length > 0) {
    for (const { field } of causes) assert.ok(others.includes(field!), `${field} is nobody else's`);
  }
  const paths = leaves(appliedSet(config, definition));
  for (const { field } of causes) {
    const path = paths.find((one) => pathString(one) === field);
    if (path !== undefined) assert.ok(!deepEqual(valueAt(config, path), valueAt(live, path)), `${field} is the same`);
  }
}

function checkApplied(live: Json | undefined, step: Step, object: Json): void {
  const config = whole(step.content);
  for (const path of leaves(appliedSet(config, definition))) {
    const value = valueAt(config, path);
    if (!isObject(value)) assert.ok(deepEqual(valueAt(object, path), value), `${pathString(path)} is as applied`);
  }
  const before = live === undefined ? [] : managedOf(live);
  const [mine, others] = [before.filter(isBy(step)), before.filter((entry) => !isBy(step)(entry))];
  const setOf = (entries: ManagedFieldsEntry[]) =>
    new Set(entries.flatMap(({ fieldsV1 }) => [...members(fromFieldsV1(fieldsV1))]).map(pathString));
  const given = new Set([...members(appliedSet(config, definition))].map(pathString));
  const [was, theirs] = [setOf(mine), setOf(others)];
  // An element of a list that nobody else has goes as a whole, whoever has parts of it.
  const goes = (path: Path) => {
    const name = pathString(path);
    return was.has(name) && !theirs.has(name) && !given.has(name);
  };
  for (const path of live === undefined ? [] : leaves(appliedSet(plain(live), definition))) {
    const name = pathString(path);
    if (given.has(name) || isObject(valueAt(live, path))) continue;
    if (path.some((_, i) => i + 1 < path.length && goes(path.slice(0, i + 1)))) continue;
    // What nobody has given up stays; what its last owner has given up goes.
    if (theirs.has(name) || !was.has(name)) {
      assert.ok(deepEqual(valueAt(object, path), valueAt(live, path)), `${name} stays`);
    } else assert.equal(valueAt(object, path), undefined, `${name} goes`);
  }
  if (step.how === "apply") {
    // Of what is no leaf, only the place is owned: a list may go with its last element.
    const values = new Set(live === undefined ? [] : leaves(appliedSet(plain(live), definition)).map(pathString));
    for (const path of others.flatMap(owned)) {
      if (
        values.has(pathString(path)) && !isObject(valueAt(live, path)) &&
        !path.some((_, i) => goes(path.slice(0, i + 1)))
      ) {
        assert.ok(deepEqual(valueAt(object, path), valueAt(live, path)), `${pathString(path)} is another's`);
      }
    }
  }
}

/** Who writes owns what has changed, and nobody else does. */
function checkUpdated(live: Json | undefined, step: Step, object: Json): void {
  const now = appliedSet(plain(object), definition);
  const before = live === undefined ? new Map() : appliedSet(plain(live), definition);
  const added = new Set(leaves(difference(now, before)).map(pathString));
  for (const entry of managedOf(object)) {
    if (isBy(step)(entry)) continue;
    for (const path of owned(entry)) {
      // What is left of a struct that was emptied is still whose it was.
      if (isObject(valueAt(object, path))) continue;
      assert.ok(!added.has(pathString(path)), `${entry.manager} owns what ${step.manager} added`);
    }
  }
}

Deno.test("after any applies and updates, what is applied is there and who owns it is true", () => {
  const outcomes = { refused: 0, done: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      let live: Json | undefined;
      let now = Date.parse("2024-01-02T03:04:05Z");
      for (const step of steps) {
        const before = clone(live);
        const object = done(live, step, now += 1000);
        assert.ok(deepEqual(live, before), "what was there is not changed in place");
        if (object instanceof Error) {
          checkConflict(live!, step, object);
          outcomes.refused++;
          continue;
        }
        outcomes.done++;
        checkOwners(object);
        if (step.how === "update") checkUpdated(live, step, object);
        else {
          checkApplied(live, step, object);
          const again = done(object, { ...step, how: "apply" }, now += 1000);
          assert.ok(deepEqual(again, object), "the same again changes nothing, and no time");
        }
        live = object;
      }
    }),
    { numRuns: Number(Deno.env.get("RUNS") ?? 200), seed },
  );
  assert.ok(outcomes.refused > 10 && outcomes.done > 100, JSON.stringify(outcomes));
});

Deno.test("who applies nothing any more leaves nothing behind but what is others'", () => {
  fc.assert(
    fc.property(content, content, (first, second) => {
      const [ann, bob] = [first, second].map((given) => JSON.parse(JSON.stringify(given)) as Json);
      let live = done(undefined, { manager: "ann", how: "apply", content: ann! }, 0) as Json;
      live = done(live, { manager: "bob", how: "force", content: bob! }, 1000) as Json;
      const nothing = { metadata: {}, spec: {} };
      live = done(live, { manager: "ann", how: "apply", content: nothing }, 2000) as Json;
      const alone = done(undefined, { manager: "bob", how: "apply", content: bob! }, 1000) as Json;
      const sets = (object: Json) => leaves(appliedSet(plain(object), definition)).map(pathString).sort();
      assert.deepEqual(sets(live), sets(alone), "as if bob had been alone from the start");
    }),
    { numRuns: 200, seed },
  );
});
