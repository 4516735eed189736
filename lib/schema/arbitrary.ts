/** Random objects of any type, from its definition, in canonical form. For property tests only. */
import fc from "fast-check";
import { canonicalQuantity } from "../quantity.ts";
import { formatGoDuration } from "../go_duration.ts";
import { encodeBase64 } from "./base64.ts";
import type { Definition, Field } from "./schema.ts";

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const text = fc.oneof(word, fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }));
const seconds = fc.integer({ min: -2_000_000_000, max: 4_000_000_000 });
const time = seconds.map((s) => new Date(s * 1000).toISOString().replace(".000Z", "Z"));
const microtime = fc.tuple(seconds, fc.nat(999_999)).map(([s, micros]) =>
  new Date(s * 1000).toISOString().replace(".000Z", `.${String(micros).padStart(6, "0")}Z`)
);
const quantity = fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.constantFrom("", "m", "Ki", "Gi", "k", "e3"))
  .map(([n, suffix]) => canonicalQuantity(`${n}${suffix}`));
const notZero = (options: { min: number; max: number }) => fc.integer(options).filter((n) => n !== 0);

/** Objects of a definition. No value is one that Go's JSON would omit: zero, "", false, empty lists and maps. */
export function arbitraryObject(definition: Definition, depth = 4): fc.Arbitrary<Record<string, unknown>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, field] of definition.fields) {
    // What kind it is stands beside an object in protobuf, not in it.
    if (field.tag === undefined && (name === "apiVersion" || name === "kind")) continue;
    const value = arbitraryValue(field, depth - 1);
    if (value !== undefined) fields[name] = fc.option(value, { nil: undefined, freq: 2 });
  }
  return fc.record(fields, { noNullPrototype: true }).map((object) =>
    Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
  );
}

/** undefined where the depth ends. */
function arbitraryValue(field: Field, depth: number): fc.Arbitrary<unknown> | undefined {
  switch (field.type) {
    case "string":
      if (field.format === "byte") return fc.uint8Array({ minLength: 1, maxLength: 9 }).map(encodeBase64);
      return field.enum === undefined ? text : fc.constantFrom(...field.enum.filter((value) => value !== ""));
    case "boolean":
      return fc.constant(true);
    case "int32":
      return notZero({ min: -2147483648, max: 2147483647 });
    case "int64":
      return notZero({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => n !== 0);
    case "time":
      return time;
    case "microtime":
      return microtime;
    case "duration":
      return fc.nat(1e8).map((ms) => formatGoDuration(ms));
    case "quantity":
      return quantity;
    case "int-or-string":
      return fc.oneof(notZero({ min: -9, max: 65535 }), word);
    case "object":
      return fc.dictionary(word, fc.oneof(fc.integer(), fc.string(), fc.constant([null, {}])), {
        minKeys: 1,
        maxKeys: 3,
        noNullPrototype: true,
      });
    case "any":
      return fc.oneof(fc.integer(), word, fc.constant({ a: [1] }));
    default:
      return depth <= 0 ? undefined : arbitraryComposite(field, depth);
  }
}

function arbitraryComposite(field: Field, depth: number): fc.Arbitrary<unknown> | undefined {
  switch (field.type) {
    case "struct":
      return arbitraryObject(field.struct!, depth);
    case "array": {
      const item = arbitraryValue(field.items!, depth);
      return item && fc.array(item, { minLength: 1, maxLength: 2 });
    }
    case "map": {
      const value = arbitraryValue(field.values!, depth);
      return value && fc.dictionary(word, value, { minKeys: 1, maxKeys: 2, noNullPrototype: true });
    }
    case "schema-or-bool":
      return fc.oneof(fc.boolean(), arbitraryObject(field.struct!, depth - 2));
    case "schema-or-array":
      return fc.oneof(
        arbitraryObject(field.struct!, depth - 2),
        fc.array(arbitraryObject(field.struct!, 0), { minLength: 1, maxLength: 2 }),
      );
    case "schema-or-strings":
      return fc.oneof(arbitraryObject(field.struct!, depth - 2), fc.array(word, { minLength: 1, maxLength: 2 }));
    default:
      return undefined;
  }
}
