import assert from "assert";
import { parse } from "yaml";
import { jsonList, type ListText, prettyList, yamlList } from "./list_text.ts";

const joined = (pieces: Iterable<Uint8Array | string>) =>
  [...pieces].map((piece) => typeof piece === "string" ? piece : new TextDecoder().decode(piece)).join("");

const lists: [string, Record<string, unknown>][] = [
  ["no items", { kind: "PodList", metadata: { resourceVersion: "7" }, items: [] }],
  ["one", { kind: "PodList", metadata: {}, items: [{ a: 1 }] }],
  ["several", {
    kind: "PodList",
    metadata: { continue: "x" },
    items: [{ a: { b: [1, 2, {}] }, text: "two\nlines\n\nand more" }, {}, { list: [] }, { c: "ü" }],
  }],
  ["a table", { kind: "Table", columnDefinitions: [{ name: "Name" }], rows: [{ cells: ["a", 1, null] }] }],
];

/** The list in parts, its items as text and as bytes. */
function parts(list: Record<string, unknown>): ListText {
  const [key, items] = Object.entries(list).at(-1)! as [string, unknown[]];
  const head = JSON.stringify({ ...list, [key]: [] }).slice(0, -2);
  return {
    head,
    items: items.map((item, i) => i % 2 ? JSON.stringify(item) : new TextEncoder().encode(JSON.stringify(item))),
  };
}

Deno.test("lists are written item by item as they would be written at once", () => {
  for (const [what, list] of lists) {
    assert.equal(joined(jsonList(parts(list))), JSON.stringify(list), what);
    assert.equal(joined(prettyList(parts(list))), JSON.stringify(list, null, 2) + "\n", what);
    assert.deepEqual(parse(joined(yamlList(parts(list)))), list, what);
  }
});
