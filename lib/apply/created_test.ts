import assert from "assert";
import fc from "fast-check";
import type { Json } from "../patch/equal.ts";
import { type Definition, definition, type Field } from "../schema/schema.ts";
import { changed, compare } from "./compare.ts";
import { createdFields, stripped } from "./created.ts";
import { difference, type FieldSet, fieldSetOf, toFieldsV1 } from "./fieldset.ts";
import { zeroObject } from "./zero.ts";

/** The same in every run; SEED and RUNS in the environment look further. */
const seed = Number(Deno.env.get("SEED") ?? 1);
const numRuns = Number(Deno.env.get("RUNS") ?? 500);

/** What may stand in a field; two of each, so that elements of lists meet. */
function valueOf(field: Field, depth: number): fc.Arbitrary<unknown> {
  switch (field.type) {
    case "struct":
      return depth === 0 ? fc.constant({}) : objectOf(field.struct!, depth - 1);
    case "map":
      return fc.dictionary(fc.constantFrom("a", "b/c", "__proto__"), valueOf(field.values!, depth), { maxKeys: 2 });
    case "array":
      return fc.array(valueOf(field.items!, depth), { maxLength: 2 }).map((list) =>
        list.filter((item) => field.listType !== "map" || (typeof item === "object" && item !== null))
      );
    default:
      return fc.constantFrom<unknown>("x", "y", 1, 2, true, null);
  }
}

function objectOf({ fields }: Definition, depth: number): fc.Arbitrary<Json> {
  const members = [...fields].map(([name, field]) => fc.tuple(fc.constant(name), valueOf(field, depth)));
  return fc.subarray(members, { maxLength: Math.min(5, members.length) }).chain((some) => fc.tuple(...some)).map((
    pairs,
  ) => Object.fromEntries(pairs));
}

function compared(object: Json, of: Definition, ignored?: FieldSet): Json {
  return toFieldsV1(difference(changed(compare(zeroObject(of), object, of, ignored)), stripped));
}

const kinds = [
  "io.k8s.api.core.v1.Pod",
  "io.k8s.api.core.v1.Service",
  "io.k8s.api.core.v1.Node",
  "io.k8s.api.core.v1.ConfigMap",
  "io.k8s.api.apps.v1.Deployment",
  "io.k8s.api.networking.v1.NetworkPolicy",
  "io.k8s.api.rbac.v1.ClusterRole",
];

for (const name of kinds) {
  const of = definition(name);
  for (const [what, ignored] of [["all", undefined], ["no status", fieldSetOf("status")]] as const) {
    Deno.test(`a new ${of.name}'s fields, ${what}, are what comparing it with nothing comes to`, () => {
      fc.assert(
        fc.property(objectOf(of, 5), (object) => {
          const made = createdFields(object, of, ignored);
          const expected = compared(object, of, ignored);
          assert.deepEqual(made, expected);
          // The order of names, too.
          assert.equal(JSON.stringify(made), JSON.stringify(expected));
        }),
        { seed, numRuns },
      );
    });
  }
}
