import assert from "assert";
import fc from "fast-check";
import {
  addQuantities,
  bytes,
  canonicalQuantity,
  ceilMilli,
  compareQuantities,
  formatQuantity,
  milli,
  parseQuantity,
  QuantityError,
  quantityOf,
  quantityOfMilli,
  subtractQuantities,
} from "./quantity.ts";

Deno.test("canonicalQuantity() writes what resource.Quantity.String() writes", () => {
  const table: Record<string, string> = {
    "0": "0",
    "0Mi": "0",
    "0.5": "500m",
    ".5": "500m",
    "5.": "5",
    "+1": "1",
    "-0.1": "-100m",
    "100m": "100m",
    "1000m": "1",
    "1500m": "1500m",
    "1.5Gi": "1536Mi",
    "0.5Gi": "512Mi",
    "1024Mi": "1Gi",
    "1024": "1024",
    "1023Ki": "1023Ki",
    "0.5Ki": "512",
    "0.0001Ki": "102400u",
    "1000": "1k",
    "1000k": "1M",
    "1100": "1100",
    "1e3": "1e3",
    "1E3": "1e3",
    "10e2": "1e3",
    "1e1": "10",
    "1E": "1E",
    "1Ei": "1Ei",
    "12345678901234567890": "9223372036854775807",
    "9e18": "9e18",
    "1e100": "9223372036854775807",
    "1e-30": "1e-9",
    "0.0000000001": "1n",
    "1u": "1u",
    "2147483648": "2147483648",
    "007": "7",
    "123Mi": "123Mi",
    "0m": "0",
  };
  for (const [text, want] of Object.entries(table)) assert.equal(canonicalQuantity(text), want, text);
});

Deno.test("parseQuantity() refuses what Kubernetes refuses, in its words", () => {
  const table: [string, RegExp][] = [
    ["", /must match the regular expression/],
    ["abc", /must match the regular expression/],
    ["1 Gi", /must match the regular expression/],
    ["1.2.3", /must match the regular expression/],
    ["-", /must match the regular expression/],
    [".", /numeric part/],
    ["1mm", /suffix/],
    ["1e", /suffix/],
    ["1i", /suffix/],
    ["1K", /suffix/],
    ["1Gi5", /suffix/],
    ["9".repeat(1000), /must match/],
  ];
  for (const [text, want] of table) {
    assert.throws(() => parseQuantity(text), (e) => e instanceof QuantityError && want.test(e.message), text);
  }
});

Deno.test("milli() and bytes() round up, away from zero", () => {
  assert.equal(milli("0.0001"), 1);
  assert.equal(milli("250m"), 250);
  assert.equal(milli("2"), 2000);
  assert.equal(milli("-0.0001"), -1);
  assert.equal(bytes("1Gi"), 2 ** 30);
  assert.equal(bytes("1.5"), 2);
  assert.equal(formatQuantity(ceilMilli("1u")), "1m");
});

Deno.test("addQuantities() keeps the first one's format unless that one is zero", () => {
  assert.equal(formatQuantity(addQuantities("1Gi", "1G")), "2073741824");
  assert.equal(formatQuantity(addQuantities("0", "1Gi")), "1Gi");
  assert.equal(formatQuantity(subtractQuantities("2Gi", "1Gi")), "1Gi");
  assert.equal(formatQuantity(quantityOfMilli(1500)), "1500m");
  assert.equal(formatQuantity(quantityOf(2 ** 30, "BinarySI")), "1Gi");
});

Deno.test("compareQuantities() compares values, not texts", () => {
  assert.equal(compareQuantities("1Gi", "1024Mi"), 0);
  assert.equal(compareQuantities("1", "1001m"), -1);
  assert.equal(compareQuantities("1G", "1Mi"), 1);
});

Deno.test("canonicalQuantity() is idempotent and keeps the value", () => {
  const suffix = fc.constantFrom(
    "",
    "n",
    "u",
    "m",
    "k",
    "M",
    "G",
    "T",
    "P",
    "E",
    "Ki",
    "Mi",
    "Gi",
    "Ti",
    "Pi",
    "Ei",
    "e3",
    "E-3",
  );
  const text = fc.tuple(fc.constantFrom("", "-", "+"), fc.nat(99999), fc.nat(999), suffix).map(([s, w, f, x]) =>
    `${s}${w}.${f}${x}`
  );
  fc.assert(fc.property(text, (t) => {
    const once = canonicalQuantity(t);
    assert.equal(canonicalQuantity(once), once);
    assert.equal(compareQuantities(t, once), 0);
  }));
});
