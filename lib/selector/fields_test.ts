import assert from "assert";
import { StatusError } from "../status.ts";
import {
  checkFieldSelector,
  fieldSelectorString,
  matchesFields,
  parseFieldSelector,
  requiredFieldValue,
} from "./fields.ts";

const getters = {
  "metadata.name": (o: { name: string; node?: string }) => o.name,
  "spec.nodeName": (o: { name: string; node?: string }) => o.node ?? "",
};

Deno.test("matchesFields() compares texts, an unset field is the empty text", () => {
  const table: [string, boolean][] = [
    ["", true],
    ["metadata.name=a", true],
    ["metadata.name==a,spec.nodeName!=n", true],
    ["spec.nodeName=", true],
    ["spec.nodeName!=", false],
    ["metadata.name!=a", false],
    ["metadata.name=a,", true],
  ];
  for (const [text, want] of table) {
    assert.equal(matchesFields(parseFieldSelector(text), getters, { name: "a" }), want, text);
  }
});

Deno.test("parseFieldSelector() understands escapes and writes them back", () => {
  const selector = parseFieldSelector("a=b\\,c\\=d\\\\,e!=f");
  assert.deepEqual(selector, [{ field: "a", operator: "=", value: "b,c=d\\" }, {
    field: "e",
    operator: "!=",
    value: "f",
  }]);
  assert.equal(fieldSelectorString(selector), "a=b\\,c\\=d\\\\,e!=f");
  assert.equal(requiredFieldValue(selector, "a"), "b,c=d\\");
  assert.equal(requiredFieldValue(selector, "e"), undefined);
});

Deno.test("field selectors that no kind understands are bad requests in Kubernetes' words", () => {
  const refuse = (run: () => unknown, want: string) =>
    assert.throws(run, (e) => e instanceof StatusError && e.code === 400 && e.message === want);
  refuse(() => parseFieldSelector("abc"), "invalid selector: 'abc'; can't understand 'abc'");
  refuse(() => checkFieldSelector(parseFieldSelector("x=1"), getters), "field label not supported: x");
  refuse(
    () => checkFieldSelector(parseFieldSelector("constructor=1"), getters),
    "field label not supported: constructor",
  );
});
